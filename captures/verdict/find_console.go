package verdict

import (
	"cmp"
	"fmt"
)

// Findings that a console's own words give.
func consoleEntries() []Entry {
	return []Entry{{
		ID: "console-panic", Title: "the kernel panicked", Stops: []Stage{Kernel, OS, Files},
		Evidence: "\"Kernel panic - not syncing\" on the console.",
		Meaning:  "The kernel started and could not go on. Without an initrd, or with the wrong one, it finds no root file system; without memory it cannot unpack it.",
		Hint:     "Read what stands in brackets behind the panic and the lines before it in the console log; compare kernel, initrd and the APPEND line.",
		detect:   consolePanic,
	}, {
		ID: "console-error", Title: "the client itself says what is wrong", Stops: Stages(), Fallback: true,
		Evidence: "An error message known of iPXE, UEFI firmware, pxelinux, shim, GRUB or the kernel.",
		Meaning:  "Each message has its own; it is told in the finding.",
		Hint:     "Look at the lines around it in the console log.",
		detect:   consoleError,
	}, {
		ID: "loader-waits", Title: "a loader waits for somebody to type", Stops: []Stage{NBP, Config, Kernel, OS, Files}, Fallback: true,
		Evidence: "A prompt of pxelinux, GRUB, iPXE or the UEFI shell as the console's last line, when the time is up; or at once, if by its configuration the loader waits there for ever.",
		Meaning:  "Nobody is there to type. PROMPT 1 without a TIMEOUT does this, and so does a loader that ran out of things to boot.",
		Hint:     "Give the configuration something to boot by itself: for pxelinux DEFAULT, and with PROMPT 1 a TIMEOUT.",
		detect:   loaderWaits,
	}}
}

// prompts are what the console's last line is while a program waits for
// somebody to type, and who it is.
var prompts = map[string]string{
	"boot:":        pxelinux,
	"grub>":        grub,
	"grub rescue>": grub,
	"iPXE>":        iPXE,
	"Shell>":       firmware,
}

func loaderWaits(c *client) []detection {
	last, w := &c.f.console.last, c.m.Waits
	d := detection{}
	switch {
	case last.n == 0:
		return nil
	case w != nil && last.text == w.Prompt:
		d.proof = true
		d.Where = []Origin{w.Origin}
	case !c.f.over || prompts[last.text] == "":
		return nil
	}
	why := "it waits for somebody to type"
	if d.proof && w.Why != "" {
		why = w.Why
	}
	d.Summary = fmt.Sprintf("%s shows %s and stays there: %s.", capital(cmp.Or(prompts[last.text], "the loader")), quoted(last.text), why)
	return []detection{d}
}

func consolePanic(c *client) []detection {
	w := c.f.console.find(func(w *said) bool { return w.message.who == linux })
	if w == nil {
		return nil
	}
	d := detection{proof: true}
	d.Summary = fmt.Sprintf("The kernel says %s.", quoted(w.text))
	for i := range c.rules {
		if r := &c.rules[i]; r.Stage == Kernel {
			d.Where = append(d.Where, r.Origin)
		}
	}
	return []detection{d}
}

func consoleError(c *client) []detection {
	last := c.f.console.find(func(w *said) bool { return w.message.ends != goesOn })
	if last == nil {
		last = c.f.console.find(func(*said) bool { return true })
	}
	if last == nil {
		return nil
	}
	// The first complaint of the same program names the cause; the last only
	// gives up.
	w := last
	for i := range c.f.console.words {
		if x := &c.f.console.words[i]; x.message.who == last.message.who {
			w = x
			break
		}
	}
	d := detection{proof: last.message.ends == givesUp || c.f.stopped()}
	means := w.message.means
	if e, ok := ipxeError(w.text); ok {
		means = e
	}
	d.Summary = fmt.Sprintf("%s says %s: %s", capital(w.message.who), quoted(w.text), means)
	if w != last && w.text != last.text {
		d.Summary += fmt.Sprintf("; and then %s: %s", quoted(last.text), last.message.means)
	}
	d.Summary += "."
	return []detection{d}
}
