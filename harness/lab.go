// Package harness runs a lab: a network with server hosts and machines, inside
// a sandbox, with everything that goes over the wire recorded.
//
// Its parts stand alone: sandbox makes the namespaces, network the bridge and
// the hosts, qemu the machines, warm keeps those that later runs resume, assets
// finds firmware and kernels, guest builds what the machines boot. A newcomer
// starts at [Start], which puts them together, and then reads the parts in that
// order.
package harness

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/pxeproof/pxeproof/captures"
	"github.com/pxeproof/pxeproof/harness/link"
	"github.com/pxeproof/pxeproof/harness/network"
	"github.com/pxeproof/pxeproof/harness/qemu"
	"github.com/pxeproof/pxeproof/servers"
)

// Names of what a lab leaves in its folder, beside one ConsoleLog and one
// CommandFile for each machine.
const (
	CaptureFile = "capture.pcapng"
	EventsFile  = "events.jsonl"
)

// ConsoleLog is the file with every byte of a machine's serial console, and
// CommandFile the one with the QEMU command line that ran it.
func ConsoleLog(machine string) string  { return machine + ".console.log" }
func CommandFile(machine string) string { return machine + ".qemu.txt" }

// A Config describes a lab.
type Config struct {
	// Dir is an existing folder, for the capture and the logs.
	Dir string
	// Prepare, if not nil, gets ready what servers serve and what Sink needs. It
	// is called at once, in a goroutine of its own, as the network can be made
	// and machines be loaded meanwhile. No machine runs before it has returned.
	// Its error is Start's, as it is, and leaves nothing in Dir.
	Prepare func() error
	// Hosts are the server hosts.
	Hosts []Host
	// Switch is what hosts and machines are plugged into.
	Switch network.Switch
	// Machines are switched on when every server is bound.
	Machines []qemu.Machine
	// Links are what is wrong with the links of machines, by machine's name; with
	// that of every network card it has. A relay carries the frames then, and
	// tells what became of them: see [captures.LinkImpaired].
	Links map[string]link.Impairment
	// QEMU is the program; empty for the default.
	QEMU string
	// Answers are typed to what the machines' consoles ask.
	Answers []qemu.Answer
	// Sink is called with every event, in order, from one goroutine, and with
	// the recorder, for the transfers that the event speaks of. It must not
	// block.
	Sink func(*captures.Recorder, captures.Event)
	// Warn is told what is not as usual about the lab. Nil is quiet.
	Warn func(text string)
	// Note is told what may interest somebody who asks for more: why a machine
	// that might have been resumed boots cold. Nil is quiet.
	Note func(text string)
	// Digest says which TFTP transfers are worth hashing.
	Digest func(captures.Transfer) bool
	// Warm, if not nil, has machines resumed at their first DISCOVER, and keeps
	// those that are not yet there. Nil: every machine boots from its
	// beginning, because of Cold, which is for people; its default is that it
	// was asked for.
	Warm *Warm
	Cold string
	// Done, if not nil, is closed when no more is to be learnt of the machines.
	// It ends the wait for a DISCOVER that will not come.
	Done <-chan struct{}
}

// A Host is a server host and what runs on it.
type Host struct {
	network.HostConfig
	// Servers says, when Prepare has returned, what makes its servers; log takes
	// what a server has to say.
	Servers func() []func(log func(text string)) servers.Server
}

// A Lab is running.
type Lab struct {
	config    Config
	recorder  *captures.Recorder // nil until recording is closed, and if it could not be made
	recording chan struct{}
	preparing errgroup.Group // Config.Prepare
	events    *eventLog
	links     []*badLink
	boots     []*boot
	group     *errgroup.Group    // servers and what watches the machines
	broken    <-chan struct{}    // the group's context: done when a server has ended by itself
	hush      context.CancelFunc // ends the servers
	stop      context.CancelFunc // ends everything
	allOff    chan struct{}
}

// errBroken marks what is the lab's own failure, and not the boot's.
var errBroken = errors.New("the lab broke")

// Start brings a lab up, in the network namespace of the caller. When it
// returns every server answers, the recorder runs and the machines are switched
// on, or resumed. ctx bounds the whole life of the lab. On an error nothing runs
// any more.
func Start(ctx context.Context, c Config) (_ *Lab, err error) {
	outer := ctx
	ctx, stop := context.WithCancel(ctx)
	l := &Lab{config: c, stop: stop, allOff: make(chan struct{}), recording: make(chan struct{})}
	group, gctx := errgroup.WithContext(ctx)
	l.group, l.broken = group, gctx.Done()
	serving, hush := context.WithCancel(gctx)
	l.hush = hush
	defer func() {
		if err != nil {
			_, cerr := l.Close()
			err = errors.Join(err, cerr, l.leaveNothing())
		}
	}()
	for _, m := range c.Machines {
		l.boots = append(l.boots, &boot{lab: l, outer: outer, machine: m, how: PowerOn{Machine: m.Name}})
	}
	if c.Prepare != nil {
		l.preparing.Go(c.Prepare)
	}
	decided := make(chan struct{})
	go func() { // which reads much, and needs nothing of the network
		defer close(decided)
		l.decide()
	}()
	lan, hosts, err := c.network()
	<-decided
	defer func() {
		for _, b := range l.boots {
			b.release()
		}
	}()
	if err == nil {
		err = l.powerOn(ctx, serving, lan, hosts)
	}
	if perr := l.preparing.Wait(); perr != nil {
		err = perr // whatever else went wrong meanwhile, this is what was given
	}
	if err != nil {
		return nil, err
	}
	go func() {
		for _, b := range l.boots {
			<-b.process.Done()
		}
		close(l.allOff)
	}()
	return l, nil
}

// leaveNothing removes what machines that were loaded have left, if they were
// loaded in vain.
func (l *Lab) leaveNothing() error {
	if l.preparing.Wait() == nil {
		return nil
	}
	var errs []error
	for _, b := range l.boots {
		for _, file := range []string{ConsoleLog(b.machine.Name), CommandFile(b.machine.Name)} {
			if err := os.Remove(filepath.Join(l.config.Dir, file)); !errors.Is(err, fs.ErrNotExist) {
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}

// network makes the segment with the server hosts on it.
func (c *Config) network() (*network.Network, []*network.Host, error) {
	lan, err := network.New("lan")
	if err != nil {
		return nil, nil, err
	}
	hosts := make([]*network.Host, len(c.Hosts))
	for i, h := range c.Hosts {
		if hosts[i], err = lan.AddHost(h.HostConfig); err != nil {
			return nil, nil, err
		}
	}
	// The hosts are there since long; the machines' ports come up now.
	return lan, hosts, lan.Set(c.Switch)
}

// record starts the recorder. Close ends it, and nothing before: who ends has
// something to tell still.
func (l *Lab) record(ctx context.Context, lan *network.Network, hosts []*network.Host) error {
	events, err := newEventLog(filepath.Join(l.config.Dir, EventsFile))
	if err != nil {
		return err
	}
	l.events = events
	o := captures.Options{Digest: l.config.Digest}
	for _, h := range hosts {
		o.Servers = append(o.Servers, captures.ServerHost{MAC: h.MAC(), Addr: h.Addr().Addr()})
	}
	for _, m := range l.config.Machines {
		o.Machines = append(o.Machines, m.NICs[0].MAC)
	}
	r, err := captures.Record(context.WithoutCancel(ctx), captures.RecordConfig{
		File:    filepath.Join(l.config.Dir, CaptureFile),
		Exclude: []string{lan.Name()},
		Options: o,
		Sink: func(r *captures.Recorder, e captures.Event) {
			events.write(e)
			if l.config.Sink != nil {
				l.config.Sink(r, e)
			}
		},
	})
	if err != nil {
		return err
	}
	l.recorder = r
	return nil
}

// listen binds all servers, at once.
func (l *Lab) listen(ctx context.Context, hosts []*network.Host) ([]servers.Server, error) {
	var all []servers.Server
	bind, bctx := errgroup.WithContext(ctx)
	for i, h := range l.config.Hosts {
		on := hosts[i]
		for _, build := range h.Servers() {
			var s servers.Server
			s = build(func(text string) { l.say(on.Name(), s.Name(), text) })
			all = append(all, s)
			bind.Go(func() error {
				if err := s.Listen(bctx, on); err != nil {
					if errors.Is(err, unix.EADDRINUSE) {
						err = fmt.Errorf("%w; another server of this host has that port", err)
					}
					return fmt.Errorf("server %s on %s: %w", s.Name(), on.Name(), err)
				}
				return nil
			})
		}
	}
	return all, bind.Wait()
}

// serve has the servers answer.
func (l *Lab) serve(ctx context.Context, all []servers.Server) {
	for _, s := range all {
		l.group.Go(func() error {
			if err := s.Serve(ctx); err != nil {
				return fmt.Errorf("server %s: %w", s.Name(), err)
			}
			return nil
		})
	}
}

// say puts a server's word among the events.
func (l *Lab) say(host, server, text string) {
	l.recorder.Inject(captures.Event{
		At: time.Now(), Source: captures.Server, Kind: captures.ServerSays,
		Fields: []captures.Field{{Name: "host", Value: host}, {Name: "server", Value: server}, {Name: "text", Value: text}},
	})
}

// Wait waits until done is closed, every machine is off, or ctx ends. An error
// says that the lab itself broke, or is that of ctx.
func (l *Lab) Wait(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-l.allOff:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-l.broken:
	case <-l.recorder.Failed():
	}
	return errBroken // Close tells which part
}

// stopTime is how long QEMU may take to quit before it is killed.
const stopTime = 5 * time.Second

// Close ends the lab and returns what it recorded. The error is the lab's: a
// server that broke, a recorder that could not write.
func (l *Lab) Close() (*captures.Timeline, error) {
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	if l.recorder != nil {
		l.recorder.Rest()
	}
	l.hush() // servers and machines take their time to end, and can at once
	var off errgroup.Group
	for _, b := range l.boots {
		if b.process != nil {
			b.feelPulse()
			off.Go(func() error { return b.process.Stop(ctx) })
		}
	}
	_ = off.Wait() // one that has not stopped is killed by l.stop
	l.stop()
	errs := []error{l.group.Wait()}
	var t *captures.Timeline
	if l.recorder != nil {
		var err error
		t, err = l.recorder.Close()
		errs = append(errs, err)
	}
	if l.events != nil {
		errs = append(errs, l.events.close())
	}
	return t, errors.Join(errs...)
}

// RecorderCPU is the processor time that recording and judging took, known after
// Close.
func (l *Lab) RecorderCPU() time.Duration {
	if l.recorder == nil {
		return 0
	}
	return l.recorder.CPU()
}
