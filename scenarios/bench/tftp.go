package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/pxeproof/pxeproof/harness/sandbox"
	"github.com/pxeproof/pxeproof/scenarios"
)

// TFTPOptions say what TFTP measures.
type TFTPOptions struct {
	Sweep
	// Servers are names of TFTPServers. Default all; those that are not there are
	// left out, and the result says so.
	Servers []string
	// Rounds is how often each server is measured in each cell, default 5, or each
	// firmware with each clamp, default 1.
	Rounds int
	// Each is how long a transfer is to take, about, from a server that sleeps. Default 0.2 s.
	Each time.Duration
	// Client is how the client waits: ClientPolls, the default, or ClientSleeps.
	Client string
	// Firmware are names of Firmwares, whose boots are measured in place of the
	// sweep, from the built-in server, which clamps blksize to each of BlockSizes
	// (default Clamps). They run under KVM or TCG as it comes.
	Firmware []string
	// Progress hears how much of the work is done, in seconds as it was thought to
	// take, and what is being measured. Nil is quiet.
	Progress func(done, total float64, text string)
}

// Defaults of TFTPOptions.
const (
	DefaultRounds = 5
	DefaultEach   = 200 * time.Millisecond
)

// How a client waits for a packet.
const (
	// ClientPolls asks again and again, as firmware does, which has no scheduler.
	ClientPolls = "polls"
	// ClientSleeps is woken, as a program of an operating system is. On two
	// processors of a virtual machine that is most of a block's time.
	ClientSleeps = "sleeps"
)

// TFTP measures TFTP servers side by side: every server in every cell of the
// sweep, in turn, several times over, with one client over one link, the client
// and the server each on a processor of its own. When ctx ends it returns what
// it has, and the result says that it is Partial. An error is an
// *scenarios.InputError, or says that the lab broke.
func TFTP(ctx context.Context, o TFTPOptions) (*TFTPResult, error) {
	if o.Each <= 0 {
		o.Each = DefaultEach
	}
	switch o.Client {
	case "":
		o.Client = ClientPolls
	case ClientPolls, ClientSleeps:
	default:
		return nil, &scenarios.InputError{Err: fmt.Errorf("a client %s or %s; it knows no %q", ClientPolls, ClientSleeps, o.Client)}
	}
	if o.Progress == nil {
		o.Progress = func(float64, float64, string) {}
	}
	r := &TFTPResult{Schema: TFTPSchema, Date: time.Now().UTC().Truncate(time.Second), Machine: thisMachine()}
	dir, err := os.MkdirTemp("", "pxeproof-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if len(o.Firmware) > 0 {
		r.Rounds = max(o.Rounds, 1)
		o.Rounds = r.Rounds
		r.Firmware, err = bootFirmware(ctx, o, dir)
		r.Partial = ctx.Err() != nil
		return r, err
	}
	cells, err := o.cells()
	if err != nil {
		return nil, &scenarios.InputError{Err: err}
	}
	if o.Rounds <= 0 {
		o.Rounds = DefaultRounds
	}
	r.Rounds, r.Client = o.Rounds, o.Client
	found, err := findServers(ctx, o.Servers)
	if err != nil {
		return nil, err
	}
	r.Servers = found
	req := tftpRequest{Dir: dir, Cells: cells, Rounds: o.Rounds, Each: o.Each, Client: o.Client}
	for _, s := range found {
		if s.Missing == "" {
			req.Servers = append(req.Servers, foundServer{s, s.Path, s.Env})
		}
	}
	if len(req.Servers) == 0 {
		return nil, errors.New("none of these servers is there")
	}
	last, err := o.conduct(ctx, req)
	if err != nil {
		return nil, err
	}
	r.Rows, r.Recording, r.Partial = last.Rows, last.Recording, last.Partial
	for _, l := range last.Lost {
		for i := range r.Servers {
			if r.Servers[i].Name == l.Name {
				r.Servers[i].Missing = l.Why
			}
		}
	}
	return r, nil
}

// killTime is how long a sandbox that was asked to finish may take.
const killTime = 20 * time.Second

// conduct starts the sandbox and passes on what it says.
func (o TFTPOptions) conduct(ctx context.Context, req tftpRequest) (last tftpMessage, err error) {
	// The sandbox is not bound to ctx: it is asked to finish, and killed only if
	// it does not.
	live, kill := context.WithCancel(context.Background())
	defer kill()
	log, err := os.Create(filepath.Join(req.Dir, "log"))
	if err != nil {
		return last, err
	}
	defer log.Close()
	p, err := sandbox.Start(live, tftpEntry, log)
	if err != nil {
		return last, err
	}
	defer context.AfterFunc(ctx, func() {
		_ = p.Stop()
		time.AfterFunc(killTime, kill)
	})()
	if err := p.Conn.Send(req); err != nil {
		p.Kill()
		_, _ = p.Wait()
		return last, fmt.Errorf("starting the benchmark: %w", err)
	}
	for {
		var m tftpMessage
		err = p.Conn.Receive(&m)
		if err != nil {
			break
		}
		if m.Ended {
			last = m
		} else {
			o.Progress(m.Done, m.Total, m.Text)
		}
	}
	if err != io.EOF {
		p.Kill()
	}
	_, werr := p.Wait()
	switch {
	case last.Error != "":
		return last, errors.New(last.Error + words(log))
	case last.Ended:
		return last, nil
	case err != io.EOF:
		werr = errors.Join(err, werr)
	}
	return last, fmt.Errorf("the benchmark broke: %w%s", werr, words(log))
}

// words are what the sandbox wrote for people.
func words(log *os.File) string {
	b, err := os.ReadFile(log.Name())
	if err != nil || len(b) == 0 {
		return ""
	}
	const most = 2000
	return "\n" + string(b[max(0, len(b)-most):])
}
