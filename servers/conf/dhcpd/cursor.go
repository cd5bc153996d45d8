package dhcpd

import (
	"strings"

	"github.com/pxeproof/pxeproof/servers/conf"
)

// A cursor walks over the words of one statement. After the last word it stays
// on the token that ended the statement. It reports the first thing that is
// wrong with the statement and nothing after it, as dhcpd's complaints about
// the rest are seldom worth reading.
type cursor struct {
	p      *parser
	n      *node
	i      int
	failed bool
	depth  int // of nested function calls
}

func (p *parser) walk(n *node) *cursor { return &cursor{p: p, n: n} }

func (c *cursor) peek() token {
	if c.i < len(c.n.words) {
		return c.n.words[c.i]
	}
	return c.n.end
}

func (c *cursor) next() token {
	t := c.peek()
	if c.i < len(c.n.words) {
		c.i++
	}
	return t
}

func (c *cursor) atEnd() bool { return c.i >= len(c.n.words) }

// accept takes the next word if it is the given keyword or punctuation.
func (c *cursor) accept(word string) bool {
	if c.atEnd() || !c.peek().is(word) {
		return false
	}
	c.i++
	return true
}

// expect is accept, with a complaint if it is something else.
func (c *cursor) expect(word string) bool {
	if c.accept(word) {
		return true
	}
	c.fail(idSyntax, "`%s` expected before %s", word, c.peek().describe())
	return false
}

// fail reports a problem at the next word.
func (c *cursor) fail(id, format string, arg ...any) { c.failAt(c.peek(), id, format, arg...) }

func (c *cursor) failAt(t token, id, format string, arg ...any) {
	if c.failed {
		return
	}
	c.failed = true
	if typographic(t) {
		c.p.refuseHint(t.pos, idQuote, "this is a typographic quotation mark, which means nothing to dhcpd",
			`write it as a plain " `)
		return
	}
	c.p.refuse(t.pos, id, format, arg...)
}

// semicolon ends the statement. If words are left on a later line, a semicolon
// was forgotten: it says so, and reads those words as the next statement.
func (c *cursor) semicolon(s *Scope, into *[]statement) bool {
	if c.failed {
		return false
	}
	if c.atEnd() && c.n.end.is(";") {
		return true
	}
	before := c.n.words[max(c.i, 1)-1]
	t := c.peek()
	switch {
	case typographic(t):
		c.fail(idQuote, "")
	case t.kind != endOfFile && t.pos.Line == before.end.Line && !t.is("}"):
		c.fail(idSemicolon, "semicolon expected before %s", t.describe())
	default:
		c.failed = true
		c.p.refuse(before.end, idSemicolon, "a semicolon is missing here")
		if rest := c.n.words[c.i:]; len(rest) > 0 && s != nil {
			c.p.statement(s, into, &node{words: rest, block: c.n.block, braced: c.n.braced, end: c.n.end}, true)
		}
	}
	return false
}

// braces says whether the statement ends here with a block, and complains if
// it does not.
func (c *cursor) braces() bool {
	if c.failed {
		return false
	}
	if c.atEnd() && c.n.braced {
		return true
	}
	c.fail(idSyntax, "`{` expected before %s", c.peek().describe())
	return false
}

// typographic says whether a token is one of the quotation marks that word
// processors and web pages put in the place of ".
func typographic(t token) bool {
	return t.kind == punctuation && len(t.text) > 1 && strings.Contains("“”„‟″‘’‚‛′«»＂", t.text)
}

// position of the statement.
func (c *cursor) pos() conf.Pos { return c.n.pos() }
