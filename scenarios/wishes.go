package scenarios

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/pxeproof/pxeproof/captures"
	"github.com/pxeproof/pxeproof/captures/verdict"
)

// wished adds what the author of the scenario expects besides.
func (p *prediction) wished() error {
	for i, w := range p.scenario.expect {
		if w.v.Machine != "" && w.v.Machine != p.m.Name {
			continue
		}
		if err := p.wish(i, w); err != nil {
			return err
		}
	}
	return nil
}

func (p *prediction) wish(i int, w at[expectYAML]) error {
	pos := w.pos(p.scenario.display(File))
	at := origin(pos)
	e := verdict.Expectation{ID: fmt.Sprintf("expect%d", i+1), Origin: at}
	v := w.v
	switch {
	case v.Transfer != "":
		t, err := p.transferOf(v.Transfer)
		if err != nil {
			return problem(pos, "%w", err)
		}
		if v.Rate != "" {
			if t.MinRate, err = parseRate(v.Rate); err != nil {
				return problem(pos, "%w", err)
			}
		}
		if v.Resent != "" {
			n, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(v.Resent, "<=")))
			if err != nil || n < 0 || !strings.HasPrefix(v.Resent, "<=") {
				return problem(pos, `resent: %q is no bound, such as "<= 2"`, v.Resent)
			}
			t.MaxResent = &n
		}
		return nil
	case v.Console != "":
		e.Stage, e.Console = verdict.OS, &verdict.Console{Contains: v.Console}
	case v.Seen != "":
		e.Stage, e.Kinds = verdict.Files, []captures.Kind{captures.Kind(v.Seen)}
	case v.Absent != "":
		e.Stage, e.Kinds, e.Absent = verdict.Files, []captures.Kind{captures.Kind(v.Absent)}, true
	default:
		return problem(pos, "this expects nothing: write transfer, console, seen or absent")
	}
	p.machine.Expect = append(p.machine.Expect, e)
	return nil
}

// transferOf finds the predicted transfer of a file, or adds one.
func (p *prediction) transferOf(name string) (*verdict.Transfer, error) {
	for _, e := range p.machine.Expect {
		if t := e.Transfer; t != nil && (t.Name == name || path.Base(t.Name) == name) {
			return t, nil
		}
	}
	t := &verdict.Transfer{Protocol: "tftp", Name: name}
	p.add(verdict.Expectation{ID: "transfer " + name, Stage: verdict.Files, Transfer: t})
	return t, nil
}

// parseRate reads ">= 1 MB/s" as bytes per second. Units are decimal, as those
// of networks are.
func parseRate(text string) (float64, error) {
	wrong := fmt.Errorf(`rate: %q is no bound, such as ">= 1 MB/s"`, text)
	rest, ok := strings.CutPrefix(text, ">=")
	if !ok {
		return 0, wrong
	}
	number, unit, _ := strings.Cut(strings.TrimSpace(rest), " ")
	n, err := strconv.ParseFloat(number, 64)
	scale, known := map[string]float64{"B/s": 1, "kB/s": 1e3, "KB/s": 1e3, "MB/s": 1e6, "GB/s": 1e9}[strings.TrimSpace(unit)]
	if err != nil || !known || !(n > 0) {
		return 0, wrong
	}
	return n * scale, nil
}
