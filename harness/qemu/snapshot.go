package qemu

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/digitalocean/go-qemu/qmp"
)

// Pause stops the machine's processors. It sends nothing any more when Pause
// has returned.
func (p *Process) Pause(ctx context.Context) error { return p.Monitor.Run(ctx, "stop", nil, nil) }

// Resume has a machine go on that was paused, saved or loaded.
func (p *Process) Resume(ctx context.Context) error { return p.Monitor.Run(ctx, "cont", nil, nil) }

// Save writes the whole state of a paused machine to f, from where f stands:
// memory, devices and the contents of UEFI's flash. The machine can be resumed
// afterwards.
func (p *Process) Save(ctx context.Context, f *os.File) error {
	// By default QEMU writes at most 128 MiB/s, with a network in mind.
	fast := map[string]any{"max-bandwidth": int64(1) << 40}
	if err := p.Monitor.Run(ctx, "migrate-set-parameters", fast, nil); err != nil {
		return err
	}
	return p.migrate(ctx, "migrate", f)
}

// Load gives a machine that was started with Config.Incoming the state that
// Save wrote, from where f stands. QEMU ends if the state is not one of such a
// machine. The machine is then to be resumed.
func (p *Process) Load(ctx context.Context, f *os.File) error {
	// QEMU would send RARP in the machine's name, for switches to learn where it
	// has gone. It has gone nowhere.
	if err := p.Monitor.Run(ctx, "migrate-set-parameters", map[string]any{"announce-rounds": 0}, nil); err != nil {
		return err
	}
	return p.migrate(ctx, "migrate-incoming", f)
}

// stateName is what QEMU calls the descriptor that it is given.
const stateName = "state"

func (p *Process) migrate(ctx context.Context, command string, f *os.File) error {
	events := map[string]any{"capabilities": []any{map[string]any{"capability": "events", "state": true}}}
	err := p.Monitor.Run(ctx, "migrate-set-capabilities", events, nil)
	if err == nil {
		err = p.Monitor.RunWithFile(ctx, "getfd", map[string]any{"fdname": stateName}, f, nil)
	}
	if err == nil {
		err = p.Monitor.Run(ctx, command, map[string]any{"uri": "fd:" + stateName}, nil)
	}
	if err != nil {
		return p.whyEnded(ctx, err)
	}
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	select {
	case how := <-p.migrated:
		if how == "completed" {
			return nil
		}
		err := fmt.Errorf("QMP %s: %s", command, how)
		if command == "migrate" {
			return err
		}
		// QEMU says why on its standard error, and ends.
		select {
		case <-p.done:
			return p.whyEnded(ctx, err)
		case <-ctx.Done():
			return err
		}
	case <-p.done:
		return p.whyEnded(ctx, errGone)
	case <-ctx.Done():
		return fmt.Errorf("QMP %s: %w", command, ctx.Err())
	}
}

// whyEnded adds QEMU's last words to an error if the machine has ended, which
// a state that does not fit makes it do, and which is told by more than one
// channel.
func (p *Process) whyEnded(ctx context.Context, err error) error {
	select {
	case <-p.Monitor.gone:
	case <-p.done:
	default:
		return err
	}
	select {
	case <-p.done:
		return errors.Join(err, fmt.Errorf("QEMU ended: %s", p.words))
	case <-ctx.Done():
		return err
	}
}

// seeMigration tells migrate of the end of a migration.
func (p *Process) seeMigration(e qmp.Event) {
	if e.Event != "MIGRATION" {
		return
	}
	switch how, _ := e.Data["status"].(string); how {
	case "completed", "failed", "cancelled":
		select {
		case p.migrated <- how:
		default: // one at a time: an answer that nobody waits for
		}
	}
}
