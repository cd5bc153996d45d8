package dhcpd

import (
	"net/netip"
	"slices"

	"github.com/pxeproof/pxeproof/servers/conf"
)

// inform answers a DHCPINFORM: options, and no lease (RFC 2131, section 3.4).
func (cl *Client) inform(a Answer) Answer {
	e, q := cl.env, cl.env.q
	client := q.CIAddr
	if !set4(client) {
		client = q.Source
	}
	if !set4(client) {
		return a.silent(conf.Pos{}, "a DHCPINFORM from the address 0.0.0.0 is not answered")
	}
	at := client
	if !set4(q.CIAddr) && set4(q.GIAddr) {
		at = q.GIAddr
	}
	selected, ok := e.sent(e.cfg.spaces.agent.coded(5))
	if !ok {
		selected, ok = q.Options[118]
	}
	if ok {
		if len(selected) != 4 {
			return a.silent(conf.Pos{}, "the client selects a subnet by something that is no address")
		}
		at = netip.AddrFrom4([4]byte(selected))
	}
	if a.Subnet = e.cfg.Subnet(at); a.Subnet == nil {
		return a.silent(conf.Pos{}, "no subnet is declared for %s", at)
	}
	a.Network = a.Subnet.Network
	if a.Authoritative = authority(a.Subnet.Scope); !a.Authoritative.Value {
		return a.silent(a.Authoritative.Pos, "a DHCPINFORM is answered only where the server is authoritative")
	}
	e.out, e.vars, e.known = newState(), &vars{}, false
	if ok {
		e.own(118, selected)
	}
	e.scope(a.Subnet.Scope, nil)
	if set4(q.CIAddr) {
		if p := e.cfg.pool(q.CIAddr); p != nil {
			a.Pool = p
			e.scope(p.Scope, p.Network.Scope)
		}
	}
	for i := len(e.classes) - 1; i >= 0; i-- {
		e.scope(e.classes[i].Scope, a.Subnet.Scope)
	}
	if a.Host = e.cfg.hostAt(e, client); a.Host != nil {
		e.scope(a.Host.Scope, a.Subnet.Scope)
	}
	a.Reply = AckReply
	a.Address.Value = netip.IPv4Unspecified()
	a.File, a.SName = e.text("filename"), e.text("server-name")
	e.own(53, []byte{byte(ACK)})
	e.serverIdentifier()
	e.ownIfUnset(1, a.Subnet.mask())
	requested := e.requestList()
	a.SIAddr = e.nextServer()
	for _, code := range []uint32{51, 58, 59} {
		e.out.delete(e.cfg.spaces.dhcp, code)
	}
	pk := packer{env: e, requested: requested, reply: &a, terminate: q.TerminatesTexts()}
	pk.pack()
	return a
}

// pool finds the pool with an address.
func (c *Config) pool(a netip.Addr) *Pool {
	for _, n := range c.Networks {
		for _, p := range n.Pools {
			if _, ok := p.Range(a); ok {
				return p
			}
		}
	}
	return nil
}

// hostAt is the host declaration for a client that has an address: one with
// that address before one without any.
func (c *Config) hostAt(e *env, a netip.Addr) *Host {
	var without *Host
	for _, hosts := range [][]*Host{c.hostsByID(e.q), c.hostsByHardware(e.q)} {
		for _, h := range hosts {
			if slices.Contains(h.Addresses, a) {
				return h
			}
			if without == nil && !h.FixedPos.IsValid() {
				without = h
			}
		}
	}
	return without
}

// staticBOOTP completes the answer to a BOOTP client with a fixed address,
// which is of an older make than all others: siaddr is the server itself if
// nothing else is, and the client gets back what it sent as file.
func (cl *Client) staticBOOTP(a Answer) Answer {
	e, q := cl.env, cl.env.q
	a.SIAddr = e.nextServer()
	if a.SIAddr.Value.IsUnspecified() && q.Server.Is4() {
		a.SIAddr.Value = q.Server
	}
	if len(a.File.Value) == 0 {
		a.File.Value = q.File
	}
	if rfc1048, _ := e.flag("always-reply-rfc1048"); q.Options == nil && !rfc1048 {
		copy(a.Wire.File[:], a.File.Value)
		copy(a.Wire.SName[:], a.SName.Value)
		if raw := q.message(); len(raw) > fixedSize {
			a.Wire.Options = slices.Clone(raw[fixedSize:])
		}
		return a
	}
	e.ownIfUnset(1, a.Subnet.mask())
	e.hostName(&a)
	pk := packer{env: e, bootp: true, reply: &a, noSite: true}
	pk.pack()
	return a
}

// Nak is the DHCPNAK that dhcpd sends to the client, for the reason that it
// gives in the message option.
func (cl *Client) Nak(message string) Answer {
	cl.renew()
	e := cl.env
	a := Answer{Reply: NakReply, Network: cl.Network, Known: cl.Known,
		Address: Sourced[netip.Addr]{Value: netip.IPv4Unspecified()}, SIAddr: Sourced[netip.Addr]{Value: netip.IPv4Unspecified()}}
	// Of the scopes only two things are asked: the server's identifier, and
	// whether to echo the client's.
	e.out, e.vars = newState(), &vars{}
	s := e.cfg.Root
	if cl.Network != nil {
		s = cl.Network.Subnets[0].Scope
		a.Authoritative = authority(cl.Network.Scope)
	}
	e.scope(s, nil)
	if cl.Network != nil && len(cl.Network.Pools) > 0 {
		e.scope(cl.Network.Pools[0].Scope, cl.Network.Scope)
	}
	identifier, has := e.held(e.cfg.spaces.dhcp, 54)
	for i := len(e.classes) - 1; i >= 0; i-- {
		e.scope(e.classes[i].Scope, nil)
	}
	a.Classes = e.classes
	echo, _ := e.flag("echo-client-id")
	e.out = newState()
	e.own(53, []byte{byte(NAK)})
	e.own(56, []byte(message))
	if has && len(identifier) == 4 {
		e.own(54, identifier)
	}
	e.serverIdentifier()
	if id, ok := e.q.Options[61]; ok && echo {
		e.own(61, id)
	}
	pk := packer{env: e, reply: &a}
	pk.pack()
	return a
}
