package report

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pxeproof/pxeproof/captures"
)

// wrap breaks text between words into lines of at most width columns. A word
// that is longer stays whole.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, w := range strings.Fields(text) {
		switch {
		case line == "":
			line = w
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(w) <= width:
			line += " " + w
		default:
			lines = append(lines, line)
			line = w
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// cut shortens text to width columns.
func cut(text string, width int) string {
	if utf8.RuneCountInString(text) <= width {
		return text
	}
	r := []rune(text)
	return string(r[:max(0, width-1)]) + "…"
}

// pad fills text up to width columns.
func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text)))
}

// printable leaves out what could move a cursor. Verdicts are clean already;
// one that came out of a file may not be.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, s)
}

// frameSpan is the first and last of a list of frames: "#2–5", "#7". Frames of
// another file than the run's own are left to frameList.
func frameSpan(frames []captures.Frame) string {
	lo, hi := 0, 0
	for _, f := range frames {
		if f.File != "" {
			continue
		}
		if lo == 0 || f.Number < lo {
			lo = f.Number
		}
		hi = max(hi, f.Number)
	}
	switch {
	case lo == 0:
		return ""
	case lo == hi:
		return "#" + strconv.Itoa(lo)
	}
	return fmt.Sprintf("#%d–%d", lo, hi)
}

// frameList names every frame: "frames 3, 5".
func frameList(frames []captures.Frame) string {
	if len(frames) == 0 {
		return ""
	}
	var s []string
	for _, f := range frames {
		n := strconv.Itoa(f.Number)
		if f.File != "" {
			n += " of " + printable(f.File)
		}
		s = append(s, n)
	}
	if len(s) == 1 {
		return "frame " + s[0]
	}
	return "frames " + strings.Join(s, ", ")
}
