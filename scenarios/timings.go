package scenarios

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/pxeproof/pxeproof/captures"
	"github.com/pxeproof/pxeproof/captures/verdict"
)

// Timings say where the time of a run went: its steps, one after the other. With
// several machines the steps of the boot are those of the first.
type Timings struct {
	Steps []Step `json:"steps"`
	// Own is pxeproof's own share, and Total all of it.
	Own   verdict.Seconds `json:"own"`
	Total verdict.Seconds `json:"total"`
}

// A Step is a part of a run.
type Step struct {
	Name string          `json:"name"`
	Took verdict.Seconds `json:"seconds"`
	// Own says that nothing boots meanwhile: the time is pxeproof's.
	Own bool `json:"own,omitempty"`
}

// The steps that are not a transfer.
const (
	stepPrepare  = "prepare"  // finding the boot files, making an initramfs
	stepSandbox  = "sandbox"  // namespaces, and the program in them
	stepLab      = "lab"      // laying out files, reading configurations, network, servers
	stepFirmware = "firmware" // from power-on to the first DHCP message
	stepDHCP     = "dhcp"     // from there to the ACK
	stepLoader   = "loader"   // between the transfers: boot programs run, and look for files in vain
	stepKernel   = "kernel"   // from the last transfer to the first process's words
	stepSystem   = "system"   // from there to the last proof
	stepProof    = "proof"    // from the last of all these to the proof that it failed
	stepJudging  = "judging"  // from the proof to the verdict on disk, QEMU and servers ended
	stepEnd      = "end"      // until the sandbox is gone
)

// A stopwatch takes the times of a boot from its events.
type stopwatch struct {
	mac  string // the machine's
	on   time.Time
	last time.Time // the end of the latest step
	dhcp bool      // a DHCP message was seen
	open map[int64]time.Time
	os   bool
	boot []Step // the steps so far
}

// step ends a step.
func (w *stopwatch) step(name string, at time.Time) {
	if took := at.Sub(w.last); took > 0 {
		w.boot = append(w.boot, Step{Name: name, Took: secondsOf(took)})
		w.last = at
	}
}

// see takes in the next event.
func (w *stopwatch) see(e *captures.Event) {
	if e.Host != w.mac {
		return
	}
	switch {
	case e.Kind == captures.MachineStarted && w.on.IsZero():
		w.on, w.last = e.At, e.At
	case w.on.IsZero() || w.os:
	case e.Kind == captures.DHCPDiscover && !w.dhcp:
		w.dhcp = true
		w.step(stepFirmware, e.At)
	case e.Kind == captures.DHCPAck && len(w.open) == 0:
		w.step(stepDHCP, e.At)
	case e.Kind == captures.TFTPRequest:
		w.open[e.Int("tftp.transfer")] = e.At
	case e.Kind == captures.TFTPDone:
		if begun, ok := w.open[e.Int("tftp.transfer")]; ok {
			w.step(stepLoader, begun)
		}
		w.step(e.Text("tftp.source_file"), e.At)
	case e.Kind == captures.ConsoleLine && isFirstProcess(e.Text("text")):
		w.os = true
		w.step(stepKernel, e.At)
	}
}

// decided ends the boot.
func (w *stopwatch) decided(at time.Time) []Step {
	if w.os {
		w.step(stepSystem, at)
	} else {
		w.step(stepProof, at)
	}
	return w.boot
}

func secondsOf(d time.Duration) verdict.Seconds { return verdict.Seconds(d.Round(time.Millisecond)) }

// isFirstProcess says whether a console line is the first word of what a lab's
// machines boot.
func isFirstProcess(line string) bool { return strings.HasPrefix(line, "pxeproof: ") }

// labTimes are the moments that the sandboxed half knows of.
type labTimes struct {
	Begun  time.Time `json:"begun"` // it has been told what to do
	On     time.Time `json:"on"`    // the machine is switched on
	Off    time.Time `json:"off"`   // the boot is decided
	Judged time.Time `json:"judged"`
	Boot   []Step    `json:"boot"`
}

// timings puts the halves together. begun, prepared and ended are the moments of
// the half outside.
func (l *labTimes) timings(begun, prepared, ended time.Time) *Timings {
	t := &Timings{Total: secondsOf(ended.Sub(begun))}
	own := func(name string, from, to time.Time) {
		s := Step{Name: name, Took: secondsOf(to.Sub(from)), Own: true}
		t.Own += s.Took
		t.Steps = append(t.Steps, s)
	}
	own(stepPrepare, begun, prepared)
	own(stepSandbox, prepared, l.Begun)
	own(stepLab, l.Begun, l.On)
	t.Steps = append(t.Steps, l.Boot...)
	own(stepJudging, l.Off, l.Judged)
	own(stepEnd, l.Judged, ended)
	return t
}

// Write prints them, a step a line.
func (t *Timings) Write(w io.Writer) error {
	wide := 0
	for _, s := range t.Steps {
		wide = max(wide, len(s.Name))
	}
	var b strings.Builder
	for _, s := range t.Steps {
		mark := ""
		if s.Own {
			mark = "  *"
		}
		fmt.Fprintf(&b, "  %-*s  %6.3f s%s\n", wide, s.Name, s.Took.Duration().Seconds(), mark)
	}
	fmt.Fprintf(&b, "  %-*s  %6.3f s, of which pxeproof's own (*) are %.3f s\n", wide, "all", t.Total.Duration().Seconds(), t.Own.Duration().Seconds())
	_, err := io.WriteString(w, b.String())
	return err
}

// keepTimings puts them into the record of a run, which the sandboxed half has
// left in the run's folder.
func keepTimings(dir string, t *Timings) error {
	path := filepath.Join(dir, RunFile)
	var rec RunRecord
	if err := readJSON(path, &rec); err != nil {
		return err
	}
	rec.Timings = t
	return writeJSON(path, rec)
}
