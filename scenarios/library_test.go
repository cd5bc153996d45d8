package scenarios_test

import (
	"testing"

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
		if s.Name == "kickstart-nfs" || s.Name == "lossy-link" {
			continue // TestKickstartBoots and TestLossyLink look closer
		}
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			dir, v := boot(t, s.Name)
			if !s.AsMeant(v) {
				t.Fatalf("meant to provoke %v\n%s", s.Provokes, explain(v))
			}
			judgedAgain(t, dir)
		})
	}
}
