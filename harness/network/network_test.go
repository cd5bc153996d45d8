package network

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pxeproof/pxeproof/harness/link"
	"github.com/pxeproof/pxeproof/harness/sandbox"
)

// bridges numbers the bridges: they stay for as long as the sandbox.
var bridges atomic.Int32

func TestMain(m *testing.M) { sandbox.Main(m) }

func port(name string) string { return fmt.Sprintf("%s%d", name, bridges.Load()) }

func TestHostsReachEachOther(t *testing.T) {
	n, err := New(fmt.Sprintf("br%d", bridges.Add(1)))
	if err != nil {
		t.Fatal(err)
	}
	a, err := n.AddHost(HostConfig{Name: port("a"), Addr: netip.MustParsePrefix("192.168.1.103/24")})
	if err != nil {
		t.Fatal(err)
	}
	b, err := n.AddHost(HostConfig{Name: port("b"), Addr: netip.MustParsePrefix("192.168.1.104/24"), Gateway: netip.MustParseAddr("192.168.1.1")})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	server, err := a.ListenPacket(ctx, "udp4", "192.168.1.103:69")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	client, err := b.ListenPacket(ctx, "udp4", "192.168.1.104:0")
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := client.WriteTo([]byte("hello"), server.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 64)
	k, from, err := server.ReadFrom(buf)
	if err != nil || string(buf[:k]) != "hello" || from.String() != client.LocalAddr().String() {
		t.Fatalf("got %q from %v, %v", buf[:k], from, err)
	}
}

func TestCommandRunsInside(t *testing.T) {
	n, err := New(fmt.Sprintf("br%d", bridges.Add(1)))
	if err != nil {
		t.Fatal(err)
	}
	h, err := n.AddHost(HostConfig{Name: port("c"), Addr: netip.MustParsePrefix("10.9.8.7/24")})
	if err != nil {
		t.Fatal(err)
	}
	out, err := h.Command(context.Background(), "cat", "/proc/net/fib_trie").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !strings.Contains(string(out), "10.9.8.7") {
		t.Errorf("the program does not see the host's address:\n%s", out)
	}
}

func TestTapIsPlugged(t *testing.T) {
	n, err := New(fmt.Sprintf("br%d", bridges.Add(1)))
	if err != nil {
		t.Fatal(err)
	}
	tap := port("tap")
	f, err := n.AddTap(tap)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := n.AddTap(tap); err == nil {
		t.Error("the same tap twice gave no error")
	}
}

func TestRelayCarriesFrames(t *testing.T) {
	n, err := New(fmt.Sprintf("br%d", bridges.Add(1)))
	if err != nil {
		t.Fatal(err)
	}
	h, err := n.AddHost(HostConfig{Name: port("d"), Addr: netip.MustParsePrefix("10.1.2.3/24")})
	if err != nil {
		t.Fatal(err)
	}
	cable, err := n.AddRelayed(port("client"), link.Impairment{}, false)
	if err != nil {
		t.Fatal(err)
	}
	machine, _, err := cable.End()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- cable.Relay.Run(ctx) }()

	// An ARP request from the machine, and the host's answer.
	mac := []byte{0x52, 0x54, 0, 0, 0, 9}
	request := slices.Concat([]byte{255, 255, 255, 255, 255, 255}, mac, []byte{8, 6},
		[]byte{0, 1, 8, 0, 6, 4, 0, 1}, mac, []byte{10, 1, 2, 9}, make([]byte, 6), []byte{10, 1, 2, 3})
	if _, err := machine.Write(append([]byte{0, 0, 0, byte(len(request))}, request...)); err != nil {
		t.Fatal(err)
	}
	// The host says other things too: its IPv6 address is new.
	for {
		var head [4]byte
		if _, err := io.ReadFull(machine, head[:]); err != nil {
			t.Fatal(err)
		}
		frame := make([]byte, binary.BigEndian.Uint32(head[:]))
		if _, err := io.ReadFull(machine, frame); err != nil {
			t.Fatal(err)
		}
		if bytes.Equal(frame[:6], mac) && bytes.Equal(frame[6:12], h.MAC()) && bytes.Equal(frame[20:22], []byte{0, 2}) {
			break
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("the relay ended with %v", err)
	}
}
