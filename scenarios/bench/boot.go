package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/pxeproof/pxeproof/captures/verdict"
	"github.com/pxeproof/pxeproof/harness/assets"
	"github.com/pxeproof/pxeproof/harness/qemu"
	"github.com/pxeproof/pxeproof/harness/sandbox"
	"github.com/pxeproof/pxeproof/scenarios"
)

// BootOptions say what Boot measures.
type BootOptions struct {
	// Scenario is a name of the library's. Its last word on the console must be
	// Mark.
	Scenario string
	Mark     string
	// Rounds is how often each side boots. Default 5.
	Rounds int
	// Progress hears of each boot. Nil is quiet.
	Progress func(text string)
}

// BootResult is what Boot measured, wall times from the start of each lab to its
// end: for the bare lab the mark on the console, for pxeproof the verdict.
type BootResult struct {
	Scenario string `json:"scenario"`
	Accel    string `json:"accel"`
	Bare     Sample `json:"bare"`
	Ours     Sample `json:"ours"`
}

// Boot boots a scenario in turn in a bare lab and with pxeproof.
func Boot(ctx context.Context, o BootOptions) (BootResult, error) {
	res := BootResult{Scenario: o.Scenario}
	if o.Rounds <= 0 {
		o.Rounds = 5
	}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	if _, err := exec.LookPath("dnsmasq"); err != nil {
		return res, fmt.Errorf("the bare lab needs dnsmasq: %w; install it (Debian: apt-get install dnsmasq-base)", err)
	}
	s, err := scenarios.Load(o.Scenario)
	if err != nil {
		return res, err
	}
	store := &assets.Store{}
	found, err := s.FindAssets(ctx, store)
	if err != nil {
		return res, err
	}
	files := map[string]string{}
	for _, a := range found {
		files[a.Name] = a.Path
	}
	cache, err := store.CacheDir()
	if err != nil {
		return res, err
	}
	res.Accel = qemu.ProbeKVM(ctx, "", cache).Name
	tmp, err := os.MkdirTemp("", "pxeproof-bench-")
	if err != nil {
		return res, err
	}
	defer os.RemoveAll(tmp)
	for i := range o.Rounds {
		dir := filepath.Join(tmp, fmt.Sprintf("bare%d", i))
		if err := os.Mkdir(dir, 0o755); err != nil {
			return res, err
		}
		t, err := timed(func() error {
			return runBare(ctx, bareRequest{Scenario: o.Scenario, Assets: files, Accel: res.Accel, Dir: dir, Mark: o.Mark})
		})
		if err != nil {
			return res, fmt.Errorf("bare lab: %w", err)
		}
		res.Bare = append(res.Bare, t)
		o.Progress(fmt.Sprintf("round %d of %d: bare lab %.2f s", i+1, o.Rounds, t))

		t, err = timed(func() error {
			r, err := scenarios.Run(ctx, s, scenarios.Options{Out: filepath.Join(tmp, fmt.Sprintf("ours%d", i)), Accel: res.Accel})
			if err == nil && r.Verdict.Status != verdict.Pass {
				err = fmt.Errorf("the boot ended in %v", r.Verdict.Status)
			}
			return err
		})
		if err != nil {
			return res, fmt.Errorf("pxeproof: %w", err)
		}
		res.Ours = append(res.Ours, t)
		o.Progress(fmt.Sprintf("round %d of %d: pxeproof %.2f s", i+1, o.Rounds, t))
	}
	return res, nil
}

// timed is how long f took, in seconds.
func timed(f func() error) (float64, error) {
	begun := time.Now()
	err := f()
	return time.Since(begun).Seconds(), err
}

// runBare is the half outside the sandbox.
func runBare(ctx context.Context, req bareRequest) error {
	log, err := os.Create(req.Dir + ".log")
	if err != nil {
		return err
	}
	defer log.Close()
	p, err := sandbox.Start(ctx, bareEntry, log)
	if err != nil {
		return err
	}
	var a bareAnswer
	if err = p.Conn.Send(req); err == nil {
		err = p.Conn.Receive(&a)
	}
	_, werr := p.Wait()
	switch {
	case a.Error != "":
		b, _ := os.ReadFile(log.Name())
		return fmt.Errorf("%s\n%s", a.Error, b)
	case err != nil:
		return errors.Join(err, werr)
	}
	return werr
}
