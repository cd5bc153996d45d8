package dhcp_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pxeproof/pxeproof/harness/assets"
	"github.com/pxeproof/pxeproof/harness/network"
	"github.com/pxeproof/pxeproof/servers/conf"
	"github.com/pxeproof/pxeproof/servers/conf/dhcpd"
	"github.com/pxeproof/pxeproof/servers/dhcp"
)

// findDHCPD finds ISC's dhcpd: in PATH, or where make setup unpacks it.
func findDHCPD(t *testing.T) string {
	t.Helper()
	if p, err := exec.LookPath("dhcpd"); err == nil {
		return p
	}
	if tool, err := new(assets.Store).Tool(t.Context(), "dhcpd"); err == nil {
		return tool.Path
	}
	const cure = "ISC dhcpd is not here, to be compared with; make setup gets it (Debian package isc-dhcp-server)"
	if os.Getenv("CI") == "true" {
		t.Fatal(cure)
	}
	t.Skip(cure)
	return ""
}

// A side is one of the two servers that are compared, on a network of its own.
type side struct {
	*wire
	server *network.Host
	opts   []option // of the sentinel's question
}

// sentinel is a client that every configuration under test answers: both
// servers answer in turn, so once it has its answer, what came before it will
// have none.
var sentinel = net.HardwareAddr{2, 0xff, 0xff, 0xff, 0xff, 0xff}

// wrapper is the configuration that includes the one under test. dhcpd's ping
// would make every offer a second late.
func wrapper(include string, server netip.Prefix) string {
	return fmt.Sprintf("ping-check false;\ninclude %q;\nhost sentinel { hardware ethernet %s; fixed-address %s; allow booting; allow bootp; }\n",
		include, sentinel, server.Addr())
}

// ask sends a message, and returns the server's reply, nil if it gives none.
func (s *side) ask(m message) *reply {
	s.t.Helper()
	s.send(m.frame(s.server.MAC()))
	rounds := 1
	if m.port != 0 {
		// A server may look at the usual port first. By the second time it has
		// looked at both.
		rounds = 2
	}
	var got *reply
	for range rounds {
		if r := s.untilSentinel(m.xid); r != nil {
			got = r
		}
	}
	return got
}

// untilSentinel asks for the sentinel, and returns the reply to xid that comes
// before its answer.
func (s *side) untilSentinel(xid uint32) *reply {
	s.send(message{mac: sentinel, kind: 1, xid: 0xffffffff, secs: 0xffff, opts: s.opts}.frame(nil))
	var got *reply
	for {
		r := s.next()
		switch r.xid() {
		case 0xffffffff:
			return got
		case xid:
			got = r
		}
	}
}

// startISC runs dhcpd in a host and returns when it serves.
func startISC(t *testing.T, program, config string, on *network.Host) {
	t.Helper()
	dir := t.TempDir()
	leases := filepath.Join(dir, "leases")
	if err := os.WriteFile(leases, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := on.Command(ctx, program, "-f", "-d", "-4", "-user", "root", "-group", "root", "-cf", config,
		"-lf", leases, "-pf", filepath.Join(dir, "pid"), on.Interface())
	out, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said []string
	lines := bufio.NewScanner(out)
	ready := false
	for !ready && lines.Scan() {
		said = append(said, lines.Text())
		ready = strings.Contains(lines.Text(), "Server starting service.")
	}
	done := make(chan struct{})
	var log []string
	go func() {
		defer close(done)
		for lines.Scan() {
			log = append(log, lines.Text())
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-done
		_ = cmd.Wait() // killed
		if t.Failed() {
			t.Logf("dhcpd:\n%s", strings.Join(log, "\n"))
		}
	})
	if !ready {
		t.Fatalf("dhcpd does not start:\n%s", strings.Join(said, "\n"))
	}
}

// pair starts both servers with a configuration.
func pair(t *testing.T, program string, of subject) (isc, ours *side) {
	t.Helper()
	dir := t.TempDir()
	config, tested := filepath.Join(dir, "dhcpd.conf"), filepath.Join(dir, "tested.conf")
	text := wrapper(tested, of.server)
	for name, text := range map[string]string{config: text, tested: of.text} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	isc, ours = newSide(t, of.server), newSide(t, of.server)
	startISC(t, program, config, isc.server)

	cfg, problems, err := dhcpd.Parse(config, []byte(text), os.DirFS("/"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if p.Effect > conf.Warning {
			t.Errorf("dhcpd starts with it, and the reader says: %v", p)
		}
	}
	var log []string
	serve(t, dhcp.New(cfg, dhcp.Options{Log: func(l string) { log = append(log, l) }}), ours.server)
	return isc, ours
}

var sides int

func newSide(t *testing.T, server netip.Prefix) *side {
	t.Helper()
	sides++
	n := segment(t, fmt.Sprintf("n%d", sides))
	s := host(t, n, fmt.Sprintf("s%d", sides), server.String())
	// The machine needs no address of its own; this one is on no network here.
	m := host(t, n, fmt.Sprintf("m%d", sides), "203.0.113.9/32")
	return &side{wire: plug(t, m), server: s}
}
