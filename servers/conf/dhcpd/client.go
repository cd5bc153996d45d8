package dhcpd

import (
	"bytes"
	"net/netip"
	"slices"
	"time"
)

// A Client is what the configuration makes of the sender of a message.
type Client struct {
	// Network is the link that the message came from, nil if no subnet is
	// declared for it.
	Network *Network
	// Known says that some host declaration is for the client.
	Known bool
	// Classes are those that the client matches, in the order of the file.
	Classes []*Class
	// Fixed is the host with a fixed-address on Network, and Address that
	// address. Fixed is nil if there is none.
	Fixed   *Host
	Address netip.Addr

	hosts []*Host
	env   *env
}

// Client finds out who sent a message.
func (c *Config) Client(q Query) *Client {
	e := &env{cfg: c, q: &q}
	cl := &Client{env: e, Network: c.network(&q)}
	if q.Type != BOOTP { // dhcpd does not classify BOOTP clients
		e.classify()
	}
	cl.Classes = e.classes
	cl.identify(c, &q)
	e.known = cl.Known
	return cl
}

// renew forgets what an earlier answer found out.
func (cl *Client) renew() {
	cl.env = &env{cfg: cl.env.cfg, q: cl.env.q, known: cl.Known, classes: slices.Clone(cl.Classes)}
}

// network finds the link of a message: by the relay's or client's choice of
// subnet (RFC 3527, RFC 3011), by the relay's address, or by the interface.
func (c *Config) network(q *Query) *Network {
	e := &env{cfg: c, q: q}
	at := q.Server
	if set4(q.GIAddr) {
		at = q.GIAddr
	}
	if b, ok := e.sent(c.spaces.agent.coded(5)); ok {
		if len(b) != 4 {
			return nil
		}
		at = netip.AddrFrom4([4]byte(b))
	} else if _, ok := q.Options[118]; ok {
		if at, ok = q.address4(118); !ok {
			return nil
		}
	}
	if s := c.Subnet(at); s != nil {
		return s.Network
	}
	return nil
}

// Subnet finds the subnet that an address belongs to, the narrowest if several
// do, nil if none.
func (c *Config) Subnet(a netip.Addr) *Subnet {
	var best *Subnet
	for _, s := range c.Subnets {
		if s.Prefix.Contains(a) && (best == nil || s.Prefix.Bits() > best.Prefix.Bits()) {
			best = s
		}
	}
	return best
}

// identify finds the client's host declarations: by its identifier, else by its
// hardware address, else by a host-identifier option.
func (cl *Client) identify(c *Config, q *Query) {
	cl.hosts = c.hostsByID(q)
	if len(cl.hosts) == 0 {
		cl.hosts = c.hostsByHardware(q)
	}
	if len(cl.hosts) == 0 {
		cl.hosts = c.hostsByOption(cl.env)
	}
	cl.Known = len(cl.hosts) > 0
	cl.Fixed, cl.Address = cl.FixedOn(cl.Network)
}

// FixedOn finds the client's fixed address on a link; nil if it has none there.
func (cl *Client) FixedOn(n *Network) (*Host, netip.Addr) {
	if n == nil {
		return nil, netip.Addr{}
	}
	for _, h := range cl.hosts {
		for _, a := range h.Addresses {
			if n.Subnet(a) != nil {
				return h, a
			}
		}
	}
	return nil, netip.Addr{}
}

func (c *Config) hostsByID(q *Query) []*Host {
	id, ok := q.Options[61]
	if !ok {
		return nil
	}
	return c.hosts(func(h *Host) bool { return len(h.ClientID) > 0 && bytes.Equal(h.ClientID, id) })
}

func (c *Config) hostsByHardware(q *Query) []*Host {
	hw := q.hardware()
	return c.hosts(func(h *Host) bool { return bytes.Equal(h.Hardware, hw) })
}

func (c *Config) hostsByOption(e *env) []*Host {
	// dhcpd looks at the options in the reverse of the order in which the file
	// first names them.
	var options []*Option
	for _, h := range c.Hosts {
		if h.idOption != nil && !slices.ContainsFunc(options, func(o *Option) bool { return o.Code == h.idOption.Code }) {
			options = append(options, h.idOption)
		}
	}
	for _, o := range slices.Backward(options) {
		b, ok := e.sent(o)
		if !ok {
			continue
		}
		if hosts := c.hosts(func(h *Host) bool {
			return h.idOption != nil && h.idOption.Code == o.Code && bytes.Equal(h.id, b)
		}); len(hosts) > 0 {
			return hosts
		}
	}
	return nil
}

func (c *Config) hosts(is func(*Host) bool) []*Host {
	var all []*Host
	for _, h := range c.Hosts {
		if is(h) {
			all = append(all, h)
		}
	}
	return all
}

// host is the declaration whose options a client with a dynamic address gets:
// one without a fixed-address.
func (c *Config) host(e *env) *Host {
	for _, hosts := range [][]*Host{c.hostsByID(e.q), c.hostsByHardware(e.q), c.hostsByOption(e)} {
		for _, h := range hosts {
			if !h.FixedPos.IsValid() {
				return h
			}
		}
	}
	return nil
}

// maxClasses is how many classes dhcpd remembers of a client.
const maxClasses = 5

// classify finds the classes that the client is in.
func (e *env) classify() (matched bool) {
	if e.depth++; e.depth > maxExpression {
		return false // check "default" inside a class's own condition
	}
	defer func() { e.depth-- }()
	for _, cl := range e.cfg.Classes {
		if cl.matchIf != nil {
			if is, ok := e.truth(cl.matchIf); !ok || !is {
				continue
			}
			if cl.submatch == nil {
				e.join(cl)
				matched = true
				continue
			}
		}
		if cl.submatch == nil {
			continue
		}
		b, ok := e.data(cl.submatch)
		if !ok || len(b) == 0 {
			continue
		}
		switch sub := cl.subclasses[string(b)]; {
		case sub != nil:
			e.join(sub)
			matched = true
		case cl.spawns:
			e.join(&Class{Name: cl.Name, Pos: cl.Pos, Super: cl, Match: b, Scope: cl.Scope})
		}
	}
	return matched
}

func (e *env) join(cl *Class) {
	if len(e.classes) < maxClasses {
		e.classes = append(e.classes, cl)
	}
}

// Permitted says whether the client may have an address of the pool.
func (cl *Client) Permitted(p *Pool) bool {
	if len(p.Deny) > 0 && slices.ContainsFunc(p.Deny, cl.matches) {
		return false
	}
	return len(p.Allow) == 0 || slices.ContainsFunc(p.Allow, cl.matches)
}

func (cl *Client) matches(pm Permit) bool {
	q := cl.env.q
	switch pm.Kind {
	case KnownClients:
		return cl.Known
	case UnknownClients:
		return !cl.Known
	case UnauthenticatedClients, AllClients:
		return true
	case DynamicBOOTPClients:
		return q.Type == BOOTP
	case MembersOf:
		return slices.ContainsFunc(cl.Classes, func(c *Class) bool { return c == pm.Class || c.Super == pm.Class })
	case After:
		return q.Now.After(pm.When)
	}
	return false
}

// Declines says whether the client's word that an address is taken counts
// (`declines`; by default it does).
func (cl *Client) Declines(a netip.Addr) bool {
	cl.renew()
	e := cl.env
	e.out, e.vars = newState(), &vars{}
	var limit *Scope
	if p := e.cfg.pool(a); p != nil {
		if r, ok := p.Range(a); ok {
			limit = r.Subnet.Scope
			e.scope(limit, nil)
		}
	}
	for i := len(e.classes) - 1; i >= 0; i-- {
		e.scope(e.classes[i].Scope, limit)
	}
	is, ok := e.flag("declines")
	return is || !ok
}

// AbandonTime is for how long an address is left alone that a client declined.
func (c *Config) AbandonTime() time.Duration {
	e := &env{cfg: c, q: &Query{}, out: newState(), vars: &vars{}}
	e.scope(c.Root, nil)
	return time.Duration(e.seconds("abandon-lease-time", 86400)) * time.Second
}
