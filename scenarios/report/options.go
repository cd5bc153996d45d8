package report

import (
	"os"

	"golang.org/x/term"

	"github.com/pxeproof/pxeproof/captures/verdict"
)

// DefaultWidth is the width of lines that go to no terminal, in columns.
const DefaultWidth = 100

// Options say how a report looks. The zero value is plain text.
type Options struct {
	Title    string            // the scenario's name
	Folder   string            // where the run's files are; empty: nowhere
	Machines []verdict.Machine // who boots; with more than one every line names its machine
	Color    bool              // ANSI colours
	Live     bool              // a last line that changes; needs a terminal
	Width    int               // columns; 0: DefaultWidth
}

// On gives o what fits the file: colour and a live line on a terminal, no
// colour if NO_COLOR is set (no-color.org), neither if TERM is dumb.
func (o Options) On(f *os.File) Options {
	if !term.IsTerminal(int(f.Fd())) || os.Getenv("TERM") == "dumb" {
		return o
	}
	o.Live = true
	o.Color = os.Getenv("NO_COLOR") == ""
	if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
		o.Width = w
	}
	return o
}

func (o *Options) width() int {
	if o.Width <= 0 {
		return DefaultWidth
	}
	return max(o.Width, 40)
}

// A color is an ANSI SGR sequence's number.
type color string

const (
	plain  color = ""
	bold   color = "1"
	dim    color = "2"
	red    color = "31"
	green  color = "32"
	yellow color = "33"
)

func (o *Options) paint(c color, s string) string {
	if !o.Color || c == plain || s == "" {
		return s
	}
	return "\x1b[" + string(c) + "m" + s + "\x1b[0m"
}
