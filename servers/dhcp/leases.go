package dhcp

import (
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
	began    time.Time
	ends     time.Time
	used     int64  // the client's last transaction, in Unix seconds
	id       string // client identifier
	hasID    bool
	hardware string // type and address; empty if nobody's
	nameless bool   // the identifier was not to be remembered
	hostName string // option 12
	changed  bool   // something changed when it was offered: the next ACK makes it anew
	relay    []byte // the relay's options, for renewals that bypass it
	vars     *dhcpd.Variables
	order    uint64 // when it was last queued, to break ties of ends
}

// offerTime is for how long an offer keeps its address.
const offerTime = 2 * time.Minute

// leases are those of all pools.
type leases struct {
	byAddr map[netip.Addr]*lease
	// byID and byHardware hold a client's leases, the best first.
	byID       map[string][]*lease
	byHardware map[string][]*lease
	fresh      map[*dhcpd.Pool]*fresh
	queued     uint64
	// quiet is until when nothing ends.
	quiet time.Time
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
	return &leases{byAddr: make(map[netip.Addr]*lease), byID: make(map[string][]*lease),
		byHardware: make(map[string][]*lease), fresh: make(map[*dhcpd.Pool]*fresh)}
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

// assign makes a lease somebody's: of a hardware address, and of a client
// identifier if hasID says so.
//
// Its place among the client's leases is that which it had before: dhcpd sorts
// it in before it writes down what is new about it.
func (l *leases) assign(le *lease, hardware, id string, hasID bool) {
	l.unlink(le)
	le.hardware, le.id, le.hasID = hardware, id, hasID
	if hasID {
		l.byID[id] = insert(l.byID[id], le)
	}
	if hardware != "" {
		l.byHardware[hardware] = insert(l.byHardware[hardware], le)
	}
	l.requeue(le)
	l.byAddr[le.addr] = le
}

// requeue puts a lease to the end of those that end at the same time.
func (l *leases) requeue(le *lease) {
	l.queued++
	le.order = l.queued
}

func (l *leases) unlink(le *lease) {
	remove := func(m map[string][]*lease, key string) {
		rest := slices.DeleteFunc(m[key], func(other *lease) bool { return other == le })
		if len(rest) == 0 {
			delete(m, key)
		} else {
			m[key] = rest
		}
	}
	if le.hasID {
		remove(l.byID, le.id)
	}
	if le.hardware != "" {
		remove(l.byHardware, le.hardware)
	}
}

// insert puts a lease before the first that is not better.
func insert(list []*lease, le *lease) []*lease {
	at := slices.IndexFunc(list, le.before)
	if at < 0 {
		at = len(list)
	}
	return slices.Insert(list, at, le)
}

// before says whether a client had rather go on with this lease than with the
// other: active before free before abandoned; of the active the one that ends
// last, of the others the one that was used last.
func (le *lease) before(other *lease) bool {
	rank := [...]int{active: 0, free: 1, abandoned: 2}
	if le.state != other.state {
		return rank[le.state] < rank[other.state]
	}
	if le.state == active {
		return !le.ends.Before(other.ends)
	}
	return le.used >= other.used
}

// expire ends what has ended by now.
func (l *leases) expire(now time.Time) {
	if now.Before(l.quiet) {
		return
	}
	l.quiet = now.Add(time.Hour)
	for _, le := range l.byAddr {
		switch {
		case le.state == free:
		case !le.ends.After(now):
			le.state, le.relay = free, nil
		case le.ends.Before(l.quiet):
			l.quiet = le.ends
		}
	}
}

// last says that a lease ends then.
func (l *leases) last(le *lease, state leaseState, ends time.Time) {
	le.state, le.ends = state, ends
	if ends.Before(l.quiet) {
		l.quiet = ends
	}
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

// unchanged says whether the lease is as the client would have it now, so that
// it may go on with the rest of it.
func (le *lease) unchanged(r *request) bool {
	id, hasID := r.id()
	if le.nameless {
		hasID = false
	}
	name, named := r.options[12]
	return le.state == active && !le.changed && le.hardware == r.hardwareKey() &&
		le.hasID == hasID && (!hasID || le.id == id) && (!named || string(name) == le.hostName)
}

// release ends a lease now.
func (le *lease) release(now time.Time) {
	if le.state == active {
		le.state, le.ends, le.relay, le.vars = free, now, nil, nil
	}
}

// abandon leaves the address alone until then, as somebody uses it who did not
// get it here.
func (l *leases) abandon(le *lease, until time.Time) {
	l.assign(le, "", "", false)
	l.last(le, abandoned, until)
	le.relay, le.vars = nil, nil
}
