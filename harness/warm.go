package harness

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pxeproof/pxeproof/captures"
	"github.com/pxeproof/pxeproof/harness/network"
	"github.com/pxeproof/pxeproof/harness/qemu"
	"github.com/pxeproof/pxeproof/harness/warm"
)

// Warm is what a lab needs to resume machines.
type Warm struct {
	Cache *warm.Cache
	// Program is the QEMU that runs the machines.
	Program qemu.Program
	// Sums are those of files that have been read already, as in
	// [warm.Surroundings].
	Sums map[string]string
}

// A PowerOn says how a machine came to run.
type PowerOn struct {
	Machine string `json:"machine"`
	// Snapshot is the key of the one that it was resumed from; empty: it booted
	// cold, and Why says why.
	Snapshot string `json:"snapshot,omitempty"`
	Why      string `json:"why,omitempty"`
}

// PowerOns says of every machine how it came to run, in the order of
// Config.Machines.
func (l *Lab) PowerOns() []PowerOn {
	var all []PowerOn
	for _, b := range l.boots {
		all = append(all, b.how)
	}
	return all
}

// lifeTime is how long after it was resumed a machine must have shown a sign of
// life. Firmware that has asked for an address asks again, or takes what it was
// offered, within seconds, also on a machine that has much else to do.
const lifeTime = 15 * time.Second

// Lifeless says that a machine was resumed and from then on neither sent a frame
// nor printed a line: a snapshot that QEMU took and that does not live. What the
// run seems to prove is then worth nothing. The snapshot has been removed. It is
// known after Close.
func (l *Lab) Lifeless() bool {
	return slices.ContainsFunc(l.boots, func(b *boot) bool { return b.lifeless })
}

// feelPulse looks for a sign of life, while the machine is still there.
func (b *boot) feelPulse() {
	if b.resumed.IsZero() || time.Since(b.resumed) < lifeTime || b.lines.Load() > 0 {
		return
	}
	select {
	case <-b.process.Done():
		return // it has ended, which it cannot without living
	default:
	}
	if n, err := b.cables[0].Carried(); err == nil && n <= uint64(len(b.snapshot.Frames)) {
		b.lifeless = true
		b.lab.forget(b)
	}
}

// Memory is what the lab's programs had resident at their largest, in bytes: this
// process, with the recorder's ring, and every machine's QEMU. It is known after
// Close.
func (l *Lab) Memory() int64 {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	total := u.Maxrss << 10
	for _, b := range l.boots {
		if b.process != nil {
			total += b.process.Memory()
		}
	}
	return total
}

const (
	// holdTime is how long a machine may take to its first DISCOVER and still
	// be saved there. OVMF takes 8 s, or many times that on a busy machine.
	// After it the machine gets its network, and boots on as any other.
	holdTime = time.Minute
	// maxSent is how many frames it may send until then: a snapshot is for
	// firmware, of which OVMF sends the most, some ten.
	maxSent = 64
)

// decide chooses how each machine comes to run.
func (l *Lab) decide() {
	w := l.config.Warm
	if w == nil {
		l.allCold(cmp.Or(l.config.Cold, "a cold boot was asked for"))
		return
	}
	if l.config.Switch != (network.Switch{}) {
		// Firmware that takes its link down and up again begins the wait at
		// that moment; how far it has come by the DISCOVER is part of the boot.
		l.allCold("machines boot cold: the switch has a port wait before it forwards")
		return
	}
	for _, b := range l.boots {
		// One that boots cold needs its network from the beginning, and one
		// that is to be saved must not have it.
		if err := warm.Doubtful(b.machine); err != nil {
			l.allCold(fmt.Sprintf("machine %s boots cold: %v", b.machine.Name, err))
			return
		}
	}
	noTun := network.CheckTun() != nil
	for _, b := range l.boots {
		var err error
		b.key, err = warm.KeyOf(b.machine, warm.Surroundings{
			Program: w.Program,
			Stream:  noTun || !l.config.Links[b.machine.Name].Healthy(),
			Answers: l.config.Answers,
			Sums:    w.Sums,
		})
		if err != nil {
			l.allCold(fmt.Sprintf("machine %s boots cold: %v", b.machine.Name, err))
			return
		}
	}
	for _, b := range l.boots {
		b.look()
	}
}

// allCold has every machine boot from its beginning.
func (l *Lab) allCold(why string) {
	for _, b := range l.boots {
		b.how.Why = why
	}
	l.note(why)
}

func (l *Lab) note(text string) {
	if l.config.Note != nil {
		l.config.Note(text)
	}
}

// cold says why the machine boots cold.
func (b *boot) cold(why string) {
	b.how.Snapshot, b.how.Why = "", why
	b.lab.note(fmt.Sprintf("machine %s boots cold: %s", b.machine.Name, why))
}

// look looks for the machine's snapshot.
func (b *boot) look() {
	cache := b.lab.config.Warm.Cache
	s, err := cache.Open(b.key)
	if err == nil {
		b.snapshot = s
		return
	}
	b.hold = true
	if errors.Is(err, fs.ErrNotExist) {
		b.cold("there was no snapshot of it yet")
		return
	}
	b.cold(fmt.Sprintf("its snapshot cannot be used: %v", err))
	if err := cache.Forget(b.key); err != nil {
		b.lab.note(err.Error())
	}
}

// prepare loads a machine that is to be resumed, or has one that is to be saved
// come to its DISCOVER and saves it. What does not succeed leaves a machine that
// boots cold; an error is a machine that cannot run at all.
func (b *boot) prepare(ctx context.Context) error {
	switch {
	case b.snapshot != nil:
		err := b.start(ctx, true)
		if err != nil && ctx.Err() == nil {
			b.cold(fmt.Sprintf("its snapshot could not be resumed: %v", err))
			b.lab.forget(b)
			b.snapshot = nil
			return nil
		}
		b.how.Snapshot = b.key.String()
		return err
	case b.hold:
		if err := b.start(ctx, false); err != nil {
			return fmt.Errorf("machine %s: %w", b.machine.Name, err)
		}
		if err := b.save(ctx); err != nil {
			b.lab.note(fmt.Sprintf("machine %s is not kept for later runs: %v", b.machine.Name, err))
		}
	}
	return nil
}

// forget removes the snapshot that did not serve.
func (l *Lab) forget(b *boot) {
	b.snapshot.Close()
	if err := l.config.Warm.Cache.Forget(b.key); err != nil {
		l.note(err.Error())
	}
}

// save waits for the machine's DISCOVER, stops it and saves it there. Whatever
// the error, the machine can go on.
func (b *boot) save(ctx context.Context) error {
	notThere := b.untilDiscover(ctx)
	if err := b.process.Pause(ctx); err != nil {
		return errors.Join(notThere, err)
	}
	b.paused = true
	// What it sent before it was stopped, it has sent.
	for b.cables[0].Pending() {
		f, err := b.cables[0].Next(ctx)
		if err != nil {
			return errors.Join(notThere, err)
		}
		b.sent = append(b.sent, f)
	}
	if notThere != nil {
		return notThere
	}
	draft, err := b.lab.config.Warm.Cache.Create(b.key)
	if err != nil {
		return err
	}
	defer draft.Close()
	if err := b.process.Save(ctx, draft.File()); err != nil {
		return err
	}
	return draft.Keep(warm.About{Machine: warm.Describe(b.machine), QEMU: b.lab.config.Warm.Program.Version}, b.sent)
}

// untilDiscover reads what the machine sends until it is a DISCOVER of its own.
func (b *boot) untilDiscover(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, holdTime, fmt.Errorf("it sent no DISCOVER within %v", holdTime))
	defer cancel()
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	go func() {
		select {
		case <-b.process.Done():
			end(errors.New("it ended before its DISCOVER"))
		case <-b.lab.config.Done:
			end(errors.New("the run ended before its DISCOVER"))
		case <-ctx.Done():
		}
	}()
	mac := b.machine.NICs[0].MAC
	decoder := captures.NewDecoder(captures.Options{Machines: []net.HardwareAddr{mac}})
	discovered := false
	for !discovered {
		f, err := b.cables[0].Next(ctx)
		if err != nil {
			if ctx.Err() != nil {
				err = context.Cause(ctx)
			}
			return err
		}
		b.sent = append(b.sent, f)
		if len(b.sent) > maxSent {
			return fmt.Errorf("it sent %d frames and no DISCOVER", len(b.sent))
		}
		decoder.Frame(captures.FrameInfo{Number: len(b.sent), At: time.Now(), Link: captures.LinkEthernet, Length: len(f)}, f,
			func(e captures.Event) {
				discovered = discovered || e.Kind == captures.DHCPDiscover && e.Host == mac.String()
			})
	}
	return nil
}

// goOn has a machine that is held or loaded go on from its DISCOVER: what it
// sent up to there is put on the wire, which has not seen it yet, and the
// machine resumed.
func (b *boot) goOn(ctx context.Context) error {
	frames, why := b.sent, "Sent by the machine while its snapshot was being made, and held back until then."
	if b.snapshot != nil {
		b.started()
		frames = b.snapshot.Frames
		why = fmt.Sprintf("Warm start: machine %s was resumed from a snapshot of %s; it sent this frame just before that was made (%.12s).",
			b.machine.Name, b.snapshot.Made.Format(time.RFC3339), b.snapshot.Key)
	}
	cable := b.cables[0]
	for _, f := range frames {
		b.lab.recorder.Remark(b.machine.Name, f, why)
		if err := cable.Send(f); err != nil {
			return err
		}
	}
	if b.snapshot == nil && !b.paused {
		return nil
	}
	err := b.process.Resume(ctx)
	if b.snapshot == nil {
		return err
	}
	b.resumed = time.Now()
	if err != nil {
		b.lab.forget(b) // the next run had better boot cold
	}
	return err
}
