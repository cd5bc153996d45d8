package scenarios_test

import (
	"runtime"
	"testing"

	"github.com/pxeproof/pxeproof/harness/qemu"
	"github.com/pxeproof/pxeproof/scenarios"
)

// TestJobs asks how many run at once of small machines, and of some of which not
// one has room.
func TestJobs(t *testing.T) {
	of := func(mib int) *scenarios.Scenario {
		return &scenarios.Scenario{Machines: []scenarios.Machine{{Machine: qemu.Machine{Memory: mib}}}}
	}
	small, huge := of(1), of(1<<40)
	if n := scenarios.Jobs([]*scenarios.Scenario{small}); n < 1 || n > runtime.GOMAXPROCS(0) {
		t.Errorf("%d at once on %d processors", n, runtime.GOMAXPROCS(0))
	}
	if n := scenarios.Jobs([]*scenarios.Scenario{small, huge, small}); n != 1 {
		t.Errorf("%d at once of machines that are larger than this one", n)
	}
	if n := scenarios.Jobs(nil); n < 1 {
		t.Errorf("%d at once of none", n)
	}
}
