package dhcpd

import "github.com/pxeproof/pxeproof/servers/conf"

// A node is a statement before it is known what it means: words, and then
// either a semicolon or a block of further statements. dhcpd's language has no
// other shape; what the words mean depends on where the statement stands and,
// for options, on the option's type.
type node struct {
	words  []token
	block  []node
	braced bool  // there is a block, perhaps an empty one
	end    token // what ended it: ; or { or } or the end of the file
}

func (n *node) pos() conf.Pos {
	if len(n.words) > 0 {
		return n.words[0].pos
	}
	return n.end.pos
}

// is says whether the statement begins with the keyword.
func (n *node) is(word string) bool { return len(n.words) > 0 && n.words[0].is(word) }

// maxNesting is how deep blocks may nest. Nobody nests a dozen; a hostile file
// would nest until the stack is gone.
const maxNesting = 64

// grow makes the tree of a file's tokens.
func grow(tokens []token, report func(conf.Problem)) []node {
	g := &grower{tokens: tokens, report: report}
	var all []node
	for {
		all = append(all, g.statements(0)...)
		if g.tokens[g.i].kind == endOfFile {
			return all
		}
		report(conf.Problem{Pos: g.tokens[g.i].pos, Effect: conf.Refusal, ID: idSyntax,
			Text: "this } closes nothing"})
		g.i++
	}
}

type grower struct {
	tokens []token
	i      int
	report func(conf.Problem)
}

// statements takes statements up to a } or the end of the file, which it leaves.
func (g *grower) statements(depth int) []node {
	var all []node
	for {
		t := g.tokens[g.i]
		if t.kind == endOfFile || t.is("}") {
			return all
		}
		all = append(all, g.statement(depth))
	}
}

func (g *grower) statement(depth int) node {
	var n node
	record := 0 // braces of a type such as = { integer 8, text }
	for ; ; g.i++ {
		t := g.tokens[g.i]
		switch {
		case t.kind == endOfFile, t.is("}") && record == 0:
			n.end = t
			return n
		case t.is(";") && record == 0:
			n.end = t
			g.i++
			return n
		case t.is("{") && (record > 0 || opensRecord(n.words)):
			record++
		case t.is("}"):
			record--
		case t.is(";"):
			record = 0 // a record cannot hold one: its } is missing
			n.end = t
			g.i++
			return n
		case t.is("{"):
			n.braced, n.end = true, t
			g.i++
			g.body(&n, t, depth)
			return n
		}
		n.words = append(n.words, t)
	}
}

func (g *grower) body(n *node, open token, depth int) {
	if depth == maxNesting {
		g.report(conf.Problem{Pos: open.pos, Effect: conf.Doubt, ID: idTooLarge,
			Text: "blocks are nested too deep to be read"})
		g.i = len(g.tokens) - 1
		return
	}
	n.block = g.statements(depth + 1)
	if g.tokens[g.i].kind == endOfFile {
		g.report(conf.Problem{Pos: open.pos, Effect: conf.Refusal, ID: idSyntax,
			Text: "the block that opens here is never closed"})
		return
	}
	g.i++
}

// opensRecord says whether a { after these words belongs to the statement: in
// an option's definition, after = or of.
func opensRecord(words []token) bool {
	if len(words) == 0 || !words[0].is("option") {
		return false
	}
	last := words[len(words)-1]
	return last.is("=") || last.is("of")
}
