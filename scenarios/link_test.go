package scenarios_test

import (
	"testing"

	"github.com/pxeproof/pxeproof/captures"
	"github.com/pxeproof/pxeproof/scenarios"
)

// A boot over a bad link passes, and its events tell of every frame that the
// link lost: each DATA that was lost on the way to the machine is in the capture
// and was sent again.
func TestLossyLink(t *testing.T) {
	needVM(t)
	t.Parallel()
	s, err := scenarios.Load("lossy-link")
	if err != nil {
		t.Fatal(err)
	}
	dir, v := boot(t, "lossy-link")
	if !s.AsMeant(v) {
		t.Fatalf("meant to provoke %v\n%s", s.Provokes, explain(v))
	}
	judgedAgain(t, dir)

	var impaired, data, lost, counted, resent int64
	for _, e := range events(t, dir) {
		switch e.Kind {
		case captures.LinkImpaired:
			impaired++
			if e.Port != "client" || e.Text("link.impairment") != s.Machines[0].Link.String() {
				t.Errorf("at port %q: %q", e.Port, e.Text("link.impairment"))
			}
		case captures.LinkLost:
			lost++
			if e.Is("link.to_machine") && e.Int("frame.len") > 1400 {
				data++
			}
		case captures.LinkDone:
			counted += e.Int("link.lost") + e.Int("link.too_long") + e.Int("link.overflow")
		case captures.TFTPDone:
			resent += e.Int("tftp.resent")
		}
	}
	if impaired != 1 || lost == 0 || lost != counted {
		t.Errorf("%d links are told of, %d losses, %d are counted", impaired, lost, counted)
	}
	if data == 0 || resent < data {
		t.Errorf("%d DATA were lost, %d sent again", data, resent)
	}
}
