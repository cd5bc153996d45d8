package report

import (
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/pxeproof/pxeproof/captures/verdict"
)

// DefaultWidth is the width of lines that go to no terminal, in columns.
const DefaultWidth = 100

// Options say how a report looks. The zero value is plain text.
type Options struct {
	Title     string            // the scenario's name
	Folder    string            // where the run's files are; empty: nowhere
	Machines  []verdict.Machine // who boots; with more than one every line names its machine
	Transfers []Transfer        // of the capture, grouped by host; shown below the ladder
	Color     bool              // ANSI colours
	Live      bool              // a last line that changes; needs a terminal
	Width     int               // columns; 0: DefaultWidth
	ASCII     bool              // for terminals that show no UTF-8
}

// On gives o what fits the file: colour and a live line on a terminal, no
// colour if NO_COLOR is set (no-color.org), neither if TERM is dumb.
func (o Options) On(f *os.File) Options {
	if !term.IsTerminal(int(f.Fd())) || os.Getenv("TERM") == "dumb" {
		return o
	}
	o.Live = true
	o.Color = os.Getenv("NO_COLOR") == ""
	o.ASCII = !utf8Locale(os.Getenv)
	if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
		o.Width = w
	}
	return o
}

// utf8Locale says whether the environment's character set is UTF-8, by the
// first of LC_ALL, LC_CTYPE and LANG that is set, as POSIX has it.
func utf8Locale(getenv func(string) string) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := strings.ToLower(getenv(name)); v != "" {
			return strings.Contains(v, "utf-8") || strings.Contains(v, "utf8")
		}
	}
	return false
}

// plainly is what stands for the few signs of a report that are not ASCII.
var plainly = strings.NewReplacer("–", "-", "…", "~", "·", ".")

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
