package dhcp

import (
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
	if f.lease != nil && f.lease.ends.Before(s.now) {
		f.lease.vars = nil
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
		q.Variables = f.lease.vars
		if f.lease.unchanged(r) {
			q.Began, q.Ends = f.lease.began, f.lease.ends
		}
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
	s.options.Faults.spoil(&a)
	s.logf("%s on %s to %s", a.Reply, a.Address.Value, r.header.ClientHWAddr)
	return s.routed(r, &a), true
}

// bind records what the answer promises.
func (s *Server) bind(r *request, le *lease, a *dhcpd.Answer) {
	if r.kind() == dhcpd.Request && a.OneLease {
		s.onlyLease(r, le, a)
	}
	le.vars = a.Variables
	le.changed = !a.Kept && a.Reply == dhcpd.OfferReply
	if a.Kept {
		le.used = s.now.Unix()
		return
	}
	id, hasID := r.id()
	if le.nameless = !a.Identify; le.nameless {
		id, hasID = "", false
	}
	s.leases.assign(le, r.hardwareKey(), id, hasID)
	le.used, le.began, le.hostName = s.now.Unix(), s.now, string(r.options[12])
	le.relay = nil
	if a.Stash && a.Reply != dhcpd.OfferReply {
		le.relay = r.options[82]
	}
	switch a.Reply {
	case dhcpd.OfferReply:
		if until := s.now.Add(offerTime); le.ends.Before(until) {
			le.ends = until
		}
	case dhcpd.AckReply:
		s.leases.last(le, active, s.now.Add(a.LeaseTime))
	case dhcpd.BOOTPReply:
		ends := forEver
		if a.LeaseTime > 0 {
			ends = s.now.Add(a.LeaseTime)
		}
		s.leases.last(le, active, ends)
	}
}

// onlyLease ends the client's other leases (one-lease-per-client): those of its
// identifier, and those of its hardware address if it has no identifier, or if
// duplicates are denied to a host that is known by that address.
func (s *Server) onlyLease(r *request, keep *lease, a *dhcpd.Answer) {
	end := func(list []*lease) {
		for _, le := range list {
			if le != keep {
				le.release(s.now)
			}
		}
	}
	id, hasID := r.id()
	if hasID {
		end(s.leases.byID[id])
	}
	if !hasID || a.Host != nil && a.Host.ClientID == nil && !a.Duplicates {
		end(s.leases.byHardware[r.hardwareKey()])
	}
}

func (s *Server) nak(r *request, cl *dhcpd.Client, want netip.Addr, why string) (outgoing, bool) {
	s.logf("DHCPNAK on %s to %s: %s", want, r.header.ClientHWAddr, why)
	a := cl.Nak(s.nakMessage)
	out := outgoing{message: r.encode(&a), from: s.identity(&a), to: netip.AddrPortFrom(everybody, clientPort)}
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
		s.leases.abandon(le, s.now.Add(s.cfg.AbandonTime()))
		s.logf("DHCPDECLINE of %s from %s: abandoned", want, r.header.ClientHWAddr)
	}
}

func (s *Server) release(r *request) {
	le := s.leases.byAddr[r.ciaddr()]
	if le != nil && le.hardware == r.hardwareKey() && le.ends.After(s.now) {
		le.release(s.now)
		s.leases.requeue(le)
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

// forEver is when a BOOTP client's lease ends, which knows of no end, unless
// dynamic-bootp-lease-length gives it one: the end of dhcpd's calendar.
var forEver = time.Unix(1<<31-1, 0)

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
	out := outgoing{message: r.encode(a), from: s.identity(a), mac: r.hardware()}
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
		if a.Reply == dhcpd.BOOTPReply && a.Pool == nil {
			out.route = byFrame // dhcpd's older code broadcasts to one
		}
	}
	return out
}

// identity is the address that a reply comes from: the server identifier, except
// to BOOTP clients.
func (s *Server) identity(a *dhcpd.Answer) netip.Addr {
	if id := a.Option(54); id != nil && len(id.Value) == 4 && a.Reply != dhcpd.BOOTPReply {
		return netip.AddrFrom4([4]byte(id.Value))
	}
	return s.addr
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
