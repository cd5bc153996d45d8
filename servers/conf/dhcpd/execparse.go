package dhcpd

// A reader reads the rest of a statement that is executed for each client. It
// returns nil if there is nothing to execute.
type reader func(p *parser, s *Scope, into *[]statement, c *cursor) statement

// executableWord is the reader of statements that begin with the keyword.
func executableWord(word string) reader {
	switch word {
	case "option", "supersede", "send":
		return assignment(supersede)
	case "default":
		return assignment(byDefault)
	case "prepend":
		return assignment(prepend)
	case "append":
		return assignment(appended)
	case "allow":
		return permission(1)
	case "deny":
		return permission(0)
	case "ignore":
		return permission(2)
	case "on":
		return (*parser).on
	case "switch":
		return (*parser).switched
	case "case":
		return (*parser).strayCase
	case "set":
		return (*parser).setVariable
	case "define":
		return (*parser).define
	case "unset":
		return (*parser).unset
	case "eval":
		return (*parser).eval
	case "return":
		return (*parser).returns
	case "break":
		return (*parser).breaks
	case "add":
		return (*parser).addClass
	case "log", "execute":
		return (*parser).sideEffect
	case "parse-vendor-option":
		return (*parser).vendorOption
	case "zone", "key":
		return (*parser).dns
	case "db-time-format":
		return (*parser).timeFormat
	}
	return nil
}

func assignment(h how) reader {
	return func(p *parser, s *Scope, into *[]statement, c *cursor) statement {
		o := c.optionName()
		if o == nil {
			return nil
		}
		return p.setOption(s, into, c, o, h, c.pos())
	}
}

// permission reads allow, deny and ignore outside of pools. They are
// parameters with an old-fashioned spelling.
func permission(value byte) reader {
	return func(p *parser, s *Scope, into *[]statement, c *cursor) statement {
		t := c.next()
		par, ok := permissions[t.word]
		if !ok || t.kind != keyword {
			hint := ""
			if near := p.near(t.text, permissionWords); near != "" {
				hint = "did you mean `" + near + "`?"
			}
			p.refuseHint(t.pos, idSyntax, t.describe()+" cannot be allowed, denied or ignored here", hint)
			return nil
		}
		if !c.semicolon(s, into) {
			return nil
		}
		o := p.cfg.spaces.server.byName[par]
		p.aboutParameter(t, o)
		return &set{option: o, how: supersede, value: constant([]byte{value}, t.pos), pos: c.pos()}
	}
}

func permissionWords(yield func(string) bool) {
	for w := range permissions {
		if !yield(w) {
			return
		}
	}
}

func (p *parser) on(s *Scope, into *[]statement, c *cursor) statement {
	commit := false
	for {
		t := c.next()
		switch t.word {
		case "commit":
			commit = true
		case "expiry", "release", "transmission":
		default:
			c.failAt(t, idSyntax, "an event (commit, expiry, release) expected after on, not %s", t.describe())
			return nil
		}
		if !c.accept("or") {
			break
		}
	}
	if !c.n.braced {
		c.semicolon(s, into)
		return nil
	}
	if !c.braces() {
		return nil
	}
	block := p.executables(s, c.n.block)
	if !commit {
		// What happens when a lease ends does not reach a reply.
		return nil
	}
	return &onCommit{block}
}

func (p *parser) setVariable(s *Scope, into *[]statement, c *cursor) statement {
	v := c.variableName()
	if v == "" || !c.expect("=") {
		return nil
	}
	e := c.expression(anyType)
	if e == nil || !c.semicolon(s, into) {
		return nil
	}
	p.set[lower(v)] = true
	return &assign{name: v, value: e}
}

func (c *cursor) variableName() string {
	t := c.next()
	if t.kind != name && t.kind != hexOrName {
		c.failAt(t, idSyntax, "%s cannot be the name of a variable", t.describe())
		return ""
	}
	return t.text
}

// define reads a function.
func (p *parser) define(s *Scope, into *[]statement, c *cursor) statement {
	v := c.variableName()
	if v == "" {
		return nil
	}
	if !c.accept("(") {
		c.failed = true
		p.doubt(c.pos(), idUnplayed, "a define without arguments is not understood here")
		return nil
	}
	f := &function{}
	for !c.accept(")") {
		a := c.variableName()
		if a == "" {
			return nil
		}
		f.args = append(f.args, a)
		p.set[lower(a)] = true
		if !c.accept(",") && !c.peek().is(")") {
			c.expect(")")
			return nil
		}
	}
	if !c.braces() {
		return nil
	}
	f.block = p.executables(s, c.n.block)
	p.set[lower(v)] = true
	return &assign{name: v, fn: f}
}

func (p *parser) unset(s *Scope, into *[]statement, c *cursor) statement {
	v := c.variableName()
	if v == "" || !c.semicolon(s, into) {
		return nil
	}
	return &assign{name: v}
}

func (p *parser) eval(s *Scope, into *[]statement, c *cursor) statement {
	e := c.expression(anyType)
	if e == nil || !c.semicolon(s, into) {
		return nil
	}
	return &evaluate{e}
}

func (p *parser) returns(s *Scope, into *[]statement, c *cursor) statement {
	e := c.expression(anyType)
	if e == nil || !c.semicolon(s, into) {
		return nil
	}
	return &returned{e}
}

func (p *parser) breaks(s *Scope, into *[]statement, c *cursor) statement {
	if !c.semicolon(s, into) {
		return nil
	}
	return breakOut{}
}

func (p *parser) addClass(s *Scope, into *[]statement, c *cursor) statement {
	cl := c.className()
	if cl == nil || !c.semicolon(s, into) {
		return nil
	}
	return &addTo{cl}
}

// className reads the name of a class that has been declared above.
func (c *cursor) className() *Class {
	t := c.next()
	if t.kind != quoted {
		c.failAt(t, idSyntax, "the name of a class in quotation marks expected before %s", t.describe())
		return nil
	}
	cl := c.p.classes[t.text]
	if cl == nil {
		c.failAt(t, idReference, "there is no class %q above this line", t.text)
	}
	return cl
}

// sideEffect reads log(...) and execute(...), which do something, and nothing
// to a reply.
func (p *parser) sideEffect(s *Scope, into *[]statement, c *cursor) statement {
	word := c.n.words[c.i-1].word
	if !c.expect("(") {
		return nil
	}
	if word == "log" {
		for _, level := range []string{"fatal", "error", "debug", "info"} {
			if c.accept(level) {
				if level == "fatal" {
					p.doubt(c.pos(), idUnplayed, "log (fatal, …) ends dhcpd when it is executed")
				}
				if !c.expect(",") {
					return nil
				}
				break
			}
		}
	}
	for {
		if c.expression(dataType) == nil {
			return nil
		}
		if word == "log" || !c.accept(",") {
			break
		}
	}
	if !c.expect(")") || !c.semicolon(s, into) {
		return nil
	}
	p.note(c.pos(), idNoEffect, "`%s` has no effect here", word)
	return nil
}

func (p *parser) vendorOption(s *Scope, into *[]statement, c *cursor) statement {
	if !c.semicolon(s, into) {
		return nil
	}
	return parseVendor{}
}

// dns passes over zone and key, which are for dynamic DNS. It only sees to it
// that the key that a zone names exists.
func (p *parser) dns(_ *Scope, _ *[]statement, c *cursor) statement {
	word := c.n.words[0].word
	called := c.hostName()
	if t := c.peek(); called == "" && t.kind == quoted {
		c.i++
		called = t.text
	}
	if called == "" {
		c.fail(idSyntax, "a name expected after %s", word)
		return nil
	}
	if !c.braces() {
		return nil
	}
	if word == "key" {
		p.keys[called] = true
	}
	for i := range c.n.block {
		inner := p.walk(&c.n.block[i])
		if word == "zone" && inner.accept("key") {
			t := inner.peek()
			if key := inner.hostName(); !p.keys[key] && !p.keys[t.text] {
				p.refuse(t.pos, idReference, "there is no key %s above this line", t.describe())
			}
		}
	}
	p.note(c.pos(), idNoEffect, "`%s` has no effect here: it is about %s", word, aboutDNS)
	return nil
}

func (p *parser) timeFormat(s *Scope, into *[]statement, c *cursor) statement {
	if !c.accept("default") && !c.accept("local") {
		c.fail(idValue, "default or local expected before %s", c.peek().describe())
		return nil
	}
	if c.semicolon(s, into) {
		p.note(c.pos(), idNoEffect, "`db-time-format` has no effect here: it is about %s", aboutFiles)
	}
	return nil
}
