package verdict

import (
	"strings"
	"time"

	"github.com/pxeproof/pxeproof/captures"
)

// consoleFacts are the lines on the serial console that mean something.
type consoleFacts struct {
	lines int
	last  seen
	words []said // what was recognized, in order, the first maxLines
}

// consoleWidth is the width of the screen that a BIOS copies to the serial
// port.
const consoleWidth = 80

// A said is a line that is in the table of messages.
type said struct {
	seen
	message *message
}

func (f *facts) seeConsole(e *captures.Event) {
	c := &f.console
	text := strings.TrimSpace(e.Text("text"))
	if text == "" {
		return
	}
	c.lines++
	// A console of 80 columns breaks an error's URL in two.
	if whole := c.last.text + text; len(c.last.text) == consoleWidth && len(whole) < 2*consoleWidth {
		if _, ok := ipxeError(c.last.text); !ok {
			if _, ok := ipxeError(whole); ok && len(c.words) > 0 {
				c.words[len(c.words)-1].text = whole
			}
		}
	}
	c.last = seen{at: e.At, text: text, n: 1}
	if isOSLine(text) && f.osAt.n == 0 {
		f.osAt.mark(e)
	}
	if f.m.Waits != nil && text == f.m.Waits.Prompt {
		f.mayProve()
	}
	m := recognize(text)
	if m == nil || len(c.words) >= maxLines {
		return
	}
	c.words = append(c.words, said{seen{at: e.At, text: text, n: 1}, m})
	if m.ends != goesOn {
		f.mayProve()
	}
}

// isOSLine says whether a console line is a Linux kernel's or our first
// process's.
func isOSLine(text string) bool {
	return strings.Contains(text, "Linux version ") || strings.HasPrefix(text, "pxeproof: ")
}

// find is the latest recognized line that ends a boot and of which ok is true;
// nil if there is none.
func (c *consoleFacts) find(ok func(*said) bool) *said {
	for i := len(c.words) - 1; i >= 0; i-- {
		if w := &c.words[i]; ok(w) {
			return w
		}
	}
	return nil
}

// gaveUp is the client's own word that it goes no further, said after a
// moment. Nil if it has said none.
func (f *facts) gaveUp(since time.Time) *said {
	return f.console.find(func(w *said) bool {
		return !w.at.Before(since) && (w.message.ends == givesUp || w.message.ends == triesWeb && !f.wantsWeb())
	})
}

// solicitFacts are a client's Router Solicitations before it asked for a file.
type solicitFacts struct {
	first, last seen
}

func (s *solicitFacts) see(e *captures.Event, f *facts) {
	if f.osAt.n > 0 || len(f.tftp.order) > 0 {
		return
	}
	s.first.mark(e)
	s.last = seen{at: e.At, frame: e.Frame, n: s.first.n}
}

// wantsWeb says whether something of this boot is expected over HTTP.
func (f *facts) wantsWeb() bool {
	for i := range f.m.Expect {
		x := &f.m.Expect[i]
		if x.Transfer != nil && x.Transfer.Protocol == "http" {
			return true
		}
		for _, k := range x.Kinds {
			if k == captures.HTTPRequest || k == captures.HTTPResponse {
				return true
			}
		}
	}
	return false
}
