package dhcpd

// conditional reads an if with its elsif and else, which are nodes of their
// own. It returns the index of the last that belongs to it.
func (p *parser) conditional(s *Scope, into *[]statement, nodes []node, i int) int {
	root := &branch{}
	b, ok := root, true
	for {
		n := &nodes[i]
		c := p.walk(n)
		c.i++ // if, elsif, or the if of else if
		if n.is("else") {
			c.i++
		}
		b.pos = n.pos()
		b.cond = p.condition(c)
		ok = b.cond != nil && ok
		b.yes = p.executables(s, n.block)
		if i+1 == len(nodes) {
			break
		}
		following := &nodes[i+1]
		if following.is("elsif") || following.is("else") && len(following.words) > 1 && following.words[1].is("if") {
			i++
			inner := &branch{}
			b.no = []statement{inner}
			b = inner
			continue
		}
		if following.is("else") {
			i++
			c := p.walk(following)
			c.i++
			ok = c.braces() && ok
			b.no = p.executables(s, following.block)
		}
		break
	}
	if ok {
		*into = append(*into, root)
	}
	return i
}

// condition reads a condition and the brace after it. If it begins with a
// parenthesis, dhcpd wants the whole of it inside.
func (p *parser) condition(c *cursor) *expr {
	paren := c.accept("(")
	e := c.expression(boolType)
	if e == nil || paren && !c.expect(")") {
		return nil
	}
	if paren && !c.failed && !c.atEnd() {
		c.failed = true
		p.refuseHint(c.peek().pos, idSyntax, "dhcpd takes the first parenthesis for the whole condition, and expects `{` before "+
			c.peek().describe(), "put the whole condition into parentheses, or begin it with something else")
		return nil
	}
	if !c.braces() {
		return nil
	}
	return e
}

func (p *parser) switched(s *Scope, into *[]statement, c *cursor) statement {
	if !c.expect("(") {
		return nil
	}
	e := c.expression(dataOrNumber)
	if e == nil || !c.expect(")") || !c.braces() {
		return nil
	}
	sw := &switchOn{value: e}
	want := numberType
	if e.typ() == dataType {
		want = dataType
	}
	for i := 0; i < len(c.n.block); i++ {
		n := &c.n.block[i]
		p.labels(sw, n, want)
		if len(n.words) == 0 && !n.braced {
			continue
		}
		if n.is("if") {
			i = p.conditional(s, &sw.block, c.n.block, i)
		} else {
			p.statement(s, &sw.block, n, false)
		}
	}
	return sw
}

// labels takes case X: and default: off the front of a statement.
func (p *parser) labels(sw *switchOn, n *node, want typ) {
	for len(n.words) > 0 {
		c := p.walk(n)
		switch {
		case n.is("case"):
			c.i++
			// A hexadecimal number swallows the colon, in dhcpd too: such a
			// label has to be a string.
			e := c.binary(want, nil, 0, 0)
			if e == nil {
				c.fail(idSyntax, "an expression expected before %s", c.peek().describe())
			}
			if c.failed || !c.expect(":") {
				n.words = nil
				return
			}
			sw.labels = append(sw.labels, label{e, len(sw.block)})
		case n.is("default") && len(n.words) > 1 && n.words[1].is(":"):
			c.i += 2
			sw.labels = append(sw.labels, label{nil, len(sw.block)})
		default:
			return
		}
		n.words = n.words[c.i:]
	}
}

func (p *parser) strayCase(_ *Scope, _ *[]statement, c *cursor) statement {
	p.refuse(c.pos(), idMisplaced, "case stands outside of a switch")
	return nil
}
