package http_test

import (
	"context"
	"io"
	"net"
	nethttp "net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/pxeproof/pxeproof/servers/http"
)

// loopback is a host of which every port is one that is free.
type loopback struct{}

func (loopback) Name() string          { return "here" }
func (loopback) Interface() string     { return "lo" }
func (loopback) MAC() net.HardwareAddr { return nil }
func (loopback) Addr() netip.Prefix    { return netip.MustParsePrefix("127.0.0.1/8") }
func (loopback) Do(f func() error) error {
	return f()
}
func (loopback) ListenPacket(ctx context.Context, network, address string) (net.PacketConn, error) {
	return new(net.ListenConfig).ListenPacket(ctx, network, "127.0.0.1:0")
}
func (loopback) Listen(ctx context.Context, network, address string) (net.Listener, error) {
	return new(net.ListenConfig).Listen(ctx, network, "127.0.0.1:0")
}
func (loopback) Command(ctx context.Context, name string, arg ...string) *exec.Cmd {
	return exec.CommandContext(ctx, name, arg...)
}

// heard is a loopback that tells where it was bound.
type heard struct {
	loopback
	at *string
}

func (h heard) Listen(ctx context.Context, network, address string) (net.Listener, error) {
	l, err := h.loopback.Listen(ctx, network, address)
	if err == nil {
		*h.at = l.Addr().String()
	}
	return l, err
}

func TestServe(t *testing.T) {
	dir := t.TempDir()
	for name, mode := range map[string]os.FileMode{
		"etc/secret": 0o644, "srv/boot.ipxe": 0o644, "srv/closed": 0o600, "srv/broken": 0o644, "srv/sub/a b.efi": 0o644,
	} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte("this is "+name), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(dir, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/etc/secret", filepath.Join(dir, "srv/link")); err != nil {
		t.Fatal(err)
	}
	var at string
	var mu sync.Mutex
	var lines []string
	s := http.New(http.Config{Dir: dir, Root: "/srv", Faults: []http.Fault{{Files: "broken", Status: 503}},
		Log: func(line string) {
			mu.Lock()
			defer mu.Unlock()
			lines = append(lines, line)
		}})
	if err := s.Listen(t.Context(), heard{at: &at}); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var g errgroup.Group
	g.Go(func() error { return s.Serve(ctx) })
	for _, c := range []struct {
		method, path, asked string // asked is the header Range
		status              int
		body                string // of an answer that is no refusal
	}{
		{"GET", "/boot.ipxe", "", 200, "this is srv/boot.ipxe"},
		{"HEAD", "/boot.ipxe", "", 200, ""},
		{"GET", "/boot.ipxe", "bytes=5-6", 206, "is"},
		{"GET", "/sub/a%20b.efi", "", 200, "this is srv/sub/a b.efi"},
		{"GET", "//sub/./a%20b.efi", "", 200, "this is srv/sub/a b.efi"},
		{"GET", "/../etc/secret", "", 404, ""},
		{"GET", "/link", "", 404, ""}, // the root is as after a chroot: it leads to /srv/etc
		{"GET", "/Boot.ipxe", "", 404, ""},
		{"GET", "/closed", "", 403, ""},
		{"GET", "/sub", "", 403, ""},
		{"GET", "/broken", "", 503, ""},
		{"PUT", "/boot.ipxe", "", 405, ""},
	} {
		req, err := nethttp.NewRequest(c.method, "http://"+at+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.asked != "" {
			req.Header.Set("Range", c.asked)
		}
		resp, err := nethttp.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatalf("%s %s: %v", c.method, c.path, err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != c.status || c.status < 300 && string(body) != c.body {
			t.Errorf("%s %s: %d %q, want %d %q", c.method, c.path, resp.StatusCode, body, c.status, c.body)
		}
	}
	stop()
	if err := g.Wait(); err != nil {
		t.Errorf("Serve: %v", err)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(lines) == 0 || !strings.Contains(lines[0], "boot.ipxe") {
		t.Errorf("the log: %q", lines)
	}
}

func TestListenSaysWhatIsMissing(t *testing.T) {
	err := http.New(http.Config{Dir: t.TempDir()}).Listen(t.Context(), loopback{})
	if err == nil || !strings.Contains(err.Error(), http.DefaultRoot) {
		t.Errorf("error: %v, want the document root named", err)
	}
}
