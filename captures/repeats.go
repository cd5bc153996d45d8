package captures

import "time"

// repeats knows again the frames that a capture of all of a host's interfaces
// ("any") shows several times: as they come in at a bridge's port, at the
// bridge, and as they go out at another port.
type repeats struct {
	recent [16]frameMark
	next   int
}

// A frameMark is what the copies of a frame have in common, and the place that
// they have not.
type frameMark struct {
	at       time.Time
	device   uint32
	flow     flow
	seq      uint32
	length   int
	fragment ipFragment
	head     [64]byte
	used     bool
}

// soon is how long a host takes to pass a frame on. Nobody sends a frame again
// that soon.
const soon = 5 * time.Millisecond

// seen says whether p is a frame that was seen elsewhere just now.
func (r *repeats) seen(p *packet) bool {
	m := frameMark{at: p.At, device: p.device, flow: p.flow(), seq: p.seq, length: len(p.payload) + p.cut, used: true}
	copy(m.head[:], p.payload)
	if p.fragment != nil {
		m.fragment = *p.fragment
	}
	for i := range r.recent {
		o := &r.recent[i]
		if o.device != m.device && o.flow == m.flow && o.seq == m.seq && o.length == m.length && o.fragment == m.fragment && o.head == m.head &&
			p.At.Sub(o.at).Abs() <= soon && o.used {
			return true
		}
	}
	r.recent[r.next] = m
	r.next = (r.next + 1) % len(r.recent)
	return false
}
