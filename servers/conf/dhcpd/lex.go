package dhcpd

import (
	"strings"
	"unicode/utf8"

	"github.com/pxeproof/pxeproof/servers/conf"
)

// A kind is what a token is to dhcpd's grammar.
type kind uint8

const (
	endOfFile   kind = iota
	quoted           // "text", with its escapes resolved
	number           // decimal digits, or a minus sign and digits
	hexOrName        // could be hexadecimal, could be a name: ab, 0x1f
	name             // anything else that starts like a name and is no keyword
	keyword          // one of dhcpd's own words, see words.go
	punctuation      // one character
)

// A token is a word of the file. text is as written, except that a quoted
// string is without its quotes and escapes; word is a keyword in lower case, or
// the punctuation.
type token struct {
	kind kind
	text string
	word string
	pos  conf.Pos
	end  conf.Pos // where the next character is
}

func (t token) is(word string) bool {
	return (t.kind == keyword || t.kind == punctuation) && t.word == word
}

// isIdentifier is what dhcpd takes for an identifier: keywords too.
func (t token) isIdentifier() bool {
	return t.kind == name || t.kind == hexOrName || t.kind == keyword
}

// isHex says whether the token can be an element of a list such as 00:1a:ff.
func (t token) isHex() bool { return t.kind == number || t.kind == hexOrName }

// describe is the token as an error message names it.
func (t token) describe() string {
	switch t.kind {
	case endOfFile:
		return "the end of the file"
	case quoted:
		return `"` + t.text + `"`
	}
	return "`" + t.text + "`"
}

// maxString is the longest string that dhcpd's lexer holds.
const maxString = 1500

// lexer makes tokens of a file. It never fails: what it cannot make sense of
// becomes punctuation, and the parser complains where it meets it.
type lexer struct {
	file      string
	src       []byte
	off       int
	line, col int
	report    func(conf.Problem)
}

func lex(file string, src []byte, report func(conf.Problem)) []token {
	l := &lexer{file: file, src: src, line: 1, col: 1, report: report}
	var all []token
	for {
		t := l.next()
		all = append(all, t)
		if t.kind == endOfFile {
			return all
		}
	}
}

func (l *lexer) pos() conf.Pos { return conf.Pos{File: l.file, Line: l.line, Col: l.col} }

func (l *lexer) peek() (byte, bool) {
	if l.off >= len(l.src) {
		return 0, false
	}
	return l.src[l.off], true
}

func (l *lexer) take() byte {
	c := l.src[l.off]
	l.off++
	if c == '\n' {
		l.line++
		l.col = 1
	} else {
		l.col++
	}
	return c
}

func (l *lexer) next() token {
	for {
		c, ok := l.peek()
		switch {
		case !ok:
			return token{kind: endOfFile, pos: l.pos(), end: l.pos()}
		case isSpace(c):
			l.take()
		case c == '#':
			for c, ok := l.peek(); ok && c != '\n'; c, ok = l.peek() {
				l.take()
			}
		case c == '"':
			return l.quoted()
		case isDigit(c), c == '-':
			return l.number()
		case isAlpha(c):
			return l.word()
		default:
			return l.other()
		}
	}
}

// other takes one character, a whole one if it is UTF-8: dhcpd sees its bytes
// one by one, but a person wants to be told of the quotation mark.
func (l *lexer) other() token {
	t := token{kind: punctuation, pos: l.pos()}
	_, size := utf8.DecodeRune(l.src[l.off:])
	t.text = string(l.src[l.off : l.off+size])
	for range size {
		l.take()
	}
	t.word, t.end = t.text, l.pos()
	return t
}

// number follows dhcpd's rule: a token that starts with a digit is a number
// until a hexadecimal digit makes it "number or name" and any other letter
// makes it a name, except after 0x.
func (l *lexer) number() token {
	t := token{kind: number, pos: l.pos()}
	start := l.off
	l.take()
	for {
		c, ok := l.peek()
		if !ok {
			break
		}
		i := l.off - start
		switch {
		case t.kind == number && isDigit(c):
		case t.kind != name && isHexDigit(c):
			t.kind = hexOrName
		case i == 2 && isHexDigit(c) && l.src[start] == '0' && (l.src[start+1] == 'x' || l.src[start+1] == 'X'):
			t.kind = hexOrName
		case c == '-' || c == '_' || isDigit(c) || isAlpha(c):
			t.kind = name
		default:
			ok = false
		}
		if !ok {
			break
		}
		l.take()
	}
	t.text, t.end = string(l.src[start:l.off]), l.pos()
	if t.text == "-" {
		t.kind, t.word = punctuation, "-"
	}
	return t
}

// word takes a name. Its first letter does not decide whether it can be
// hexadecimal; that is dhcpd's own oversight, and harmless.
func (l *lexer) word() token {
	t := token{kind: hexOrName, pos: l.pos()}
	start := l.off
	l.take()
	for c, ok := l.peek(); ok && (c == '-' || c == '_' || isDigit(c) || isAlpha(c)); c, ok = l.peek() {
		if !isHexDigit(c) {
			t.kind = name
		}
		l.take()
	}
	t.text, t.end = string(l.src[start:l.off]), l.pos()
	if lower := strings.ToLower(t.text); keywords[lower] {
		t.kind, t.word = keyword, lower
	}
	return t
}

// quoted takes a string: it may span lines, and knows \t \r \n \b, \ooo (three
// octal digits) and \xhh; any other escaped character is itself.
func (l *lexer) quoted() token {
	t := token{kind: quoted, pos: l.pos()}
	refuse := func(at conf.Pos, text string) {
		l.report(conf.Problem{Pos: at, Effect: conf.Refusal, ID: idSyntax, Text: text})
	}
	l.take()
	var b strings.Builder
	for {
		at := l.pos()
		c, ok := l.peek()
		if !ok {
			refuse(t.pos, "this string has no closing quotation mark")
			break
		}
		l.take()
		if c == '"' {
			break
		}
		if c != '\\' {
			b.WriteByte(c)
			continue
		}
		if c, ok = l.peek(); !ok {
			continue
		}
		l.take()
		switch c {
		case 't', 'r', 'n', 'b':
			b.WriteByte(map[byte]byte{'t': '\t', 'r': '\r', 'n': '\n', 'b': '\b'}[c])
		case 'x':
			v, ok := l.digits(2, 16, 0)
			if !ok {
				refuse(at, `\x wants two hexadecimal digits`)
			}
			b.WriteByte(v)
		case '0', '1', '2', '3':
			v, ok := l.digits(2, 8, c-'0')
			if !ok {
				refuse(at, `\ before a digit wants three octal digits`)
			}
			b.WriteByte(v)
		default:
			b.WriteByte(c)
		}
	}
	t.text, t.end = b.String(), l.pos()
	if len(t.text) >= maxString {
		refuse(t.pos, "this string is longer than dhcpd can hold (1499 bytes)")
		t.text = t.text[:maxString-1]
	}
	return t
}

func (l *lexer) digits(n int, base, v byte) (byte, bool) {
	for range n {
		c, ok := l.peek()
		if !ok || !isHexDigit(c) || hexValue(c) >= base {
			return v, false
		}
		l.take()
		v = v*base + hexValue(c)
	}
	return v, true
}

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }
func isDigit(c byte) bool { return c >= '0' && c <= '9' }
func isAlpha(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
func isHexDigit(c byte) bool {
	return isDigit(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func hexValue(c byte) byte {
	switch {
	case c >= 'a':
		return c - 'a' + 10
	case c >= 'A':
		return c - 'A' + 10
	}
	return c - '0'
}
