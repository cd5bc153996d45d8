package bench

import (
	"errors"
	"fmt"
	"time"

	"github.com/pxeproof/pxeproof/captures/verdict"
	"github.com/pxeproof/pxeproof/scenarios"
)

// A LibraryResult is the library as a whole, with its machines resumed: run side
// by side first, and then one by one.
type LibraryResult struct {
	Scenarios int     `json:"scenarios"`
	Jobs      int     `json:"jobs"`            // at once, side by side
	Side      float64 `json:"side_by_side"`    // seconds
	Single    float64 `json:"one_by_one"`      // seconds
	Ratio     float64 `json:"ratio,omitempty"` // of side by side to one by one; 0 where there is no second processor
	// Failures are those that are there to fail, run one by one.
	Failures []FailureRow `json:"failures,omitempty"`
	// Unlike names those that did not what they are meant to, in either run.
	Unlike []string `json:"unlike,omitempty"`
}

// A FailureRow is a scenario that is there to fail.
type FailureRow struct {
	Scenario string          `json:"scenario"`
	Took     verdict.Seconds `json:"seconds"`        // from power-on to the proof
	Long     string          `json:"long,omitempty"` // why it takes its time; the goal is not for it
}

// Goals of the library.
const (
	// FailureGoal is what a failure is to take at most, from power-on to the proof.
	FailureGoal = 10 * time.Second
	// SideGoal is what two at once are to take at most, of the time of one by one.
	SideGoal = 0.7
)

// longByNature are failures that cannot be seen earlier.
var longByNature = map[string]string{
	"install-loop":  "two boots",
	"spanning-tree": "a switch's delay",
}

// library runs the whole library twice. Side by side comes first: what it has
// yet to keep of its machines is not to its advantage.
func (b *boots) library() (*LibraryResult, error) {
	all, err := scenarios.List()
	if err == nil {
		all, err = scenarios.Expand(all)
	}
	if err != nil {
		return nil, err
	}
	res := &LibraryResult{Scenarios: len(all), Jobs: scenarios.Jobs(all)}
	if res.Jobs > 1 {
		if res.Side, err = b.runAll(all, res, res.Jobs, func(scenarios.Ending) {}); err != nil {
			return res, err
		}
	}
	res.Single, err = b.runAll(all, res, 1, func(e scenarios.Ending) {
		if e.Result.Verdict.Status != verdict.Fail {
			return
		}
		row := FailureRow{Scenario: e.Scenario.Name, Long: longByNature[e.Scenario.Name]}
		for _, c := range e.Result.Verdict.Clients {
			row.Took = max(row.Took, c.Decided)
		}
		res.Failures = append(res.Failures, row)
	})
	if err == nil && res.Jobs > 1 {
		res.Ratio = res.Side / res.Single
	}
	return res, err
}

// runAll runs scenarios, so many at once, and says how long it took, in seconds.
func (b *boots) runAll(all []*scenarios.Scenario, res *LibraryResult, jobs int, each func(scenarios.Ending)) (float64, error) {
	var errs error
	n := 0
	took, _ := timed(func() error {
		scenarios.RunAll(b.ctx, all, jobs, scenarios.Options{Out: b.dir(), Accel: b.res.Accel.Name}, func(e scenarios.Ending) {
			n++
			switch {
			case e.Err != nil:
				errs = errors.Join(errs, fmt.Errorf("%s: %w", e.Scenario.Name, e.Err))
				return
			case !e.Scenario.AsMeant(e.Result.Verdict):
				res.Unlike = append(res.Unlike, e.Scenario.Name)
			}
			b.progress(fmt.Sprintf("library, %d at once, %d of %d: %-28s %6.2f s", jobs, n, len(all), e.Scenario.Name, e.Took.Seconds()))
			each(e)
		})
		return nil
	})
	return took, errs
}
