package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/digitalocean/go-qemu/qmp"
	"golang.org/x/sync/errgroup"

	"github.com/pxeproof/pxeproof/captures"
	"github.com/pxeproof/pxeproof/harness/link"
	"github.com/pxeproof/pxeproof/harness/network"
	"github.com/pxeproof/pxeproof/harness/qemu"
	"github.com/pxeproof/pxeproof/harness/warm"
	"github.com/pxeproof/pxeproof/servers"
)

// A boot is one machine of a lab: how it comes to run, and its process.
type boot struct {
	lab     *Lab
	outer   context.Context // of whoever started the lab; Close does not end it
	machine qemu.Machine
	how     PowerOn
	cables  []*network.Cable
	process *qemu.Process // nil: not started yet

	// Of a lab with Warm.
	key      warm.Key
	snapshot *warm.Snapshot // what it is resumed from; nil: it boots cold
	hold     bool           // its cable is loose until it has been saved
	paused   bool
	sent     [][]byte // by the machine, up to its DISCOVER, and not yet on the wire
	resumed  time.Time
	lines    atomic.Int64 // on its console
	lifeless bool         // it was resumed, and showed no sign of life; known after Close
}

// powerOn has every machine run and every server of hosts answer. ctx is the
// lab's, which Close ends, and serving that of the servers.
//
// What a machine has received when it is stopped for a snapshot would be in it
// for ever. So the cable of one that is to be saved is plugged in only then; and
// the servers speak only then, one of which (router advertisements) does so but
// once. A resumed machine finds the network in the same state.
func (l *Lab) powerOn(ctx, serving context.Context, lan *network.Network, hosts []*network.Host) error {
	for _, b := range l.boots {
		if err := b.plug(lan); err != nil {
			close(l.recording)
			return err
		}
	}
	var all []servers.Server
	var ready errgroup.Group
	prepare := func(when bool) {
		for _, b := range l.boots {
			if b.hold == when {
				ready.Go(func() error { return b.prepare(ctx) })
			}
		}
	}
	prepare(false) // these say nothing yet
	err := l.preparing.Wait()
	if err == nil {
		err = l.record(ctx, lan, hosts)
	}
	close(l.recording)
	if err == nil {
		prepare(true)
		ready.Go(func() (err error) {
			all, err = l.listen(serving, hosts)
			return err
		})
	}
	if err := errors.Join(err, ready.Wait()); err != nil {
		return err
	}
	for _, b := range l.boots {
		for _, c := range b.cables {
			if err := c.Plug(); err != nil {
				return err
			}
		}
	}
	for _, k := range l.links {
		l.group.Go(func() error { return k.run(serving) })
	}
	l.serve(serving, all)
	for _, b := range l.boots {
		if err := b.run(ctx); err != nil {
			return fmt.Errorf("machine %s: %w", b.machine.Name, err)
		}
	}
	return nil
}

// plug gives a machine its cables: taps, or where there can be none or the link
// is a bad one, relays.
func (b *boot) plug(lan *network.Network) error {
	l, bad := b.lab, b.lab.config.Links[b.machine.Name]
	for i, nic := range b.machine.NICs {
		name := b.machine.Name
		if i > 0 {
			name = fmt.Sprintf("%.12s.%d", b.machine.Name, i)
		}
		var c *network.Cable
		err := network.ErrNoTun
		if bad.Healthy() {
			c, err = lan.AddCable(name, b.hold)
			if errors.Is(err, network.ErrNoTun) && l.config.Warn != nil {
				l.config.Warn(fmt.Sprintf("a relay takes the tap's place: %v", err))
			}
		}
		if errors.Is(err, network.ErrNoTun) {
			c, err = lan.AddRelayed(name, bad, b.hold)
		}
		if err != nil {
			return err
		}
		b.cables = append(b.cables, c)
		if c.Relay != nil {
			l.links = append(l.links, &badLink{lab: l, relay: c.Relay, port: name, mac: nic.MAC.String(), impairment: bad})
		}
	}
	return nil
}

// run has a machine go on, or starts it.
func (b *boot) run(ctx context.Context) error {
	if b.process == nil {
		return b.start(ctx, false)
	}
	if b.outer.Err() != nil {
		return nil // it is ended, with all the rest
	}
	return b.goOn(ctx)
}

// start switches the machine on, or if it is to be resumed, starts the QEMU that
// waits for its state.
func (b *boot) start(ctx context.Context, incoming bool) error {
	l := b.lab
	var ports []qemu.Port
	for _, c := range b.cables {
		f, stream, err := c.End()
		if err != nil {
			return err
		}
		ports = append(ports, qemu.Port{File: f, Stream: stream})
	}
	console, err := os.Create(filepath.Join(l.config.Dir, ConsoleLog(b.machine.Name)))
	if err != nil {
		return err
	}
	var reason string // why it went off; read after Done
	var checking errgroup.Group
	if incoming {
		checking.Go(b.snapshot.Check)
	} else {
		b.started()
	}
	p, err := qemu.Start(ctx, qemu.Config{
		Machine:  b.machine,
		Program:  l.config.QEMU,
		Ports:    ports,
		Console:  console,
		Answers:  l.config.Answers,
		Incoming: incoming,
		Line: func(at time.Time, text string) {
			b.lines.Add(1)
			b.inject(at, captures.Console, captures.ConsoleLine, captures.Field{Name: "text", Value: text})
		},
		Settle: b.settle,
		Event: func(e qmp.Event) {
			if e.Event == "SHUTDOWN" {
				reason, _ = e.Data["reason"].(string)
			}
		},
	})
	if cerr := checking.Wait(); err == nil && cerr != nil {
		_ = p.Stop(ctx)
		err = cerr
	}
	if err != nil {
		console.Close()
		return err
	}
	if incoming {
		if err := p.Load(ctx, b.snapshot.State()); err != nil {
			_ = p.Stop(ctx) // most likely it has ended by itself
			console.Close()
			return err
		}
	}
	b.process = p
	l.group.Go(func() error {
		<-p.Done()
		console.Close()
		if p.Stopped() || b.outer.Err() != nil {
			return nil // we ended it
		}
		// Not when QEMU says so: the machine's last words may still be on their
		// way through the console then, and its last frames through a relay, and
		// would come after its end.
		b.settle(ctx)
		name := captures.Field{Name: "machine", Value: b.machine.Name}
		if reason != "" {
			b.inject(time.Now(), captures.Harness, captures.MachineOff, name, captures.Field{Name: "reason", Value: reason})
		}
		if err := p.Err(); err != nil {
			b.inject(time.Now(), captures.Harness, captures.MachineDied, name,
				captures.Field{Name: "status", Value: err.Error()}, captures.Field{Name: "stderr", Value: p.Words()})
		}
		return nil
	})
	line := shellWords(p.Args) + "\n"
	return os.WriteFile(filepath.Join(l.config.Dir, CommandFile(b.machine.Name)), []byte(line), 0o644)
}

// settle returns when what the machine has sent is on the segment, and not in a
// relay any more, where a bad link may hold it for seconds.
func (b *boot) settle(ctx context.Context) {
	for _, c := range b.cables {
		if c.Relay != nil {
			c.Relay.Settle(ctx, link.BToA)
		}
	}
}

// inject puts something about the machine among the events.
func (b *boot) inject(at time.Time, s captures.Source, k captures.Kind, f ...captures.Field) {
	<-b.lab.recording // a machine may have been loaded, and have died, before
	if r := b.lab.recorder; r != nil {
		r.Inject(captures.Event{At: at, Source: s, Host: b.machine.NICs[0].MAC.String(), Kind: k, Fields: f})
	}
}

// started says that the machine runs from now on. All its times count from here.
func (b *boot) started() {
	fields := []captures.Field{{Name: "machine", Value: b.machine.Name}, {Name: "accel", Value: b.machine.Accel}}
	if b.how.Snapshot != "" {
		fields = append(fields, captures.Field{Name: "snapshot", Value: b.how.Snapshot})
	}
	b.inject(time.Now(), captures.Harness, captures.MachineStarted, fields...)
}

// release lets go of what was needed to start the machine.
func (b *boot) release() {
	for _, c := range b.cables {
		c.Release()
	}
	if b.snapshot != nil {
		b.snapshot.Close()
	}
}

// shellWords quotes a command line so that it can be pasted into a shell.
func shellWords(args []string) string {
	quoted := make([]string, len(args))
	for i, a := range args {
		if a == "" || strings.ContainsAny(a, " \t\n'\"\\$`&|;<>()*?[]#~{}!") {
			a = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
		quoted[i] = a
	}
	return strings.Join(quoted, " ")
}
