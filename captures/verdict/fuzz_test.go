package verdict

import (
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/pxeproof/pxeproof/captures"
)

// FuzzConsole has a machine that was expected to boot print what it likes.
func FuzzConsole(f *testing.F) {
	for _, m := range messages {
		f.Add(m.holds + " " + m.also + "\n")
	}
	f.Add("Nothing to boot: No such file or directory (http://ipxe.org/\n2d03e13b)\n")
	f.Add("[    1.234567] Linux version 6.1.0 (x)\n[    2.0] Kernel panic - not syncing: VFS\n")
	f.Add("pxeproof: file nfs:" + server + ":" + ksPath + " sha256=00\n")
	f.Fuzz(func(t *testing.T, text string) {
		j, err := NewJudge(article(), Options{})
		if err != nil {
			t.Fatal(err)
		}
		now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		j.Add(captures.Event{At: now, Host: mac, Source: captures.Harness, Kind: captures.MachineStarted})
		for _, line := range strings.Split(text, "\n") {
			now = now.Add(100 * time.Millisecond)
			j.Add(captures.Event{At: now, Host: mac, Source: captures.Console, Kind: captures.ConsoleLine,
				Fields: []captures.Field{field("text", line)}})
		}
		check(t, j.Verdict())
		j.Finish(End{Reason: EndTimeout})
		v := j.Verdict()
		check(t, v)
		c := v.Clients[0]
		var said []string
		for _, o := range c.Outcomes {
			said = append(said, o.Evidence)
		}
		for _, f := range c.Findings {
			said = append(said, f.Summary)
		}
		if c.Last != nil {
			said = append(said, c.Last.Text)
		}
		for _, s := range said {
			if strings.ContainsFunc(s, unicode.IsControl) {
				t.Fatalf("what could move a cursor is in the verdict: %q", s)
			}
		}
	})
}
