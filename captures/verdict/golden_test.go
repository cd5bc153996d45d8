package verdict

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the goldens anew")

// The goldens are verdict.json as the documentation of the package has it;
// the tests of scenarios/report read them too.
func TestGoldens(t *testing.T) {
	for name, c := range map[string]struct {
		tape *tape
		x    Expectations
		end  End
	}{
		"pass":           {articleBoot(), article(), End{}},
		"no-next-server": {faults["dhcp-next-server-unset"][0].tape(), withoutNextServer(), End{}},
		"silent":         {faults["machine-silent"][1].tape(), article(), End{Reason: EndTimeout, Text: "after 60 s", At: newTape().now.Add(time.Minute)}},
		"no-such-file":   {faults["tftp-file-not-found"][0].tape(), article(), End{}},
		"dropped":        {articleBoot(), article(), End{Dropped: 12}},
		"pending":        {newTape().start().dora(given{}), article(), End{}},
	} {
		t.Run(name, func(t *testing.T) {
			j, _ := c.tape.live(t, c.x, Options{})
			if name != "pending" {
				j.Finish(c.end)
			}
			got := asJSON(j.Verdict()) + "\n"
			file := filepath.Join("testdata", name+".json")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("%s (go test -update writes it anew): got\n%s", file, got)
			}
		})
	}
}
