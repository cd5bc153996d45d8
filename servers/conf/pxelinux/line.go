package pxelinux

import (
	"bytes"
	"strings"

	"github.com/pxeproof/pxeproof/servers/conf"
)

// maxLine is the longest line that ldlinux.c32 reads in one piece, without its
// end. What is beyond becomes a line of its own.
const maxLine = 4095

// A line is a piece of a configuration file that has been read up to some
// point.
type line struct {
	rest string
	pos  conf.Pos // of rest
}

// lines splits a file as ldlinux.c32 does: at newlines and after maxLine bytes.
// A carriage return or a NUL ends the text of a line before its time.
type lines struct {
	src  []byte
	file string
	line int
	col  int // 0-based, of src in its line
	long bool
}

func newLines(file string, src []byte) *lines {
	return &lines{src: src, file: file, line: 1}
}

// next returns the next line without its end. Long says that it was longer than
// maxLine, and that this is the first piece.
func (ls *lines) next() (l line, long, ok bool) {
	if len(ls.src) == 0 {
		return line{}, false, false
	}
	text, more := ls.src, false
	pos := conf.Pos{File: ls.file, Line: ls.line, Col: ls.col + 1}
	end := bytes.IndexByte(text, '\n')
	switch {
	case end >= 0 && end < maxLine:
		text, ls.src = text[:end], ls.src[end+1:]
		ls.line++
		ls.col = 0
	case len(text) > maxLine:
		text, ls.src = text[:maxLine], ls.src[maxLine:]
		ls.col += maxLine
		more = true
	default:
		ls.src = nil
	}
	long = more && !ls.long
	ls.long = more
	if i := bytes.IndexAny(text, "\r\x00"); i >= 0 {
		text = text[:i]
	}
	return line{string(text), pos}, long, true
}

// isSpace is C's isspace.
func isSpace(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }

// endsWord says whether c ends a word: anything up to a blank does, for
// ldlinux.c32.
func endsWord(c byte) bool { return c <= ' ' }

// skip is l without its leading white space.
func (l line) skip() line {
	n := 0
	for n < len(l.rest) && isSpace(l.rest[n]) {
		n++
	}
	return l.cut(n)
}

func (l line) cut(n int) line {
	l.rest = l.rest[n:]
	l.pos.Col += n
	return l
}

// word takes the first word off l. There may be none.
func (l line) word() (Value, line) {
	n := wordLen(l.rest)
	return Value{l.rest[:n], l.pos}, l.cut(n)
}

func wordLen(s string) int {
	n := 0
	for n < len(s) && !endsWord(s[n]) {
		n++
	}
	return n
}

// value is the rest of the line, white space at its end and all.
func (l line) value() Value {
	l = l.skip()
	return Value{l.rest, l.pos}
}

// splitWord cuts a command into its first word and the rest without the white
// space between them.
func splitWord(s string) (word, rest string) {
	n := wordLen(s)
	return s[:n], strings.TrimLeft(s[n:], " \t\n\v\f\r")
}
