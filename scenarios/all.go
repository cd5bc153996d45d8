package scenarios

import (
	"context"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pxeproof/pxeproof/captures/verdict"
)

// strain is the one finding that tells of the machine that runs the lab and not
// of the scenario: a busy processor has a TFTP server send a block again.
const strain = "tftp-retransmits"

// AsMeant says whether a verdict is what the scenario is there for: a pass
// without findings, or with just those that it provokes; and a failure if one
// of them is an error.
func (s *Scenario) AsMeant(v verdict.Verdict) bool {
	var ids []string
	want := verdict.Pass
	for _, c := range v.Clients {
		for _, f := range c.Findings {
			if f.ID == strain && f.Severity == verdict.Note && !slices.Contains(s.Provokes, strain) {
				continue
			}
			ids = append(ids, f.ID)
			if f.Severity == verdict.Error {
				want = verdict.Fail
			}
		}
	}
	slices.Sort(ids)
	return v.Status == want && slices.Equal(ids, slices.Sorted(slices.Values(s.Provokes)))
}

// An Ending is one of several runs that has come to its end.
type Ending struct {
	Scenario *Scenario
	Result   Result
	Err      error // as Run's
	Took     time.Duration
}

// RunAll runs scenarios side by side, jobs at once (0: as many as there are
// processors), and calls each, from one goroutine at a time, as they end. Every
// run has a folder of its own, below o.Out if that is given. It returns when all
// have ended.
func RunAll(ctx context.Context, list []*Scenario, jobs int, o Options, each func(Ending)) {
	if jobs <= 0 {
		jobs = runtime.NumCPU()
	}
	var g errgroup.Group
	g.SetLimit(jobs)
	ends := make(chan Ending)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for e := range ends {
			each(e)
		}
	}()
	for _, s := range list {
		mine := o
		if o.Out != "" {
			mine.Out = filepath.Join(o.Out, s.Name)
		}
		g.Go(func() error {
			begun := time.Now()
			res, err := Run(ctx, s, mine)
			ends <- Ending{s, res, err, time.Since(begun)}
			return nil
		})
	}
	_ = g.Wait() // they report by their endings
	close(ends)
	<-done
}
