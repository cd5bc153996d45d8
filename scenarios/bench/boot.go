package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/pxeproof/pxeproof/captures/verdict"
	"github.com/pxeproof/pxeproof/harness/assets"
	"github.com/pxeproof/pxeproof/harness/qemu"
	"github.com/pxeproof/pxeproof/scenarios"
)

// BootOptions say what Boot measures. The zero value measures everything.
type BootOptions struct {
	// Rounds is how often each boot is done. Default 5.
	Rounds int
	// Rows are the names of those to be measured; what they are compared with is
	// measured too. Default all.
	Rows []string
	// NoLibrary leaves out the library as a whole.
	NoLibrary bool
	// Progress hears of each boot. Nil is quiet.
	Progress func(text string)
}

// A BootResult is what Boot measured.
type BootResult struct {
	Accel qemu.Accel `json:"accel"`
	// Boots are wall times from the start of each lab to its end: for the bare
	// lab to the last proof on its console, for pxeproof to the verdict.
	Boots []BootRow `json:"boots"`
	// Library is nil if it was left out.
	Library *LibraryResult `json:"library,omitempty"`
}

// A BootRow compares a boot with another.
type BootRow struct {
	Name    string `json:"name"`
	Took    Sample `json:"seconds"`
	Than    string `json:"than,omitempty"` // "bare kickstart-nfs", or another row's name; empty for none
	Against Sample `json:"than_seconds,omitempty"`
	// Ratio is that of the medians, and Goal what it is to be at most; zero is
	// none.
	Ratio float64 `json:"ratio,omitempty"`
	Goal  float64 `json:"goal,omitempty"`
	// Own is pxeproof's own share, in seconds.
	Own Sample `json:"own_seconds,omitempty"`
}

// A plan is a row to be measured.
type plan struct {
	name, scenario string
	cold           bool
	than           string
	goal           float64
}

const barePrefix = "bare "

// plans are all rows. Each of what they are compared with is done once in every
// round, next to them.
var plans = []plan{
	{"kickstart-nfs cold", "kickstart-nfs", true, barePrefix + "kickstart-nfs", 0.5},
	{"first-process cold", "first-process", true, barePrefix + "first-process", 0.33},
	{"first-process warm", "first-process", false, barePrefix + "first-process", 0.2},
	{"probe warm", "probe", false, barePrefix + "first-process", 0.1},
	{"uefi cold", "first-process-uefi", true, "", 0},
	{"uefi warm", "first-process-uefi", false, "uefi cold", 0.75},
	{"uefi grub cold", "uefi-grub", true, "", 0},
	{"uefi grub warm", "uefi-grub", false, "uefi grub cold", 0.75},
}

// marks are the last proof of each scenario that the bare lab boots.
var marks = map[string]string{
	"kickstart-nfs": "pxeproof: file ",
	"first-process": "pxeproof: init",
}

// Boot boots in turn in a bare lab and with pxeproof, round by round, so that
// what the machine does besides weighs on all alike. With an error comes what was
// measured before it.
func Boot(ctx context.Context, o BootOptions) (BootResult, error) {
	b := &boots{ctx: ctx, took: map[string]Sample{}, own: map[string]Sample{}, progress: o.Progress}
	if b.progress == nil {
		b.progress = func(string) {}
	}
	if o.Rounds <= 0 {
		o.Rounds = 5
	}
	rows, err := chosen(o.Rows)
	if err != nil {
		return b.res, err
	}
	if _, err := exec.LookPath("dnsmasq"); err != nil {
		return b.res, fmt.Errorf("the bare lab needs dnsmasq: %w; install it (Debian: apt-get install dnsmasq-base)", err)
	}
	cache, err := b.store.CacheDir()
	if err != nil {
		return b.res, err
	}
	b.res.Accel = qemu.ProbeKVM(ctx, "", cache)
	if b.tmp, err = os.MkdirTemp("", "pxeproof-bench-"); err != nil {
		return b.res, err
	}
	defer os.RemoveAll(b.tmp)
	if err := b.warmUp(rows); err != nil {
		return b.res, err
	}
	for i := range o.Rounds {
		done := map[string]bool{}
		for _, p := range rows {
			for _, name := range []string{p.than, p.name} {
				if name == "" || done[name] {
					continue
				}
				done[name] = true
				if err := b.boot(name, fmt.Sprintf("round %d of %d", i+1, o.Rounds)); err != nil {
					b.compare(rows) // what there is
					return b.res, fmt.Errorf("%s: %w", name, err)
				}
			}
		}
	}
	b.compare(rows)
	if !o.NoLibrary {
		b.res.Library, err = b.library()
	}
	return b.res, err
}

// compare makes the rows of what was measured.
func (b *boots) compare(rows []plan) {
	for _, p := range rows {
		r := BootRow{Name: p.name, Than: p.than, Goal: p.goal, Took: b.took[p.name], Against: b.took[p.than], Own: b.own[p.name]}
		if m := r.Against.Median(); m > 0 {
			r.Ratio = r.Took.Median() / m
		}
		b.res.Boots = append(b.res.Boots, r)
	}
}

func chosen(names []string) ([]plan, error) {
	if len(names) == 0 {
		return plans, nil
	}
	var rows []plan
	for _, n := range names {
		i := slices.IndexFunc(plans, func(p plan) bool { return p.name == n })
		if i < 0 {
			return nil, fmt.Errorf("no row is called %q", n)
		}
		rows = append(rows, plans[i])
	}
	return rows, nil
}

// boots are being measured.
type boots struct {
	ctx       context.Context
	store     assets.Store
	tmp       string
	runs      int
	took, own map[string]Sample
	progress  func(string)
	res       BootResult
}

// dir names a folder that is not there yet.
func (b *boots) dir() string {
	b.runs++
	return filepath.Join(b.tmp, fmt.Sprint(b.runs))
}

// boot measures one boot: of the bare lab, or of a row.
func (b *boots) boot(name, when string) error {
	var t float64
	var err error
	if scenario, ok := cutBare(name); ok {
		t, err = b.bare(scenario)
	} else {
		i := slices.IndexFunc(plans, func(p plan) bool { return p.name == name })
		t, err = b.ours(plans[i])
	}
	if err != nil {
		return err
	}
	b.took[name] = append(b.took[name], t)
	b.progress(fmt.Sprintf("%s: %-20s %6.2f s", when, name, t))
	return nil
}

// ours boots with pxeproof.
func (b *boots) ours(p plan) (float64, error) {
	s, err := scenarios.Load(p.scenario)
	if err != nil {
		return 0, err
	}
	var r scenarios.Result
	t, err := timed(func() (err error) {
		r, err = scenarios.Run(b.ctx, s, scenarios.Options{Out: b.dir(), Accel: b.res.Accel.Name, Cold: p.cold})
		return err
	})
	if err == nil && r.Verdict.Status != verdict.Pass {
		err = fmt.Errorf("the boot ended in %v", r.Verdict.Status)
	}
	if err == nil {
		err = resumed(r.Dir, !p.cold)
	}
	if err == nil {
		b.own[p.name] = append(b.own[p.name], r.Timings.Own.Duration().Seconds())
	}
	return t, err
}

// warmUp has a machine kept for each row that is to be resumed.
func (b *boots) warmUp(rows []plan) error {
	for _, p := range rows {
		if p.cold {
			continue
		}
		s, err := scenarios.Load(p.scenario)
		if err != nil {
			return err
		}
		if _, err := scenarios.Run(b.ctx, s, scenarios.Options{Out: b.dir(), Accel: b.res.Accel.Name}); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}

// resumed says whether the machines of a run did come to run as they were to.
func resumed(dir string, want bool) error {
	b, err := os.ReadFile(filepath.Join(dir, scenarios.RunFile))
	if err != nil {
		return err
	}
	var rec scenarios.RunRecord
	if err := json.Unmarshal(b, &rec); err != nil {
		return err
	}
	for _, m := range rec.Machines {
		if got := m.Snapshot != ""; got != want {
			return fmt.Errorf("machine %s was to be resumed: %v, and was: %v %s", m.Machine, want, got, m.Why)
		}
	}
	return nil
}
