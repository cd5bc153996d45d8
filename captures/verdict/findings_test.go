package verdict

import (
	"slices"
	"strings"
	"testing"
)

// A fault is a boot that fails, and what must be said of it.
type fault struct {
	tape   func() *tape
	x      func() Expectations // nil: the article's
	early  bool                // decided by evidence, before the capture ends
	stage  Stage               // where it fails
	says   []string            // what the finding's summary holds
	where  string              // a place that it points at
	frames int                 // how many frames it names at least
	also   []string            // warnings and notes that belong to it
}

// faults are the boots that fail, by the finding that explains each.
var faults = func() map[string][]fault {
	all := map[string][]fault{}
	for _, family := range []map[string][]fault{linkFaults, dhcpFaults, tftpFaults, loaderFaults, nfsFaults, outcomeFaults} {
		for id, list := range family {
			all[id] = append(all[id], list...)
		}
	}
	return all
}()

func TestFindings(t *testing.T) {
	for _, e := range table {
		if len(faults[e.ID]) == 0 && notes[e.ID].tape == nil {
			t.Errorf("no test provokes %s", e.ID)
		}
	}
	for id, list := range faults {
		for i, f := range list {
			t.Run(id+"/"+string(rune('a'+i)), func(t *testing.T) { f.check(t, id) })
		}
	}
}

func (f *fault) check(t *testing.T, id string) {
	p, x := f.tape(), article()
	if f.x != nil {
		x = f.x()
	}
	j, _ := p.live(t, x, Options{})
	if j.Decided() != f.early {
		t.Errorf("decided before the end: %v, want %v", j.Decided(), f.early)
	}
	j.Finish(End{Reason: EndTimeout})
	v := j.Verdict()
	c := v.Clients[0]
	var ids, also []string
	for _, g := range c.Findings {
		if g.Severity == Error {
			ids = append(ids, g.ID)
		} else {
			also = append(also, g.ID)
		}
	}
	if v.Status != Fail || !slices.Equal(ids, []string{id}) || !slices.Equal(also, f.also) {
		t.Fatalf("status %v, errors %v, besides %v: %s", v.Status, ids, also, asJSON(c))
	}
	g := c.Findings[0]
	for _, s := range f.says {
		if !strings.Contains(g.Summary, s) {
			t.Errorf("the summary does not say %q:\n%s", s, g.Summary)
		}
	}
	for _, s := range c.Stages {
		if s.Stage == f.stage && s.Status != Fail || s.Stage < f.stage && s.Status != Pass || s.Stage > f.stage && s.Status != Blocked {
			t.Errorf("rung %v: %v", s.Stage, s.Status)
		}
	}
	if len(g.Frames) < f.frames {
		t.Errorf("frames %v: want at least %d", g.Frames, f.frames)
	}
	if f.where != "" && !slices.ContainsFunc(g.Where, func(o Origin) bool { return o.String() == f.where }) {
		t.Errorf("where %v: want %s", g.Where, f.where)
	}
	if g.Hint == "" || c.Last == nil && p.frame > 0 || c.Next == nil && f.stage != NBP {
		t.Errorf("no hint, last or next: %s", asJSON(c))
	}
}
