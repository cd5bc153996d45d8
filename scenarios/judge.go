package scenarios

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"

	"github.com/pxeproof/pxeproof/captures"
	"github.com/pxeproof/pxeproof/captures/verdict"
	"github.com/pxeproof/pxeproof/harness"
	"github.com/pxeproof/pxeproof/harness/qemu"
)

// RunFile is the file in a run's folder that says what was run.
const RunFile = "run.json"

// RunSchema is its version.
const RunSchema = "pxeproof.run/1"

// A RunRecord says what was run, and what a later judgement needs to know of it.
type RunRecord struct {
	Schema   string       `json:"schema"` // RunSchema
	Scenario string       `json:"scenario"`
	Accel    qemu.Accel   `json:"accel"`
	Hosts    []RunHost    `json:"hosts"`
	Assets   []RunAsset   `json:"assets"`
	End      *verdict.End `json:"end,omitempty"` // how the recording ended
}

// A RunHost is a server host as it was on the wire.
type RunHost struct {
	Name string       `json:"name"`
	MAC  string       `json:"mac"`
	Addr netip.Prefix `json:"addr"`
}

// A RunAsset is an asset that was used.
type RunAsset struct {
	Name    string `json:"name"`
	Path    string `json:"path"`
	Package string `json:"package,omitempty"`
	Version string `json:"version,omitempty"`
	SHA256  string `json:"sha256,omitempty"`
}

// Judge makes the verdict of a run again, from its folder: from the capture, the
// console and what was expected. It equals the one that was made live.
func Judge(dir string) (verdict.Verdict, error) {
	v, err := judgeRun(dir)
	if err != nil {
		return v, &InputError{fmt.Errorf("%s: %w", dir, err)}
	}
	return v, nil
}

func judgeRun(dir string) (verdict.Verdict, error) {
	var x verdict.Expectations
	var rec RunRecord
	if err := errors.Join(readJSON(filepath.Join(dir, ExpectationsFile), &x), readJSON(filepath.Join(dir, RunFile), &rec)); err != nil {
		return verdict.Verdict{}, err
	}
	o := captures.Options{Digest: digestWanted(x)}
	for _, h := range rec.Hosts {
		mac, err := parseMAC(h.MAC)
		if err != nil {
			return verdict.Verdict{}, err
		}
		o.Servers = append(o.Servers, captures.ServerHost{MAC: mac, Addr: h.Addr.Addr()})
	}
	for _, m := range x.Machines {
		mac, err := parseMAC(m.MAC)
		if err != nil {
			return verdict.Verdict{}, err
		}
		o.Machines = append(o.Machines, mac)
	}
	f, err := os.Open(filepath.Join(dir, harness.CaptureFile))
	if err != nil {
		return verdict.Verdict{}, err
	}
	defer f.Close()
	t, err := captures.ReadWith(f, o)
	if err != nil {
		return verdict.Verdict{}, err
	}
	heard, err := offWire(filepath.Join(dir, harness.EventsFile))
	if err != nil {
		return verdict.Verdict{}, err
	}
	events := append(t.Events, heard...)
	slices.SortStableFunc(events, func(a, b captures.Event) int { return a.At.Compare(b.At) })
	end := verdict.End{Dropped: t.Dropped}
	if rec.End != nil {
		end = *rec.End
	}
	return judgeEvents(x, verdict.Options{}, t, events, end)
}

// judgeEvents has a Judge hear all events.
func judgeEvents(x verdict.Expectations, o verdict.Options, t *captures.Timeline, events []captures.Event, end verdict.End) (verdict.Verdict, error) {
	o.Transfer = func(i int) (captures.Transfer, bool) {
		if i < 0 || i >= len(t.Transfers) {
			return captures.Transfer{}, false
		}
		return t.Transfers[i], true
	}
	j, err := verdict.NewJudge(x, o)
	if err != nil {
		return verdict.Verdict{}, err
	}
	for _, e := range events {
		j.Add(e)
	}
	j.Finish(end)
	return j.Verdict(), nil
}

// offWire reads those events of a run that no frame holds.
func offWire(path string) ([]captures.Event, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var events []captures.Event
	dec := json.NewDecoder(bufio.NewReader(f))
	for {
		var e captures.Event
		err := dec.Decode(&e)
		if err == io.EOF {
			return events, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Base(path), err)
		}
		if e.Source != captures.Wire {
			events = append(events, e)
		}
	}
}

// JudgeCapture judges a capture that somebody else took: every machine in it
// that asks for a boot file. What could be read of a damaged file is judged, and
// the damage comes as the error beside the verdict.
func JudgeCapture(r io.Reader) (verdict.Verdict, *captures.Timeline, error) {
	t, err := captures.Read(r)
	if t == nil {
		return verdict.Verdict{}, nil, &InputError{err}
	}
	v, jerr := judgeEvents(verdict.Expectations{Schema: verdict.ExpectationsSchema}, verdict.Options{Discover: true}, t, t.Events,
		verdict.End{Reason: verdict.EndCapture, Dropped: t.Dropped})
	if jerr != nil {
		return v, t, jerr
	}
	if err != nil {
		err = &InputError{err}
	}
	return v, t, err
}

func readJSON(path string, v any) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	return nil
}
