package scenarios_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pxeproof/pxeproof/captures"
	"github.com/pxeproof/pxeproof/captures/verdict"
	"github.com/pxeproof/pxeproof/harness"
	"github.com/pxeproof/pxeproof/harness/qemu"
	"github.com/pxeproof/pxeproof/scenarios"
)

// needVM skips a test where there is no QEMU, except where a skip would hide
// that nothing was tested.
func needVM(t *testing.T) {
	t.Helper()
	if _, err := qemu.LookProgram(""); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skipf("%v; `make setup` installs it", err)
	}
}

// boot runs a scenario and wants a verdict.
func boot(t *testing.T, arg string) (string, verdict.Verdict) {
	t.Helper()
	s, err := scenarios.Load(arg)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "run")
	res, err := scenarios.Run(t.Context(), s, scenarios.Options{Out: dir, Accel: "tcg"})
	if err != nil {
		t.Fatal(err)
	}
	return dir, res.Verdict
}

// events are those of a run.
func events(t *testing.T, dir string) []captures.Event {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, harness.EventsFile))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []captures.Event
	for dec := json.NewDecoder(f); dec.More(); {
		var e captures.Event
		if err := dec.Decode(&e); err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

// copyOf is a copy of a library scenario, to be changed.
func copyOf(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("library", name))); err != nil {
		t.Fatal(err)
	}
	return dir
}

// edit replaces a text that must be in a file.
func edit(t *testing.T, file, old, new string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(b, []byte(old)) {
		t.Fatalf("%s has no %q", file, old)
	}
	if err := os.WriteFile(file, bytes.Replace(b, []byte(old), []byte(new), 1), 0o644); err != nil {
		t.Fatal(err)
	}
}

// explain is a verdict for a failed test.
func explain(v verdict.Verdict) string {
	b, _ := json.MarshalIndent(v, "", "  ")
	return string(b)
}

func TestKickstartBoots(t *testing.T) {
	needVM(t)
	dir, v := boot(t, "kickstart-nfs")
	if v.Status != verdict.Pass || v.Clients[0].Reached != verdict.Files {
		t.Fatalf("verdict:\n%s", explain(v))
	}
	var stages []string
	for _, s := range v.Clients[0].Stages {
		stages = append(stages, s.Stage.String())
		if s.Status != verdict.Pass || s.Evidence == "" {
			t.Errorf("stage %v: %v, %q", s.Stage, s.Status, s.Evidence)
		}
	}
	if got := strings.Join(stages, " "); got != "power dhcp nbp config kernel os files" {
		t.Errorf("stages: %s", got)
	}
	for _, f := range v.Clients[0].Findings {
		t.Errorf("a boot that went well has the finding %s: %s", f.ID, f.Summary)
	}
	t.Run("run folder", func(t *testing.T) { runFolder(t, dir) })
	t.Run("judged again", func(t *testing.T) { judgedAgain(t, dir) })
	t.Run("timings", func(t *testing.T) { timed(t, dir) })
	t.Run("tshark reads the capture", func(t *testing.T) { readByTshark(t, filepath.Join(dir, harness.CaptureFile)) })
}

// runFolder looks for everything that a run leaves, and for nothing else.
func runFolder(t *testing.T, dir string) {
	want := map[string]bool{
		harness.CaptureFile: true, harness.EventsFile: true,
		harness.ConsoleLog("client"): true, harness.CommandFile("client"): true,
		scenarios.VerdictFile: true, scenarios.VerdictText: true, scenarios.ExpectationsFile: true,
		scenarios.LabLog: true, scenarios.RunFile: true,
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !want[e.Name()] {
			t.Errorf("%s is left behind", e.Name())
		}
		delete(want, e.Name())
	}
	for name := range want {
		t.Errorf("there is no %s", name)
	}
}

// timed wants the record of a run to say where its time went, and all of it.
func timed(t *testing.T, dir string) {
	b, err := os.ReadFile(filepath.Join(dir, scenarios.RunFile))
	if err != nil {
		t.Fatal(err)
	}
	var rec scenarios.RunRecord
	if err := json.Unmarshal(b, &rec); err != nil {
		t.Fatal(err)
	}
	if rec.Timings == nil {
		t.Fatal("there are none")
	}
	var sum time.Duration
	names := map[string]bool{}
	for _, s := range rec.Timings.Steps {
		sum += s.Took.Duration()
		names[s.Name] = true
	}
	for _, want := range []string{"prepare", "sandbox", "lab", "dhcp", "/pxelinux.0", "/vmlinuz", "/initrd.img", "kernel", "system", "judging", "end"} {
		if !names[want] {
			t.Errorf("there is no step %s: %+v", want, rec.Timings.Steps)
		}
	}
	// Each step is rounded to a millisecond.
	if off := (sum - rec.Timings.Total.Duration()).Abs(); off > time.Duration(len(rec.Timings.Steps))*time.Millisecond {
		t.Errorf("the steps add up to %v of %v", sum, rec.Timings.Total)
	}
}

// judgedAgain makes the verdict from the folder and wants the very same.
func judgedAgain(t *testing.T, dir string) {
	v, err := scenarios.Judge(dir)
	if err != nil {
		t.Fatal(err)
	}
	live, err := os.ReadFile(filepath.Join(dir, scenarios.VerdictFile))
	if err != nil {
		t.Fatal(err)
	}
	if again := explain(v); again != strings.TrimSpace(string(live)) {
		t.Errorf("made again:\n%s\nlive:\n%s", again, live)
	}
}

// readByTshark has somebody else's decoder find the sequence.
func readByTshark(t *testing.T, capture string) {
	if _, err := exec.LookPath("tshark"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("tshark is not installed; `make setup` installs it")
	}
	last := 0
	for _, filter := range []string{
		"dhcp.option.dhcp == 1", "dhcp.option.dhcp == 2", "dhcp.option.dhcp == 5",
		`tftp.source_file == "/pxelinux.0"`, `tftp.source_file contains "pxelinux.cfg/default"`,
		`tftp.source_file contains "vmlinuz"`, `tftp.source_file contains "initrd.img"`,
		"portmap.procedure_v2 == 3", `mount.path == "/root/inst"`, "nfs.procedure_v3 == 6",
	} {
		// The client's port is any below 1024, and tshark would rather believe in
		// rsync, whose 873 may be it, than look at what is said.
		out, err := exec.Command("tshark", "-o", "tcp.try_heuristic_first:TRUE", "-r", capture,
			"-Y", filter, "-T", "fields", "-e", "frame.number", "-c", "20000").Output()
		if err != nil {
			t.Fatalf("tshark -Y %q: %v", filter, err)
		}
		next := 0
		for word := range strings.FieldsSeq(string(out)) {
			var n int
			if err := json.Unmarshal([]byte(word), &n); err != nil {
				t.Fatal(err)
			}
			if n > last {
				next = n
				break
			}
		}
		if next == 0 {
			t.Fatalf("no frame after %d is a %s", last, filter)
		}
		last = next
	}
}

func TestMissingNextServerIsNamed(t *testing.T) {
	needVM(t)
	dir := copyOf(t, "kickstart-nfs")
	conf := filepath.Join(dir, "root/etc/dhcpd.conf")
	edit(t, conf, "next-server 192.168.1.103;\n", "")
	out, v := boot(t, dir)
	judgedAgain(t, out)
	c := v.Clients[0]
	if v.Status != verdict.Fail || c.Reached != verdict.DHCP {
		t.Fatalf("verdict:\n%s", explain(v))
	}
	if len(c.Findings) != 1 || c.Findings[0].ID != "dhcp-next-server-unset" {
		t.Fatalf("findings:\n%s", explain(v))
	}
	f := c.Findings[0]
	if !strings.Contains(f.Summary, "siaddr is 0.0.0.0") {
		t.Errorf("summary: %s", f.Summary)
	}
	if len(f.Frames) < 2 {
		t.Errorf("frames %v, want those of OFFER and ACK", f.Frames)
	}
	named := false
	for _, w := range f.Where {
		named = named || w.File == conf && w.Line > 0
	}
	if !named {
		t.Errorf("where: %v, want a line of %s", f.Where, conf)
	}
}

// TestRunsDoNotMeet boots twice at once: the same addresses, MACs and names.
func TestRunsDoNotMeet(t *testing.T) {
	needVM(t)
	dir := copyOf(t, "kickstart-nfs")
	edit(t, filepath.Join(dir, "root/etc/dhcpd.conf"), "next-server 192.168.1.103;\n", "")
	s, err := scenarios.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	var g errgroup.Group
	for _, out := range []string{filepath.Join(t.TempDir(), "one"), filepath.Join(t.TempDir(), "two")} {
		g.Go(func() error {
			res, err := scenarios.Run(t.Context(), s, scenarios.Options{Out: out, Accel: "tcg"})
			if err == nil && res.Verdict.Status != verdict.Fail {
				err = errors.New(explain(res.Verdict))
			}
			if err == nil && len(res.Verdict.Clients[0].Findings) != 1 {
				err = errors.New(explain(res.Verdict))
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
}

func TestInterruptedIsInconclusive(t *testing.T) {
	needVM(t)
	s, err := scenarios.Load("kickstart-nfs")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	res, err := scenarios.Run(ctx, s, scenarios.Options{
		Out: filepath.Join(t.TempDir(), "run"), Accel: "tcg",
		Update: func(u verdict.Update) {
			if u.Stage != nil && u.Stage.Stage == verdict.DHCP {
				cancel()
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	// A machine that was resumed is beyond its boot program in a tenth of a second.
	reached := res.Verdict.Clients[0].Reached
	if res.Verdict.Status != verdict.Inconclusive || reached < verdict.DHCP || reached >= verdict.OS {
		t.Errorf("verdict:\n%s", explain(res.Verdict))
	}
}

func TestWrongInput(t *testing.T) {
	needVM(t)
	for _, c := range []struct {
		name           string
		file, old, new string
		want           string
	}{
		{"a malformed dhcpd.conf", "root/etc/dhcpd.conf", "authoritative;", "authoritative", "root/etc/dhcpd.conf:6:14"},
		{"a subnet that does not hold the server", "root/etc/dhcpd.conf", "subnet 192.168.1.0", "subnet 192.168.2.0", "root/etc/dhcpd.conf:10:"},
		{"an asset that nobody knows", "scenario.yaml", "vmlinuz: kernel", "vmlinuz: kernle", "scenario.yaml:23:3"},
		{"an expectation of nothing", "scenario.yaml", "- transfer: vmlinuz\n    rate", "- rate", "scenario.yaml:"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := copyOf(t, "kickstart-nfs")
			edit(t, filepath.Join(dir, c.file), c.old, c.new)
			s, err := scenarios.Load(dir)
			if err == nil {
				_, err = scenarios.Run(t.Context(), s, scenarios.Options{Out: filepath.Join(t.TempDir(), "run"), Accel: "tcg"})
			}
			if err == nil || !strings.Contains(err.Error(), filepath.Join(dir, c.want)) {
				t.Fatalf("error: %v\nwant the place %s", err, c.want)
			}
		})
	}
	t.Run("a kernel that is none", func(t *testing.T) {
		s, err := scenarios.Load("kickstart-nfs")
		if err != nil {
			t.Fatal(err)
		}
		_, err = scenarios.Run(t.Context(), s, scenarios.Options{
			Out: filepath.Join(t.TempDir(), "run"), Accel: "tcg", Assets: map[string]string{"kernel": "vm_test.go"},
		})
		if _, ok := errors.AsType[*scenarios.InputError](err); !ok {
			t.Errorf("error: %v, want one about the input", err)
		}
	})
	t.Run("a kernel of the scenario's that is none", func(t *testing.T) {
		dir := copyOf(t, "kickstart-nfs")
		edit(t, filepath.Join(dir, "scenario.yaml"), "fast: true", "fast: true\nfiles: {kernel: my/vmlinuz}")
		mine := filepath.Join(dir, "my/vmlinuz")
		if err := errors.Join(os.Mkdir(filepath.Dir(mine), 0o755), os.WriteFile(mine, []byte("no kernel"), 0o644)); err != nil {
			t.Fatal(err)
		}
		s, err := scenarios.Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		_, err = scenarios.Run(t.Context(), s, scenarios.Options{Out: filepath.Join(t.TempDir(), "run"), Accel: "tcg"})
		if _, ok := errors.AsType[*scenarios.InputError](err); !ok || !strings.Contains(err.Error(), mine) {
			t.Errorf("error: %v, want one about %s", err, mine)
		}
	})
	t.Run("no QEMU", func(t *testing.T) {
		s, err := scenarios.Load("kickstart-nfs")
		if err != nil {
			t.Fatal(err)
		}
		_, err = scenarios.Run(t.Context(), s, scenarios.Options{Out: filepath.Join(t.TempDir(), "run"), QEMU: "qemu-that-is-not-there"})
		if err == nil || !strings.Contains(err.Error(), "install it") {
			t.Errorf("error: %v, want the cure", err)
		}
	})
}
