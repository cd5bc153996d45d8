package dhcpd

import "net/netip"

func (p *parser) host(s *Scope, into *[]statement, c *cursor) {
	if !p.allowed(s, c, RootScope, NetworkScope, SubnetScope, PoolScope, GroupScope) {
		return
	}
	called := c.hostName()
	if called == "" {
		c.fail(idSyntax, "a name expected after host, not %s", c.peek().describe())
		return
	}
	if !c.braces() {
		return
	}
	if s.Kind == SubnetScope || s.Kind == NetworkScope {
		p.note(c.pos(), idGlobalHost, "the host %s is known on every network, not only in the %s that it stands in", called, s.Kind)
	}
	h := &Host{Name: called, Pos: c.pos(), Scope: s.inner(HostScope, called, c.pos())}
	h.Scope.host = h
	p.statements(h.Scope, &h.Scope.statements, c.n.block, true)
	if h.ClientID == nil {
		h.ClientID = h.statedClientID()
	}
	if other := p.hosts[called]; other != nil {
		p.refuse(h.Pos, idDuplicate, "there is a host %s already, at %s", called, other.Pos)
		return
	}
	p.hosts[called] = h
	p.cfg.Hosts = append(p.cfg.Hosts, h)
}

// statedClientID is the value of an option dhcp-client-identifier that stands
// in the host: dhcpd recognises the client by it.
func (h *Host) statedClientID() []byte {
	for _, st := range h.Scope.statements {
		if st, ok := st.(*set); ok && st.option.Space.Name == "dhcp" && st.option.Code == 61 &&
			st.how == supersede && st.value.op == opConst {
			return st.value.data
		}
	}
	return nil
}

// hostGroup reads group NAME; inside a host: the host takes that group's place.
func (p *parser) hostGroup(s *Scope, into *[]statement, c *cursor) {
	t := c.next()
	if t.kind != quoted && !t.isIdentifier() {
		c.failAt(t, idSyntax, "the name of a group expected before %s", t.describe())
		return
	}
	if !c.semicolon(s, into) {
		return
	}
	g := p.cfg.groups[t.text]
	if g == nil {
		p.refuse(t.pos, idReference, "there is no group %s above this line", t.text)
		return
	}
	s.Outer = g
}

func (p *parser) hostParameter(s *Scope, into *[]statement, c *cursor) {
	if !p.allowed(s, c, HostScope) {
		return
	}
	switch c.n.words[0].word {
	case "hardware":
		p.hardware(s, into, c)
	case "fixed-address":
		p.fixedAddress(s, into, c)
	case "uid":
		p.uid(s, into, c)
	case "host-identifier":
		p.hostIdentifier(s, into, c)
	}
}

// hardwareTypes are the types that a hardware statement can name (RFC 1700).
var hardwareTypes = map[string]byte{"ethernet": 1, "token-ring": 6, "fddi": 8, "infiniband": 32}

func (p *parser) hardware(s *Scope, into *[]statement, c *cursor) {
	t := c.next()
	kind, ok := hardwareTypes[t.word]
	if !ok {
		c.failAt(t, idValue, "ethernet, token-ring, fddi or infiniband expected, not %s", t.describe())
		return
	}
	hw := []byte{kind}
	if !c.atEnd() {
		b := c.hexList()
		if b == nil {
			return
		}
		hw = append(hw, b...)
	}
	if !c.semicolon(s, into) {
		return
	}
	switch h := s.host; {
	case len(hw) > 17:
		p.refuse(t.pos, idValue, "a hardware address has at most 16 bytes")
	case h.Hardware != nil:
		p.refuse(c.pos(), idDuplicate, "the host %s has a hardware address already", h.Name)
	default:
		h.Hardware, h.HardwarePos = hw, c.pos()
	}
}

func (p *parser) fixedAddress(s *Scope, into *[]statement, c *cursor) {
	var all []netip.Addr
	for {
		e := c.addressOrName(nil)
		if e == nil {
			return
		}
		if a, ok := netip.AddrFromSlice(e.data); ok && e.op == opConst {
			all = append(all, a)
		}
		if !c.accept(",") {
			break
		}
	}
	if !c.semicolon(s, into) {
		return
	}
	if s.host.FixedPos.IsValid() {
		p.refuse(c.pos(), idDuplicate, "a host has only one fixed-address statement; list the addresses with commas")
		return
	}
	s.host.Addresses, s.host.FixedPos = all, c.pos()
}

func (p *parser) uid(s *Scope, into *[]statement, c *cursor) {
	var id []byte
	if t := c.peek(); t.kind == quoted {
		id = []byte(t.text)
		c.i++
	} else if id = c.hexList(); id == nil {
		return
	}
	if !c.semicolon(s, into) {
		return
	}
	if s.host.ClientID != nil {
		p.refuse(c.pos(), idDuplicate, "the host %s has a uid already", s.host.Name)
		return
	}
	s.host.ClientID = id
}

func (p *parser) hostIdentifier(s *Scope, into *[]statement, c *cursor) {
	if c.accept("v6relopt") {
		p.refuse(c.pos(), idMisplaced, "host-identifier v6relopt is for DHCPv6")
		return
	}
	if !c.expect("option") {
		return
	}
	o := c.optionName()
	if o == nil {
		return
	}
	e := c.optionData(o)
	if e == nil || !c.semicolon(s, into) {
		return
	}
	if s.host.idOption != nil {
		p.refuse(c.pos(), idDuplicate, "the host %s has a host-identifier already", s.host.Name)
		return
	}
	s.host.idOption, s.host.id = o, e.data
}
