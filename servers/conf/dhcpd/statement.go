package dhcpd

import (
	"fmt"
	"maps"
	"strings"

	"github.com/pxeproof/pxeproof/servers/conf"
)

// statements reads the statements of a block or file. Declarations may stand in
// scopes, and not in the blocks of conditionals and the like.
func (p *parser) statements(s *Scope, into *[]statement, nodes []node, declarations bool) {
	for i := 0; i < len(nodes); i++ {
		switch n := &nodes[i]; {
		case n.is("if"):
			i = p.conditional(s, into, nodes, i)
		case len(n.words) == 0 && n.end.is(";") && i > 0 && nodes[i-1].is("key"):
			// The one block that may have a semicolon after it.
		default:
			p.statement(s, into, n, declarations)
		}
	}
}

// statement reads one statement: a declaration, or something to be executed for
// each client.
func (p *parser) statement(s *Scope, into *[]statement, n *node, declarations bool) {
	c := p.walk(n)
	if len(n.words) == 0 {
		hint := ""
		if n.end.is(";") {
			hint = "no semicolon stands after a closing brace"
		}
		p.refuseHint(n.pos(), idSyntax, "a statement expected before "+n.end.describe(), hint)
		return
	}
	if t := n.words[0]; t.kind == keyword && declarations {
		if declare := declarer(t.word); declare != nil {
			c.i++
			declare(p, s, into, c)
			return
		}
	}
	p.executable(s, into, c)
}

// executables reads the statements of a block that holds no declarations.
func (p *parser) executables(s *Scope, nodes []node) []statement {
	var all []statement
	p.statements(s, &all, nodes, false)
	return all
}

// executable reads a statement that is executed for each client.
func (p *parser) executable(s *Scope, into *[]statement, c *cursor) {
	t := c.peek()
	add := func(st statement) { *into = append(*into, st) }
	if t.kind == keyword {
		if read := executableWord(t.word); read != nil {
			c.i++
			if st := read(p, s, into, c); st != nil {
				add(st)
			}
			return
		}
	}
	if o := p.cfg.spaces.server.byName[strings.ToLower(t.text)]; o != nil && t.isIdentifier() {
		c.i++
		if st := p.setOption(s, into, c, o, supersede, t.pos); st != nil {
			add(st)
			p.aboutParameter(t, o)
		}
		return
	}
	if t.kind == name || t.kind == hexOrName {
		if st := p.unknown(s, into, c); st != nil {
			add(st)
		}
		return
	}
	c.fail(idSyntax, "%s does not begin a statement here", t.describe())
}

// unknown reads a statement that begins with a word that dhcpd does not know.
// dhcpd takes it for an expression: if it is one, it passes, and does nothing
// unless it calls a function.
func (p *parser) unknown(s *Scope, into *[]statement, c *cursor) statement {
	t := c.peek()
	hint := "remove it"
	if near := p.near(t.text, statementWords); near != "" {
		hint = fmt.Sprintf("did you mean `%s`?", near)
	}
	reads, problems := len(p.reads), len(p.problems)
	call := c.wordAt(1).is("(")
	e := c.binary(dataType, nil, 0, 0)
	if e == nil || !c.atEnd() || !c.n.end.is(";") {
		// What is wrong with it as an expression would help nobody.
		p.reads, p.problems = p.reads[:reads], p.problems[:min(problems, len(p.problems))]
		if c.failed = false; e != nil && c.peek().pos.Line > t.pos.Line {
			c.semicolon(s, into)
			return nil
		}
		p.refuseHint(t.pos, idUnknown, "`"+t.text+"` is no statement of dhcpd", hint)
		return nil
	}
	if call {
		return &evaluate{e}
	}
	p.reads = p.reads[:reads]
	p.report(conf.Problem{Pos: t.pos, Effect: conf.Warning, ID: idUnknown,
		Text: fmt.Sprintf("`%s` is no statement of dhcpd, which takes it in silence and does nothing", t.text),
		Hint: hint})
	return nil
}

// statementWords are all words that may begin a statement.
func statementWords(yield func(string) bool) {
	for w := range maps.Keys(declarations) {
		if !yield(w) {
			return
		}
	}
	for i := range parameters {
		if !yield(parameters[i].name) {
			return
		}
	}
}

// aboutParameter notes, once a file, what a parameter has no effect on here.
func (p *parser) aboutParameter(t token, o *Option) {
	par := parameterByName[o.Name]
	switch {
	case par == nil || par.use == played:
	case par.use == unplayed:
		p.doubt(t.pos, idUnplayed, "`%s` is about %s", o.Name, par.about)
	default:
		p.note(t.pos, idNoEffect, "`%s` has no effect here: it is about %s", o.Name, par.about)
	}
}

// setOption reads the value of an option or parameter, after its name.
func (p *parser) setOption(s *Scope, into *[]statement, c *cursor, o *Option, how how, at conf.Pos) statement {
	var value *expr
	switch {
	case c.atEnd() && c.n.end.is(";") && o.format[0] != 'Z':
		c.fail(idValue, "%s has no value", o)
		return nil
	case c.accept("="):
		if value = c.expression(dataType); value == nil {
			return nil
		}
	default:
		if value = c.optionData(o); value == nil {
			return nil
		}
	}
	if !c.semicolon(s, into) {
		return nil
	}
	return &set{option: o, how: how, value: value, pos: at}
}
