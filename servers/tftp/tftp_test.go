package tftp_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/pxeproof/pxeproof/harness/network"
	"github.com/pxeproof/pxeproof/harness/sandbox"
	"github.com/pxeproof/pxeproof/servers/tftp"
)

func TestMain(m *testing.M) {
	sandbox.Enter(nil)
	runRole()
	sandbox.Main(m)
}

const serverAddr = "192.168.1.103"

// A lab is a server's host and a client's on one network.
type lab struct {
	root           string
	network        *network.Network
	server, client *network.Host
}

var bridges int

func newLab(t *testing.T) *lab {
	t.Helper()
	bridges++
	n, err := network.New(fmt.Sprintf("br%d", bridges))
	if err != nil {
		t.Fatal(err)
	}
	l := &lab{root: t.TempDir(), network: n}
	// A host that nobody refers to any more goes away with its namespace.
	t.Cleanup(func() { runtime.KeepAlive(l) })
	if l.server, err = n.AddHost(network.HostConfig{
		Name: fmt.Sprintf("s%d", bridges), Addr: netip.MustParsePrefix(serverAddr + "/24"),
	}); err != nil {
		t.Fatal(err)
	}
	if l.client, err = n.AddHost(network.HostConfig{
		Name: fmt.Sprintf("c%d", bridges), Addr: netip.MustParsePrefix("192.168.1.50/24"),
	}); err != nil {
		t.Fatal(err)
	}
	return l
}

// start runs a server until the test ends.
func (l *lab) start(t *testing.T, c tftp.Config) {
	t.Helper()
	if c.Root == "" {
		c.Root = l.root
	}
	s := tftp.New(c)
	if err := s.Listen(t.Context(), l.server); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
}

// write puts a file of reproducible noise into the root.
func (l *lab) write(t *testing.T, name string, size int) []byte {
	t.Helper()
	b := make([]byte, size)
	rand.NewChaCha8([32]byte{byte(size)}).Read(b)
	path := filepath.Join(l.root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return b
}

// A fetcher is somebody else's client: the program and the arguments that put
// the file from into the local file to.
type fetcher struct {
	name    string
	program string
	args    func(from, to string) []string
}

var fetchers = []fetcher{
	{name: "curl", program: "curl", args: func(from, to string) []string {
		return []string{"-sS", "-o", to, "tftp://" + serverAddr + "//" + from}
	}},
	{name: "curl-no-options", program: "curl", args: func(from, to string) []string {
		return []string{"-sS", "--tftp-no-options", "-o", to, "tftp://" + serverAddr + "//" + from}
	}},
	{name: "curl-blksize-1468", program: "curl", args: func(from, to string) []string {
		return []string{"-sS", "--tftp-blksize", "1468", "-o", to, "tftp://" + serverAddr + "//" + from}
	}},
	{name: "tftp-hpa", program: "tftp", args: func(from, to string) []string {
		return []string{"-m", "binary", serverAddr, "-c", "get", from, to}
	}},
	{name: "atftp", program: "atftp", args: func(from, to string) []string {
		return []string{"-g", "-r", from, "-l", to, serverAddr}
	}},
	{name: "atftp-options", program: "atftp", args: func(from, to string) []string {
		return []string{"--option", "blksize 1428", "--option", "tsize 0", "--option", "timeout 2", "-g", "-r", from, "-l", to, serverAddr}
	}},
	{name: "atftp-windowsize", program: "atftp", args: func(from, to string) []string {
		return []string{"--option", "blksize 1428", "--option", "windowsize 8", "-g", "-r", from, "-l", to, serverAddr}
	}},
	{name: "busybox", program: "busybox", args: func(from, to string) []string {
		return []string{"tftp", "-g", "-r", from, "-l", to, serverAddr}
	}},
	{name: "busybox-blksize-1428", program: "busybox", args: func(from, to string) []string {
		return []string{"tftp", "-b", "1428", "-g", "-r", from, "-l", to, serverAddr}
	}},
}

func (f fetcher) need(t *testing.T) {
	t.Helper()
	needProgram(t, f.program)
}

func needProgram(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%v: install it with 'make setup'", err)
		}
		t.Skipf("%v: install it with 'make setup'", err)
	}
}

func (l *lab) fetch(t *testing.T, f fetcher, name string) ([]byte, error) {
	t.Helper()
	to := filepath.Join(t.TempDir(), "got")
	out, err := l.client.Command(t.Context(), f.program, f.args(name, to)...).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", f.name, err, out)
	}
	b, err := os.ReadFile(to)
	if err != nil {
		return nil, fmt.Errorf("%s left no file: %w\n%s", f.name, err, out)
	}
	return b, nil
}

func TestForeignClients(t *testing.T) {
	sizes := []int{0, 1, 511, 512, 513, 1428, 32 << 20, 65536*512 + 7}
	for engine, clients := range map[tftp.Engine][]fetcher{tftp.EngineOwn: fetchers, tftp.EnginePin: fetchers[2:4]} {
		l := newLab(t)
		l.start(t, tftp.Config{Engine: engine})
		want := make([][]byte, len(sizes))
		for i, size := range sizes {
			want[i] = l.write(t, fmt.Sprintf("size%d", size), size)
		}
		for _, f := range clients {
			t.Run(string(engine)+"/"+f.name, func(t *testing.T) {
				f.need(t)
				for i, size := range sizes {
					got, err := l.fetch(t, f, fmt.Sprintf("size%d", size))
					if err != nil {
						t.Errorf("%d bytes: %v", size, err)
					} else if !bytes.Equal(got, want[i]) {
						t.Errorf("%d bytes: got %d others", size, len(got))
					}
				}
			})
		}
	}
}

// TestNetascii fetches a text as a text: the client undoes what the server did.
func TestNetascii(t *testing.T) {
	l := newLab(t)
	l.start(t, tftp.Config{})
	want := []byte(strings.Repeat("a line\nand a\rreturn\n", 200))
	if err := os.WriteFile(filepath.Join(l.root, "text"), want, 0o644); err != nil {
		t.Fatal(err)
	}
	ascii := fetcher{name: "tftp-hpa", program: "tftp", args: func(from, to string) []string {
		return []string{"-m", "ascii", serverAddr, "-c", "get", from, to}
	}}
	ascii.need(t)
	got, err := l.fetch(t, ascii, "text")
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("got %.60q, %v", got, err)
	}
}

func TestNamesStayInside(t *testing.T) {
	l := newLab(t)
	l.write(t, "pxelinux.cfg/default", 100)
	if err := os.WriteFile(filepath.Join(filepath.Dir(l.root), "outside"), []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	l.start(t, tftp.Config{Log: func(s string) { t.Log(s) }})
	for _, name := range []string{"pxelinux.cfg/default", "/pxelinux.cfg/default", "//pxelinux.cfg//default", "../pxelinux.cfg/default"} {
		if got, err := l.fetch(t, fetchers[3], name); err != nil || len(got) != 100 {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
	for _, name := range []string{"../outside", "/../outside", l.root + "/pxelinux.cfg/default", `pxelinux.cfg\default`, "pxelinux.cfg"} {
		if got, err := l.fetch(t, fetchers[3], name); len(got) > 0 {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
}
