package scenarios

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/pxeproof/pxeproof/captures/verdict"
	"github.com/pxeproof/pxeproof/harness"
	"github.com/pxeproof/pxeproof/harness/assets"
	"github.com/pxeproof/pxeproof/harness/qemu"
	"github.com/pxeproof/pxeproof/harness/sandbox"
	"github.com/pxeproof/pxeproof/harness/warm"
)

// Options say how a scenario is run. The zero value is a sensible run.
type Options struct {
	// Out is the run's folder. It must not exist, or be empty. Default: a new
	// folder in runs/, named after the scenario and the time.
	Out string
	// Accel is "auto" (the default: KVM if firmware runs under it), "kvm" or
	// "tcg".
	Accel string
	// QEMU is the program. Default: qemu-system-x86_64 from PATH.
	QEMU string
	// Cold has the machines boot from their beginning. By default they are
	// resumed where they ask for an address, if an earlier run has been there.
	Cold bool
	// Snapshots is the folder where runs keep their machines. Default: one in the
	// user's cache.
	Snapshots string
	// Timeout replaces the scenario's.
	Timeout time.Duration
	// Assets replaces where assets are, by name.
	Assets map[string]string
	// Started is called when the run's folder is there and the machine is about
	// to be switched on.
	Started func(Start)
	// Update is called with the news of the boot, from one goroutine.
	Update func(verdict.Update)
	// Warn is called with what is odd about the configurations, and if Notes is
	// set, with what is said in them and means nothing here.
	Warn  func(text string)
	Notes bool
}

// A Start says what is being run.
type Start struct {
	Scenario *Scenario
	Dir      string
	Accel    qemu.Accel
}

// A Result is a run that came to its end.
type Result struct {
	Dir     string // the run's folder
	Verdict verdict.Verdict
	Memory  int64    // what the sandbox took at most, in bytes
	Timings *Timings // nil if the lab broke
}

// An InputError says that what was to be run is wrong: a file is missing, a
// configuration does not hold together. Nothing was booted.
type InputError struct{ Err error }

func (e *InputError) Error() string { return e.Err.Error() }
func (e *InputError) Unwrap() error { return e.Err }

// sandboxEntry is the name under which Entries has the sandboxed half.
const sandboxEntry = "lab"

// Entries are what a program that calls Run must give to [sandbox.Enter], first
// of all in its main.
func Entries() map[string]sandbox.Entry {
	return map[string]sandbox.Entry{sandboxEntry: inside}
}

// Run boots a scenario and judges it. A boot that fails is a Result; an error is
// an *InputError, or says that the lab broke. When ctx ends the run is
// finished with what it has: its verdict is then Inconclusive.
func Run(ctx context.Context, s *Scenario, o Options) (Result, error) {
	if s.arg == "" {
		return Result{}, errors.New("a scenario to be run must come from Load")
	}
	begun := time.Now()
	dir, err := makeRunDir(o.Out, s.Name)
	if err != nil {
		return Result{}, err
	}
	box, err := openBox(dir.path)
	if err != nil {
		dir.removeEmpty()
		return Result{}, err
	}
	req, accel, err := prepare(ctx, s, o)
	if err != nil {
		box.close()
		dir.removeEmpty()
		return Result{}, err
	}
	req.Dir = dir.path
	prepared := time.Now()
	if o.Started != nil {
		o.Started(Start{Scenario: s, Dir: req.Dir, Accel: accel})
	}
	res, times, err := o.conduct(ctx, box, req)
	if errors.Is(err, errLifeless) && ctx.Err() == nil {
		if o.Warn != nil {
			o.Warn(err.Error())
		}
		req.Warm, req.Cold = nil, "its snapshot showed no sign of life"
		if box, err = openBox(dir.path); err == nil {
			res, times, err = o.conduct(ctx, box, req)
		}
	}
	if times != nil && err == nil {
		res.Timings = times.timings(begun, prepared, time.Now())
		err = keepTimings(req.Dir, res.Timings)
	}
	if err != nil && res.Dir == "" {
		res.Dir = req.Dir
		dir.removeEmpty()
	}
	return res, err
}

// prepare does what can be done outside the sandbox: it finds the files, builds
// the initramfs and chooses the acceleration.
func prepare(ctx context.Context, s *Scenario, o Options) (labRequest, qemu.Accel, error) {
	req := labRequest{Scenario: s.arg, QEMU: o.QEMU, Timeout: s.Timeout, Notes: o.Notes}
	if o.Timeout > 0 {
		req.Timeout = o.Timeout
	}
	if _, err := qemu.LookProgram(o.QEMU); err != nil {
		return req, qemu.Accel{}, err
	}
	for _, name := range slices.Sorted(maps.Keys(o.Assets)) {
		// One that this scenario does not use is for another of the same run.
		if err := assets.Known(name); err != nil {
			return req, qemu.Accel{}, &InputError{fmt.Errorf("a file for an asset: %w", err)}
		}
	}
	store := &assets.Store{Override: s.overrides(o.Assets)}
	found, err := atOnce(append(s.assetFinders(ctx, store), s.firmwareFinders(ctx, store)...))
	if err != nil {
		return req, qemu.Accel{}, err
	}
	req.Assets = map[string]string{}
	for _, a := range found {
		req.Assets[a.Name] = a.Path
		req.Record.Assets = append(req.Record.Assets, RunAsset{a.Name, a.Path, a.Package, a.Version, a.SHA256})
	}
	if !o.Cold && !s.Cold {
		if req.Warm, err = o.findWarm(ctx, store); err != nil {
			return req, qemu.Accel{}, err
		}
		req.Cold = "there is no place for a cache" // if Warm is nil
	}
	if req.Warm != nil {
		req.Warm.Sums = map[string]string{}
		for _, a := range found {
			req.Warm.Sums[a.Path] = a.SHA256
		}
	}
	accel, err := chooseAccel(ctx, o, store)
	if err != nil {
		return req, accel, err
	}
	req.Accel = accel.Name
	req.Record.Scenario, req.Record.Accel = s.Name, accel
	return req, accel, nil
}

// chooseAccel asks the machine unless the person has chosen.
func chooseAccel(ctx context.Context, o Options, store *assets.Store) (qemu.Accel, error) {
	switch o.Accel {
	case "tcg", "kvm":
		return qemu.Accel{Name: o.Accel, Why: "asked for"}, nil
	case "", "auto":
		cache, err := store.CacheDir()
		if err != nil {
			cache = "" // the answer is not remembered, that is all
		}
		return qemu.ProbeKVM(ctx, o.QEMU, cache), nil
	}
	return qemu.Accel{}, &InputError{fmt.Errorf("no acceleration is called %q; there are auto, kvm and tcg", o.Accel)}
}

// findWarm finds what is needed to resume machines. Without a place for a cache
// they are not resumed, that is all.
func (o Options) findWarm(ctx context.Context, store *assets.Store) (*harness.Warm, error) {
	cache, err := store.CacheDir()
	if err != nil {
		return nil, nil
	}
	p, err := qemu.Inspect(ctx, o.QEMU, cache)
	if err != nil {
		return nil, err
	}
	w := &harness.Warm{Cache: Snapshots(cache), Program: p}
	if o.Snapshots != "" {
		w.Cache.Dir, err = filepath.Abs(o.Snapshots)
	}
	return w, err
}

// Snapshots is where the machines are kept that later runs resume, in the user's
// cache.
func Snapshots(cache string) *warm.Cache { return &warm.Cache{Dir: filepath.Join(cache, "warm")} }
