package scaffold

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/pxeproof/pxeproof/scenarios/report"
)

// A Summary says what was done.
type Summary struct {
	Smallest bool     // nothing was found or wanted: it is the smallest scenario
	Taken    []Taken  // in the order of a boot
	Notes    []string // what the author should know
}

// Taken is a file or folder that was copied, or an asset that was named.
type Taken struct {
	From string // on this machine, or "asset NAME"
	To   string // on the scenario's server host
	// Files and Bytes count what was copied; both are 0 for an asset.
	Files int
	Bytes int64
}

// Report tells a person what the scenario in dir was made of.
func (s Summary) Report(w io.Writer, dir string, o report.Options) error {
	var b strings.Builder
	if s.Smallest {
		b.WriteString("the smallest scenario: DHCP, TFTP, PXELINUX, and a kernel of this distribution\n")
	}
	width := 0
	for _, t := range s.Taken {
		width = max(width, utf8.RuneCountInString(t.To))
	}
	for _, t := range s.Taken {
		line := fmt.Sprintf("  %-*s  from %s", width, t.To, t.From)
		if t.Files != 1 && t.Bytes > 0 {
			line += fmt.Sprintf(", %d files, %s", t.Files, bytesText(t.Bytes))
		}
		b.WriteString(line + "\n")
	}
	for i, n := range s.Notes {
		if i == 0 && b.Len() > 0 {
			b.WriteString("\n")
		}
		b.WriteString(o.Note(n))
	}
	run := dir
	if !strings.Contains(run, "/") {
		run = "./" + run // a plain name could be the library's
	}
	fmt.Fprintf(&b, "\n%s is a scenario; boot it with: pxeproof run %s\n", dir, run)
	_, err := io.WriteString(w, b.String())
	return err
}
