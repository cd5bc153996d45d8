package dnsmasq

import (
	"bytes"
	"strings"

	"github.com/pxeproof/pxeproof/servers/conf"
)

// maxLine is the longest line that dnsmasq reads in one piece, its end
// included. What is beyond becomes a line of its own.
const maxLine = 1024

// A char is a byte of a line. Quoted ones mean nothing but themselves.
type char struct {
	b      byte
	quoted bool
	col    int // in the file's line, from 1
}

// A text is a piece of a line, with its place.
type text struct {
	chars []char
	pos   conf.Pos // of its beginning; Col is that of the first char, if any
}

// String is the text without its quotes.
func (t text) String() string {
	var b strings.Builder
	for _, c := range t.chars {
		b.WriteByte(c.b)
	}
	return b.String()
}

func (t text) value() Value { return Value{t.String(), t.pos} }

// slice is t[i:j].
func (t text) slice(i, j int) text {
	u := text{t.chars[i:j], t.pos}
	switch {
	case i < len(t.chars):
		u.pos.Col = t.chars[i].col
	case len(t.chars) > 0:
		u.pos.Col = t.chars[len(t.chars)-1].col + 1
	}
	return u
}

// index is where an unquoted b stands first; -1 if it stands nowhere.
func (t text) index(b byte) int {
	for i, c := range t.chars {
		if c.b == b && !c.quoted {
			return i
		}
	}
	return -1
}

// trim is t without the unquoted blanks at its ends.
func (t text) trim() text {
	i, j := 0, len(t.chars)
	blank := func(c char) bool { return c.b == ' ' && !c.quoted }
	for i < j && blank(t.chars[i]) {
		i++
	}
	for j > i && blank(t.chars[j-1]) {
		j--
	}
	return t.slice(i, j)
}

// cut splits t at its first unquoted sep and drops the blanks around that.
func (t text) cut(sep byte) (before, after text, found bool) {
	i := t.index(sep)
	if i < 0 {
		return t, text{}, false
	}
	before, after = t.slice(0, i), t.slice(i+1, len(t.chars))
	for n := len(before.chars); n > 0 && before.chars[n-1] == (char{' ', false, before.chars[n-1].col}); n-- {
		before.chars = before.chars[:n-1]
	}
	for len(after.chars) > 0 && after.chars[0].b == ' ' && !after.chars[0].quoted {
		after = after.slice(1, len(after.chars))
	}
	return before, after, true
}

// fields splits t at all its unquoted commas.
func (t text) fields() []text {
	var all []text
	for {
		before, after, more := t.cut(',')
		all = append(all, before)
		if !more {
			return all
		}
		t = after
	}
}

// after is t without an unquoted prefix.
func (t text) after(prefix string) (text, bool) {
	if len(t.chars) < len(prefix) {
		return t, false
	}
	for i := range len(prefix) {
		if t.chars[i].b != prefix[i] || t.chars[i].quoted {
			return t, false
		}
	}
	return t.slice(len(prefix), len(t.chars)), true
}

// eachLine calls do with the lines of a file that say something: quotes
// resolved, without comments and the blanks at both ends.
func eachLine(file string, src []byte, do func(t text, unfinished bool)) {
	for n := 1; len(src) > 0; n++ {
		raw, rest, _ := bytes.Cut(src, []byte("\n"))
		src = rest
		for col := 0; ; {
			piece := raw[col:min(col+maxLine, len(raw))]
			t, unfinished := readLine(piece, col, conf.Pos{File: file, Line: n})
			if t = t.trim(); len(t.chars) > 0 || unfinished {
				do(t, unfinished)
			}
			if col += maxLine; col >= len(raw) {
				break
			}
		}
	}
}

// readLine resolves quotes and takes out a comment. col counts what was before
// raw in its line.
func readLine(raw []byte, col int, pos conf.Pos) (t text, unfinished bool) {
	pos.Col = col + 1
	t.pos = pos
	if i := bytes.IndexByte(raw, 0); i >= 0 {
		raw = raw[:i] // a string of C ends here
	}
	white := true
	put := func(i int, quoted bool) { t.chars = append(t.chars, char{raw[i], quoted, col + i + 1}) }
	for i := 0; i < len(raw); i++ {
		if raw[i] == '"' {
			for i++; i < len(raw) && raw[i] != '"'; i++ {
				if raw[i] == '\\' && i+1 < len(raw) {
					if e := strings.IndexByte("\"tnebr\\", raw[i+1]); e >= 0 {
						i++
						t.chars = append(t.chars, char{"\"\t\n\033\b\r\\"[e], true, col + i + 1})
						continue
					}
				}
				put(i, true)
			}
			if i == len(raw) {
				return t, true
			}
			// dnsmasq does not look for a quote right behind a quote.
			if i++; i == len(raw) {
				break
			}
		}
		switch {
		case isSpace(raw[i]):
			t.chars = append(t.chars, char{' ', false, col + i + 1})
			white = true
		case white && raw[i] == '#':
			return t, false
		default:
			put(i, false)
			white = false
		}
	}
	return t, false
}

// isSpace is C's isspace.
func isSpace(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }
