package check

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/pxeproof/pxeproof/servers/conf"
)

// A Severity says how much a Finding matters.
type Severity int

const (
	// Note: it changes nothing here, or depends on what is not known.
	Note Severity = iota
	// Warning: it is not what the author meant, or fails for some clients.
	Warning
	// Error: a daemon does not start, or a boot cannot succeed.
	Error
)

func (s Severity) String() string {
	switch s {
	case Note:
		return "note"
	case Warning:
		return "warning"
	}
	return "error"
}

// MarshalText implements [encoding.TextMarshaler].
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// A Finding is one thing that is wrong, at one place.
type Finding struct {
	conf.Pos
	Severity Severity `json:"severity"`
	ID       string   `json:"id"` // stable
	Message  string   `json:"message"`
	Hint     string   `json:"hint,omitempty"` // what to do about it
	// Source is the line that Pos names, without its end.
	Source string `json:"source,omitempty"`
}

// A Report is what a check found, in the order of files and lines.
type Report struct {
	Findings []Finding
	// Files are the names of the files that were read.
	Files []string
}

// Worst is the highest severity in the report; Note for an empty one.
func (r *Report) Worst() Severity {
	w := Note
	for _, f := range r.Findings {
		w = max(w, f.Severity)
	}
	return w
}

// Count is how many findings there are of a severity.
func (r *Report) Count(s Severity) int {
	n := 0
	for _, f := range r.Findings {
		if f.Severity == s {
			n++
		}
	}
	return n
}

// WithoutNotes is the report without its notes.
func (r *Report) WithoutNotes() *Report {
	out := &Report{Files: r.Files}
	for _, f := range r.Findings {
		if f.Severity > Note {
			out.Findings = append(out.Findings, f)
		}
	}
	return out
}

// merge adds what another report has.
func (r *Report) merge(o *Report) {
	r.Findings = append(r.Findings, o.Findings...)
	r.Files = append(r.Files, o.Files...)
}

// sort puts the findings in the order of files, and takes out what is there
// twice: two machines that meet the same fault.
func (r *Report) sort() {
	order := func(a, b Finding) int {
		return cmp.Or(
			strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col),
			cmp.Compare(b.Severity, a.Severity), strings.Compare(a.ID, b.ID), strings.Compare(a.Message, b.Message),
		)
	}
	slices.SortStableFunc(r.Findings, order)
	type key struct {
		pos conf.Pos
		id  string
	}
	seen := map[key]bool{}
	r.Findings = slices.DeleteFunc(r.Findings, func(f Finding) bool {
		k := key{f.Pos, f.ID}
		was := seen[k]
		seen[k] = true
		return was
	})
	slices.Sort(r.Files)
	r.Files = slices.Compact(r.Files)
}

// raised are problems that mean more here than to their reader: a slash that
// exportfs does not mind, but that shows what its author thinks; and a service
// that is off, without which nothing boots.
var raised = map[string]Severity{
	"exports-path-slash": Warning,
	"xinetd-disabled":    Error,
}

// severityOf is what a reader's effect is in a check.
func severityOf(p conf.Problem) Severity {
	if s, ok := raised[p.ID]; ok {
		return s
	}
	switch p.Effect {
	case conf.Note:
		return Note
	case conf.Refusal:
		return Error
	}
	return Warning
}

// summary counts, for people.
func (r *Report) summary() string {
	var parts []string
	for _, s := range []Severity{Error, Warning, Note} {
		switch n := r.Count(s); n {
		case 0:
		case 1:
			parts = append(parts, "1 "+s.String())
		default:
			parts = append(parts, fmt.Sprintf("%d %ss", n, s))
		}
	}
	return strings.Join(parts, ", ")
}
