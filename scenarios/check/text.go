package check

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// WriteText writes the report for people: each finding as compilers do it, its
// line with a caret below, and what to do.
func (r *Report) WriteText(w io.Writer) error {
	var b strings.Builder
	for i, f := range r.Findings {
		fmt.Fprintf(&b, "%s: %s: %s [%s]\n", f.Pos, f.Severity, printable(f.Message), f.ID)
		// What there is to say of one place shows it once, at the end.
		if i+1 < len(r.Findings) && r.Findings[i+1].Pos == f.Pos && f.Hint == "" {
			continue
		}
		if strings.TrimSpace(f.Source) != "" {
			fmt.Fprintf(&b, "  %s\n", printable(f.Source))
			if f.Col > 0 {
				fmt.Fprintf(&b, "  %s^\n", pad(f.Source, f.Col))
			}
		}
		if f.Hint != "" {
			fmt.Fprintf(&b, "  hint: %s\n", printable(f.Hint))
		}
	}
	if len(r.Findings) > 0 {
		fmt.Fprintf(&b, "\n%s\n", r.summary())
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// printable takes out of a file's text what would act on a terminal. Tabs stay,
// so that the caret's line can have the same.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' || unicode.IsGraphic(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}

// pad is what brings a caret below the byte in column col: the tabs of the line
// itself, and blanks as wide as its other characters.
func pad(line string, col int) string {
	var b strings.Builder
	for _, r := range line[:min(col-1, len(line))] {
		switch {
		case r == '\t':
			b.WriteByte('\t')
		case unicode.Is(unicode.Mn, r):
		case isWide(r):
			b.WriteString("  ")
		default:
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// isWide says whether a terminal gives a character two columns.
func isWide(r rune) bool {
	k := width.LookupRune(r).Kind()
	return k == width.EastAsianWide || k == width.EastAsianFullwidth
}
