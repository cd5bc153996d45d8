package report

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/pxeproof/pxeproof/captures/verdict"
)

// WriteVerdict writes a whole report. With the zero Options it is verdict.txt.
func WriteVerdict(w io.Writer, v verdict.Verdict, o Options) error {
	o.Live = false
	return NewLadder(w, o).Finish(v)
}

// maxNamed is how many machines head and result name; of more they say how many.
const maxNamed = 6

// head names what boots: "kickstart-nfs  client1 (52:54:00:12:34:56, BIOS, iPXE)".
func (o *Options) head() string {
	var s []string
	if n := len(o.Machines); n > maxNamed {
		s = append(s, fmt.Sprintf("%d machines", n))
	}
	for _, m := range o.Machines {
		if len(o.Machines) > maxNamed {
			break
		}
		what := []string{m.MAC}
		for _, p := range []string{m.Firmware, m.ROM, m.Loader} {
			if p != "" {
				what = append(what, properName(p))
			}
		}
		if m.Name == "" {
			s = append(s, strings.Join(what, ", "))
		} else {
			s = append(s, fmt.Sprintf("%s (%s)", m.Name, strings.Join(what, ", ")))
		}
	}
	text := printable(strings.Join(s, "; "))
	switch {
	case o.Title == "" && text == "":
		return ""
	case o.Title == "":
		return o.paint(bold, text) + "\n\n"
	case text == "":
		return o.paint(bold, printable(o.Title)) + "\n\n"
	}
	head := o.paint(bold, printable(o.Title)) + "  "
	return o.hang(head, utf8.RuneCountInString(printable(o.Title))+2, text, true) + "\n"
}

// properName is how its makers write a word of scenario.yaml.
func properName(s string) string {
	names := map[string]string{"bios": "BIOS", "uefi": "UEFI", "ipxe": "iPXE", "edk2": "EDK2", "grub": "GRUB"}
	if n, ok := names[s]; ok {
		return n
	}
	return s
}

// mark is a status as the ladder shows it.
func mark(s verdict.Status) (string, color) {
	switch s {
	case verdict.Pass:
		return "ok", green
	case verdict.Fail:
		return "FAIL", red
	case verdict.Inconclusive:
		return "?", yellow
	case verdict.Skipped:
		return "n/a", dim
	case verdict.Pending:
		return "…", plain
	}
	return "-", dim
}

// spanWidth is the width of the column of frames: "#12345–67890".
const spanWidth = 12

// rung is the line of a stage: mark, machine, stage, time, frames, evidence.
func (o *Options) rung(who string, s *verdict.StageOutcome) string {
	word, c := mark(s.Status)
	when := ""
	if s.Status == verdict.Pass || s.Status == verdict.Fail || s.Status == verdict.Inconclusive && s.After > 0 {
		when = s.After.String()
	}
	evidence := printable(s.Evidence)
	if s.Status == verdict.Blocked {
		evidence = "blocked"
	}
	left := fmt.Sprintf("  %s  %s%-6s  %8s  %s  ", pad(word, 4), who, s.Stage, when, pad(frameSpan(s.Frames), spanWidth))
	indent := utf8.RuneCountInString(left)
	// The colour comes after measuring, for it takes no room.
	left = strings.Replace(left, pad(word, 4), o.paint(c, pad(word, 4)), 1)
	if span := frameSpan(s.Frames); span != "" {
		left = strings.Replace(left, span, o.paint(dim, span), 1)
	}
	return o.hang(left, indent, evidence, c == dim)
}

// hang writes text behind a head, its further lines indented to the same
// column.
func (o *Options) hang(head string, indent int, text string, faint bool) string {
	lines := wrap(text, max(20, o.width()-indent))
	if len(lines) == 0 {
		return strings.TrimRight(head, " ") + "\n"
	}
	var b strings.Builder
	for i, line := range lines {
		if faint {
			line = o.paint(dim, line)
		}
		if i == 0 {
			b.WriteString(head + line + "\n")
		} else {
			b.WriteString(strings.Repeat(" ", indent) + line + "\n")
		}
	}
	return b.String()
}

// findings are the paragraphs between ladder and result.
func (o *Options) findings(v *verdict.Verdict) string {
	var b strings.Builder
	for i := range v.Clients {
		c := &v.Clients[i]
		who := ""
		if len(v.Clients) > 1 {
			who = " of " + printable(boot(c))
		}
		for _, f := range c.Findings {
			b.WriteString("\n" + o.finding(&f, who))
		}
		if c.Status == verdict.Pass || c.Last == nil && c.Next == nil {
			continue
		}
		b.WriteString("\n")
		if who != "" {
			b.WriteString(printable(boot(c)) + "\n")
		}
		if l := c.Last; l != nil {
			text := strings.TrimSuffix(printable(l.Text), ".") + ", " + l.After.String()
			if s := frameList(l.Frames); s != "" {
				text += ", " + s
			}
			b.WriteString(o.item("last seen", endWidth, text))
		}
		if n := c.Next; n != nil {
			text := printable(n.Text)
			if !n.Origin.IsZero() {
				text += " (" + printable(n.Origin.String()) + ")"
			}
			b.WriteString(o.item("expected next", endWidth, text))
		}
	}
	for _, r := range v.Reasons {
		b.WriteString("\n" + o.paint(yellow, "inconclusive") + "\n")
		b.WriteString(o.item("why", findingWidth, printable(r.Text)))
		if !r.Where.IsZero() {
			b.WriteString(o.item("where", findingWidth, place(r.Where, 0)))
		}
	}
	return b.String()
}

// The widths of the column before the text.
const (
	findingWidth = len("where")
	endWidth     = len("expected next")
)

func (o *Options) item(name string, width int, text string) string {
	return o.hang("  "+o.paint(dim, pad(name, width))+"  ", width+4, text, false)
}

func (o *Options) finding(f *verdict.Finding, who string) string {
	c := map[verdict.Severity]color{verdict.Error: red, verdict.Warning: yellow}[f.Severity]
	var b strings.Builder
	b.WriteString(o.paint(c, f.Severity.String()) + who + "  " + o.paint(bold, printable(f.ID)))
	if e, known := verdict.Describe(f.ID); known {
		b.WriteString("  " + e.Title)
	}
	b.WriteString("\n" + o.item("seen", findingWidth, printable(f.Summary)))
	if s := frameList(f.Frames); s != "" {
		b.WriteString(o.item("", findingWidth, s))
	}
	width := 0
	for _, w := range f.Where {
		width = max(width, utf8.RuneCountInString(printable(w.String())))
	}
	for i, w := range f.Where {
		name := ""
		if i == 0 {
			name = "where"
		}
		b.WriteString(o.paintPlace(name, w, width))
	}
	if f.Hint != "" {
		b.WriteString(o.item("mend", findingWidth, printable(f.Hint)))
	}
	return b.String()
}

// paintPlace is the line of a place; what stands there is not wrapped, for its
// blanks may matter.
func (o *Options) paintPlace(name string, w verdict.Origin, width int) string {
	return "  " + o.paint(dim, pad(name, findingWidth)) + "  " + place(w, width) + "\n"
}

func place(w verdict.Origin, width int) string {
	s := printable(w.String())
	if w.Text != "" {
		s = pad(s, width) + "  " + printable(w.Text)
	}
	return s
}

// result is the last line.
func (o *Options) result(v *verdict.Verdict) string {
	word := strings.ToUpper(v.Status.String())
	c := map[verdict.Status]color{verdict.Pass: green, verdict.Fail: red, verdict.Inconclusive: yellow}[v.Status]
	var parts []string
	switch {
	case len(v.Clients) > maxNamed:
		parts = append(parts, tally(v)...)
	case v.Status == verdict.Inconclusive && len(v.Reasons) > 0:
		parts = append(parts, printable(v.Reasons[0].Text))
	default:
		for i := range v.Clients {
			parts = append(parts, outcome(&v.Clients[i]))
		}
	}
	if o.Folder != "" {
		parts = append(parts, "all of it is in "+printable(o.Folder))
	}
	return "\n" + strings.TrimRight(o.paint(c, word)+"  "+strings.Join(parts, "; "), " ") + "\n"
}

// tally is how many boots ended in which way.
func tally(v *verdict.Verdict) (parts []string) {
	for _, k := range []struct {
		status verdict.Status
		words  string
	}{
		{verdict.Pass, "went well"},
		{verdict.Fail, "failed"},
		{verdict.Inconclusive, "could not be judged"},
		{verdict.Pending, "had not ended"},
	} {
		n := 0
		for i := range v.Clients {
			if v.Clients[i].Status == k.status {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d of %d boots %s", n, len(v.Clients), k.words))
		}
	}
	return parts
}

// outcome is one machine's end in a few words.
func outcome(c *verdict.ClientVerdict) string {
	who := printable(boot(c))
	switch c.Status {
	case verdict.Pass:
		// A capture alone may end before the operating system shows itself.
		if c.Reached < verdict.OS {
			return fmt.Sprintf("%s got as far as %s in %s", who, c.Reached, c.Decided)
		}
		return fmt.Sprintf("%s booted in %s", who, c.Decided)
	case verdict.Fail:
		stage := ""
		for _, s := range c.Stages {
			if s.Status == verdict.Fail {
				stage = " at " + s.Stage.String()
				break
			}
		}
		s := fmt.Sprintf("%s stopped%s after %s", who, stage, c.Decided)
		if len(c.Findings) > 0 && c.Findings[0].Severity == verdict.Error {
			s += ": " + printable(c.Findings[0].ID)
		}
		return s
	case verdict.Inconclusive:
		return who + " could not be judged"
	}
	return who + " is still booting"
}
