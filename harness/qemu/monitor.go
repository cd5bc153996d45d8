package qemu

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/digitalocean/go-qemu/qmp"
)

// A Monitor is a QMP connection. It wraps go-qemu's, which stalls when nobody
// reads its events, knows no deadlines and waits for ever on a machine that has
// gone.
type Monitor struct {
	mon    *qmp.SocketMonitor
	mu     sync.Mutex // one command at a time, so that a deadline is a command's own
	events chan qmp.Event
	gone   chan struct{} // closed when the connection has ended
}

// commandTimeout bounds a QMP command whose context has no deadline. QEMU
// answers in milliseconds unless it is dead.
const commandTimeout = 30 * time.Second

// listenQMP makes the socket on which QEMU will answer. It is an abstract one:
// it has no file, and is visible in this network namespace alone. The listener
// exists before QEMU does, so a client need not wait for it.
func listenQMP(name string) (f *os.File, address string, err error) {
	address = "@pxeproof-" + name
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: address, Net: "unix"})
	if err != nil {
		return nil, "", fmt.Errorf("QMP socket: %w", err)
	}
	defer l.Close()
	f, err = l.File()
	return f, address, err
}

// dialMonitor connects to QEMU's monitor. If QEMU ends before it has answered,
// the connection ends with it.
func dialMonitor(ctx context.Context, address string) (*Monitor, error) {
	mon, err := qmp.NewSocketMonitor("unix", address, commandTimeout)
	if err != nil {
		return nil, fmt.Errorf("QMP: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = mon.Disconnect() })
	defer stop()
	if err := mon.Connect(); err != nil {
		_ = mon.Disconnect()
		return nil, fmt.Errorf("QMP: QEMU did not say hello: %w", err)
	}
	in, err := mon.Events(ctx)
	if err != nil {
		_ = mon.Disconnect()
		return nil, fmt.Errorf("QMP: %w", err)
	}
	m := &Monitor{mon: mon, events: make(chan qmp.Event, 64), gone: make(chan struct{})}
	go m.pump(in)
	return m, nil
}

// pump takes events off the wire without pause. Nobody need read Events: what
// does not fit its buffer is dropped, oldest first.
func (m *Monitor) pump(in <-chan qmp.Event) {
	defer close(m.gone)
	defer close(m.events)
	for e := range in {
		for sent := false; !sent; {
			select {
			case m.events <- e:
				sent = true
			default:
				select {
				case <-m.events:
				default:
				}
			}
		}
	}
}

// Events are QEMU's own; the channel is closed when QEMU ends.
func (m *Monitor) Events() <-chan qmp.Event { return m.events }

// Version is QEMU's.
func (m *Monitor) Version() string { return m.mon.Version.String() }

// Run executes a QMP command and decodes what it returns into result, which may
// be nil. args may be nil.
func (m *Monitor) Run(ctx context.Context, command string, args, result any) error {
	return m.RunWithFile(ctx, command, args, nil, result)
}

// RunWithFile is Run for a command that takes a descriptor, such as getfd. QEMU
// gets a copy of file.
func (m *Monitor) RunWithFile(ctx context.Context, command string, args any, file *os.File, result any) error {
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	m.mu.Lock()
	defer m.mu.Unlock()
	b, err := json.Marshal(qmp.Command{Execute: command, Args: args})
	if err != nil {
		return fmt.Errorf("QMP %s: %w", command, err)
	}
	type answer struct {
		b   []byte
		err error
	}
	done := make(chan answer, 1)
	go func() {
		b, err := m.mon.RunWithFile(b, file)
		done <- answer{b, err}
	}()
	select {
	case a := <-done:
		return decode(command, a.b, a.err, result)
	case <-m.gone:
		// The reply to quit may race the end of the connection.
		select {
		case a := <-done:
			return decode(command, a.b, a.err, result)
		default:
			return fmt.Errorf("QMP %s: %w", command, errGone)
		}
	case <-ctx.Done():
		// The reply may still come, and would be taken for the next command's:
		// this connection is of no more use.
		_ = m.mon.Disconnect()
		return fmt.Errorf("QMP %s: %w", command, ctx.Err())
	}
}

func decode(command string, b []byte, err error, result any) error {
	if err != nil {
		return fmt.Errorf("QMP %s: %w", command, err)
	}
	if result == nil {
		return nil
	}
	var r struct {
		Return json.RawMessage `json:"return"`
	}
	if err := json.Unmarshal(b, &r); err != nil {
		return fmt.Errorf("QMP %s: %w", command, err)
	}
	return json.Unmarshal(r.Return, result)
}

// Close ends the connection.
func (m *Monitor) Close() error { return m.mon.Disconnect() }
