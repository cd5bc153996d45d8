package scenarios

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pxeproof/pxeproof/captures"
	"github.com/pxeproof/pxeproof/captures/verdict"
	"github.com/pxeproof/pxeproof/harness"
	"github.com/pxeproof/pxeproof/harness/network"
	"github.com/pxeproof/pxeproof/harness/qemu"
	"github.com/pxeproof/pxeproof/harness/sandbox"
	"github.com/pxeproof/pxeproof/scenarios/report"
	"github.com/pxeproof/pxeproof/servers"
	"github.com/pxeproof/pxeproof/servers/conf"
)

// Names of what a run leaves in its folder, beside what the lab leaves.
const (
	VerdictFile      = "verdict.json"
	VerdictText      = "verdict.txt"
	ExpectationsFile = "expectations.json"
	LabLog           = "lab.log"
)

// A labRequest is what the sandboxed half is asked to do.
type labRequest struct {
	Scenario string            `json:"scenario"` // for Load
	Dir      string            `json:"dir"`
	Assets   map[string]string `json:"assets"`
	Accel    string            `json:"accel"`
	QEMU     string            `json:"qemu,omitempty"`
	Warm     *harness.Warm     `json:"warm,omitempty"` // nil: every machine boots cold, because of
	Cold     string            `json:"cold,omitempty"` // this; empty: it was asked for
	Timeout  time.Duration     `json:"timeout"`
	Notes    bool              `json:"notes,omitempty"`
	Record   RunRecord         `json:"record"` // as far as it is known outside
}

// A labMessage is what it says. The last one holds a Verdict, an Error or both.
type labMessage struct {
	Update  *verdict.Update  `json:"update,omitempty"`
	Warning string           `json:"warning,omitempty"`
	Verdict *verdict.Verdict `json:"verdict,omitempty"`
	Memory  int64            `json:"memory,omitempty"` // beside Verdict: as Result's
	Times   *labTimes        `json:"times,omitempty"`  // with Verdict
	Error   string           `json:"error,omitempty"`
	Input   bool             `json:"input,omitempty"` // Error is about the input
	// Lifeless says that Verdict is that of a machine that was resumed and did
	// not live: nothing of the boot is proven.
	Lifeless bool `json:"lifeless,omitempty"`
}

// inside is the sandboxed half of Run.
func inside(ctx context.Context, c *sandbox.Conn) int {
	var req labRequest
	if err := c.Receive(&req); err != nil {
		fmt.Fprintln(os.Stderr, "no request:", err)
		return 1
	}
	times := &labTimes{Begun: time.Now()}
	m, err := runInside(ctx, c, req, times)
	times.Judged = time.Now()
	m.Times = times
	if err != nil {
		var input *InputError
		m.Error, m.Input = err.Error(), errors.As(err, &input)
	}
	if err := c.Send(m); err != nil {
		fmt.Fprintln(os.Stderr, "reporting:", err)
		return 1
	}
	return 0
}

// runInside boots and judges; what it returns is the last message.
func runInside(ctx context.Context, c *sandbox.Conn, req labRequest, times *labTimes) (m labMessage, err error) {
	s, err := Load(req.Scenario)
	if err != nil {
		return m, &InputError{err}
	}
	unmount, err := mountWork(filepath.Join(req.Dir, workDir))
	if err != nil {
		return m, err
	}
	defer unmount()
	r := &run{scenario: s, request: req, conn: c, decided: make(chan struct{}), times: times}
	defer r.close()
	r.watch = stopwatch{mac: s.Machines[0].NICs[0].MAC.String(), open: map[int64]time.Time{}}
	m.Verdict, err = r.boot(ctx)
	m.Memory, m.Lifeless = r.memory, r.lifeless
	return m, err
}

// A run is one boot being conducted.
type run struct {
	scenario *Scenario
	request  labRequest
	conn     *sandbox.Conn
	read     *configs // set by prepare, as are the next two
	digest   func(captures.Transfer) bool
	judge    *verdict.Judge
	recorder *captures.Recorder // set by event; nil before the first
	decided  chan struct{}
	memory   int64 // of the sandbox; known when the lab is closed, as is
	lifeless bool  // that a machine was resumed and did not live
	once     sync.Once
	sendErr  error
	watch    stopwatch // event's
	times    *labTimes
}

// prepare lays out the servers' files, reads their configurations and says from
// them what is to be seen.
func (r *run) prepare() error {
	root := filepath.Join(r.request.Dir, workDir, rootDir)
	if err := os.Mkdir(root, 0o755); err != nil {
		return err
	}
	if err := r.scenario.Materialize(root, r.request.Assets); err != nil {
		return &InputError{err}
	}
	var err error
	if r.read, err = r.scenario.configs(root); err != nil {
		return &InputError{err}
	}
	if err := r.read.playable(); err != nil {
		return &InputError{err}
	}
	expect, err := r.read.predict()
	if err != nil {
		return &InputError{err}
	}
	for _, p := range r.read.problems {
		if p.Effect == conf.Note && !r.request.Notes {
			continue
		}
		if err := r.conn.Send(labMessage{Warning: p.Error()}); err != nil {
			return err
		}
	}
	if err := writeJSON(filepath.Join(r.request.Dir, ExpectationsFile), expect); err != nil {
		return err
	}
	r.digest = digestWanted(expect)
	if r.judge, err = verdict.NewJudge(expect, verdict.Options{Transfer: r.transfer}); err != nil {
		return fmt.Errorf("the expectations: %w", err)
	}
	return nil
}

func (r *run) close() {
	if r.read != nil {
		r.read.close()
	}
}

func (r *run) boot(ctx context.Context) (*verdict.Verdict, error) {
	cfg := harness.Config{
		Dir:     r.request.Dir,
		Prepare: r.prepare,
		QEMU:    r.request.QEMU,
		Sink:    r.event,
		Digest:  func(t captures.Transfer) bool { return r.digest(t) },
		Links:   r.scenario.links(),
		Switch:  network.Switch{ForwardDelay: r.scenario.ForwardDelay},
		Warn:    func(text string) { _ = r.conn.Send(labMessage{Warning: text}) },
		Done:    r.decided,
		Warm:    r.request.Warm,
		Cold:    r.request.Cold,
	}
	if r.request.Notes {
		cfg.Note = cfg.Warn
	}
	if r.scenario.Fast {
		cfg.Answers = append(cfg.Answers, qemu.SkipIPXEPrompt)
	}
	for _, h := range r.scenario.Hosts {
		cfg.Hosts = append(cfg.Hosts, harness.Host{
			HostConfig: network.HostConfig{Name: h.Name, Addr: h.Address, MAC: h.MAC, MTU: h.MTU},
			Servers:    func() []func(func(string)) servers.Server { return r.read.servers(h) },
		})
	}
	for _, m := range r.scenario.Machines {
		q := m.Machine
		q.Accel = r.request.Accel
		if err := r.flash(&q); err != nil {
			return nil, fmt.Errorf("machine %s: %w", q.Name, err)
		}
		cfg.Machines = append(cfg.Machines, q)
	}
	lab, err := harness.Start(ctx, cfg)
	if err != nil {
		return nil, err
	}
	end := verdict.End{}
	wait, cancel := context.WithTimeout(ctx, r.request.Timeout)
	defer cancel()
	err = lab.Wait(wait, r.decided)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		end = verdict.End{Reason: verdict.EndInterrupted, Text: "the run was interrupted"}
	case errors.Is(err, context.DeadlineExceeded):
		end = verdict.End{Reason: verdict.EndTimeout, Text: fmt.Sprintf("after %v", r.request.Timeout)}
	}
	r.times.Off = time.Now()
	t, cerr := lab.Close()
	r.times.On, r.times.Boot = r.watch.on, r.watch.decided(r.times.Off)
	if cerr != nil {
		end = verdict.End{Reason: verdict.EndLab, Text: cerr.Error()}
	}
	if t != nil {
		end.Dropped = t.Dropped
	}
	if err := r.record(end, lab); err != nil {
		return nil, errors.Join(err, cerr)
	}
	r.judge.Finish(end)
	v := r.judge.Verdict()
	return &v, errors.Join(r.write(v), cerr)
}

// event is the lab's sink.
func (r *run) event(from *captures.Recorder, e captures.Event) {
	r.recorder = from
	r.watch.see(&e)
	for _, u := range r.judge.Add(e) {
		if err := r.conn.Send(labMessage{Update: &u}); err != nil && r.sendErr == nil {
			r.sendErr = err
		}
	}
	if r.judge.Decided() {
		r.once.Do(func() { close(r.decided) })
	}
}

// transfer is the judge's: it asks from within event, and at the end.
func (r *run) transfer(i int) (captures.Transfer, bool) {
	if r.recorder == nil {
		return captures.Transfer{}, false
	}
	return r.recorder.Transfer(i)
}

// record leaves what a later judgement needs to know.
func (r *run) record(end verdict.End, lab *harness.Lab) error {
	rec := r.request.Record
	r.memory, r.lifeless = lab.Memory(), lab.Lifeless()
	rec.Schema, rec.End, rec.Machines, rec.Memory = RunSchema, &end, lab.PowerOns(), r.memory
	rec.Recorder = verdict.Seconds(lab.RecorderCPU())
	for _, h := range r.scenario.Hosts {
		mac := network.HostConfig{Addr: h.Address, MAC: h.MAC}.HardwareAddr()
		rec.Hosts = append(rec.Hosts, RunHost{Name: h.Name, MAC: mac.String(), Addr: h.Address})
	}
	return writeJSON(filepath.Join(r.request.Dir, RunFile), rec)
}

// write leaves the verdict in the run's folder.
func (r *run) write(v verdict.Verdict) error {
	if err := writeJSON(filepath.Join(r.request.Dir, VerdictFile), v); err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(r.request.Dir, VerdictText))
	if err != nil {
		return err
	}
	return errors.Join(report.WriteVerdict(f, v, report.Options{Title: r.scenario.Name, Folder: r.request.Dir}), f.Close())
}

// digestWanted picks the transfers whose bytes a digest on disk is waiting for.
func digestWanted(x verdict.Expectations) func(captures.Transfer) bool {
	wanted := slices.ContainsFunc(x.Machines, func(m verdict.Machine) bool {
		return slices.ContainsFunc(m.Expect, func(e verdict.Expectation) bool { return e.Transfer != nil && e.Transfer.SHA256 != "" })
	})
	return func(captures.Transfer) bool { return wanted }
}

func writeJSON(path string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}

// workDir is the folder, below that of the run, for what is needed while the run
// lasts.
const workDir = "work"

// mountWork makes a file system in memory at dir, which goes with the sandbox.
// The folder that it needs is removed again by unmount.
func mountWork(dir string) (unmount func(), err error) {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	if err := unix.Mount("work", dir, "tmpfs", unix.MS_NODEV|unix.MS_NOSUID, "mode=0755"); err != nil {
		return nil, errors.Join(fmt.Errorf("a file system for the servers' files: %w", err), os.Remove(dir))
	}
	return func() {
		_ = unix.Unmount(dir, unix.MNT_DETACH)
		_ = os.Remove(dir)
	}, nil
}

// flash gives a UEFI machine its firmware, with variables of its own to write
// to.
func (r *run) flash(m *qemu.Machine) error {
	if m.Firmware.Kind != "uefi" {
		return nil
	}
	vars := filepath.Join(r.request.Dir, workDir, m.Name+".vars.fd")
	code, from := firmwareFiles(m.Firmware)
	b, err := os.ReadFile(r.request.Assets[from])
	if err != nil {
		return err
	}
	m.Firmware.Code, m.Firmware.Vars = r.request.Assets[code], vars
	return os.WriteFile(vars, b, 0o600)
}
