package check

import (
	"cmp"
	"encoding/json"
	"io"
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// WriteJSON writes the report for programs.
func (r *Report) WriteJSON(w io.Writer) error {
	out := struct {
		Schema   string    `json:"schema"`
		Files    []string  `json:"files"`
		Findings []Finding `json:"findings"`
	}{"pxeproof-check/1", r.Files, r.Findings}
	if out.Findings == nil {
		out.Findings = []Finding{}
	}
	if out.Files == nil {
		out.Files = []string{}
	}
	return encode(w, out)
}

func encode(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// The part of SARIF 2.1.0 (OASIS Standard, March 2020) that a Report needs.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool struct {
			Driver sarifDriver `json:"driver"`
		} `json:"tool"`
		ColumnKind string        `json:"columnKind"`
		Results    []sarifResult `json:"results"`
	}
	sarifDriver struct {
		Name  string      `json:"name"`
		Rules []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID    string    `json:"id"`
		Short sarifText `json:"shortDescription"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		RuleIndex int             `json:"ruleIndex"`
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations"`
	}
	sarifLocation struct {
		Physical sarifPhysical `json:"physicalLocation"`
	}
	sarifPhysical struct {
		Artifact struct {
			URI string `json:"uri"`
		} `json:"artifactLocation"`
		Region *sarifRegion `json:"region,omitempty"`
	}
	sarifRegion struct {
		StartLine   int        `json:"startLine"`
		StartColumn int        `json:"startColumn,omitempty"`
		Snippet     *sarifText `json:"snippet,omitempty"`
	}
)

const sarifSchema = "https://json.schemastore.org/sarif-2.1.0.json"

// WriteSARIF writes the report for code review, as a SARIF 2.1.0 log. Names of
// files below the folder base become relative to it, as the services that show
// SARIF want them relative to the repository.
func (r *Report) WriteSARIF(w io.Writer, base string) error {
	var run sarifRun
	run.Tool.Driver.Name = "pxeproof"
	run.ColumnKind = "unicodeCodePoints"
	run.Tool.Driver.Rules = r.rules()
	run.Results = []sarifResult{}
	for _, f := range r.Findings {
		i, _ := slices.BinarySearchFunc(run.Tool.Driver.Rules, f.ID, func(a sarifRule, id string) int { return strings.Compare(a.ID, id) })
		res := sarifResult{RuleID: f.ID, RuleIndex: i, Level: f.Severity.String(), Message: sarifText{f.Message}}
		if f.Hint != "" {
			res.Message.Text += "\n" + f.Hint
		}
		var l sarifLocation
		l.Physical.Artifact.URI = uri(f.File, base)
		if f.Line > 0 {
			l.Physical.Region = region(f)
		}
		res.Locations = []sarifLocation{l}
		run.Results = append(run.Results, res)
	}
	return encode(w, sarifLog{sarifSchema, "2.1.0", []sarifRun{run}})
}

// region is a finding's place; SARIF counts columns in characters.
func region(f Finding) *sarifRegion {
	g := &sarifRegion{StartLine: f.Line}
	if f.Col > 0 {
		g.StartColumn = utf8.RuneCountInString(f.Source[:min(f.Col-1, len(f.Source))]) + 1
	}
	if f.Source != "" {
		g.Snippet = &sarifText{f.Source}
	}
	return g
}

// rules are those of this package, and the readers' that the report needs.
func (r *Report) rules() []sarifRule {
	var rules []sarifRule
	known := map[string]bool{}
	for _, x := range Rules() {
		known[x.ID] = true
		rules = append(rules, sarifRule{x.ID, sarifText{x.About}})
	}
	for _, f := range r.Findings {
		if !known[f.ID] {
			known[f.ID] = true
			reader, fault, _ := strings.Cut(f.ID, "-")
			rules = append(rules, sarifRule{f.ID, sarifText{reader + ": " + strings.ReplaceAll(fault, "-", " ")}})
		}
	}
	slices.SortFunc(rules, func(a, b sarifRule) int { return cmp.Compare(a.ID, b.ID) })
	return rules
}

// uri is a file's name as a relative reference (RFC 3986), or a file URI for
// one that is not below base.
func uri(file, base string) string {
	if filepath.IsAbs(file) {
		rel, err := filepath.Rel(base, file)
		if err != nil || !filepath.IsLocal(rel) {
			return (&url.URL{Scheme: "file", Path: filepath.ToSlash(file)}).String()
		}
		file = rel
	}
	// Without "./" a colon in the first part would make it a scheme.
	return (&url.URL{Path: path.Clean(filepath.ToSlash(file))}).String()
}
