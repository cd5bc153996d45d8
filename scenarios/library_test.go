package scenarios_test

import (
	"os"
	"slices"
	"testing"

	"github.com/pxeproof/pxeproof/scenarios"
)

// envLong has TestLibrary boot what is long by its nature, and nothing else.
const envLong = "PXEPROOF_LONG"

// long says whether a scenario takes more than some 15 s under emulation: EDK2
// needs that for its first request, and the others boot twice or have to wait for
// a client to give up.
func long(s *scenarios.Scenario) bool {
	return s.Machines[0].Firmware.Kind == "uefi" ||
		slices.Contains([]string{"install-loop", "only-from-elsewhere", "spanning-tree", "squatter", "stalled-transfer"}, s.Name)
}

// TestLibrary boots every scenario of the library. One that provokes findings
// must have just these, and one that provokes none must pass without any.
func TestLibrary(t *testing.T) {
	needVM(t)
	for _, s := range library(t) {
		if s.Name == "kickstart-nfs" || s.Name == "lossy-link" || s.Name == "uefi-windowsize" {
			continue // TestKickstartBoots, TestLossyLink and TestWindowSize look closer
		}
		if long(s) != (os.Getenv(envLong) != "") {
			continue // make test boots the one half, make test-all the other
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
