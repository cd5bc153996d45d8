package dhcp

import (
	"cmp"
	"net/netip"
	"strings"
	"time"

	"github.com/pxeproof/pxeproof/servers/conf/dhcpd"
)

// A route says how a reply travels.
type route uint8

const (
	byBroadcast route = iota // to all, in an Ethernet frame of our own
	byFrame                  // to the client's hardware address, which may not answer ARP yet
	byKernel                 // as any datagram
)

// An outgoing is a reply on its way.
type outgoing struct {
	message []byte
	route   route
	from    netip.Addr
	to      netip.AddrPort
	mac     []byte // of byFrame
}

const (
	serverPort = 67
	clientPort = 68
)

// handle answers one message. ok is false if there is no answer.
func (s *Server) handle(raw []byte, source netip.AddrPort) (out outgoing, ok bool) {
	r, err := decode(raw, source)
	if err != nil {
		s.dropped.Add(1)
		s.logf("dropped a message from %s: %v", source, err)
		return outgoing{}, false
	}
	s.now = s.clock()
	s.leases.expire(s.now)
	s.recallRelay(r)
	q := r.query(s.addr)
	q.Now = s.now
	cl := s.cfg.Client(q)
	switch r.kind() {
	case dhcpd.Discover:
		return s.discover(r, cl)
	case dhcpd.Request:
		return s.request(r, cl)
	case dhcpd.Decline:
		s.decline(r, cl)
	case dhcpd.Release:
		s.release(r)
	case dhcpd.Inform:
		return s.inform(r, cl)
	case dhcpd.BOOTP:
		return s.bootp(r, cl)
	default:
		s.logf("%s from %s: not a client's message", r.kind(), r.header.ClientHWAddr)
	}
	return outgoing{}, false
}

// recallRelay gives a client that renews past its relay the relay's options
// back, so that it is judged as when it got the lease.
func (s *Server) recallRelay(r *request) {
	if r.kind() != dhcpd.Request || r.ciaddr().IsUnspecified() || !r.giaddr().IsUnspecified() || r.options[82] != nil {
		return
	}
	if le := s.leases.byAddr[r.ciaddr()]; le != nil && le.relay != nil && le.isOf(r) {
		r.options[82] = le.relay
		r.recalled = true
	}
}

func (s *Server) discover(r *request, cl *dhcpd.Client) (outgoing, bool) {
	if cl.Network == nil {
		s.logf("DHCPDISCOVER from %s: no subnet is declared for where it comes from", r.header.ClientHWAddr)
		return outgoing{}, false
	}
	f := s.find(r, cl, cl.Network)
	if !f.ok() {
		f.lease = s.allocate(cl)
	}
	if !f.ok() {
		s.logf("DHCPDISCOVER from %s: network %s: no free leases", r.header.ClientHWAddr, cl.Network.Name)
		return outgoing{}, false
	}
	return s.reply(r, f)
}

func (s *Server) allocate(cl *dhcpd.Client) *lease {
	var open []*dhcpd.Pool
	for _, p := range cl.Network.Pools {
		if cl.Permitted(p) {
			open = append(open, p)
		}
	}
	return s.leases.allocate(open, s.now)
}

func (s *Server) request(r *request, cl *dhcpd.Client) (outgoing, bool) {
	want, asked := r.address(50)
	if !asked {
		want = r.ciaddr()
	}
	renewing := !r.ciaddr().IsUnspecified()
	relayed := !r.giaddr().IsUnspecified()
	subnet := s.cfg.Subnet(want)
	var f finding
	if subnet != nil {
		f = s.find(r, cl, subnet.Network)
	}
	// Where a client is can be trusted if it broadcast or came by a relay.
	if cl.Network == nil || renewing && relayed || asked && !renewing {
		at := subnet
		if cl.Network != nil {
			at = cl.Network.Subnet(want)
		}
		if cl.Network == nil || at == nil {
			if cl.Network == nil && at != nil && at.Scope.Authoritative || cl.Network != nil && cl.Network.Scope.Authoritative {
				return s.nak(r, cl, want, "wrong network")
			}
			s.logf("DHCPREQUEST for %s from %s: ignored: another network's address, and this server is not authoritative", want, r.header.ClientHWAddr)
			return outgoing{}, false
		}
	}
	if !f.ok() {
		if f.ours {
			return s.nak(r, cl, want, "not available to this client")
		}
		s.logf("DHCPREQUEST for %s from %s: unknown lease", want, r.header.ClientHWAddr)
		return outgoing{}, false
	}
	return s.reply(r, f)
}

// reply offers or confirms what has been found.
func (s *Server) reply(r *request, f finding) (outgoing, bool) {
	q := r.query(s.addr)
	q.Now = s.now
	if q.Address = f.fixed; f.lease != nil {
		q.Address = f.lease.addr
		q.Bound = f.lease.state == active
	}
	a := s.cfg.Answer(q)
	if a.Reply == dhcpd.NoReply {
		s.logf("%s from %s: %s", q.Type, r.header.ClientHWAddr, a.Reason.Value)
		return outgoing{}, false
	}
	if f.lease != nil {
		s.bind(r, f.lease, &a)
	}
	if r.recalled {
		withoutRelay(&a)
	}
	if s.options.Fast {
		addNoProxy(r, &a)
	}
	s.logf("%s on %s to %s", a.Reply, a.Address.Value, r.header.ClientHWAddr)
	return s.routed(r, &a), true
}

// bind records what the answer promises.
func (s *Server) bind(r *request, le *lease, a *dhcpd.Answer) {
	if r.kind() == dhcpd.Request && a.OneLease {
		s.onlyLease(r, le, a)
	}
	le.used = s.now
	le.hardware = r.hardwareKey()
	le.id, le.hasID = "", false
	if id, ok := r.id(); ok && a.Identify {
		le.id, le.hasID = id, true
	}
	if b := r.options[82]; b != nil && a.Stash && !r.recalled {
		le.relay = b
	}
	switch a.Reply {
	case dhcpd.OfferReply:
		if until := s.now.Add(offerTime); le.ends.Before(until) {
			le.ends = until
		}
	case dhcpd.AckReply:
		le.state, le.ends = active, s.now.Add(a.LeaseTime)
	case dhcpd.BOOTPReply:
		le.state, le.ends = active, s.now.Add(cmp.Or(a.LeaseTime, bootpTime))
	}
	s.leases.keep(le)
}

// onlyLease ends the client's other leases (one-lease-per-client).
func (s *Server) onlyLease(r *request, keep *lease, a *dhcpd.Answer) {
	id, hasID := r.id()
	key := r.hardwareKey()
	for _, le := range s.leases.byAddr {
		sameID := hasID && le.hasID && le.id == id
		sameHardware := le.hardware == key && (!hasID || a.Host != nil && a.Host.ClientID == nil && !a.Duplicates)
		if le != keep && (sameID || sameHardware) {
			le.release(s.now)
		}
	}
}

func (s *Server) nak(r *request, cl *dhcpd.Client, want netip.Addr, why string) (outgoing, bool) {
	s.logf("DHCPNAK on %s to %s: %s", want, r.header.ClientHWAddr, why)
	a := cl.Nak(s.nakMessage)
	out := outgoing{message: r.encode(&a), from: s.addr, to: netip.AddrPortFrom(everybody, clientPort)}
	if relay := r.giaddr(); !relay.IsUnspecified() {
		out.route, out.to = byKernel, netip.AddrPortFrom(relay, serverPort)
	}
	return out, true
}

func (s *Server) decline(r *request, cl *dhcpd.Client) {
	want, ok := r.address(50)
	if !ok || cl.Network == nil {
		return
	}
	le := s.leases.at(s.cfg, want)
	switch {
	case !cl.Declines(want):
		s.logf("DHCPDECLINE of %s from %s: ignored", want, r.header.ClientHWAddr)
	case le == nil:
		s.logf("DHCPDECLINE of %s from %s: not an address of this server's", want, r.header.ClientHWAddr)
	default:
		le.abandon(s.now.Add(s.cfg.AbandonTime()))
		s.leases.keep(le)
		s.logf("DHCPDECLINE of %s from %s: abandoned", want, r.header.ClientHWAddr)
	}
}

func (s *Server) release(r *request) {
	le := s.leases.byAddr[r.ciaddr()]
	if le != nil && le.hardware == r.hardwareKey() && le.ends.After(s.now) {
		le.release(s.now)
		s.leases.keep(le)
	}
	s.logf("DHCPRELEASE of %s from %s", r.ciaddr(), r.header.ClientHWAddr)
}

func (s *Server) inform(r *request, cl *dhcpd.Client) (outgoing, bool) {
	a := cl.Answer()
	if a.Reply == dhcpd.NoReply {
		s.logf("DHCPINFORM from %s: %s", r.header.ClientHWAddr, a.Reason.Value)
		return outgoing{}, false
	}
	out := outgoing{route: byKernel, from: s.addr}
	client, relay := r.ciaddr(), r.giaddr()
	switch {
	case !client.IsUnspecified():
		out.to = netip.AddrPortFrom(client, clientPort)
	case !relay.IsUnspecified():
		out.to = netip.AddrPortFrom(relay, serverPort)
		a.Broadcast = true
	default:
		out.to = netip.AddrPortFrom(r.source.Addr(), clientPort)
	}
	out.message = r.encode(&a)
	return out, true
}

// bootpTime stands for ever: a BOOTP client knows of no end, unless
// dynamic-bootp-lease-length gives it one.
const bootpTime = 100 * 365 * 24 * time.Hour

func (s *Server) bootp(r *request, cl *dhcpd.Client) (outgoing, bool) {
	if cl.Network == nil {
		s.logf("BOOTREQUEST from %s: no subnet is declared for where it comes from", r.header.ClientHWAddr)
		return outgoing{}, false
	}
	f := s.find(r, cl, cl.Network)
	if !f.ok() {
		f.lease = s.allocate(cl)
	}
	if !f.ok() {
		s.logf("BOOTREQUEST from %s: no leases for BOOTP clients", r.header.ClientHWAddr)
		return outgoing{}, false
	}
	return s.reply(r, f)
}

var everybody = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// routed decides how the reply travels: to a relay or a client that has an
// address as any datagram, else in a frame of our own, to the client alone if
// it does not ask for a broadcast (RFC 2131, section 4.1).
func (s *Server) routed(r *request, a *dhcpd.Answer) outgoing {
	out := outgoing{message: r.encode(a), from: s.addr, mac: r.hardware()}
	if id := a.Option(54); id != nil && len(id.Value) == 4 {
		out.from = netip.AddrFrom4([4]byte(id.Value))
	}
	client, relay := r.ciaddr(), r.giaddr()
	_, selecting := r.options[54]
	wantsAll := r.header.Flags&broadcast != 0 || a.Broadcast
	here := s.cfg.Subnet(s.addr)
	local := here != nil && here.Network == a.Subnet.Network
	switch {
	case !relay.IsUnspecified():
		out.route, out.to = byKernel, netip.AddrPortFrom(relay, serverPort)
		if relay.IsLoopback() {
			out.to = netip.AddrPortFrom(relay, clientPort)
		}
	case !client.IsUnspecified() && !((selecting || wantsAll) && local) && a.Reply == dhcpd.AckReply:
		out.route, out.to = byKernel, netip.AddrPortFrom(client, clientPort)
	case !wantsAll && len(out.mac) == 6:
		out.route, out.to = byFrame, netip.AddrPortFrom(a.Address.Value, clientPort)
	default:
		out.route, out.to = byBroadcast, netip.AddrPortFrom(everybody, clientPort)
	}
	return out
}

// isNetworkBoot says whether the message comes from boot firmware.
func isNetworkBoot(r *request) bool {
	class := string(r.options[60])
	return strings.HasPrefix(class, "PXEClient") || strings.HasPrefix(class, "HTTPClient") ||
		string(r.options[77]) == "iPXE" || r.options[175] != nil
}

// addNoProxy tells iPXE not to wait for a ProxyDHCP server (option 175,
// sub-option 176), unless the configuration has a word of its own on 175.
func addNoProxy(r *request, a *dhcpd.Answer) {
	o := a.Wire.Options
	if !isNetworkBoot(r) || a.Option(175) != nil || len(o) == 0 || o[len(o)-1] != 255 {
		return
	}
	a.Wire.Options = append(o[:len(o)-1:len(o)-1], 175, 3, 176, 1, 1, 255)
}

// withoutRelay takes the relay's options out of an answer that no relay sees.
func withoutRelay(a *dhcpd.Answer) {
	v := a.Option(82)
	if v == nil {
		return
	}
	o := a.Wire.Options
	at := len(o) - 1 - 2 - len(v.Value)
	if at > 0 && o[len(o)-1] == 255 && o[at] == 82 {
		a.Wire.Options = append(o[:at:at], 255)
	}
}
