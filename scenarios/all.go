package scenarios

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pxeproof/pxeproof/captures/verdict"
	"github.com/pxeproof/pxeproof/harness/qemu"
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

// overhead is what a sandbox takes beside its machines' memory, in bytes: the
// recorder's ring of 64 MiB, two processes, QEMU itself. Measured: 180 MB.
const overhead = 192 << 20

// Jobs is how many scenarios run at once unless somebody says otherwise: one for
// each processor that this process may use, as emulating a machine takes one; and
// no more than there is memory for.
func Jobs(list []*Scenario) int {
	largest := int64(1)
	for _, s := range list {
		size := int64(overhead)
		for _, m := range s.Machines {
			size += int64(cmp.Or(m.Memory, qemu.DefaultMemory)) << 20
		}
		largest = max(largest, size)
	}
	jobs := int64(runtime.GOMAXPROCS(0))
	if free := availableMemory(); free > 0 {
		jobs = min(jobs, free/largest)
	}
	return int(max(jobs, 1))
}

// availableMemory is what the kernel says it could give without swapping, in
// bytes; 0 if it does not say.
func availableMemory() int64 {
	b, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		var kib int64
		if n, _ := fmt.Sscanf(line, "MemAvailable: %d kB", &kib); n == 1 {
			return kib << 10
		}
	}
	return 0
}

// RunAll runs scenarios side by side, jobs at once (0: as [Jobs] says), and calls each, from one goroutine at a time, as they end. Every
// run has a folder of its own, below o.Out if that is given. It returns when all
// have ended.
func RunAll(ctx context.Context, list []*Scenario, jobs int, o Options, each func(Ending)) {
	if jobs <= 0 {
		jobs = Jobs(list)
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
