// Package link does to frames what a bad link does: it loses, delays, reorders
// and duplicates them, is slow, or carries only short ones. It does so in this
// process, with two descriptors and no kernel module, so it works for an
// ordinary user and without netem.
//
// What becomes of a frame follows from the [Impairment]'s seed and from the
// frame's number in its direction, never from the time: a run with the same
// frames loses the same ones. A [Queue] decides and keeps the schedule, and is
// told the time by its caller; a [Relay] moves frames by it. Start at
// [Impairment].
package link

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// An Impairment is what is wrong with a link. It is done to each direction by
// itself. The zero value is a healthy link.
type Impairment struct {
	// Loss, Duplicate and Reorder are how probable it is that a frame is lost,
	// comes twice, or is overtaken by the next one; 0 to 1. A frame that is to
	// be overtaken waits [ReorderHold] at most, as there may be no next one.
	Loss      float64
	Duplicate float64
	Reorder   float64
	// Delay is how long a frame takes, one way: half of what it adds to the
	// round trip. Jitter is the most that is added to it, evenly spread; it
	// changes no order, which is Reorder's business.
	Delay  time.Duration
	Jitter time.Duration
	// Rate is in bits a second, counting Ethernet frames without preamble and
	// checksum; 0 is no limit. What comes faster waits, up to [QueueBytes].
	Rate int64
	// MTU is the longest packet that gets through, in bytes, without the
	// Ethernet header; 0 is no limit. Longer ones vanish, as in a switch with a
	// smaller MTU, which has no address to send an ICMP message from.
	MTU int
	// Seed chooses which frames it hits. The default is 0, which is a seed like
	// any other.
	Seed uint64
}

const (
	// ReorderHold is how long after its time a frame waits to be overtaken.
	ReorderHold = 10 * time.Millisecond
	// QueueBytes is what may be under way in one direction, a frame counting for
	// 2 KiB at least. More is lost, as from the tail of a switch's queue; it is
	// the one loss that depends on time.
	QueueBytes = 16 << 20
	// MaxDelay bounds Delay and Jitter.
	MaxDelay = 10 * time.Second
	// MinMTU is what every IPv4 link must carry (RFC 791, section 3.2).
	MinMTU = 68
)

// Healthy says whether the link does nothing to frames. A seed alone does not.
func (i Impairment) Healthy() bool {
	i.Seed = 0
	return i == Impairment{}
}

// Check says what is out of range.
func (i Impairment) Check() error {
	for _, p := range []struct {
		name  string
		value float64
	}{{"loss", i.Loss}, {"duplicate", i.Duplicate}, {"reorder", i.Reorder}} {
		if !(p.value >= 0 && p.value <= 1) {
			return fmt.Errorf("%s is a part of the frames, 0%% to 100%%, not %g%%", p.name, 100*p.value)
		}
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{{"delay", i.Delay}, {"jitter", i.Jitter}} {
		if d.value < 0 || d.value > MaxDelay {
			return fmt.Errorf("%s is 0 to %v, not %v", d.name, MaxDelay, d.value)
		}
	}
	// Below, one frame would take seconds, and the arithmetic overflow.
	if i.Rate != 0 && i.Rate < 1000 {
		return fmt.Errorf("rate is at least 1 kbit/s, not %d bit/s", i.Rate)
	}
	if i.MTU != 0 && i.MTU < MinMTU {
		return fmt.Errorf("mtu is at least %d bytes, not %d", MinMTU, i.MTU)
	}
	return nil
}

// String is the impairment as scenario.yaml writes it, without the seed:
// "loss 1%, delay 5ms".
func (i Impairment) String() string {
	var parts []string
	add := func(set bool, format string, v any) {
		if set {
			parts = append(parts, fmt.Sprintf(format, v))
		}
	}
	add(i.Loss != 0, "loss %.4g%%", 100*i.Loss)
	add(i.Duplicate != 0, "duplicate %.4g%%", 100*i.Duplicate)
	add(i.Reorder != 0, "reorder %.4g%%", 100*i.Reorder)
	add(i.Delay != 0, "delay %v", i.Delay)
	add(i.Jitter != 0, "jitter %v", i.Jitter)
	add(i.Rate != 0, "rate %v Mbit/s", float64(i.Rate)/1e6)
	add(i.MTU != 0, "mtu %d", i.MTU)
	if parts == nil {
		return "healthy"
	}
	return strings.Join(parts, ", ")
}

// A Loss is why a frame did not get through.
type Loss string

const (
	Random   Loss = "loss"  // Impairment.Loss
	TooLong  Loss = "mtu"   // longer than Impairment.MTU
	Overflow Loss = "queue" // more than QueueBytes were under way
)

// Counts are what became of the frames of one direction.
type Counts struct {
	Frames     int64 // that entered
	Lost       int64 // of them, by Impairment.Loss
	TooLong    int64
	Overflow   int64
	Duplicated int64
	Reordered  int64
}

var errClosed = errors.New("the other side of the link has gone")
