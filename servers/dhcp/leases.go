package dhcp

import (
	"cmp"
	"iter"
	"net/netip"
	"slices"
	"time"

	"github.com/pxeproof/pxeproof/servers/conf/dhcpd"
)

// A leaseState is what dhcpd calls the binding state.
type leaseState uint8

const (
	free      leaseState = iota // perhaps offered, never confirmed, or over
	active                      // confirmed
	abandoned                   // declined: somebody else uses the address
)

// A lease is an address of a pool that somebody has, had, or was offered.
type lease struct {
	addr     netip.Addr
	pool     *dhcpd.Pool
	state    leaseState
	ends     time.Time
	used     time.Time // the client's last transaction
	id       string    // client identifier
	hasID    bool
	hardware string // type and address; empty if nobody's
	relay    []byte // the relay's options, for renewals that bypass it
	order    uint64 // when it was last queued, to break ties of ends
}

// offerTime is for how long an offer keeps its address.
const offerTime = 2 * time.Minute

// leases are those of all pools.
type leases struct {
	byAddr map[netip.Addr]*lease
	fresh  map[*dhcpd.Pool]*fresh
	queued uint64
}

// fresh hands out a pool's addresses that nobody ever had.
type fresh struct {
	next func() (netip.Addr, bool)
	stop func()
	// head is the next of them, and ok whether there is one.
	head netip.Addr
	ok   bool
}

func newLeases() *leases {
	return &leases{byAddr: make(map[netip.Addr]*lease), fresh: make(map[*dhcpd.Pool]*fresh)}
}

// close lets the pools' iterators go.
func (l *leases) close() {
	for _, f := range l.fresh {
		f.stop()
	}
	clear(l.fresh)
}

// virgin is the pool's next address that nobody ever had.
func (l *leases) virgin(p *dhcpd.Pool) (netip.Addr, bool) {
	f := l.fresh[p]
	if f == nil {
		f = &fresh{}
		f.next, f.stop = iter.Pull(p.Addresses())
		f.head, f.ok = f.next()
		l.fresh[p] = f
	}
	for f.ok && l.byAddr[f.head] != nil {
		f.head, f.ok = f.next()
	}
	return f.head, f.ok
}

// at finds the lease of an address; it makes one if the address is in a pool
// of any network, and returns nil if it is in none.
func (l *leases) at(cfg *dhcpd.Config, a netip.Addr) *lease {
	if le := l.byAddr[a]; le != nil {
		return le
	}
	for _, n := range cfg.Networks {
		for _, p := range n.Pools {
			if _, ok := p.Range(a); ok {
				// Not kept until somebody gets it: anybody may name addresses.
				return &lease{addr: a, pool: p}
			}
		}
	}
	return nil
}

// keep remembers a lease that is somebody's from now on.
func (l *leases) keep(le *lease) {
	l.queued++
	le.order = l.queued
	l.byAddr[le.addr] = le
}

// expire ends what has ended by now.
func (l *leases) expire(now time.Time) {
	for _, le := range l.byAddr {
		if le.state != free && !le.ends.After(now) {
			le.state = free
		}
	}
}

// of finds the leases that a test says are the client's, the best first:
// active ones, the one that lasts longest before the others; then free ones,
// the one that was used last; then abandoned ones.
func (l *leases) of(is func(*lease) bool) []*lease {
	var all []*lease
	for _, le := range l.byAddr {
		if is(le) {
			all = append(all, le)
		}
	}
	rank := map[leaseState]int{active: 0, free: 1, abandoned: 2}
	slices.SortFunc(all, func(a, b *lease) int {
		if d := rank[a.state] - rank[b.state]; d != 0 {
			return d
		}
		if a.state == active && !a.ends.Equal(b.ends) {
			return b.ends.Compare(a.ends)
		}
		if a.state != active && !a.used.Equal(b.used) {
			return b.used.Compare(a.used)
		}
		return cmp.Compare(b.order, a.order)
	})
	return all
}

// allocate finds an address for a client that has none, as dhcpd does: a free
// one that nobody ever had before one that somebody had, of these the one that
// ended first, and an abandoned one only if there is nothing else.
func (l *leases) allocate(pools []*dhcpd.Pool, now time.Time) *lease {
	var best *lease
	for _, p := range pools {
		candidate := l.candidate(p)
		if candidate == nil || candidate.state != abandoned && candidate.ends.After(now) {
			continue
		}
		if best == nil || better(candidate, best) {
			best = candidate
		}
	}
	return best
}

// candidate is the head of the pool's queue.
func (l *leases) candidate(p *dhcpd.Pool) *lease {
	if a, ok := l.virgin(p); ok {
		return &lease{addr: a, pool: p}
	}
	var first, lost *lease
	for _, le := range l.byAddr {
		if le.pool != p {
			continue
		}
		switch le.state {
		case free:
			first = earlier(first, le)
		case abandoned:
			lost = earlier(lost, le)
		}
	}
	if first != nil {
		return first
	}
	return lost
}

func earlier(a, b *lease) *lease {
	if a == nil || b.ends.Before(a.ends) || b.ends.Equal(a.ends) && b.order < a.order {
		return b
	}
	return a
}

// better says whether a lease of a later pool is to be taken before one of an
// earlier.
func better(candidate, than *lease) bool {
	switch {
	case than.state == abandoned:
		return candidate.state != abandoned || candidate.ends.Before(than.ends)
	case candidate.state == abandoned:
		return false
	case than.taken():
		return !candidate.taken() || candidate.ends.Before(than.ends)
	case candidate.taken():
		return false
	}
	return candidate.ends.Before(than.ends)
}

// taken says whether somebody has, had or was offered the lease.
func (le *lease) taken() bool { return le.hasID || le.hardware != "" }

// isOf says whether the lease is the client's: by identifier if it has one,
// else by hardware address.
func (le *lease) isOf(r *request) bool {
	if le.hasID {
		id, ok := r.id()
		return ok && id == le.id
	}
	return le.hardware == r.hardwareKey()
}

// release ends a lease now.
func (le *lease) release(now time.Time) {
	if le.state == active {
		le.state, le.ends, le.relay = free, now, nil
	}
}

// abandon leaves the address alone until then, as somebody uses it who did not
// get it here.
func (le *lease) abandon(until time.Time) {
	le.state, le.ends = abandoned, until
	le.id, le.hasID, le.hardware, le.relay = "", false, "", nil
}
