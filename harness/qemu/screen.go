package qemu

import (
	"bytes"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// A screen is a terminal one line high.
type screen struct {
	line   func(time.Time, string)
	buf    []byte
	col    int    // in buf, in bytes
	left   int    // the terminal's column, from 0, at which buf begins
	row    int    // the terminal's, from 1; 0: not known
	escape []byte // an escape sequence begun, nil outside one
	said   string // the unfinished line that prompt has given
	// printed, if not nil, is called after each character, with what stands in
	// its line up to it.
	printed func(before []byte)
}

func (s *screen) write(b []byte) {
	for _, c := range b {
		switch {
		case s.escape != nil:
			s.inEscape(c)
		case c == 0x1b:
			s.escape = []byte{}
		case c == '\n':
			s.flush()
		case c == '\r':
			s.col, s.left = 0, 0
		case c == '\b':
			s.col = max(0, s.col-1)
		case c < ' ' && c != '\t' || c == 0x7f:
		default:
			s.print(c)
		}
	}
}

func (s *screen) print(c byte) {
	switch {
	case s.col < len(s.buf):
		s.buf[s.col] = c
	case len(s.buf) < maxLine:
		s.buf = append(s.buf, c)
	default:
		return
	}
	s.col++
	if s.printed != nil {
		s.printed(s.buf[:s.col])
	}
}

// inEscape takes one byte of an escape sequence. Of all that there are, those
// that move the cursor to another line or clear the screen end the line.
func (s *screen) inEscape(c byte) {
	s.escape = append(s.escape, c)
	switch {
	case len(s.escape) == 1 && c == '[':
		return
	case s.escape[0] == '[' && (c < '@' || c > '~'):
		if len(s.escape) > 32 {
			s.escape = nil
		}
		return
	case s.escape[0] == '[' && (c == 'H' || c == 'f'):
		s.move(position(s.escape[1 : len(s.escape)-1]))
	case s.escape[0] == '[' && bytes.IndexByte([]byte("JABEF"), c) >= 0:
		s.flush()
	}
	s.escape = nil
}

// position reads the parameters of CUP (ECMA-48, 8.3.21): row and column, both
// from 1, which is also what is meant by nothing.
func position(b []byte) (row, col int) {
	r, c, _ := strings.Cut(string(b), ";")
	row, _ = strconv.Atoi(r)
	col, _ = strconv.Atoi(c)
	return max(row, 1), max(col, 1)
}

// move takes the cursor to a row and a column of the terminal, which is the line's
// end unless it stays where the line's text does.
//
// At a tick of its clock SeaBIOS puts the cursor where it is already, or one
// column before and then there, in the middle of whatever line is being written;
// EFI SYSLINUX does so before each character.
func (s *screen) move(row, col int) {
	end := utf8.RuneCount(bytes.TrimRight(s.buf, " \t"))
	at := col - 1 - s.left
	if s.row != 0 && row != s.row || at < max(end-1, 0) || at > utf8.RuneCount(s.buf) {
		s.flush()
		s.left, at = col-1, 0
	}
	s.row, s.col = row, 0
	for ; at > 0; at-- {
		_, n := utf8.DecodeRune(s.buf[s.col:])
		s.col += n
	}
}

// text is the line as it stands, without the blanks that erased something.
func (s *screen) text() string {
	return strings.ToValidUTF8(strings.TrimRight(string(s.buf), " \t"), "�")
}

// flush ends the line.
func (s *screen) flush() {
	if t := s.text(); t != "" && t != s.said {
		s.line(time.Now(), t)
	}
	s.buf, s.col, s.left, s.row, s.said = s.buf[:0], 0, 0, 0, ""
}

// prompt gives the unfinished line, once.
func (s *screen) prompt() {
	if t := s.text(); t != "" && t != s.said {
		s.line(time.Now(), t)
		s.said = t
	}
}
