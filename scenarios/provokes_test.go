package scenarios_test

import (
	"slices"
	"testing"

	"github.com/pxeproof/pxeproof/captures/verdict"
	"github.com/pxeproof/pxeproof/scenarios"
)

// library opens every scenario of the library, and those with a matrix once for
// each variant.
func library(t *testing.T) []*scenarios.Scenario {
	t.Helper()
	all, err := scenarios.List()
	if err == nil {
		all, err = scenarios.Expand(all)
	}
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// elsewhere are the findings that no scenario of the library provokes, and what
// does.
var elsewhere = map[string]string{}

// TestEveryFindingIsProvoked wants a scenario for every finding of the table, so
// that one that is added brings its proof along.
func TestEveryFindingIsProvoked(t *testing.T) {
	provoked := map[string]bool{}
	for _, s := range library(t) {
		for _, id := range s.Provokes {
			if _, ok := verdict.Describe(id); !ok {
				t.Errorf("%s provokes %s, which is not in the table", s.Name, id)
			}
			provoked[id] = true
		}
	}
	for _, e := range verdict.All() {
		why, excused := elsewhere[e.ID]
		switch {
		case !provoked[e.ID] && !excused:
			t.Errorf("no scenario provokes %s", e.ID)
		case provoked[e.ID] && excused:
			t.Errorf("%s is provoked in the library, and yet excused: %s", e.ID, why)
		}
	}
}

// TestHealthyTwins wants beside every scenario that fails one that differs from
// it in the fault alone, and yields no finding: TestLibrary boots both.
func TestHealthyTwins(t *testing.T) {
	all := library(t)
	for _, s := range all {
		if len(s.Provokes) == 0 {
			if s.Twin != "" {
				t.Errorf("%s provokes nothing, and names the twin %s", s.Name, s.Twin)
			}
			continue
		}
		i := slices.IndexFunc(all, func(o *scenarios.Scenario) bool { return o.Name == s.Twin })
		switch {
		case s.Twin == "":
			t.Errorf("%s names no healthy twin (twin: in its scenario.yaml)", s.Name)
		case i < 0:
			t.Errorf("%s: there is no scenario %s to be its twin", s.Name, s.Twin)
		case len(all[i].Provokes) > 0:
			t.Errorf("%s: its twin %s provokes %v", s.Name, s.Twin, all[i].Provokes)
		}
	}
}
