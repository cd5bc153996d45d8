package network

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/pxeproof/pxeproof/harness/link"
)

// ask is a broadcast ARP request of the machine, told from others by its last
// byte.
func ask(n byte) []byte {
	mac := []byte{0x52, 0x54, 0, 0, 0, 9}
	f := bytes.Join([][]byte{{255, 255, 255, 255, 255, 255}, mac, {8, 6, 0, 1, 8, 0, 6, 4, 0, 1}, mac,
		{10, 1, 2, 9}, make([]byte, 6), {10, 1, 2, n}}, nil)
	return append(f, make([]byte, 60-len(f))...)
}

// addHealthy adds a relay that does no more than a tap.
func addHealthy(n *Network, name string, loose bool) (*Cable, error) {
	return n.AddRelayed(name, link.Impairment{}, loose)
}

// TestLooseCable has a machine send before its cable is plugged in, and wants
// nothing to go in or out until then.
func TestLooseCable(t *testing.T) {
	for _, c := range []struct {
		name string
		add  func(*Network, string, bool) (*Cable, error)
		send func(end *os.File, frame []byte) error
	}{
		{"tap", (*Network).AddCable, func(end *os.File, frame []byte) error { _, err := end.Write(frame); return err }},
		{"relay", addHealthy, func(end *os.File, frame []byte) error {
			_, err := end.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(frame))), frame...))
			return err
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, err := New(fmt.Sprintf("br%d", bridges.Add(1)))
			if err != nil {
				t.Fatal(err)
			}
			h, err := n.AddHost(HostConfig{Name: port("h"), Addr: netip.MustParsePrefix("10.1.2.3/24")})
			if err != nil {
				t.Fatal(err)
			}
			cable, err := c.add(n, port("client"), true)
			if err != nil {
				t.Fatal(err)
			}
			defer cable.Release()
			end, _, err := cable.End()
			if err != nil {
				t.Fatal(err)
			}
			defer end.Close()
			// What the host hears of ARP, whoever it is for.
			var fd int
			if err := h.Do(func() error { fd, err = openPort(hostInterface); return err }); err != nil {
				t.Fatal(err)
			}
			wire := os.NewFile(uintptr(fd), "wire")
			defer wire.Close()
			for i := range byte(2) {
				if err := c.send(end, ask(i)); err != nil {
					t.Fatal(err)
				}
			}
			for i := range byte(2) {
				if !cable.Pending() {
					t.Fatalf("frame %d is not there", i)
				}
				f, err := cable.Next(t.Context())
				if err != nil || !bytes.Equal(f, ask(i)) {
					t.Fatalf("frame %d: % x, %v", i, f, err)
				}
			}
			if cable.Pending() {
				t.Error("there is a frame that nobody has sent")
			}
			over, cancel := context.WithCancel(t.Context())
			cancel()
			if f, err := cable.Next(over); !errors.Is(err, context.Canceled) {
				t.Errorf("Next with nothing to come: % x, %v", f, err)
			}
			if err := cable.Plug(); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() {
				if cable.Relay == nil {
					done <- nil
					return
				}
				done <- cable.Relay.Run(ctx)
			}()
			// Put back, and then the machine's own.
			if err := cable.Send(ask(2)); err != nil {
				t.Fatal(err)
			}
			if err := c.send(end, ask(3)); err != nil {
				t.Fatal(err)
			}
			for want := byte(2); want < 4; {
				b := make([]byte, 2048)
				k, err := wire.Read(b)
				if err != nil {
					t.Fatal(err)
				}
				if b = b[:k]; k < 14 || binary.BigEndian.Uint16(b[12:]) != unix.ETH_P_ARP {
					continue
				}
				if !bytes.Equal(b, ask(want)) {
					t.Fatalf("on the wire: % x, want request %d", b, want)
				}
				want++
			}
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
}
