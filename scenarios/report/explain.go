package report

import (
	"io"
	"strings"

	"github.com/pxeproof/pxeproof/captures/verdict"
)

// explainWidth is the width of the column of names.
const explainWidth = len("otherwise")

// WriteEntry explains one kind of finding.
func WriteEntry(w io.Writer, e verdict.Entry, o Options) error {
	var b strings.Builder
	b.WriteString(o.paint(bold, e.ID) + "  " + e.Title + "\n\n")
	if len(e.Stops) > 0 {
		var stages []string
		for _, s := range e.Stops {
			stages = append(stages, s.String())
		}
		b.WriteString(o.item("stops", explainWidth, "a boot at stage "+strings.Join(stages, " or ")+", and is an error there"))
		b.WriteString(o.item("otherwise", explainWidth, "it is a "+e.Else.String()))
	} else {
		b.WriteString(o.item("weight", explainWidth, "a "+e.Else.String()+"; it stops no boot"))
	}
	for _, p := range []struct{ name, text string }{{"evidence", e.Evidence}, {"meaning", e.Meaning}, {"mend", e.Hint}} {
		if p.text != "" {
			b.WriteString(o.item(p.name, explainWidth, p.text))
		}
	}
	if len(e.Over) > 0 {
		b.WriteString(o.item("replaces", explainWidth, strings.Join(e.Over, ", ")+", which have the same cause"))
	}
	_, err := io.WriteString(w, b.String())
	return err
}
