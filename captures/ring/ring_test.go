package ring_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pxeproof/pxeproof/captures/ring"
	"github.com/pxeproof/pxeproof/harness/network"
	"github.com/pxeproof/pxeproof/harness/sandbox"
)

func TestMain(m *testing.M) { sandbox.Main(m) }

// bridges counts the networks: nothing takes one down but the sandbox's end.
var bridges atomic.Int32

// host is the one host of a network of its own; bridge is the network's name.
func host(t *testing.T) (h *network.Host, bridge string) {
	t.Helper()
	bridge = fmt.Sprintf("v%d", bridges.Add(1))
	n, err := network.New(bridge)
	if err != nil {
		t.Fatal(err)
	}
	h, err = n.AddHost(network.HostConfig{Name: bridge + "h", Addr: netip.MustParsePrefix("10.3.3.1/24")})
	if err != nil {
		t.Fatal(err)
	}
	return h, bridge
}

// send puts a frame on the host's wire, as it is.
func send(t *testing.T, h *network.Host, frame []byte) {
	t.Helper()
	err := h.Do(func() error {
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		ifr, err := unix.NewIfreq(h.Interface())
		if err != nil {
			return err
		}
		if err := unix.IoctlIfreq(fd, unix.SIOCGIFINDEX, ifr); err != nil {
			return err
		}
		return unix.Sendto(fd, frame, 0, &unix.SockaddrLinklayer{Ifindex: int(ifr.Uint32())})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// ours begins the payload of what these tests send; kernels send too.
var ours = []byte("pxeproof")

func frame(h *network.Host, tag []byte, n int) []byte {
	b := append([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, h.MAC()...)
	b = append(append(b, tag...), 0x88, 0xb5) // for experiments: IEEE 802
	return append(append(b, ours...), make([]byte, n)...)
}

// collect reads until it has n frames of ours. The bridge shows broadcasts
// again: those are left out.
func collect(t *testing.T, r *ring.Ring, bridge string, n int) (frames [][]byte, names []string) {
	t.Helper()
	for len(frames) < n {
		if err := r.Wait(10 * time.Second); err != nil {
			t.Fatalf("%d of %d frames: %v", len(frames), n, err)
		}
		for r.Read(func(f *ring.Frame) {
			if !bytes.Contains(f.Data, ours) {
				return
			}
			name, err := r.InterfaceName(f.Index)
			if err != nil {
				t.Error(err)
			}
			if !f.Ethernet || f.Length != len(f.Data) || f.At.IsZero() {
				t.Errorf("%+v", f)
			}
			if name == bridge {
				return
			}
			frames, names = append(frames, bytes.Clone(f.Data)), append(names, name)
		}) {
		}
	}
	return frames, names
}

func open(t *testing.T, c ring.Config) *ring.Ring {
	t.Helper()
	r, err := ring.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// A frame is read as it was on the wire, whatever the kernel did with its VLAN
// tag.
func TestFramesAsOnTheWire(t *testing.T) {
	h, bridge := host(t)
	r := open(t, ring.Config{})
	want := [][]byte{
		frame(h, nil, 40),
		frame(h, []byte{0x81, 0x00, 0x60, 0x05}, 40),
		frame(h, []byte{0x88, 0xa8, 0x00, 0x06, 0x81, 0x00, 0x00, 0x07}, 40),
		frame(h, nil, 1400),
	}
	for _, f := range want {
		send(t, h, f)
	}
	got, names := collect(t, r, bridge, len(want))
	for i := range want {
		if !bytes.Equal(got[i], want[i]) {
			t.Errorf("frame %d:\ngot  % x\nwant % x", i, got[i][:30], want[i][:30])
		}
		if names[i] != bridge+"h" {
			t.Errorf("frame %d was seen at %s", i, names[i])
		}
	}
}

// A ring that is not read loses frames, and says so.
func TestLossIsCounted(t *testing.T) {
	h, _ := host(t)
	r := open(t, ring.Config{Blocks: 2, BlockSize: 4096})
	const sent = 100
	for range sent {
		send(t, h, frame(h, nil, 1000))
	}
	s, err := r.Statistics()
	if err != nil {
		t.Fatal(err)
	}
	if s.Dropped == 0 || s.Received < sent || s.Dropped > s.Received {
		t.Errorf("%+v of at least %d", s, sent)
	}
}

func TestWait(t *testing.T) {
	host(t)
	r, err := ring.Open(ring.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for r.Read(func(*ring.Frame) {}) { // what the kernel said when the host came up
	}
	if err := r.Wait(time.Nanosecond); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	done := make(chan error, 1)
	go func() {
		for {
			err := r.Wait(0)
			if err != nil {
				done <- err
				return
			}
			// What is ready stays ready until it is read, which Close forbids.
		}
	}()
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if err := <-done; !errors.Is(err, os.ErrClosed) {
		t.Errorf("a Wait that Close ends: %v", err)
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	if _, err := ring.Open(ring.Config{BlockSize: 1000}); err == nil {
		t.Error("a block that is no multiple of a page was taken")
	}
}

// A ring that is asked to sees what leaves, and tells it from what comes.
func TestOutgoing(t *testing.T) {
	h, _ := host(t)
	var r *ring.Ring
	err := h.Do(func() (err error) {
		r, err = ring.Open(ring.Config{Blocks: 8, Outgoing: true})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	frame := bytes.Repeat([]byte{0xee}, 99)
	copy(frame, []byte{2, 0, 0, 0, 0, 9})
	send(t, h, frame)
	for seen := false; !seen; {
		if err := r.Wait(10 * time.Second); err != nil {
			t.Fatalf("the frame was not seen: %v", err)
		}
		for r.Read(func(f *ring.Frame) {
			if bytes.Equal(f.Data, frame) {
				if seen = true; !f.Outgoing {
					t.Error("it is said to have come")
				}
			}
		}) {
		}
	}
}

// A mark comes out behind all that entered before it, and before what entered
// after it; another ring does not take it for its own.
func TestMark(t *testing.T) {
	h, bridge := host(t)
	r, other := open(t, ring.Config{}), open(t, ring.Config{})
	const marks = 50
	for n := range uint64(marks) {
		send(t, h, frame(h, []byte{byte(n), 0}, 40))
		if err := r.Mark(n + 1); err != nil {
			t.Fatal(err)
		}
	}
	if err := other.Mark(marks + 1); err != nil {
		t.Fatal(err)
	}
	for _, in := range []*ring.Ring{r, other} {
		var seen, passed uint64
		for passed == 0 || in == r && passed < marks {
			if err := in.Wait(10 * time.Second); err != nil {
				t.Fatalf("mark %d is the last: %v", passed, err)
			}
			for in.Read(func(f *ring.Frame) {
				name, err := in.InterfaceName(f.Index)
				switch {
				case err != nil:
					t.Error(err)
				case f.Mark != 0:
					if passed = f.Mark; in == r && passed != seen {
						t.Errorf("mark %d came behind %d frames", passed, seen)
					}
				case name != bridge && bytes.Contains(f.Data, ours):
					seen++
				}
			}) {
			}
		}
		if in == other && (passed != marks+1 || seen != marks) {
			t.Errorf("the other ring read mark %d, and %d frames", passed, seen)
		}
	}
}

// Read may be called while Wait is: whoever has something else to do besides
// looks for himself.
func TestReadBesidesWait(t *testing.T) {
	host(t)
	r, err := ring.Open(ring.Config{Retire: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	waited := make(chan error, 1)
	go func() {
		for {
			if err := r.Wait(0); err != nil {
				waited <- err
				return
			}
		}
	}()
	const marks = 100
	for n := range uint64(marks) {
		if err := r.Mark(n + 1); err != nil {
			t.Fatal(err)
		}
		for passed := uint64(0); passed <= n; {
			r.Read(func(f *ring.Frame) { passed = max(passed, f.Mark) })
		}
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if err := <-waited; !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
}
