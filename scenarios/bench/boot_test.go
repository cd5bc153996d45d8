package bench

import (
	"strings"
	"testing"
	"time"

	"github.com/pxeproof/pxeproof/captures/verdict"
	"github.com/pxeproof/pxeproof/scenarios"
)

func TestPlans(t *testing.T) {
	names := map[string]bool{"": true}
	for _, p := range plans {
		names[p.name] = true
		if _, err := scenarios.Load(p.scenario); err != nil {
			t.Errorf("row %s: %v", p.name, err)
		}
		if s, ok := cutBare(p.than); ok && marks[s] == "" {
			t.Errorf("row %s: nobody knows the last proof of %s", p.name, p.than)
		}
	}
	for _, p := range plans {
		if _, bare := cutBare(p.than); !bare && !names[p.than] {
			t.Errorf("row %s is compared with %s, which is no row", p.name, p.than)
		}
	}
	for name := range longByNature {
		if _, err := scenarios.Load(name); err != nil {
			t.Error(err)
		}
	}
	if _, err := chosen([]string{"no-such-row"}); err == nil {
		t.Error("a row that is not there was chosen")
	}
}

func TestBootResultWrite(t *testing.T) {
	r := BootResult{
		Boots: []BootRow{
			{Name: "first-process", Took: Sample{4, 5, 6}, Than: "bare first-process", Against: Sample{20}, Ratio: 0.25, Goal: 0.33, Own: Sample{0.2}},
			{Name: "kickstart-nfs", Took: Sample{12}, Than: "bare kickstart-nfs", Against: Sample{20}, Ratio: 0.6, Goal: 0.5},
			{Name: "alone", Took: Sample{7}},
		},
		Library: &LibraryResult{
			Scenarios: 61, Jobs: 2, Side: 80, Single: 100, Ratio: 0.8, Unlike: []string{"slow"},
			Failures: []FailureRow{
				{Scenario: "quick", Took: verdict.Seconds(2 * time.Second)},
				{Scenario: "long", Took: verdict.Seconds(40 * time.Second), Long: "two boots"},
				{Scenario: "slow", Took: verdict.Seconds(11 * time.Second)},
			},
		},
	}
	var b strings.Builder
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"5.00 s", "pxeproof's own 0.20 s", "0.25     goal at most 0.33\n", "0.60     goal at most 0.50  MISSED\n",
		"2.00 s\n", "40.00 s  by nature: two boots\n", "11.00 s  MISSED\n",
		"one by one 100.0 s, 2 at once 80.0 s: 0.80, goal at most 0.70  MISSED\n", "slow did not what"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}
