package tftp_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sync/errgroup"

	"github.com/pxeproof/pxeproof/harness/client"
	"github.com/pxeproof/pxeproof/servers/tftp"
)

// startWatched starts a server and returns what becomes of its transfers.
func (l *lab) startWatched(t *testing.T, c tftp.Config) <-chan tftp.Transfer {
	t.Helper()
	done := make(chan tftp.Transfer, 2000)
	c.Done = func(tr tftp.Transfer) { done <- tr }
	l.start(t, c)
	return done
}

// patient is a timeout, in seconds, that keeps a server on a busy machine from
// sending again what is only late.
const patient = "60"

func TestWindow(t *testing.T) {
	l := newLab(t)
	want := l.write(t, "f", 10*8+3) // 11 blocks
	done := l.startWatched(t, tftp.Config{})
	p := l.peer(t)
	p.read("f", "timeout", patient, "blksize", "8", "windowsize", "4", "tsize", "0")
	p.wantOACK("timeout 60 blksize 8 windowsize 4 tsize 83")
	p.ack(0)
	data := p.wantBlocks(1, 2, 3, 4)
	p.ack(4)
	data = append(data, p.wantBlocks(5, 6, 7, 8)...)
	// Block 7 is said to be lost: it and what follows comes again (RFC 7440).
	p.ack(6)
	p.wantBlocks(7, 8, 9, 10)
	p.ack(10)
	p.wantNothingBut(func() { data = append(data, p.wantBlocks(11)...) })
	p.ack(11)
	tr := <-done
	if tr.Err != nil || tr.Bytes != 83 || tr.Sent != 13 || tr.Resent != 2 || tr.BlockSize != 8 || tr.WindowSize != 4 || tr.Name != "f" {
		t.Errorf("%+v", tr)
	}
	data = slices.Insert(data, 8, want[64:72], want[72:80])
	if got := bytes.Join(data, nil); !bytes.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// wantNothingBut expects what f does, and that nothing is under way then.
func (p *peer) wantNothingBut(f func()) {
	p.t.Helper()
	f()
	p.wantNothing()
}

// TestSorcerersApprentice acknowledges every block twice: each must come once.
func TestSorcerersApprentice(t *testing.T) {
	l := newLab(t)
	l.write(t, "f", 3*512+1)
	done := l.startWatched(t, tftp.Config{})
	p := l.peer(t)
	p.read("f", "timeout", patient)
	p.wantOACK("timeout 60")
	p.ack(0)
	for n := uint16(1); n <= 4; n++ {
		p.wantNothingBut(func() { p.wantBlocks(n) })
		p.ack(n)
		if n < 4 {
			p.ack(n)
		}
	}
	if tr := <-done; tr.Err != nil || tr.Sent != 4 {
		t.Errorf("%+v", tr)
	}
}

// TestFirstBlockOfWindowLost repeats the acknowledgement before the window,
// which is how a client says that it got nothing of it.
func TestFirstBlockOfWindowLost(t *testing.T) {
	l := newLab(t)
	l.write(t, "f", 20*8)
	l.start(t, tftp.Config{})
	p := l.peer(t)
	p.read("f", "timeout", patient, "blksize", "8", "windowsize", "3")
	p.wantOACK("timeout 60 blksize 8 windowsize 3")
	p.ack(0)
	p.wantBlocks(1, 2, 3)
	p.ack(3)
	p.wantBlocks(4, 5, 6)
	p.ack(3)
	p.wantBlocks(4, 5, 6)
	p.ack(3) // the same again, as a client does for each block out of order
	p.wantNothing()
	p.ack(6)
	p.wantBlocks(7, 8, 9)
	p.ack(6) // an echo of what came twice
	p.wantNothing()
}

// TestSilenceIsAnswered loses the OACK, a block, and the last acknowledgement.
func TestSilenceIsAnswered(t *testing.T) {
	l := newLab(t)
	l.write(t, "f", 8)
	done := l.startWatched(t, tftp.Config{})
	p := l.peer(t)
	p.read("f", "blksize", "8")
	p.wantOACK("blksize 8")
	p.wantOACK("blksize 8")
	p.ack(0)
	p.wantBlocks(1, 1, 1)
	p.ack(1)
	p.wantBlocks(2)
	p.Close() // the client has everything and is gone
	if tr := <-done; tr.Err != nil || tr.Bytes != 8 {
		t.Errorf("%+v", tr)
	}
}

// TestAskedTwice repeats a request before its answer is taken up: one transfer
// answers.
func TestAskedTwice(t *testing.T) {
	l := newLab(t)
	l.write(t, "f", 8)
	l.start(t, tftp.Config{})
	p := l.peer(t)
	p.read("f", "timeout", patient)
	p.wantOACK("timeout 60")
	first := p.tid
	p.read("f", "timeout", patient)
	p.wantNothing()
	if p.tid.String() != first.String() {
		t.Errorf("two transfers answer")
	}
}

// TestFileBecomesShorter takes a file's end away under a transfer: the client is
// told, and the server lives.
func TestFileBecomesShorter(t *testing.T) {
	l := newLab(t)
	l.write(t, "f", 50_000)
	done := l.startWatched(t, tftp.Config{})
	p := l.peer(t)
	p.read("f", "timeout", patient, "blksize", "8192")
	p.wantOACK("timeout 60 blksize 8192")
	p.ack(0)
	p.wantBlocks(1)
	if err := os.Truncate(filepath.Join(l.root, "f"), 0); err != nil {
		t.Fatal(err)
	}
	p.ack(1)
	b, acked := p.next(), int64(1)
	if len(b) > 4 && b[1] == opDATA && b[3] == 2 {
		// To a client as quick as this one it may have been on its way before.
		p.ack(2)
		b, acked = p.next(), 2
	}
	p.isError(b, tftp.NotDefined, "Error reading the file")
	if tr := <-done; tr.Err == nil || tr.Bytes != acked*8192 {
		t.Errorf("%+v", tr)
	}
	p.wantNothing()
}

func TestClientEnds(t *testing.T) {
	l := newLab(t)
	l.write(t, "f", 5000)
	done := l.startWatched(t, tftp.Config{})
	p := l.peer(t)
	p.read("f", "tsize", "0")
	p.wantOACK("tsize 5000")
	p.send("\x00\x05\x00\x08User aborted the transfer\x00", p.tid)
	if tr := <-done; !errors.Is(tr.Err, tftp.ErrAborted) || tr.Bytes != 0 {
		t.Errorf("%+v", tr)
	}
	p.read("f")
	p.wantBlocks(1)
	p.Close()
	if tr := <-done; tr.Err == nil {
		t.Errorf("a client that is gone: %+v", tr)
	}
}

// TestRollover goes over 65,535 blocks, to 0 and to 1.
func TestRollover(t *testing.T) {
	l := newLab(t)
	want := l.write(t, "f", 65600*8)
	for _, rollover := range []uint16{0, 1} {
		t.Run(fmt.Sprint(rollover), func(t *testing.T) {
			l := &lab{root: l.root, server: l.server, client: l.client}
			l.start(t, tftp.Config{Rollover: rollover})
			p := l.peer(t)
			p.read("f", "timeout", patient, "blksize", "8", "windowsize", "64")
			p.wantOACK("timeout 60 blksize 8 windowsize 64")
			p.ack(0)
			var got []byte
			for n, number := 1, uint16(1); ; n, number = n+1, number+1 {
				if n > 65535 && number == 0 {
					number = rollover
				}
				b := p.wantBlocks(number)[0]
				got = append(got, b...)
				if n%64 == 0 || len(b) < 8 {
					p.ack(number)
				}
				if len(b) < 8 {
					break
				}
			}
			if !bytes.Equal(got, want) {
				t.Errorf("got %d other bytes", len(got))
			}
		})
	}
}

// TestManyAtOnce runs a thousand transfers side by side, most of them on the
// poller. All ask at once, and no request is lost.
func TestManyAtOnce(t *testing.T) {
	const clients, size = 1000, 100_000
	l := newLab(t)
	want := l.write(t, "f", size)
	done := l.startWatched(t, tftp.Config{})
	peers := make([]*peer, clients)
	for i := range peers {
		peers[i] = l.peer(t)
	}
	before := l.dropped(t)
	var g errgroup.Group
	for _, p := range peers {
		g.Go(func() error { return p.fetch(want) })
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	for range clients {
		if tr := <-done; tr.Err != nil {
			t.Errorf("%+v", tr)
		}
	}
	// An ordinary user's sandbox gets no more than this.
	most, err := os.ReadFile("/proc/sys/net/core/rmem_max")
	if err != nil || len(most) < len("4194304\n") {
		t.Logf("net.core.rmem_max is %s (%v): requests may be dropped", most, err)
		return
	}
	if n := l.dropped(t) - before; n > 0 {
		t.Errorf("the server's kernel dropped %d packets for want of room", n)
	}
}

// dropped is how many packets found no room in a socket of the server's host.
func (l *lab) dropped(t *testing.T) (n int) {
	t.Helper()
	if err := l.server.Do(func() error {
		b, err := os.ReadFile("/proc/thread-self/net/snmp")
		if err != nil {
			return err
		}
		var names []string
		for line := range strings.Lines(string(b)) {
			f := strings.Fields(line)
			switch {
			case f[0] != "Udp:":
			case names == nil:
				names = f
			default:
				n, err = strconv.Atoi(f[slices.Index(names, "RcvbufErrors")])
			}
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

// fetch takes a file in windows of four blocks, and asks again as any client
// does: a thousand that do not would hang with the first packet lost.
func (p *peer) fetch(want []byte) error {
	request := []byte("\x00\x01f\x00octet\x00blksize\x001428\x00windowsize\x004\x00")
	got, b := make([]byte, 0, len(want)), make([]byte, 2000)
	number, last := uint16(0), request
	send := func(packet []byte, to net.Addr) (err error) {
		last = packet
		_, err = p.WriteTo(packet, to)
		return err
	}
	acknowledge := func() error { return send(binary.BigEndian.AppendUint16([]byte{0, opACK}, number), p.tid) }
	p.tid = p.server
	err := send(request, p.server)
	for silences := 0; err == nil; {
		p.SetReadDeadline(time.Now().Add(2 * time.Second))
		var n int
		var from net.Addr
		if n, from, err = p.ReadFrom(b); errors.Is(err, os.ErrDeadlineExceeded) {
			if silences++; silences < 30 {
				err = send(last, p.tid)
			}
			continue
		}
		if err != nil {
			break
		}
		p.tid, silences = from, 0
		switch {
		case b[1] == opOACK:
			err = acknowledge()
		case b[1] != opDATA:
			err = fmt.Errorf("got %.40q", b[:n])
		case binary.BigEndian.Uint16(b[2:]) != number+1:
			err = acknowledge()
		default:
			number++
			got = append(got, b[4:n]...)
			final := n < 1432
			if final || number%4 == 0 {
				err = acknowledge()
			}
			if final && !bytes.Equal(got, want) {
				err = fmt.Errorf("got %d other bytes", len(got))
			}
			if final {
				return err
			}
		}
	}
	return fmt.Errorf("after block %d: %w", number, err)
}

func TestTakenPort(t *testing.T) {
	l := newLab(t)
	l.start(t, tftp.Config{})
	err := tftp.New(tftp.Config{Root: l.root}).Listen(t.Context(), l.server)
	if !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), ":69") {
		t.Errorf("on a taken port: %v", err)
	}
}

// startStoppable runs a server until cancel, whose result and whose transfers'
// ends come.
func (l *lab) startStoppable(t *testing.T) (cancel context.CancelFunc, result, ended chan error) {
	t.Helper()
	result, ended = make(chan error), make(chan error, 20)
	s := tftp.New(tftp.Config{Root: l.root, Done: func(tr tftp.Transfer) { ended <- tr.Err }})
	if err := s.Listen(t.Context(), l.server); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { result <- s.Serve(ctx) }()
	return cancel, result, ended
}

// TestStopEndsTransfers ends a server with transfers of both kinds under way.
func TestStopEndsTransfers(t *testing.T) {
	l := newLab(t)
	l.write(t, "f", 5000)
	cancel, result, ended := l.startStoppable(t)
	for range 20 {
		p := l.peer(t)
		p.read("f")
		p.wantBlocks(1)
	}
	cancel()
	if err := <-result; err != nil {
		t.Error(err)
	}
	for range 20 {
		if err := <-ended; !errors.Is(err, net.ErrClosed) {
			t.Errorf("a transfer ended with %v", err)
		}
	}
}

// TestStopEndsAQuickTransfer ends a server while a client answers so quickly that
// nobody sleeps.
func TestStopEndsAQuickTransfer(t *testing.T) {
	l := newLab(t)
	f, err := os.Create(filepath.Join(l.root, "f"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Truncate(1<<30), f.Close()); err != nil {
		t.Fatal(err)
	}
	cancel, result, ended := l.startStoppable(t)
	var received int
	quick := client.TFTP{
		Server: netip.AddrPortFrom(l.server.Addr().Addr(), 69), Poll: true, Wait: 10 * time.Millisecond, Tries: 1,
		To: func(b []byte) error {
			if received += len(b); received == 1<<20 {
				cancel()
			}
			return nil
		},
	}
	// What the client makes of it is not the point.
	_ = l.client.Do(func() error {
		_, err := quick.Fetch(t.Context(), "f")
		return err
	})
	cancel()
	if err := <-result; err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("the transfer ended with %v", err)
	}
}

func TestIPv6(t *testing.T) {
	l := newLab(t)
	l.write(t, "f", 10)
	l.start(t, tftp.Config{})
	c, err := l.client.ListenPacket(t.Context(), "udp6", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	m := l.server.MAC()
	linkLocal := netip.AddrFrom16([16]byte{0xfe, 0x80, 8: m[0] ^ 2, m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5]})
	p := &peer{t: t, PacketConn: c, server: &net.UDPAddr{IP: linkLocal.AsSlice(), Zone: l.client.Interface(), Port: tftp.Port}}
	p.read("f", "tsize", "0")
	p.wantOACK("tsize 10")
	p.ack(0)
	p.wantBlocks(1)
	if got := p.tid.(*net.UDPAddr).IP; !got.Equal(linkLocal.AsSlice()) {
		t.Errorf("the answer comes from %v, not from %v", got, linkLocal)
	}
}

// TestAnswersFromTheAddressAsked asks a host's second address, and by broadcast.
func TestAnswersFromTheAddressAsked(t *testing.T) {
	l := newLab(t)
	l.write(t, "f", 10)
	second := netlink.Addr{IPNet: &net.IPNet{IP: net.IPv4(192, 168, 1, 104), Mask: net.CIDRMask(24, 32)}}
	if err := l.server.Do(func() error {
		link, err := netlink.LinkByName(l.server.Interface())
		if err != nil {
			return err
		}
		return netlink.AddrAdd(link, &second)
	}); err != nil {
		t.Fatal(err)
	}
	l.start(t, tftp.Config{})
	for asked, want := range map[string]string{
		"192.168.1.103": "192.168.1.103", "192.168.1.104": "192.168.1.104", "192.168.1.255": "192.168.1.103",
	} {
		p := l.peer(t)
		p.server = &net.UDPAddr{IP: net.ParseIP(asked), Port: tftp.Port}
		p.read("f")
		p.wantBlocks(1)
		if got := p.tid.(*net.UDPAddr).IP.String(); got != want {
			t.Errorf("asked at %s, it answers from %s", asked, got)
		}
		p.ack(1)
	}
}

func TestAllow(t *testing.T) {
	l := newLab(t)
	l.write(t, "f", 10)
	asked := make(chan netip.Addr, 2)
	l.start(t, tftp.Config{Network: "udp4", Allow: func(a netip.Addr) bool {
		asked <- a
		return len(asked) == 2 // the second time
	}})
	p := l.peer(t)
	p.read("f") // not answered
	p.read("nothing")
	p.wantError(tftp.FileNotFound, "File not found")
	for range 2 {
		if got := (<-asked).String(); got != "192.168.1.50" {
			t.Errorf("asked about %v", got)
		}
	}
}

// TestWithoutChroot is in.tftpd without -s.
func TestWithoutChroot(t *testing.T) {
	l := newLab(t)
	l.write(t, "tftpboot/f", 10)
	l.write(t, "etc/passwd", 10)
	l.start(t, tftp.Config{Absolute: true, Dirs: []string{"/tftpboot"}})
	p := l.peer(t)
	for name, want := range map[string]string{
		"tftpboot/f":                 "Only absolute filenames allowed",
		"/etc/passwd":                "Forbidden directory",
		"/tftpboot/../etc/passwd":    "Reverse path not allowed",
		"/tftpboot/f/../../etc/pass": "Reverse path not allowed",
	} {
		p.read(name)
		p.wantError(tftp.AccessViolation, want)
	}
	p.read("/tftpboot/f")
	p.wantBlocks(1)
	p.ack(1)
}

func TestChroot(t *testing.T) {
	l := newLab(t)
	l.write(t, "srv/tftp/f", 10)
	l.start(t, tftp.Config{Chroot: "/srv/tftp"})
	p := l.peer(t)
	p.read("/f")
	p.wantBlocks(1)
	p.ack(1)
	p.read("/srv/tftp/f")
	p.wantError(tftp.FileNotFound, "File not found")
}
