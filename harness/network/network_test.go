package network

import (
	"context"
	"net/netip"
	"strings"
	"testing"

	"github.com/pxeproof/pxeproof/harness/sandbox"
)

func TestMain(m *testing.M) { sandbox.Main(m) }

func TestHostsReachEachOther(t *testing.T) {
	n, err := New("br0")
	if err != nil {
		t.Fatal(err)
	}
	a, err := n.AddHost(HostConfig{Name: "a", Addr: netip.MustParsePrefix("192.168.1.103/24")})
	if err != nil {
		t.Fatal(err)
	}
	b, err := n.AddHost(HostConfig{Name: "b", Addr: netip.MustParsePrefix("192.168.1.104/24"), Gateway: netip.MustParseAddr("192.168.1.1")})
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
	n, err := New("br1")
	if err != nil {
		t.Fatal(err)
	}
	h, err := n.AddHost(HostConfig{Name: "c", Addr: netip.MustParsePrefix("10.9.8.7/24")})
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
	n, err := New("br2")
	if err != nil {
		t.Fatal(err)
	}
	f, err := n.AddTap("tap0")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := n.AddTap("tap0"); err == nil {
		t.Error("the same tap twice gave no error")
	}
}
