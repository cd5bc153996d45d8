package grub

import (
	"fmt"
	"strings"

	"github.com/pxeproof/pxeproof/servers/conf"
)

// A part is a piece of a word: a text, or a variable.
type part struct {
	text     string
	variable bool
}

// A word is what stands between blanks.
type word struct {
	parts  []part
	quoted bool // somewhere: it is no keyword
	pos    conf.Pos
}

// plain is the word if it has no variables and no quotes, such as a keyword.
func (w word) plain() string {
	if len(w.parts) == 1 && !w.parts[0].variable && !w.quoted {
		return w.parts[0].text
	}
	return ""
}

// A statement is a command, perhaps with a block; or an if.
type statement struct {
	pos   conf.Pos
	words []word
	body  []statement // of menuentry, submenu, function
	block bool

	branches []branch // of an if; the one without a condition is else
	loop     bool     // for, while, until: not followed
}

type branch struct {
	condition []statement
	body      []statement
}

// Limits of what a hostile file can make of itself.
const (
	maxNesting = 64
	maxSteps   = 10_000
	maxWords   = 4096
	maxValue   = 16 << 10
)

// A syntaxError is where a text stops to be a script of GRUB's.
type syntaxError struct {
	pos conf.Pos
	why string
}

// A token is a word, or one of ; { } and a line's end (which is a ;).
type token struct {
	word
	sign byte
	line bool // a line's end
}

// parse reads a whole script.
func parse(file, src string) (all []statement, err *syntaxError) {
	defer func() {
		if e, ok := recover().(syntaxError); ok {
			err = &e
		}
	}()
	p := &parser{tokens: scan(file, src), end: conf.Pos{File: file, Line: strings.Count(src, "\n") + 1, Col: 1}}
	return p.block(0, ""), nil
}

// scan cuts a script into tokens.
func scan(file, src string) []token {
	var all []token
	line, bol := 1, 0
	var w *word
	finish := func() {
		if w != nil {
			all = append(all, token{word: *w})
			w = nil
		}
	}
	for i := 0; i < len(src); {
		c := src[i]
		pos := conf.Pos{File: file, Line: line, Col: i - bol + 1}
		begin := func() {
			if w == nil {
				w = &word{pos: pos}
			}
		}
		text := func(s string) {
			begin()
			if n := len(w.parts); n > 0 && !w.parts[n-1].variable {
				w.parts[n-1].text += s
			} else {
				w.parts = append(w.parts, part{text: s})
			}
		}
		switch {
		case c == '\n':
			finish()
			all = append(all, token{word: word{pos: pos}, sign: ';', line: true})
			i++
			line, bol = line+1, i
		case c == ' ' || c == '\t' || c == '\r':
			finish()
			i++
		case c == '#' && w == nil:
			for i < len(src) && src[i] != '\n' {
				i++
			}
		case c == ';' || c == '{' || c == '}':
			finish()
			all = append(all, token{word: word{pos: pos}, sign: c})
			i++
		case c == '\\' && i+1 < len(src):
			if src[i+1] == '\n' {
				line, bol = line+1, i+2
			} else {
				text(src[i+1 : i+2])
			}
			i += 2
		case c == '$':
			name, n := variable(src[i:])
			if n == 0 {
				text("$")
				i++
				break
			}
			begin()
			w.parts = append(w.parts, part{name, true})
			i += n
		case c == '\'':
			end := strings.IndexByte(src[i+1:], '\'')
			if end < 0 {
				panic(syntaxError{pos, "a quote (') has no second one"})
			}
			s := src[i+1 : i+1+end]
			text(s)
			w.quoted = true
			i += end + 2
			if n := strings.Count(s, "\n"); n > 0 {
				line, bol = line+n, i-len(s)+strings.LastIndexByte(s, '\n')
			}
		case c == '"':
			begin()
			w.quoted = true
			text("")
			i++
			for {
				if i >= len(src) {
					panic(syntaxError{pos, `a quote (") has no second one`})
				}
				if src[i] == '"' {
					i++
					break
				}
				if src[i] == '\\' && i+1 < len(src) && strings.IndexByte("$\"\\\n", src[i+1]) >= 0 {
					text(src[i+1 : i+2])
					i += 2
					continue
				}
				if name, n := variable(src[i:]); src[i] == '$' && n > 0 {
					w.parts = append(w.parts, part{name, true})
					i += n
					continue
				}
				if src[i] == '\n' {
					line, bol = line+1, i+1
				}
				text(src[i : i+1])
				i++
			}
		default:
			text(string(c))
			i++
		}
	}
	finish()
	return all
}

// variable reads $NAME or ${NAME}, and returns how long it is.
func variable(s string) (name string, n int) {
	if strings.HasPrefix(s, "${") {
		if end := strings.IndexByte(s, '}'); end > 2 {
			return s[2:end], end + 1
		}
		return "", 0
	}
	n = 1
	for n < len(s) && (s[n] == '_' || '0' <= s[n] && s[n] <= '9' || 'a' <= s[n]|0x20 && s[n]|0x20 <= 'z') {
		n++
	}
	if n == 1 {
		if len(s) > 1 && strings.IndexByte("?#@*", s[1]) >= 0 {
			return s[1:2], 2
		}
		return "", 0
	}
	return s[1:n], n
}

type parser struct {
	tokens []token
	end    conf.Pos
}

func (p *parser) peek() token {
	if len(p.tokens) == 0 {
		return token{word: word{pos: p.end}, sign: 0}
	}
	return p.tokens[0]
}

func (p *parser) next() token {
	t := p.peek()
	if len(p.tokens) > 0 {
		p.tokens = p.tokens[1:]
	}
	return t
}

func (p *parser) fail(at conf.Pos, format string, args ...any) {
	panic(syntaxError{at, fmt.Sprintf(format, args...)})
}

func (p *parser) done() bool { return len(p.tokens) == 0 }

// block reads statements up to one of some keywords, or "}", which stays.
func (p *parser) block(depth int, until string) []statement {
	if depth > maxNesting {
		p.fail(p.peek().pos, "blocks are nested more than %d deep", maxNesting)
	}
	var all []statement
	for !p.done() {
		t := p.peek()
		switch {
		case t.sign == ';':
			p.next()
		case t.sign == '}':
			if until != "}" {
				p.fail(t.pos, "a } stands here without its {")
			}
			return all
		case t.sign == '{':
			p.fail(t.pos, "a { stands here without a command before it")
		case t.plain() != "" && until != "" && strings.Contains(" "+until+" ", " "+t.plain()+" "):
			return all
		case t.plain() == "if":
			all = append(all, p.conditional(depth))
		case t.plain() == "for" || t.plain() == "while" || t.plain() == "until":
			p.next()
			p.block(depth+1, "do")
			p.keyword("do", t.pos)
			p.block(depth+1, "done")
			p.keyword("done", t.pos)
			all = append(all, statement{pos: t.pos, loop: true})
		default:
			all = append(all, p.command(depth))
		}
	}
	if until != "" {
		p.fail(p.end, "the file ends where %q has to stand", until)
	}
	return all
}

func (p *parser) keyword(want string, since conf.Pos) {
	if t := p.next(); t.plain() != want {
		p.fail(t.pos, "%q has to stand here (%s)", want, since)
	}
}

func (p *parser) conditional(depth int) statement {
	s := statement{pos: p.next().pos}
	for {
		b := branch{condition: p.block(depth+1, "then")}
		p.keyword("then", s.pos)
		b.body = p.block(depth+1, "elif else fi")
		s.branches = append(s.branches, b)
		switch t := p.next(); t.plain() {
		case "fi":
			return s
		case "else":
			s.branches = append(s.branches, branch{body: p.block(depth+1, "fi")})
			p.keyword("fi", s.pos)
			return s
		}
	}
}

func (p *parser) command(depth int) statement {
	s := statement{pos: p.peek().pos}
	for !p.done() {
		t := p.peek()
		if t.sign == ';' || t.sign == '}' {
			return s
		}
		if t.sign == '{' {
			p.next()
			s.block, s.body = true, p.block(depth+1, "}")
			if e := p.next(); e.sign != '}' {
				p.fail(e.pos, "a } has to stand here (%s)", t.pos)
			}
			return s
		}
		s.words = append(s.words, p.next().word)
	}
	return s
}
