package scenarios

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pxeproof/pxeproof/harness/sandbox"
)

// A box is the sandboxed half of a run, seen from outside.
type box struct {
	log     *os.File
	kill    context.CancelFunc
	started chan struct{} // closed when the next two are known
	process *sandbox.Process
	err     error
}

// openBox starts a sandbox for the run in dir, and does not wait for it: there
// are other things to prepare. The caller conducts the run in it or closes it.
func openBox(dir string) (*box, error) {
	log, err := os.Create(filepath.Join(dir, LabLog))
	if err != nil {
		return nil, err
	}
	// The sandbox is bound to nobody's context: it is asked to finish, and killed
	// only if it does not.
	live, kill := context.WithCancel(context.Background())
	b := &box{log: log, kill: kill, started: make(chan struct{})}
	go func() {
		defer close(b.started)
		b.process, b.err = sandbox.Start(live, sandboxEntry, log)
	}()
	return b, nil
}

// close ends the sandbox, if it is still there.
func (b *box) close() {
	<-b.started
	b.kill()
	if b.err == nil {
		_, _ = b.process.Wait()
	}
	b.log.Close()
}

// killTime is how long a sandbox that was asked to finish may take.
const killTime = 20 * time.Second

// errLifeless says that a run has to be done again, cold.
var errLifeless = errors.New("a machine was resumed from its snapshot and showed no sign of life; the snapshot is removed, and the run done again from the machine's beginning")

// conduct has the sandbox do the run, passes on what it says, and closes it.
func (o Options) conduct(ctx context.Context, b *box, req labRequest) (Result, *labTimes, error) {
	defer b.close()
	<-b.started
	if b.err != nil {
		return Result{}, nil, b.err
	}
	p := b.process
	defer context.AfterFunc(ctx, func() {
		_ = p.Stop()
		time.AfterFunc(killTime, b.kill)
	})()
	if err := p.Conn.Send(req); err != nil {
		return Result{}, nil, fmt.Errorf("starting the lab: %w", err)
	}
	last, err := o.listen(p.Conn)
	if err != nil {
		return Result{}, nil, fmt.Errorf("the lab speaks gibberish: %w", err)
	}
	_, werr := p.Wait()
	switch {
	case last.Lifeless:
		return Result{}, nil, errLifeless
	case last.Error != "" && last.Input:
		return Result{}, nil, &InputError{errors.New(last.Error)}
	case last.Verdict != nil:
		res := Result{Dir: req.Dir, Verdict: *last.Verdict, Memory: last.Memory}
		if last.Error != "" {
			return res, nil, errors.New(last.Error)
		}
		return res, last.Times, nil
	case last.Error != "":
		return Result{}, nil, errors.New(last.Error)
	case werr != nil:
		return Result{}, nil, fmt.Errorf("the lab broke: %w%s", werr, lastWords(b.log))
	}
	return Result{}, nil, fmt.Errorf("the lab ended without a verdict%s", lastWords(b.log))
}

// listen passes on what the sandbox says until it has gone. The last message is
// the one that counts.
func (o Options) listen(c *sandbox.Conn) (last labMessage, err error) {
	for {
		var m labMessage
		err := c.Receive(&m)
		if err == io.EOF {
			return last, nil
		}
		if err != nil {
			return last, err
		}
		switch {
		case m.Update != nil && o.Update != nil:
			o.Update(*m.Update)
		case m.Warning != "" && o.Warn != nil:
			o.Warn(m.Warning)
		case m.Verdict != nil || m.Error != "":
			last = m
		}
	}
}

// lastWords is the end of the sandbox's own log.
func lastWords(log *os.File) string {
	b, err := os.ReadFile(log.Name())
	text := strings.TrimSpace(string(b))
	if err != nil || text == "" {
		return ""
	}
	const most = 2000
	if len(text) > most {
		text = "…" + text[len(text)-most:]
	}
	return ":\n" + text
}
