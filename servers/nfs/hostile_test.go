package nfs_test

import (
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/pxeproof/pxeproof/servers/conf/exports"
	"github.com/pxeproof/pxeproof/servers/nfs"
	"github.com/pxeproof/pxeproof/servers/rpc"
)

// What is no call is the end of a connection, and nothing else's.
func TestHostileStreams(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "srv/f"), "x")
	l := newLab(t, root, "/srv *(ro)\n")
	good := l.dial()
	h := good.find("/srv/f")
	call := good.message(programNFS, 3, 1, handleArg(h))
	reply := append([]byte(nil), call...)
	reply[11] = 1 // msg_type
	auth := good.message(programNFS, 3, 1, nil)
	copy(auth[4+6*4+4:], []byte{0xff, 0xff, 0xff, 0xff})
	for name, stream := range map[string][]byte{
		"a record of 2 GiB":            u32(nil, 0xffffffff, 1, 2),
		"a fragment of 2 GiB":          u32(nil, 0x7fffffff, 1, 2),
		"fragments of nothing":         make([]byte, 4096),
		"a call cut in its header":     append(u32(nil, 0x80000000|20), call[4:24]...),
		"a reply":                      reply,
		"a credential of 4 GiB":        auth,
		"an HTTP request":              []byte("GET / HTTP/1.1\r\nHost: pxe\r\n\r\n"),
		"half a call, then the end":    call[:len(call)/2],
		"half a mark, then the end":    call[:2],
		"a good call, then half of it": append(append([]byte(nil), call...), call[:30]...),
	} {
		c := l.dial()
		if _, err := c.conn.Write(stream); err != nil {
			t.Fatal(err)
		}
		if err := c.conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		// A reset is an end, too: the server has not read all.
		b, _ := io.ReadAll(c.conn)
		if want := name == "a good call, then half of it"; (len(b) > 0) != want {
			t.Errorf("%s: answered with %d bytes", name, len(b))
		}
	}
	if _, s := good.getattr(h); s != 0 {
		t.Errorf("another connection: GETATTR: status %d", s)
	}
}

// A server ends although clients are connected, idle or not reading what they
// asked for.
func TestEndsWithClientsConnected(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "srv/f"), string(make([]byte, 1<<20)))
	l := newLab(t, t.TempDir(), "")
	other := l.host(l.network, "other", "192.168.1.104/24")
	file, _ := exports.Parse("exports", []byte("/srv *(ro)\n"), nil)
	s := nfs.New(nfs.Config{Exports: file, Root: root})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if err := s.Listen(ctx, other); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()

	idle, greedy, lister := l.dialAt("192.168.1.104"), l.dialAt("192.168.1.104"), l.dialAt("192.168.1.104")
	h := idle.find("/srv/f")
	srv, _ := idle.mount("/srv")
	blocked := make(chan struct{}, 2)
	for c, m := range map[*client][]byte{
		greedy: greedy.message(programNFS, 3, 6, readArgs(h, 0, 1<<20)),
		lister: lister.message(programNFS, 3, 17, u32(u64(u64(handleArg(srv), 0), 0), 8192, 8192)),
	} {
		go func() {
			defer func() { blocked <- struct{}{} }()
			for {
				if _, err := c.conn.Write(m); err != nil {
					return
				}
			}
		}()
	}
	// One reply shows that both are served; the rest nobody reads.
	for _, c := range []*client{greedy, lister} {
		if _, err := rpc.ReadRecord(c.in, nil, 4<<20); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	<-blocked
	<-blocked
	if b, _ := io.ReadAll(idle.conn); len(b) != 0 {
		t.Errorf("%d bytes for an idle client", len(b))
	}
}

func TestTakenPort(t *testing.T) {
	l := newLab(t, t.TempDir(), "")
	err := nfs.New(nfs.Config{}).Listen(t.Context(), l.server)
	if !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), serverAddr+":2049") {
		t.Errorf("on a taken port: %v", err)
	}
}
