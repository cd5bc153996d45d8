package qemu

import (
	"bytes"
	"io"
	"time"
)

// An Answer is what is typed on the serial console each time it shows a prompt.
type Answer struct {
	// Prompt is text of one line, as a person sees it.
	Prompt string
	// Keys are the bytes to be sent.
	Keys string
}

// SkipIPXEPrompt has iPXE go on at once where it offers its command line: it
// waits two seconds for Ctrl-B, and any other key ends the wait.
var SkipIPXEPrompt = Answer{Prompt: "Press Ctrl-B for the iPXE command line...", Keys: " "}

// answering passes the console's bytes on to raw, which may be nil, and has
// typed whatever answers a prompt among them. It looks at the screen as it is
// after each character: a prompt has no end of line, and is a line only once it
// is quiet.
func answering(raw io.Writer, answers []Answer, typed func(string) error) io.Writer {
	if len(answers) == 0 {
		return raw
	}
	a := &answerer{raw: raw}
	a.screen.line = func(time.Time, string) {}
	a.screen.printed = func(before []byte) {
		for _, x := range answers {
			if bytes.HasSuffix(before, []byte(x.Prompt)) {
				// A machine that takes no input any more is about to end, and
				// says so by other ways.
				_ = typed(x.Keys)
			}
		}
	}
	return a
}

type answerer struct {
	raw    io.Writer
	screen screen
}

// Write implements [io.Writer].
func (a *answerer) Write(b []byte) (int, error) {
	if a.raw != nil {
		if n, err := a.raw.Write(b); err != nil {
			return n, err
		}
	}
	a.screen.write(b)
	return len(b), nil
}
