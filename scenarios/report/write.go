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

// head names what boots: "kickstart-nfs: client1, 52:54:00:12:34:56, bios, ipxe".
func (o *Options) head() string {
	var s []string
	for _, m := range o.Machines {
		var parts []string
		for _, p := range []string{m.Name, m.MAC, m.Firmware, m.ROM, m.Loader} {
			if p != "" {
				parts = append(parts, p)
			}
		}
		s = append(s, printable(strings.Join(parts, " ")))
	}
	text := strings.Join(s, "; ")
	if o.Title != "" {
		title := o.paint(bold, printable(o.Title))
		if text == "" {
			return title + "\n\n"
		}
		return title + "  " + o.paint(dim, text) + "\n\n"
	}
	if text == "" {
		return ""
	}
	return o.paint(bold, text) + "\n\n"
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
	left := fmt.Sprintf("  %s  %s%-6s  %8s  %s  ", pad(word, 4), who, s.Stage, when, pad(frameSpan(s.Frames), 12))
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
			who = " (" + printable(label(c.Name, c.Host)) + ")"
		}
		for _, f := range c.Findings {
			b.WriteString("\n" + o.finding(&f, who))
		}
		if c.Status == verdict.Pass || c.Last == nil && c.Next == nil {
			continue
		}
		b.WriteString("\n")
		if l := c.Last; l != nil {
			text := printable(l.Text) + ", " + l.After.String()
			if s := frameList(l.Frames); s != "" {
				text += ", " + s
			}
			b.WriteString(o.item("last seen"+who, text))
		}
		if n := c.Next; n != nil {
			text := printable(n.Text)
			if !n.Origin.IsZero() {
				text += " (" + printable(n.Origin.String()) + ")"
			}
			b.WriteString(o.item("expected next", text))
		}
	}
	for _, r := range v.Reasons {
		b.WriteString("\n" + o.paint(yellow, "inconclusive") + "\n")
		b.WriteString(o.item("because", printable(r.Text)))
		if !r.Where.IsZero() {
			b.WriteString(o.item("see", place(r.Where)))
		}
	}
	return b.String()
}

// itemWidth is the column at which the text of a finding's items begins.
const itemWidth = 17

func (o *Options) item(name, text string) string {
	return o.hang("  "+o.paint(dim, pad(name, itemWidth-2))+" ", itemWidth+1, text, false)
}

func (o *Options) finding(f *verdict.Finding, who string) string {
	c := map[verdict.Severity]color{verdict.Error: red, verdict.Warning: yellow}[f.Severity]
	var b strings.Builder
	b.WriteString(o.paint(c, f.Severity.String()) + "  " + o.paint(bold, printable(f.ID)) + who + "\n")
	b.WriteString(o.item("seen", printable(f.Summary)))
	if s := frameList(f.Frames); s != "" {
		b.WriteString(o.item("", s))
	}
	for i, w := range f.Where {
		name := ""
		if i == 0 {
			name = "see"
		}
		b.WriteString(o.item(name, place(w)))
	}
	if f.Hint != "" {
		b.WriteString(o.item("mend", printable(f.Hint)))
	}
	return b.String()
}

func place(w verdict.Origin) string {
	s := printable(w.String())
	if w.Text != "" {
		s += "  " + printable(w.Text)
	}
	return s
}

// result is the last line.
func (o *Options) result(v *verdict.Verdict) string {
	word := strings.ToUpper(v.Status.String())
	c := map[verdict.Status]color{verdict.Pass: green, verdict.Fail: red, verdict.Inconclusive: yellow}[v.Status]
	var parts []string
	for i := range v.Clients {
		parts = append(parts, outcome(&v.Clients[i], v.Status))
	}
	text := strings.Join(parts, "; ")
	if o.Folder != "" {
		if text != "" {
			text += "; "
		}
		text += "all of it is in " + printable(o.Folder)
	}
	if text != "" {
		word = o.paint(c, word) + "  "
	} else {
		word = o.paint(c, word)
	}
	return "\n" + word + text + "\n"
}

// outcome is one machine's end in a few words.
func outcome(c *verdict.ClientVerdict, overall verdict.Status) string {
	who := printable(label(c.Name, c.Host))
	switch c.Status {
	case verdict.Pass:
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
