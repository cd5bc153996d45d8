package dhcpd

import (
	"bytes"

	"github.com/pxeproof/pxeproof/servers/conf"
)

func (p *parser) classOf(s *Scope, into *[]statement, c *cursor) {
	t := c.next()
	if t.kind != quoted {
		c.failAt(t, idSyntax, "the name of a class in quotation marks expected before %s", t.describe())
		return
	}
	if !p.allowed(s, c, RootScope, NetworkScope, SubnetScope, PoolScope, GroupScope, HostScope) || !c.braces() {
		return
	}
	cl := p.classes[t.text]
	if cl == nil {
		cl = &Class{Name: t.text, Pos: c.pos(), Scope: s.inner(ClassScope, t.text, c.pos()), subclasses: make(map[string]*Class)}
		cl.Scope.class = cl
		// A class can be named from inside itself only after its end.
		defer func() {
			p.classes[cl.Name] = cl
			p.cfg.Classes = append(p.cfg.Classes, cl)
		}()
	}
	p.statements(cl.Scope, &cl.Scope.statements, c.n.block, true)
}

func (p *parser) subclass(s *Scope, into *[]statement, c *cursor) {
	if !p.allowed(s, c, RootScope, NetworkScope, SubnetScope, PoolScope, GroupScope, HostScope) {
		return
	}
	super := c.className()
	if super == nil {
		return
	}
	var data []byte
	if t := c.peek(); t.kind == quoted {
		data = []byte(t.text)
		c.i++
	} else if data = c.hexList(); data == nil {
		return
	}
	sub := super.subclasses[string(data)]
	if sub == nil {
		sub = &Class{Name: super.Name, Pos: c.pos(), Super: super, Match: bytes.Clone(data), Scope: super.Scope}
		super.subclasses[string(data)] = sub
	}
	if c.atEnd() && !c.n.braced {
		c.semicolon(s, into)
		return
	}
	if !c.braces() {
		return
	}
	sub.Scope = sub.Scope.inner(ClassScope, super.Name, c.pos())
	sub.Scope.class = sub
	p.statements(sub.Scope, &sub.Scope.statements, c.n.block, true)
}

func (p *parser) classParameter(s *Scope, into *[]statement, c *cursor) {
	if !p.allowed(s, c, ClassScope) {
		return
	}
	cl := s.class
	switch {
	case cl.Super != nil:
		p.refuse(c.pos(), idMisplaced, "%s belongs into the class, not into a subclass", c.n.words[0].word)
	case c.n.words[0].is("lease"):
		if !c.expect("limit") {
			return
		}
		if t := c.next(); t.kind != number {
			c.failAt(t, idValue, "a number expected after lease limit, not %s", t.describe())
		} else if c.semicolon(s, into) {
			p.doubt(c.pos(), idUnplayed, "`lease limit` is not obeyed here: dhcpd answers only so many clients of the class")
		}
	case c.n.words[0].is("match") && c.accept("if"):
		if cl.matchIf != nil {
			p.refuse(c.pos(), idDuplicate, "the class %s has a match if already", cl.Name)
			return
		}
		if e := c.expression(boolType); e != nil && c.semicolon(s, into) {
			cl.matchIf = e
		}
	default:
		spawn := c.n.words[0].is("spawn")
		if spawn && !c.expect("with") {
			return
		}
		if cl.submatch != nil {
			p.refuse(c.pos(), idDuplicate, "the class %s has a match or spawn already", cl.Name)
			return
		}
		if e := c.expression(dataType); e != nil && c.semicolon(s, into) {
			cl.submatch, cl.spawns = e, spawn
		}
	}
}

// oldClass reads vendor-class and user-class, which dhcpd 2 had.
func (p *parser) oldClass(_ *Scope, _ *[]statement, c *cursor) {
	t := c.peek()
	if t.kind == quoted && p.classes[t.text] == nil {
		p.report(conf.Problem{Pos: t.pos, Effect: conf.Refusal, ID: idReference,
			Text: "there is no class \"" + t.text + "\" above this line",
			Hint: "write class \"name\" { match if option vendor-class-identifier = \"" + t.text + "\"; }"})
		return
	}
	p.doubt(c.pos(), idUnplayed, "`%s` is a form of dhcpd 2, and is not understood here", c.n.words[0].word)
}
