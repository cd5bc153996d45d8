package qemu

import (
	"io"
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
	return readConsole(r, raw, &screen{line: line})
}

func readConsole(r io.Reader, raw io.Writer, s *screen) error {
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
