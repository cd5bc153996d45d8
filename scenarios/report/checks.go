package report

import (
	"io"
	"strings"
	"unicode/utf8"

	"github.com/pxeproof/pxeproof/captures/verdict"
	"github.com/pxeproof/pxeproof/harness/doctor"
)

// stateWidth is the width of the longest State.
const stateWidth = len(doctor.Optional)

// WriteChecks shows what the doctor found: a line a check under its heading, the
// cure below what is not there.
func WriteChecks(w io.Writer, r doctor.Report, o Options) error {
	var b strings.Builder
	width, group := 0, ""
	for _, c := range r.Results {
		width = max(width, utf8.RuneCountInString(c.Name))
	}
	for _, c := range r.Results {
		if c.Group != group {
			if group = c.Group; b.Len() > 0 {
				b.WriteString("\n")
			}
			b.WriteString(o.paint(bold, group) + "\n")
		}
		color := map[doctor.State]color{doctor.OK: green, doctor.Missing: red, doctor.Optional: yellow}[c.State]
		left := "  " + o.paint(color, pad(string(c.State), stateWidth)) + "  " + pad(c.Name, width) + "  "
		indent := stateWidth + width + 6
		b.WriteString(o.hang(left, indent, printable(c.Text), c.State != doctor.Missing))
		if c.Cure != "" {
			// Not wrapped: it is to be copied.
			b.WriteString(strings.Repeat(" ", indent) + "$ " + printable(c.Cure) + "\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// WriteReady is the doctor's last line.
func WriteReady(w io.Writer, r doctor.Report, name string, o Options) error {
	var missing []string
	cure := "see above what stands in the way"
	for _, c := range r.Results {
		if c.State == doctor.Missing {
			missing = append(missing, c.Name)
			if c.Cure != "" {
				cure = "the commands below them, in this order, cure that"
			}
		}
	}
	text := o.paint(green, "READY") + "  pxeproof run " + name + " would run here\n"
	if !r.Ready {
		text = o.hang(o.paint(red, "NOT READY")+"  ", len("NOT READY")+2, "missing: "+printable(strings.Join(missing, ", "))+
			"; "+cure, false)
	}
	_, err := io.WriteString(w, "\n"+text)
	return err
}

// WriteResult writes the last line of a report alone.
func WriteResult(w io.Writer, v verdict.Verdict, o Options) error {
	_, err := io.WriteString(w, strings.TrimLeft(o.result(&v), "\n"))
	return err
}

// Note is a paragraph that begins with the word note, as a verb shows it that
// reports no verdict.
func (o Options) Note(text string) string {
	return o.hang(o.paint(yellow, "note")+"  ", len("note")+2, printable(text), false)
}
