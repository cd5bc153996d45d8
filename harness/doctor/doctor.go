// Package doctor looks whether this machine can run a lab. It does not read
// what ought to work: it makes the namespaces, opens the device, starts QEMU.
//
// Every check is small and on its own, and knows the one command that cures what
// it finds, on this distribution. [Examine] runs them all; a newcomer adds one to
// the slice in [checks].
package doctor

import (
	"context"

	"github.com/pxeproof/pxeproof/harness/assets"
)

// A State is the outcome of a check.
type State string

const (
	OK State = "ok"
	// Missing: a lab does not run without it.
	Missing State = "missing"
	// Optional: it is not there, and only some uses need it.
	Optional State = "optional"
)

// A Result is what one check found.
type Result struct {
	Group string `json:"group"` // "lab", "boot files", "for comparison"
	Name  string `json:"name"`
	State State  `json:"state"`
	Text  string `json:"text"`           // what was found, or what it means that it was not
	Cure  string `json:"cure,omitempty"` // a command for a shell; empty if all is well or nothing helps
}

// A Report is all results, in the order of the checks.
type Report struct {
	Ready   bool     `json:"ready"` // nothing is Missing
	Results []Result `json:"results"`
}

// Options say what is needed. The zero value asks for a lab alone.
type Options struct {
	// Need are the assets without which the machine is not ready.
	Need []string
	// QEMU is the program. Default: qemu-system-x86_64 from PATH.
	QEMU string
	// NIC is the card whose ROM is tried. Default virtio-net-pci.
	NIC string
	// Store finds assets. Default: a zero Store.
	Store *assets.Store
}

// A check looks at one thing.
type check func(ctx context.Context, x *examination) Result

// An examination is what checks have in common.
type examination struct {
	Options
	sandbox answer // what the sandbox said
}

// checks is every check, under its heading.
func (x *examination) checks() []struct {
	group  string
	checks []check
} {
	return []struct {
		group  string
		checks []check
	}{
		{"lab", []check{checkQEMU, checkFirmware, checkNamespaces, checkNetwork, checkTun, checkUsers, checkKVM}},
		{"boot files", append(x.needed(), x.optional()...)},
		{"for comparison and for your own reading", daemons()},
	}
}

// Examine runs every check. The program must have given Entries to
// sandbox.Enter.
func Examine(ctx context.Context, o Options) (Report, error) {
	if o.Store == nil {
		o.Store = &assets.Store{}
	}
	if o.NIC == "" {
		o.NIC = "virtio-net-pci"
	}
	x := &examination{Options: o}
	x.sandbox = trySandbox(ctx)
	r := Report{Ready: true}
	for _, g := range x.checks() {
		for _, c := range g.checks {
			if err := ctx.Err(); err != nil {
				return Report{}, err
			}
			res := c(ctx, x)
			res.Group = g.group
			if res.State == Missing {
				r.Ready = false
			}
			r.Results = append(r.Results, res)
		}
	}
	return r, nil
}
