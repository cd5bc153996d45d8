package scenarios_test

import (
	"slices"
	"testing"

	"github.com/pxeproof/pxeproof/captures/verdict"
	"github.com/pxeproof/pxeproof/scenarios"
)

// TestLibrary boots every scenario of the library. One that provokes findings
// must have just these, and one that provokes none must pass without any.
func TestLibrary(t *testing.T) {
	needVM(t)
	all, err := scenarios.List()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if s.Name == "kickstart-nfs" {
			continue // TestKickstartBoots looks closer
		}
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			dir, v := boot(t, s.Name)
			var ids []string
			worst := verdict.Note
			for _, f := range v.Clients[0].Findings {
				ids = append(ids, f.ID)
				worst = max(worst, f.Severity)
			}
			slices.Sort(ids)
			if want := slices.Sorted(slices.Values(s.Provokes)); !slices.Equal(ids, want) {
				t.Fatalf("findings %v, want %v\n%s", ids, want, explain(v))
			}
			status := verdict.Pass
			if worst == verdict.Error {
				status = verdict.Fail
			}
			if v.Status != status {
				t.Errorf("%v, want %v\n%s", v.Status, status, explain(v))
			}
			judgedAgain(t, dir)
		})
	}
}
