package dhcp

import (
	"net/netip"

	"github.com/pxeproof/pxeproof/servers/conf/dhcpd"
)

// dhcpd's words in a DHCPNAK. It keeps the last one that it thought of, and
// sends that, whichever client it was about.
const (
	sayIncorrect   = "requested address is incorrect"
	sayBadSubnet   = "requested address on bad subnet"
	sayUnavailable = "requested address not available"
	sayConflict    = "database conflict - call for help!"
)

// A finding is what find found: a lease of a pool, or a fixed address.
type finding struct {
	lease *lease     // nil for a fixed address, or if nothing was found
	fixed netip.Addr // valid for a fixed address
	// ours says that the address that the client wants is this server's to
	// give, so that it may tell the client that it cannot have it.
	ours bool
}

func (f finding) ok() bool { return f.lease != nil || f.fixed.IsValid() }

// A search is find under way: the leases that the client could have, by its
// identifier, by its hardware address, and by the address that it names.
type search struct {
	*Server
	r       *request
	cl      *dhcpd.Client
	network *dhcpd.Network
	fixed   netip.Addr
	id, hw  *lease
	ip      *lease
	ours    bool
}

// find looks for the lease that the client is to have on a link, as dhcpd's
// function of nearly that name does: a fixed address before all; then the
// address that the client asks for, if nobody else has it; then the one that it
// had. For a DHCPREQUEST it finds the address asked for, or nothing.
func (s *Server) find(r *request, cl *dhcpd.Client, network *dhcpd.Network) finding {
	f := &search{Server: s, r: r, cl: cl, network: network}
	_, f.fixed = cl.FixedOn(network)
	want, asked := r.ciaddr(), true
	if want.IsUnspecified() {
		want, asked = r.address(50)
	}
	request := r.kind() == dhcpd.Request
	if request && f.fixed.IsValid() && (!asked || want != f.fixed) {
		s.nakMessage = sayIncorrect
		return finding{ours: true}
	}
	f.byID()
	f.byHardware()
	if asked {
		f.byAddress(want)
	}
	f.settle()
	f.permitted()
	if f.ip == nil {
		s.nakMessage = sayUnavailable
	}
	if request && f.ip == nil && !f.fixed.IsValid() {
		return finding{ours: f.ours}
	}
	return f.choose()
}

func (f *search) request() bool { return f.r.kind() == dhcpd.Request }

// bound says whether the client says that it has an address.
func (f *search) bound() bool { return !f.r.ciaddr().IsUnspecified() }

// letGo ends a lease that the client cannot have any more, if it does not say
// that it is using it.
func (f *search) letGo(le *lease) {
	if !f.bound() {
		le.release(f.now)
	}
}

// byID finds the best lease of the client's identifier.
func (f *search) byID() {
	id, ok := f.r.id()
	if !ok || id == "" {
		return
	}
	for _, le := range f.leases.byID[id] {
		switch {
		case le.pool.Network != f.network:
			// A client may have a lease on every link.
		case !f.cl.Permitted(le.pool):
			f.letGo(le)
		default:
			f.id = le
			return
		}
	}
}

// byHardware finds the best lease of the client's hardware address that is not
// that of another identifier.
func (f *search) byHardware() {
	for _, le := range f.leases.byHardware[f.r.hardwareKey()] {
		switch {
		case le.state != free && le.hasID && !le.isOf(f.r):
		case le.pool.Network != f.network:
		case !f.cl.Permitted(le.pool):
			f.letGo(le)
		default:
			f.hw = le
			return
		}
	}
}

// byAddress finds the lease of the address that the client names.
func (f *search) byAddress(want netip.Addr) {
	f.ip = f.leases.at(f.cfg, want)
	if f.ip == nil {
		return
	}
	f.ours = true
	if f.ip.pool.Network != f.network {
		f.nakMessage = sayBadSubnet
		f.ip = nil
		return
	}
	if !f.ip.isOf(f.r) && f.ip.state != free {
		if f.ip.state != active {
			f.ours = false
		}
		f.ip = nil
		return
	}
	if (f.id != nil || f.hw != nil) && f.ip.state == abandoned && f.r.kind() == dhcpd.Discover {
		f.ip = nil
	}
}

// settle resolves what cannot be true at once.
func (f *search) settle() {
	if f.ip != nil && f.ip.state == active && f.ip.hasID && f.ip != f.id {
		if f.ip.isOf(f.r) {
			if f.id != nil && f.id.state == active && f.request() {
				f.letGo(f.id)
			}
			f.id = f.ip
		}
		if f.request() && f.fixed.IsValid() {
			f.fixed = netip.Addr{}
			f.nakMessage = sayConflict
		}
		if f.ip != f.id {
			f.ip = nil
		}
	}
	if f.request() && f.fixed.IsValid() && f.ip != nil {
		f.logf("dynamic and static leases present for %s: the host declaration or the range has to go", f.fixed)
		f.ip, f.nakMessage = nil, sayConflict
	}
	if f.hw == f.id || f.hw == f.ip {
		f.hw = nil
	}
	if f.id == f.ip {
		f.id = nil
	}
}

// permitted drops leases of pools that are closed to the client.
func (f *search) permitted() {
	for _, le := range []**lease{&f.ip, &f.id, &f.hw} {
		if *le != nil && !f.cl.Permitted((*le).pool) {
			f.letGo(*le)
			*le = nil
		}
	}
}

func (f *search) choose() finding {
	found := finding{ours: f.ours}
	if f.fixed.IsValid() {
		found.fixed = f.fixed
		if f.ip != nil {
			f.letGo(f.ip)
		}
		return found
	}
	switch {
	case f.ip != nil:
		found.lease = f.ip
		if f.id != nil && f.request() {
			f.letGo(f.id)
		}
	case f.id != nil:
		found.lease = f.id
	case f.hw != nil && (!f.hw.hasID || f.hw.isOf(f.r) || f.r.kind() == dhcpd.BOOTP && f.r.options[61] == nil):
		found.lease = f.hw
	}
	// An abandoned address is given only to the client that asks for it: it was
	// most likely that client which answered when the address was tried.
	if found.lease != nil && found.lease.state == abandoned && !(found.lease == f.ip && f.request()) {
		return finding{ours: true}
	}
	return found
}
