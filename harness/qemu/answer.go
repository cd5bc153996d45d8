package qemu

import "bytes"

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

// answering has typed whatever answers a prompt. It is for screen.printed: a
// prompt has no end of line, and is a line only once it is quiet.
func answering(answers []Answer, typed func(string) error) func(before []byte) {
	return func(before []byte) {
		for _, x := range answers {
			if bytes.HasSuffix(before, []byte(x.Prompt)) {
				// A machine that takes no input any more is about to end, and
				// says so by other ways.
				_ = typed(x.Keys)
			}
		}
	}
}
