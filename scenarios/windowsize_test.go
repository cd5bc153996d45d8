package scenarios_test

import (
	"testing"

	"github.com/pxeproof/pxeproof/captures"
	"github.com/pxeproof/pxeproof/scenarios"
)

// OVMF asks for a window of four blocks, and gets it: the OACK says so, and the
// transfer keeps to it.
func TestWindowSize(t *testing.T) {
	needVM(t)
	t.Parallel()
	s, err := scenarios.Load("uefi-windowsize")
	if err != nil {
		t.Fatal(err)
	}
	dir, v := boot(t, "uefi-windowsize")
	if !s.AsMeant(v) {
		t.Fatalf("meant to provoke %v\n%s", s.Provokes, explain(v))
	}
	judgedAgain(t, dir)

	agreed, used := false, false
	for _, e := range events(t, dir) {
		windows := e.Int("tftp.option.windowsize") == 4
		switch e.Kind {
		case captures.TFTPOack:
			agreed = agreed || windows
		case captures.TFTPDone:
			used = used || windows && e.Int("tftp.bytes") > 100_000
		}
	}
	if !agreed || !used {
		t.Errorf("windowsize 4: an OACK grants it: %v; a whole file came in such windows: %v", agreed, used)
	}
}
