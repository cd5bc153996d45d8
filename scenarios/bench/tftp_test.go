package bench

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pxeproof/pxeproof/harness/sandbox"
	"github.com/pxeproof/pxeproof/scenarios"
)

func TestMain(m *testing.M) {
	entries := scenarios.Entries()
	for name, e := range Entries() {
		entries[name] = e
	}
	sandbox.Enter(entries)
	os.Exit(m.Run())
}

// The smallest sweep with what every machine has: both built-in engines over a
// good link, a long one and one that loses, and the recorder with the fastest of
// it.
func TestSweep(t *testing.T) {
	o := TFTPOptions{
		Sweep:   Sweep{WindowSizes: []int{1, 16}, RTTs: []time.Duration{0, 10 * time.Millisecond}, Losses: []float64{0, 0.01}},
		Servers: []string{"own", "pin"}, Rounds: 2, Each: 10 * time.Millisecond,
	}
	var told, total float64
	o.Progress = func(done, of float64, text string) {
		if done <= told || done > of*1.0001 {
			t.Errorf("%v done of %v after %v", done, of, told)
		}
		told, total = done, of
	}
	r, err := TFTP(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if told < 0.999*total {
		t.Errorf("%v done of %v at the end", told, total)
	}
	if len(r.Rows) != 2*2*2*2 || r.Partial {
		t.Fatalf("%d rows, partial %v", len(r.Rows), r.Partial)
	}
	var resent int64
	for _, x := range r.Rows {
		if x.Server == "pin" && x.WindowSize > 1 {
			if !strings.Contains(x.Failed, "not granted") || len(x.Rate) > 0 {
				t.Errorf("pin gave a window: %+v", x)
			}
			continue
		}
		if x.Failed != "" || len(x.Rate) != 2 || x.Rate.Median() <= 0 || x.ServerCPU.Median() <= 0 || x.ClientCPU.Median() <= 0 {
			t.Errorf("%+v", x)
			continue
		}
		if x.Loss > 0 {
			resent += x.Resent
		} else if x.BlockTime == nil || x.BlockTime.Server <= 0 || x.BlockTime.Client <= 0 || x.BlockTime.Wire <= 0 {
			t.Errorf("%v: block time %+v", x.Cell, x.BlockTime)
		}
		// A window or a block takes the round trip at least, however slow the
		// machine.
		if most := float64(x.BlockSize*x.WindowSize) / 1e6 / x.RTT.Seconds(); x.RTT > 0 && slices.Max(x.Rate) > most*1.02 {
			t.Errorf("%v: %v MB/s over a link that allows %v", x.Cell, x.Rate, most)
		}
		if x.RTT > 0 && x.Loss == 0 && 1000*float64(x.WindowSize)*x.BlockTime.Wire < 0.98*float64(x.RTT.Nanoseconds()) {
			t.Errorf("%v: a block is %v µs on the wire", x.Cell, x.BlockTime.Wire)
		}
	}
	if resent == 0 {
		t.Error("nothing was sent again over the links that lose")
	}
	if r.Recording == nil || !r.Recording.Whole() || r.Recording.Frames < 1000 || r.Recording.Core <= 0 {
		t.Errorf("the recorder: %+v", r.Recording)
	}
}

func TestSweepStopsWithWhatItHas(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, err := TFTP(ctx, TFTPOptions{
		Sweep: Sweep{BlockSizes: BlockSizes}, Servers: []string{"own"}, Rounds: 1000, Each: 10 * time.Millisecond,
		Progress: func(float64, float64, string) { cancel() },
	})
	if err != nil {
		t.Fatal(err)
	}
	if !r.Partial || len(r.Rows) == 0 || r.Recording != nil {
		t.Errorf("partial %v, %d rows", r.Partial, len(r.Rows))
	}
}

func TestTFTPRefuses(t *testing.T) {
	for _, o := range []TFTPOptions{{Servers: []string{"apache"}}, {Firmware: []string{"coreboot"}}, {Sweep: Sweep{WindowSizes: []int{-1}}}} {
		if _, err := TFTP(t.Context(), o); err == nil {
			t.Errorf("%+v is measured", o)
		}
	}
}

// A daemon's children count, and those of others do not.
func TestDescendants(t *testing.T) {
	cmd := exec.Command("sh", "-c", "cat; :")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// Once cat answers it is there.
	if _, err := in.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	all := descendants(cmd.Process.Pid)
	if len(all) != 2 || all[0] != cmd.Process.Pid || !slices.Contains(descendants(os.Getpid()), all[1]) {
		t.Errorf("the descendants of sh are %v", all)
	}
	before := taskTimes(os.Getpid())
	if len(before) < 2 || spent(before, before) != 0 || spent(nil, before) <= 0 {
		t.Errorf("%d threads, %v", len(before), spent(nil, before))
	}
	in.Close()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}
