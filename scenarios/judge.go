package scenarios

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"

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
	Schema   string            `json:"schema"` // RunSchema
	Scenario string            `json:"scenario"`
	Accel    qemu.Accel        `json:"accel"`
	Hosts    []RunHost         `json:"hosts"`
	Machines []harness.PowerOn `json:"machines"` // how each came to run
	Memory   int64             `json:"memory"`   // what the sandbox took at most, in bytes
	Recorder verdict.Seconds   `json:"recorder"` // processor time that recording and judging took
	Assets   []RunAsset        `json:"assets"`
	End      *verdict.End      `json:"end,omitempty"` // how the recording ended
	Timings  *Timings          `json:"timings,omitempty"`
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
	if _, err := os.Stat(filepath.Join(dir, ExpectationsFile)); errors.Is(err, fs.ErrNotExist) {
		return verdict.Verdict{}, fmt.Errorf("this is not the folder of a run: it has no %s", ExpectationsFile)
	}
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
	heard, err := offWire(filepath.Join(dir, harness.EventsFile))
	if err != nil {
		return verdict.Verdict{}, err
	}
	f, err := os.Open(filepath.Join(dir, harness.CaptureFile))
	if err != nil {
		return verdict.Verdict{}, err
	}
	defer f.Close()
	in, err := captures.NewScanner(f, o)
	if err != nil {
		return verdict.Verdict{}, err
	}
	v, _, err := judgeScan(in, heard, nil, x, verdict.Options{}, rec.End)
	if err != nil {
		return verdict.Verdict{}, err
	}
	return v, nil
}

// judgeScan has a Judge hear a capture as it is read, and in between, each at its
// time, what no frame holds, as the recorder of a live run gives them. Nothing is
// kept but what the Judge keeps. End is how the recording ended; nil: with the
// capture. The error beside a verdict is the capture's, the error beside none the
// expectations'.
func judgeScan(in *captures.Scanner, heard []captures.Event, besides func(*captures.Event), x verdict.Expectations, o verdict.Options, end *verdict.End) (verdict.Verdict, *captures.Timeline, error) {
	o.Transfer = in.Transfer
	j, err := verdict.NewJudge(x, o)
	if err != nil {
		return verdict.Verdict{}, nil, err
	}
	add := func(e captures.Event) { j.Add(e) }
	onWire := func(e captures.Event) {
		if besides != nil {
			besides(&e)
		}
		for len(heard) > 0 && !heard[0].At.After(e.At) {
			add(heard[0])
			heard = heard[1:]
		}
		add(e)
	}
	in.Frames(onWire)
	for _, e := range heard {
		add(e)
	}
	t, damage := in.Finish(add)
	if end == nil {
		end = &verdict.End{Reason: verdict.EndCapture, At: t.Last, Dropped: t.Dropped}
	}
	j.Finish(*end)
	return j.Verdict(), t, damage
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
	in, err := captures.NewScanner(r, captures.Options{})
	if err != nil {
		return verdict.Verdict{}, nil, &InputError{err}
	}
	v, t, err := judgeScan(in, nil, nil, verdict.Expectations{Schema: verdict.ExpectationsSchema}, verdict.Options{Discover: true}, nil)
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
