package bench

import (
	"fmt"
	"io"
	"strings"
)

// Write prints the result as a table.
func (r BootResult) Write(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Wall time to the last proof, acceleration %s (%s)\n\n", r.Accel.Name, r.Accel.Why)
	wide := 0
	for _, row := range r.Boots {
		wide = max(wide, len(row.Name), len(row.Than))
	}
	for _, row := range r.Boots {
		if row.Than != "" {
			fmt.Fprintf(&b, "  %-*s  %s\n", wide, row.Than, row.Against.Row("s"))
		}
		fmt.Fprintf(&b, "  %-*s  %s", wide, row.Name, row.Took.Row("s"))
		if len(row.Own) > 0 {
			fmt.Fprintf(&b, ", pxeproof's own %.2f s", row.Own.Median())
		}
		b.WriteString("\n")
		if row.Than == "" {
			b.WriteString("\n")
			continue
		}
		fmt.Fprintf(&b, "  %-*s  %7.2f", wide, "  ratio of medians", row.Ratio)
		if row.Goal > 0 {
			fmt.Fprintf(&b, "     goal at most %.2f%s", row.Goal, missed(row.Ratio > row.Goal))
		}
		b.WriteString("\n\n")
	}
	if r.Library != nil {
		r.Library.write(&b)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func missed(yes bool) string {
	if yes {
		return "  MISSED"
	}
	return ""
}

func (r *LibraryResult) write(b *strings.Builder) {
	fmt.Fprintf(b, "The library's %d scenarios: one by one %.1f s", r.Scenarios, r.Single)
	if r.Ratio > 0 {
		fmt.Fprintf(b, ", %d at once %.1f s: %.2f, goal at most %.2f%s", r.Jobs, r.Side, r.Ratio, SideGoal, missed(r.Ratio > SideGoal))
	}
	b.WriteString("\n")
	for _, name := range r.Unlike {
		fmt.Fprintf(b, "  %s did not what it is meant to\n", name)
	}
	fmt.Fprintf(b, "\nFailing scenarios, from power-on to the proof, goal at most %.0f s\n\n", FailureGoal.Seconds())
	for _, f := range r.Failures {
		fmt.Fprintf(b, "  %-28s  %6.2f s%s", f.Scenario, f.Took.Duration().Seconds(), missed(f.Long == "" && f.Took.Duration() > FailureGoal))
		if f.Long != "" {
			fmt.Fprintf(b, "  by nature: %s", f.Long)
		}
		b.WriteString("\n")
	}
}
