package dhcp_test

import (
	"bufio"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pxeproof/pxeproof/harness/assets"
	"github.com/pxeproof/pxeproof/harness/network"
	"github.com/pxeproof/pxeproof/servers/conf"
	"github.com/pxeproof/pxeproof/servers/conf/kea"
)

// TestKeaReader asks Kea, and asks servers/conf/kea what it would answer. Which
// address of a pool it is, Kea's leases decide.
func TestKeaReader(t *testing.T) {
	tool, err := new(assets.Store).Tool(t.Context(), "kea-dhcp4")
	if err != nil {
		const cure = "Kea is not here, to be compared with; make setup gets it (Debian package kea-dhcp4-server)"
		if os.Getenv("CI") == "true" {
			t.Fatal(cure, err)
		}
		t.Skip(cure)
	}
	for _, of := range subjects(t, "testdata/kea", 10) {
		t.Run(of.name, func(t *testing.T) {
			s := newSide(t, of.server)
			s.opts = clients[0].opts
			cfg := startKea(t, tool, of, s.server)
			r := &reading{t: t, side: s, nameless: true}
			r.ours = func(m message) *described {
				a := cfg.Answer(kea.Query{Type: kea.MessageType(m.kind), MAC: m.mac, Options: m.options(), Server: of.server,
					Interface: s.server.Interface(), Address: r.yiaddr})
				return describeKea(a)
			}
			r.clients(of)
			if r.answers == 0 {
				t.Error("not one answer: the file compares nothing")
			}
			t.Logf("%d questions, %d answers", r.asked, r.answers)
		})
	}
}

func describeKea(a kea.Answer) *described {
	if a.Silent {
		return nil
	}
	d := &described{fields: fieldLines(a.Address.Value, a.SIAddr.Value, a.File.Value, a.SName.Value)}
	for _, o := range a.Options {
		d.options = append(d.options, optionLine(o.Code, o.Value))
	}
	return d
}

// startKea runs Kea in a host with a configuration, and returns it read. It
// returns when Kea serves.
func startKea(t *testing.T, tool assets.Tool, of subject, on *network.Host) *kea.Config {
	t.Helper()
	dir := t.TempDir()
	tested := filepath.Join(dir, "kea-dhcp4.conf")
	if err := os.WriteFile(tested, []byte(of.text), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := on.Command(ctx, tool.Path, "-c", tested)
	if len(cmd.Env) == 0 {
		cmd.Env = os.Environ()
	}
	cmd.Env = slices.Concat(cmd.Env, tool.Env, []string{"KEA_PIDFILE_DIR=" + dir, "KEA_LOCKFILE_DIR=none"})
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	var said []string
	ready := false
	for !ready && lines.Scan() {
		said = append(said, lines.Text())
		ready = strings.Contains(lines.Text(), "DHCP4_STARTED")
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for lines.Scan() { // read, so that Kea never waits
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-done
		_ = cmd.Wait() // killed
	})
	if !ready {
		t.Fatalf("Kea does not start:\n%s", strings.Join(said, "\n"))
	}
	cfg, problems := kea.Parse(tested, []byte(of.text), os.DirFS("/"))
	for _, p := range problems {
		if p.Effect > conf.Warning {
			t.Errorf("Kea starts with it, and the reader says: %v", p)
		}
	}
	return cfg
}

// withoutNames takes out the options by which names are told, which the reader
// of Kea's configuration does not predict.
func withoutNames(d *described) *described {
	if d != nil {
		d.options = slices.DeleteFunc(d.options, func(o string) bool { return strings.HasPrefix(o, "option 012:") })
	}
	return d
}
