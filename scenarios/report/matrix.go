package report

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pxeproof/pxeproof/captures/verdict"
)

// A Column is how one variant of a scenario ended.
type Column struct {
	Name    string
	Verdict verdict.Verdict
	Err     error // the lab broke: there is no verdict
}

// WriteMatrix writes the outcomes of a scenario's variants side by side: a column
// a variant, a line a rung, and below them what stopped each.
func WriteMatrix(w io.Writer, columns []Column, o Options) error {
	lines := matrixLines(columns)
	var wide []int
	for _, line := range lines {
		for i, cell := range line {
			if i == len(wide) {
				wide = append(wide, 0)
			}
			wide[i] = max(wide[i], utf8.RuneCountInString(cell))
		}
	}
	var text strings.Builder
	for n, line := range lines {
		row := ""
		for i, cell := range line {
			row += "  " + cell + strings.Repeat(" ", wide[i]-utf8.RuneCountInString(cell))
		}
		row = strings.TrimRight(row, " ")
		if n == 0 {
			row = o.paint(bold, row)
		}
		text.WriteString(row + "\n")
	}
	_, err := io.WriteString(w, text.String())
	return err
}

func matrixLines(columns []Column) [][]string {
	head, machine, result := []string{""}, []string{"machine"}, []string{"result"}
	for _, c := range columns {
		head = append(head, printable(c.Name))
		machine = append(machine, printable(machineWords(c)))
		result = append(result, resultWord(c))
	}
	lines := [][]string{head, machine}
	for _, stage := range verdict.Stages() {
		line, any := []string{stage.String()}, false
		for _, c := range columns {
			cell, ok := stageCell(c, stage)
			any = any || ok
			line = append(line, cell)
		}
		if any {
			lines = append(lines, line)
		}
	}
	lines = append(lines, result)
	for n := 0; ; n++ {
		line, any := []string{""}, false
		if n == 0 {
			line[0] = "findings"
		}
		for _, c := range columns {
			cell := ""
			if f := findingsOf(c); n < len(f) {
				cell, any = fmt.Sprintf("%s %s", f[n].Severity, f[n].ID), true
			}
			line = append(line, cell)
		}
		if !any {
			return lines
		}
		lines = append(lines, line)
	}
}

// client is the one machine of a column; false if the lab broke before it.
func client(c Column) (verdict.ClientVerdict, bool) {
	if c.Err != nil || len(c.Verdict.Clients) == 0 {
		return verdict.ClientVerdict{}, false
	}
	return c.Verdict.Clients[0], true
}

func findingsOf(c Column) []verdict.Finding {
	m, _ := client(c)
	return m.Findings
}

func machineWords(c Column) string {
	m, ok := client(c)
	if !ok {
		return ""
	}
	var words []string
	for _, p := range []string{m.Firmware, m.ROM, m.Loader} {
		if p != "" {
			words = append(words, properName(p))
		}
	}
	return strings.Join(words, ", ")
}

func resultWord(c Column) string {
	if c.Err != nil {
		return "BROKEN"
	}
	return strings.ToUpper(c.Verdict.Status.String())
}

// stageCell is a rung of a column; ok is false if nothing is known of it.
func stageCell(c Column, stage verdict.Stage) (cell string, ok bool) {
	m, _ := client(c)
	for _, s := range m.Stages {
		if s.Stage != stage {
			continue
		}
		word, _ := mark(s.Status)
		if s.Status == verdict.Pass {
			word += fmt.Sprintf(" %.1f s", time.Duration(s.After).Seconds())
		}
		return word, true
	}
	return "-", false
}
