package qemu

import (
	"bytes"
	"io"
	"strings"
	"time"
)

// maxLine is the longest console line that is kept; a guest that prints without
// end of line fills no more than this.
const maxLine = 4096

// settle is how long an unfinished line must be quiet to count as one: a prompt
// such as "boot:" waits for an answer and not for a line feed.
const settle = 200 * time.Millisecond

// ReadConsole reads a serial console to its end and calls line with each line
// as a person would have read it: colours and cursor movements taken out,
// overwritten text overwritten. raw, if not nil, gets every byte as it came.
func ReadConsole(r io.Reader, raw io.Writer, line func(at time.Time, text string)) error {
	type chunk struct {
		b   []byte
		err error
	}
	chunks := make(chan chunk)
	done := make(chan struct{})
	defer close(done)
	go func() {
		for {
			b := make([]byte, 4096)
			n, err := r.Read(b)
			select {
			case chunks <- chunk{b[:n], err}:
			case <-done:
				return
			}
			if err != nil {
				return
			}
		}
	}()
	s := screen{line: line}
	idle := time.NewTimer(settle)
	defer idle.Stop()
	for {
		select {
		case c := <-chunks:
			if raw != nil && len(c.b) > 0 {
				if _, err := raw.Write(c.b); err != nil {
					return err
				}
			}
			s.write(c.b)
			if c.err != nil {
				s.flush()
				if c.err == io.EOF {
					return nil
				}
				return c.err
			}
			idle.Reset(settle)
		case <-idle.C:
			s.prompt()
		}
	}
}

// A screen is a terminal one line high.
type screen struct {
	line   func(time.Time, string)
	buf    []byte
	col    int
	escape []byte // an escape sequence begun, nil outside one
	said   string // the unfinished line that prompt has given
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
			s.col = 0
		case c == '\b':
			s.col = max(0, s.col-1)
		case c < ' ' && c != '\t' || c == 0x7f:
		case s.col < len(s.buf):
			s.buf[s.col] = c
			s.col++
		case len(s.buf) < maxLine:
			s.buf = append(s.buf, c)
			s.col++
		}
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
	case s.escape[0] == '[' && bytes.IndexByte([]byte("HfJABEF"), c) >= 0:
		s.flush()
	}
	s.escape = nil
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
	s.buf, s.col, s.said = s.buf[:0], 0, ""
}

// prompt gives the unfinished line, once.
func (s *screen) prompt() {
	if t := s.text(); t != "" && t != s.said {
		s.line(time.Now(), t)
		s.said = t
	}
}
