package tftp

import "time"

// Bounds of the time to wait for an acknowledgement.
const (
	// firstWait is for before anything is known of the link.
	firstWait = 250 * time.Millisecond
	// leastWait keeps a client that is busy for a moment, writing to a screen
	// or a disk, from being sent everything twice.
	leastWait = 100 * time.Millisecond
	// fastLink is a round trip that is not worth giving a processor up for. A
	// machine under emulation takes longer, and so does any wire of length. A
	// link that was fast is so until it takes slowLink: others may be busy.
	fastLink = 150 * time.Microsecond
	slowLink = 500 * time.Microsecond
	// mostWait is where doubling ends.
	mostWait = 4 * time.Second
	// patience is how long a client may say nothing new before it is given up.
	patience = 30 * time.Second
)

// A timer says how long to wait for an acknowledgement. It follows RFC 6298,
// and promises besides that one lost packet costs no more than three round
// trips or 250 ms, whichever is more. The zero timer is ready.
type timer struct {
	fixed time.Duration // what the client asked for, 0 for none
	srtt  time.Duration // smoothed round-trip time, 0 before the first sample
	vary  time.Duration // and its variation
	tries int           // since something was acknowledged
}

// sample takes a round-trip time in. It must not be that of a packet that was
// sent twice, as nobody knows which one was answered (Karn).
func (t *timer) sample(rtt time.Duration) {
	rtt = max(rtt, time.Microsecond)
	if t.srtt == 0 {
		t.srtt, t.vary = rtt, rtt/2
		return
	}
	t.vary += ((t.srtt - rtt).Abs() - t.vary) / 4
	t.srtt += (rtt - t.srtt) / 8
}

// wait is how long to wait now.
func (t *timer) wait() time.Duration {
	w := firstWait
	switch {
	case t.fixed > 0:
		w = t.fixed
	case t.srtt > 0:
		w = t.srtt + max(4*t.vary, leastWait/2)
		w = min(max(w, leastWait), max(3*t.srtt, firstWait))
	}
	for range t.tries {
		if w *= 2; w >= mostWait {
			return max(mostWait, t.fixed)
		}
	}
	return w
}

// expired notes that a wait was in vain.
func (t *timer) expired() { t.tries++ }

// answered notes that the client said something new.
func (t *timer) answered() { t.tries = 0 }
