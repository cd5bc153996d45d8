package doctor

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/pxeproof/pxeproof/harness/network"
	"github.com/pxeproof/pxeproof/harness/sandbox"
)

const entryName = "doctor"

// Entries are what a program that calls Examine must give to sandbox.Enter.
func Entries() map[string]sandbox.Entry {
	return map[string]sandbox.Entry{entryName: inside}
}

// An answer is what was tried in a sandbox. Empty texts are good news.
type answer struct {
	Start  string `json:"-"` // why there is no sandbox
	Allow  string `json:"-"` // the sysctl setting that forbids it, as it should be
	Bridge string `json:"bridge,omitempty"`
	Tap    string `json:"tap,omitempty"`
	UIDMap string `json:"uid_map,omitempty"` // of the sandbox, as the kernel tells it
	OneID  error  `json:"-"`                 // why it has one id, nil if it has more
}

// inside tries what every lab does first.
func inside(_ context.Context, c *sandbox.Conn) int {
	var a answer
	if b, err := os.ReadFile("/proc/self/uid_map"); err == nil {
		a.UIDMap = string(b)
	}
	lan, err := network.New("lan")
	if err != nil {
		a.Bridge = err.Error()
	} else if tap, err := lan.AddTap("machine"); err != nil {
		a.Tap = err.Error()
	} else {
		tap.Close()
	}
	if err := c.Send(a); err != nil {
		return 1
	}
	return 0
}

// trySandbox makes a sandbox and asks it.
func trySandbox(ctx context.Context) answer {
	log, err := os.CreateTemp("", "pxeproof-doctor-")
	if err != nil {
		return answer{Start: err.Error()}
	}
	defer log.Close()
	defer os.Remove(log.Name())
	p, err := sandbox.Start(ctx, entryName, log)
	if refused, ok := errors.AsType[*sandbox.RefusedError](err); ok {
		return answer{Start: err.Error(), Allow: refused.Allow}
	}
	if err != nil {
		return answer{Start: err.Error()}
	}
	var a answer
	err = p.Conn.Receive(&a)
	if status, werr := p.Wait(); err == nil && status != 0 {
		err = werr
	}
	if err != nil {
		text := err.Error()
		if said, rerr := os.ReadFile(log.Name()); rerr == nil && len(said) > 0 {
			text = strings.TrimSpace(string(said))
		} else if errors.Is(err, io.EOF) {
			text = "the sandbox ended without a word"
		}
		a = answer{Start: text}
		if os.Getuid() != 0 {
			a.Allow = sandbox.Forbidden()
		}
		return a
	}
	a.OneID = p.OneID()
	return a
}
