package nfs_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/pxeproof/pxeproof/harness/assets"
	"github.com/pxeproof/pxeproof/harness/network"
	"github.com/pxeproof/pxeproof/servers"
	"github.com/pxeproof/pxeproof/servers/conf/exports"
	"github.com/pxeproof/pxeproof/servers/nfs"
	"github.com/pxeproof/pxeproof/servers/portmap"
)

// A lab is a server host and a client host on one segment.
type lab struct {
	t              testing.TB
	network        *network.Network
	server, client *network.Host
}

// labs counts them: all are in one sandbox, and interfaces need names.
var labs atomic.Int32

const serverAddr = "192.168.1.103"

// newLab serves root as the exports file says.
func newLab(t testing.TB, root, exportsFile string) *lab {
	t.Helper()
	file, problems := exports.Parse("exports", []byte(exportsFile), nil)
	for _, p := range problems {
		t.Log(p.Error())
	}
	n, err := network.New(fmt.Sprintf("br%d", labs.Add(1)))
	if err != nil {
		t.Fatal(err)
	}
	l := &lab{t: t, network: n}
	l.server = l.host(n, "server", serverAddr+"/24")
	l.client = l.host(n, "client", "192.168.1.50/24")
	serve(t, l.server,
		portmap.New(portmap.Config{Mappings: nfs.Mappings(), Log: func(s string) { t.Log(s) }}),
		nfs.New(nfs.Config{Exports: file, Root: root, Log: func(s string) { t.Log(s) }}))
	return l
}

func (l *lab) host(n *network.Network, name, addr string) *network.Host {
	l.t.Helper()
	h, err := n.AddHost(network.HostConfig{Name: n.Name() + name[:1], Addr: netip.MustParsePrefix(addr)})
	if err != nil {
		l.t.Fatal(err)
	}
	return h
}

// serve runs servers until the test ends.
func serve(t testing.TB, on servers.Host, all ...servers.Server) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var g errgroup.Group
	t.Cleanup(func() {
		cancel()
		if err := g.Wait(); err != nil {
			t.Error(err)
		}
	})
	for _, s := range all {
		if err := s.Listen(ctx, on); err != nil {
			t.Fatal(err)
		}
		g.Go(func() error { return s.Serve(ctx) })
	}
}

// run runs a program on the client and gives what it printed.
func (l *lab) run(name string, arg ...string) (string, error) {
	l.t.Helper()
	path, env := program(l.t, name)
	cmd := l.client.Command(l.t.Context(), path, arg...)
	cmd.Env = append(cmd.Env, env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// mustRun is run for what must go well.
func (l *lab) mustRun(name string, arg ...string) string {
	l.t.Helper()
	out, err := l.run(name, arg...)
	if err != nil {
		l.t.Fatalf("%s %q: %v\n%s", name, arg, err, out)
	}
	return out
}

// ports gives each connection a privileged port of its own.
var ports atomic.Int32

// dial connects to the server's NFS port from a port below 1024.
func (l *lab) dial() *client {
	l.t.Helper()
	return l.dialAt(serverAddr)
}

// dialAt is dial to another server.
func (l *lab) dialAt(server string) *client {
	l.t.Helper()
	return l.connect(server, 512+int(ports.Add(1)%500))
}

// dialFrom connects from a port of the caller's choice.
func (l *lab) dialFrom(port int) *client {
	l.t.Helper()
	return l.connect(serverAddr, port)
}

func (l *lab) connect(server string, port int) *client {
	l.t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: l.client.Addr().Addr().AsSlice(), Port: port}}
	var c net.Conn
	err := l.client.Do(func() (err error) {
		c, err = d.DialContext(l.t.Context(), "tcp4", net.JoinHostPort(server, "2049"))
		return err
	})
	if err != nil {
		l.t.Fatal(err)
	}
	return newClient(l.t, c)
}

// program finds a peer: in the store of tools, or else on PATH.
func program(t testing.TB, name string) (path string, env []string) {
	t.Helper()
	var store assets.Store
	if slices.Contains(assets.Tools(), name) {
		tool, err := store.Tool(t.Context(), name)
		if err != nil {
			missing(t, err)
		}
		return tool.Path, tool.Env
	}
	path, err := exec.LookPath(name)
	if err != nil {
		missing(t, err)
	}
	return path, nil
}

// missing skips a test for want of something, and fails it in CI, where
// everything is to be there.
func missing(t testing.TB, err error) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%v; make setup provides it", err)
	}
	t.Skipf("%v; make setup provides it", err)
}

// write makes a file with its folders.
func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
