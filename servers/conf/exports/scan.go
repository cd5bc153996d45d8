package exports

import "github.com/pxeproof/pxeproof/servers/conf"

// A token is one word, with the place of each of its bytes. It is empty only if
// the file says "".
type token struct {
	pos  conf.Pos
	text string
	open bool       // a quotation mark in it is never closed
	each []conf.Pos // of the bytes of text
}

// at is the place of byte i.
func (t token) at(i int) conf.Pos {
	if i < len(t.each) {
		return t.each[i]
	}
	return t.pos
}

// A scanner cuts an exports file into words. Blanks part them, a backslash at
// the end of a line joins it with the next, quotation marks keep blanks, a # at
// the beginning of a word starts a comment.
type scanner struct {
	src []byte
	pos conf.Pos // of src[0]
}

func newScanner(name string, src []byte) scanner {
	return scanner{src: src, pos: conf.Pos{File: name, Line: 1, Col: 1}}
}

// char is the next character, with a continued line's end and the next line's
// indentation as one blank, and how many bytes it is long; 0 at the end.
func (s *scanner) char() (c byte, n int) {
	if len(s.src) == 0 {
		return 0, 0
	}
	if s.src[0] == '\\' && len(s.src) > 1 && s.src[1] == '\n' {
		n = 2
		for n < len(s.src) && (s.src[n] == ' ' || s.src[n] == '\t') {
			n++
		}
		return ' ', n
	}
	return s.src[0], 1
}

// skip moves over n bytes.
func (s *scanner) skip(n int) {
	for _, c := range s.src[:n] {
		if c == '\n' {
			s.pos.Line++
			s.pos.Col = 1
		} else {
			s.pos.Col++
		}
	}
	s.src = s.src[n:]
}

// isSpace says what parts words: blanks of C, and NUL.
func isSpace(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' || c == 0 }

// next is the next word. With first it looks for it on the following lines too;
// else it reports false at the end of the line.
func (s *scanner) next(first bool) (token, bool) {
	for {
		c, n := s.char()
		switch {
		case n == 0:
			return token{}, false
		case c == '#':
			s.skip(s.toNewline())
		case c == '\n' && !first:
			return token{}, false
		case isSpace(c):
			s.skip(n)
		default:
			return s.word(), true
		}
	}
}

// toNewline counts the bytes of the rest of the line.
func (s *scanner) toNewline() int {
	for i, c := range s.src {
		if c == '\n' {
			return i
		}
	}
	return len(s.src)
}

// word reads up to the next blank outside of quotation marks.
func (s *scanner) word() token {
	t := token{pos: s.pos}
	var text []byte
	for {
		c, n := s.char()
		if n == 0 || !t.open && isSpace(c) {
			break
		}
		at := s.pos
		s.skip(n)
		if c == '"' {
			t.open = !t.open
			continue
		}
		text = append(text, c)
		t.each = append(t.each, at)
		if k := len(text) - 4; k >= 0 {
			if v, ok := octal(text[k:]); ok {
				text = append(text[:k], v)
				t.each = t.each[:k+1]
			}
		}
	}
	t.text = string(text)
	return t
}

// octal reads \ooo.
func octal(b []byte) (byte, bool) {
	v := 0
	if b[0] != '\\' {
		return 0, false
	}
	for _, c := range b[1:] {
		if c < '0' || c > '7' {
			return 0, false
		}
		v = v*8 + int(c-'0')
	}
	return byte(v), v < 256
}
