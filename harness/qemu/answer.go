package qemu

import (
	"bytes"
	"io"
)

// An Answer is what is typed on the serial console each time it shows a prompt.
type Answer struct {
	// Prompt is text of one line, as the machine prints it.
	Prompt string
	// Keys are the bytes to be sent.
	Keys string
}

// SkipIPXEPrompt has iPXE go on at once where it offers its command line: it
// waits two seconds for Ctrl-B, and any other key ends the wait.
var SkipIPXEPrompt = Answer{Prompt: "Press Ctrl-B for the iPXE command line...", Keys: " "}

// answering passes the console's bytes on to raw, which may be nil, and has
// typed whatever answers a prompt among them. It looks at the bytes as they
// come: a prompt has no end of line, and is a line only once it is quiet.
func answering(raw io.Writer, answers []Answer, typed func(string) error) io.Writer {
	if len(answers) == 0 {
		return raw
	}
	a := &answerer{raw: raw, answers: answers, typed: typed}
	for _, x := range answers {
		a.longest = max(a.longest, len(x.Prompt))
	}
	return a
}

type answerer struct {
	raw     io.Writer
	answers []Answer
	typed   func(string) error
	longest int    // of the prompts
	recent  []byte // what may be the beginning of one
}

// Write implements [io.Writer].
func (a *answerer) Write(b []byte) (int, error) {
	if a.raw != nil {
		if n, err := a.raw.Write(b); err != nil {
			return n, err
		}
	}
	a.recent = append(a.recent, b...)
	for {
		at, end := -1, 0
		var keys string
		for _, x := range a.answers {
			if i := bytes.Index(a.recent, []byte(x.Prompt)); i >= 0 && (at < 0 || i < at) {
				at, end, keys = i, i+len(x.Prompt), x.Keys
			}
		}
		if at < 0 {
			break
		}
		a.recent = a.recent[end:]
		// A machine that takes no input any more is about to end, and says so
		// by other ways.
		_ = a.typed(keys)
	}
	if over := len(a.recent) - a.longest; over > 0 {
		a.recent = append(a.recent[:0], a.recent[over:]...)
	}
	return len(b), nil
}
