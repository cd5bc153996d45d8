package verdict

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestArticleBootPasses(t *testing.T) {
	p := articleBoot()
	j, ups := p.live(t, article(), Options{})
	if !j.Decided() {
		t.Fatal("not decided at the last proof")
	}
	v := j.Verdict()
	if v.Status != Pass || v.Clients[0].Reached != Files || len(v.Clients[0].Findings) != 0 {
		t.Fatalf("verdict: %s", asJSON(v))
	}
	var stages []Stage
	for _, u := range ups {
		if u.Stage != nil {
			stages = append(stages, u.Stage.Stage)
			if u.Stage.Status != Pass || u.Stage.Evidence == "" {
				t.Errorf("rung %v: %s", u.Stage.Stage, asJSON(u.Stage))
			}
		}
	}
	if !slices.Equal(stages, Stages()) {
		t.Errorf("rungs told: %v", stages)
	}
	for _, o := range v.Clients[0].Outcomes {
		if o.Evidence == "" {
			t.Errorf("%s passed without evidence", o.ID)
		}
		if o.Stage != OS && o.ID != "ks-digest" && len(o.Frames) == 0 {
			t.Errorf("%s passed without a frame", o.ID)
		}
	}
}

func asJSON(v any) string {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func TestEveryLessIsNoPass(t *testing.T) {
	// Leave out any one event that proves something, and it is no PASS.
	whole := articleBoot()
	for i, e := range whole.events {
		proves := isTransferEnd(e.Kind) || e.Kind == "dhcp.ack" || e.Kind == "link.first" || strings.HasPrefix(e.Text("text"), "pxeproof: file") || strings.Contains(e.Text("text"), "Linux version")
		if !proves || e.Text("tftp.source_file") == "ldlinux.c32" {
			continue
		}
		p := *whole
		p.events = slices.Delete(slices.Clone(whole.events), i, i+1)
		if v := p.judge(t, article(), End{Reason: EndTimeout}); v.Status != Fail {
			t.Errorf("without event %d (%s): %v", i, describe(&e), v.Status)
		}
	}
}

func TestInconclusive(t *testing.T) {
	for name, c := range map[string]struct {
		tape   *tape
		x      func(*Expectations)
		end    End
		reason string
	}{
		"dropped frames": {articleBoot(), nil, End{Dropped: 3}, "lost 3 frames"},
		"a doubt": {articleBoot(), func(x *Expectations) {
			x.Doubts = []Doubt{{Text: "unknown directive", Where: Origin{File: "etc/dhcpd.conf", Line: 3}}}
		}, End{}, "unknown directive"},
		"the lab broke":   {newTape().start(), nil, End{Reason: EndLab, Text: "bridge gone"}, "bridge gone"},
		"interrupted":     {newTape().start(), nil, End{Reason: EndInterrupted}, "interrupted"},
		"QEMU died":       {newTape().start().lab("machine.died", field("status", "signal: killed"), field("stderr", "KVM internal error")), nil, End{}, "KVM internal error"},
		"nobody to judge": {newTape(), func(x *Expectations) { x.Machines = nil }, End{}, "no machine"},
		"nothing to see":  {newTape(), func(x *Expectations) { x.Machines[0].Expect = nil }, End{}, "nothing was expected"},
	} {
		t.Run(name, func(t *testing.T) {
			x := article()
			if c.x != nil {
				c.x(&x)
			}
			v := c.tape.judge(t, x, c.end)
			if v.Status != Inconclusive {
				t.Fatalf("status %v: %s", v.Status, asJSON(v))
			}
			if !slices.ContainsFunc(v.Reasons, func(d Doubt) bool { return strings.Contains(d.Text, c.reason) }) {
				t.Errorf("reasons %+v: none says %q", v.Reasons, c.reason)
			}
		})
	}
}

func TestRoundTrips(t *testing.T) {
	x := article()
	x.Machines[0].Expect = append(x.Machines[0].Expect, Expectation{ID: "none", Stage: Config, NotApplicable: "no config", Within: seconds(1500e6)})
	var x2 Expectations
	roundTrip(t, x, &x2)
	for _, p := range []*tape{articleBoot(), newTape().start().dora(given{siaddr: "0.0.0.0"}).say("Nothing to boot: No such file or directory (http://ipxe.org/2d03e13b)")} {
		v := p.judge(t, x2, End{Reason: EndTimeout, Text: "after 30 s"})
		var v2 Verdict
		roundTrip(t, v, &v2)
	}
}

func roundTrip[T any](t *testing.T, in T, out *T) {
	t.Helper()
	b, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, out); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(in, *out, cmp.Comparer(func(a, b Origin) bool { return a == b }), cmp.Comparer(sameAddr)); d != "" {
		t.Error(d)
	}
}

// What the client still waits for may come.
func TestSilenceIsNoProofYet(t *testing.T) {
	requests := booted()
	i := requests.rrq("/pxelinux.0", server)
	requests.again(i).again(i).again(i)
	discovers := newTape().start()
	for n := range 4 {
		discovers.ask("dhcp.discover").wait(time.Second << n)
	}
	discovers.wait(-7 * time.Second).say("Configuring (net0 52:54:00:12:34:56)........") // 1 s after the last
	for name, p := range map[string]*tape{"three more RRQs": requests, "a second after the fourth DISCOVER": discovers} {
		if j, _ := p.live(t, article(), Options{}); j.Decided() {
			t.Errorf("%s: decided: %s", name, asJSON(j.Verdict()))
		}
	}
}
