package dhcpd

import (
	"slices"

	"github.com/pxeproof/pxeproof/servers/conf"
)

// A declareFunc reads the rest of a declaration.
type declareFunc func(p *parser, s *Scope, into *[]statement, c *cursor)

// declarer is the reader of declarations that begin with the keyword.
func declarer(word string) declareFunc {
	switch word {
	case "include":
		return (*parser).include
	case "shared-network":
		return (*parser).sharedNetwork
	case "subnet":
		return (*parser).subnet
	case "pool":
		return (*parser).pool
	case "range":
		return (*parser).rangeOf
	case "group":
		return (*parser).group
	case "host":
		return (*parser).host
	case "hardware", "fixed-address", "uid", "host-identifier":
		return (*parser).hostParameter
	case "class":
		return (*parser).classOf
	case "subclass":
		return (*parser).subclass
	case "match", "spawn", "lease":
		return (*parser).classParameter
	case "vendor-class", "user-class":
		return (*parser).oldClass
	case "option":
		return (*parser).option
	case "server-identifier":
		return (*parser).serverIdentifier
	case "authoritative", "not":
		return (*parser).authoritative
	case "allow", "deny":
		return (*parser).permit
	case "interface":
		return (*parser).linkInterface
	case "failover", "no":
		return (*parser).failover
	case "dynamic", "deleted", "static":
		return (*parser).leaseFileWord
	case "subnet6", "range6", "prefix6", "pool6", "fixed-prefix6", "fixed-address6", "server-duid":
		return (*parser).version6
	case "lease-id-format":
		return (*parser).leaseIDFormat
	}
	return nil
}

// allowed complains if the declaration may not stand in this kind of scope.
func (p *parser) allowed(s *Scope, c *cursor, in ...ScopeKind) bool {
	if slices.Contains(in, s.Kind) {
		return true
	}
	where := "in a " + s.Kind.String()
	if s.Kind == RootScope {
		where = "outside of every declaration"
	}
	p.refuse(c.pos(), idMisplaced, "%s may not stand %s", c.n.words[0].word, where)
	return false
}

func (p *parser) group(s *Scope, into *[]statement, c *cursor) {
	if s.Kind == HostScope {
		p.hostGroup(s, into, c)
		return
	}
	if !p.allowed(s, c, RootScope, NetworkScope, SubnetScope, PoolScope, GroupScope) {
		return
	}
	called := ""
	if t := c.peek(); !c.atEnd() && (t.kind == quoted || t.isIdentifier()) {
		called = t.text
		c.i++
	}
	if !c.braces() {
		return
	}
	g := s.inner(GroupScope, called, c.pos())
	p.statements(g, &g.statements, c.n.block, true)
	if called != "" {
		p.cfg.groups[called] = g
	}
}

func (p *parser) authoritative(s *Scope, into *[]statement, c *cursor) {
	is := true
	if c.n.words[0].is("not") {
		is = false
		if !c.expect("authoritative") {
			return
		}
	}
	if s.Kind == HostScope {
		p.refuse(c.pos(), idMisplaced, "authoritative makes no sense in a host")
		return
	}
	if c.semicolon(s, into) {
		s.Authoritative, s.AuthoritativePos = is, c.pos()
	}
}

func (p *parser) serverIdentifier(s *Scope, into *[]statement, c *cursor) {
	o := p.cfg.spaces.dhcp.coded(54)
	if st := p.setOption(s, into, c, o, supersede, c.pos()); st != nil {
		*into = append(*into, st)
	}
}

// permit reads allow and deny, which mean something else inside a pool.
func (p *parser) permit(s *Scope, into *[]statement, c *cursor) {
	if s.Kind != PoolScope {
		value := byte(0)
		if c.n.words[0].is("allow") {
			value = 1
		}
		if st := permission(value)(p, s, into, c); st != nil {
			*into = append(*into, st)
		}
		return
	}
	pm, ok := c.permit()
	if !ok || !c.semicolon(s, into) {
		return
	}
	if c.n.words[0].is("allow") {
		s.pool.Allow = append(s.pool.Allow, pm)
	} else {
		s.pool.Deny = append(s.pool.Deny, pm)
	}
}

func (p *parser) linkInterface(s *Scope, into *[]statement, c *cursor) {
	if !p.allowed(s, c, NetworkScope, SubnetScope) {
		return
	}
	t := c.next()
	if t.kind != quoted && !t.isIdentifier() {
		c.failAt(t, idSyntax, "the name of an interface expected before %s", t.describe())
		return
	}
	if c.semicolon(s, into) {
		p.doubt(c.pos(), idUnplayed, "`interface` ties the network to an interface called %s; here it is tied to the interface whose address it holds", t.text)
	}
}

// failover reads failover peer "name" ...; and no failover;
func (p *parser) failover(s *Scope, into *[]statement, c *cursor) {
	if c.n.words[0].is("no") {
		if !p.allowed(s, c, PoolScope) || !c.expect("failover") {
			return
		}
		c.accept("peer")
		c.semicolon(s, into)
		return
	}
	if !p.allowed(s, c, RootScope, NetworkScope, PoolScope) {
		return
	}
	p.doubt(c.pos(), idUnplayed, "failover is not played here: dhcpd answers, or leaves it to its peer, as the two agree")
}

// leaseFileWord reads words that dhcpd writes into its lease file, and may
// therefore read.
func (p *parser) leaseFileWord(s *Scope, into *[]statement, c *cursor) {
	if !p.allowed(s, c, HostScope, ClassScope, GroupScope) {
		return
	}
	if c.semicolon(s, into) && c.n.words[0].is("deleted") {
		p.doubt(c.pos(), idUnplayed, "`deleted` belongs into a lease file, and is not obeyed here")
	}
}

func (p *parser) version6(_ *Scope, _ *[]statement, c *cursor) {
	p.report(conf.Problem{Pos: c.pos(), Effect: conf.Refusal, ID: idMisplaced,
		Text: c.n.words[0].word + " is for DHCPv6; a dhcpd for IPv4 does not start with it",
		Hint: "move it to the dhcpd6.conf"})
}

func (p *parser) leaseIDFormat(s *Scope, into *[]statement, c *cursor) {
	if !c.accept("hex") && !c.accept("octal") {
		c.fail(idValue, "hex or octal expected before %s", c.peek().describe())
		return
	}
	if c.semicolon(s, into) {
		p.note(c.pos(), idNoEffect, "`lease-id-format` has no effect here: it is about %s", aboutFiles)
	}
}
