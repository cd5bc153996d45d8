package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/pxeproof/pxeproof/harness"
	"github.com/pxeproof/pxeproof/scenarios"
)

// JudgeOptions say what Judge measures.
type JudgeOptions struct {
	// Rounds is how often each side reads each capture. Default 5.
	Rounds int
	// Frames is how many frames a capture has at least. Default 1,000,000.
	Frames int
	// Program is pxeproof.
	Program string
	// Dir is where boots and captures go, one capture of some 800 MB at a time.
	Dir string
	// Progress hears of each step. Nil is quiet.
	Progress func(text string)
}

// A JudgeResult is what Judge measured of one capture, wall times of processes
// whose output goes nowhere.
type JudgeResult struct {
	Capture string `json:"capture"`
	Frames  int    `json:"frames"`
	Bytes   int64  `json:"bytes"`
	Boots   int    `json:"boots"`
	Tshark  Sample `json:"tshark"`
	Ours    Sample `json:"ours"`
}

// Ratio is how much longer tshark needs, by the medians.
func (r *JudgeResult) Ratio() float64 { return r.Tshark.Median() / r.Ours.Median() }

// judged are the captures: boots that are recorded now, by real firmware from
// our own servers, again and again.
var judged = []struct {
	name     string
	scenario string
	ks       int  // bytes of the kickstart file; 0: as it is
	same     bool // the same machine each time
}{
	{"boots with a kernel, many machines", "kickstart-nfs", 0, false},
	{"boots with a kernel, one machine", "kickstart-nfs", 0, true},
	{"boots that read 32 MB over NFS", "kickstart-nfs", 32 << 20, false},
	{"boots of a few hundred frames", "no-kernel", 0, false},
}

// Judge has captures judged by pxeproof and printed by tshark, with its default
// fields and without looking names up, in turn.
func Judge(ctx context.Context, o JudgeOptions) ([]JudgeResult, error) {
	if o.Rounds <= 0 {
		o.Rounds = 5
	}
	if o.Frames <= 0 {
		o.Frames = 1_000_000
	}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		return nil, fmt.Errorf("%w; install it (Debian: apt-get install tshark)", err)
	}
	recorded := map[string]*recording{}
	var results []JudgeResult
	for _, j := range judged {
		key := fmt.Sprint(j.scenario, j.ks)
		if recorded[key] == nil {
			o.Progress("booting " + j.scenario)
			if recorded[key], err = record(ctx, filepath.Join(o.Dir, key), j.scenario, j.ks); err != nil {
				return nil, err
			}
		}
		r := JudgeResult{Capture: j.name}
		file := filepath.Join(o.Dir, "capture.pcapng")
		if err := recorded[key].repeat(file, o.Frames, j.same, &r); err != nil {
			return nil, err
		}
		for i := range o.Rounds {
			t, err := process(ctx, tshark, "-n", "-r", file)
			if err != nil {
				return nil, err
			}
			u, err := process(ctx, o.Program, "judge", file)
			if err != nil {
				return nil, err
			}
			r.Tshark, r.Ours = append(r.Tshark, t), append(r.Ours, u)
			o.Progress(fmt.Sprintf("%s, round %d of %d: tshark %.2f s, judge %.2f s", r.Capture, i+1, o.Rounds, t, u))
		}
		results = append(results, r)
		if err := os.Remove(file); err != nil {
			return nil, err
		}
	}
	return results, nil
}

// record boots a scenario and takes its capture.
func record(ctx context.Context, dir, scenario string, ks int) (*recording, error) {
	arg := scenario
	if ks > 0 {
		arg = dir + ".scenario"
		files, ok := scenarios.FromLibrary(scenario)
		if !ok {
			return nil, fmt.Errorf("the library has no %s", scenario)
		}
		if err := os.CopyFS(arg, files); err != nil {
			return nil, err
		}
		line := []byte("# a comment of thirty-two letters\n")
		if err := appendTo(filepath.Join(arg, "root/root/inst/ks"), bytes.Repeat(line, ks/len(line))); err != nil {
			return nil, err
		}
	}
	s, err := scenarios.Load(arg)
	if err != nil {
		return nil, err
	}
	res, err := scenarios.Run(ctx, s, scenarios.Options{Out: dir})
	if err != nil {
		return nil, err
	}
	f, err := os.Open(filepath.Join(dir, harness.CaptureFile))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return read(f, res.Verdict.Clients[0].Host)
}

func appendTo(file string, b []byte) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Close())
}

// process is the wall time, in seconds, of a program whose output nobody reads.
// A verdict that is no pass is no error.
func process(ctx context.Context, name string, arg ...string) (seconds float64, err error) {
	cmd := exec.CommandContext(ctx, name, arg...)
	seconds, err = timed(cmd.Run)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && (exit.ExitCode() == 1 || exit.ExitCode() == 3) {
		err = nil
	}
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	return seconds, nil
}
