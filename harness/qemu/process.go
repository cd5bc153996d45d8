package qemu

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/digitalocean/go-qemu/qmp"
	"golang.org/x/sync/errgroup"
)

// Config is what Start needs besides the Machine.
type Config struct {
	Machine Machine
	// Program is the QEMU binary. Default "qemu-system-x86_64", from PATH.
	Program string
	// Ports are the network's ends of the machine's cables, one for each NIC.
	// Start closes them.
	Ports []Port
	// Console, if not nil, gets every byte of the serial console.
	Console io.Writer
	// Line is called with every line of the console, in order, and after the
	// frames that the machine sent before it have gone out at its Ports.
	Line func(at time.Time, text string)
	// Settle, if not nil, returns when these frames have come to wherever they
	// are to be before Line is called, or when ctx ends.
	Settle func(ctx context.Context)
	// Event, if not nil, is called with QEMU's events, in order.
	Event func(qmp.Event)
	// Answers are typed to prompts of the console.
	Answers []Answer
	// Incoming starts a machine that does nothing until Process.Load has given
	// it the state of another and Process.Resume has it go on.
	Incoming bool
}

// A Port is the network's end of a machine's cable.
type Port struct {
	File   *os.File
	Stream bool // as in PortFD
}

// A Process is a machine that has been switched on.
type Process struct {
	// Args is the command line, for a log that can be repeated by hand.
	Args    []string
	Monitor *Monitor

	stdin    io.WriteCloser
	mu       sync.Mutex // over stdin
	group    *errgroup.Group
	done     chan struct{}
	migrated chan string // how a migration ended
	asked    atomic.Bool // Stop was called while it ran
	exit     error       // how QEMU ended
	words    string
	memory   int64
}

// DefaultProgram is the QEMU binary for PCs.
const DefaultProgram = "qemu-system-x86_64"

// Start switches a machine on. It returns when QEMU answers on its monitor. The
// machine is ended when ctx is.
func Start(ctx context.Context, c Config) (*Process, error) {
	defer func() {
		for _, p := range c.Ports {
			p.File.Close()
		}
	}()
	program, err := LookProgram(c.Program)
	if err != nil {
		return nil, err
	}
	sock, address, err := listenQMP(c.Machine.Name)
	if err != nil {
		return nil, err
	}
	defer sock.Close()
	wiring := Wiring{QMP: 3, Incoming: c.Incoming}
	files := []*os.File{sock}
	for i, p := range c.Ports {
		wiring.Ports = append(wiring.Ports, PortFD{FD: 4 + i, Stream: p.Stream})
		files = append(files, p.File)
	}
	args, err := c.Machine.Args(wiring)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.ExtraFiles = files
	stderr := &tail{}
	cmd.Stderr = stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	// Not StdoutPipe, which Wait closes under a reader that has not finished.
	out, childOut, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Stdout = childOut
	err = cmd.Start()
	childOut.Close()
	if err != nil {
		out.Close()
		return nil, fmt.Errorf("starting QEMU: %w", err)
	}
	sock.Close() // QEMU's copy is the only one now: its end ends the connection
	p := &Process{Args: append([]string{program}, args...), stdin: stdin, done: make(chan struct{}), migrated: make(chan string, 1)}
	p.group = new(errgroup.Group)
	lines := newLineQueue()
	p.group.Go(func() error {
		defer out.Close()
		defer close(lines.ended)
		return readConsole(out, c.Console, &screen{line: lines.add, printed: answering(c.Answers, p.Type)})
	})
	mon, err := dialMonitor(ctx, address)
	if err != nil {
		_ = cmd.Process.Kill()
		_ = p.group.Wait()
		_ = cmd.Wait()
		if said := stderr.String(); said != "" {
			return nil, fmt.Errorf("QEMU did not start: %s; pxeproof doctor says what is missing", said)
		}
		return nil, err
	}
	p.Monitor = mon
	p.group.Go(func() error {
		if c.Line != nil {
			lines.handOn(func() {
				mon.flush()
				if c.Settle != nil {
					c.Settle(ctx)
				}
			}, c.Line)
		}
		return nil
	})
	p.group.Go(func() error {
		for e := range mon.Events() {
			p.seeMigration(e)
			if c.Event != nil {
				c.Event(e)
			}
		}
		return nil
	})
	go func() {
		err := p.group.Wait()
		p.exit = errors.Join(cmd.Wait(), err)
		p.words = stderr.String()
		if u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
			p.memory = u.Maxrss << 10
		}
		close(p.done)
	}()
	return p, nil
}

// LookProgram finds the QEMU binary; an empty name is DefaultProgram.
func LookProgram(name string) (string, error) {
	if name == "" {
		name = DefaultProgram
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("QEMU is not there: %w; install it (Debian: apt-get install qemu-system-x86 ipxe-qemu)", err)
	}
	return path, nil
}

// Done is closed when the machine is off and its console read to the end.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err is how QEMU ended: nil for a machine that was switched off. Valid after
// Done.
func (p *Process) Err() error { return p.exit }

// Stopped says that it was Stop that ended the machine.
func (p *Process) Stopped() bool { return p.asked.Load() }

// Memory is the most memory that QEMU had resident, in bytes, the guest's
// included. Valid after Done.
func (p *Process) Memory() int64 { return p.memory }

// Words are QEMU's last on its standard error. Valid after Done.
func (p *Process) Words() string { return p.words }

// Type sends text to the serial console.
func (p *Process) Type(text string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, err := io.WriteString(p.stdin, text)
	return err
}

// Stop switches the machine off and waits until it is.
func (p *Process) Stop(ctx context.Context) error {
	select {
	case <-p.done:
		return nil
	default:
	}
	p.asked.Store(true)
	if err := p.Monitor.Run(ctx, "quit", nil, nil); err != nil && !errors.Is(err, errGone) {
		select {
		case <-p.done:
		default:
			return err
		}
	}
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// tail keeps the end of what QEMU says on its standard error.
type tail struct {
	mu sync.Mutex
	b  []byte
}

const tailSize = 4096

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, b...)
	if over := len(t.b) - tailSize; over > 0 {
		t.b = t.b[over:]
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.ReplaceAll(strings.TrimSpace(string(t.b)), "\n", "; ")
}
