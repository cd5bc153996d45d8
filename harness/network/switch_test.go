package network

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestSpanningTree has two hosts that were there before, which still reach each
// other, and hears the bridge's BPDU.
func TestSpanningTree(t *testing.T) {
	n, err := New(fmt.Sprintf("br%d", bridges.Add(1)))
	if err != nil {
		t.Fatal(err)
	}
	var hosts []*Host
	for i, name := range []string{"s", "t"} {
		h, err := n.AddHost(HostConfig{Name: port(name), Addr: netip.MustParsePrefix(fmt.Sprintf("192.168.1.%d/24", i+1)), MTU: 1400})
		if err != nil {
			t.Fatal(err)
		}
		hosts = append(hosts, h)
	}
	if err := n.Set(Switch{}); err != nil {
		t.Fatalf("a switch without spanning tree: %v", err)
	}
	if err := n.Set(Switch{ForwardDelay: 2 * time.Second}); err != nil {
		t.Fatal(err)
	}
	ear, err := net.InterfaceByName(earName)
	if err != nil {
		t.Fatal(err)
	}
	const all = uint16(unix.ETH_P_ALL<<8&0xff00 | unix.ETH_P_ALL>>8)
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, int(all))
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: ear.Index}); err != nil {
		t.Fatal(err)
	}
	var mtu int
	if err := hosts[0].Do(func() error {
		iface, err := net.InterfaceByName(hosts[0].Interface())
		if err == nil {
			mtu = iface.MTU
		}
		return err
	}); err != nil || mtu != 1400 {
		t.Errorf("the MTU is %d, %v", mtu, err)
	}
	server, err := hosts[0].ListenPacket(t.Context(), "udp4", "192.168.1.1:69")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	client, err := hosts[1].ListenPacket(t.Context(), "udp4", "192.168.1.2:0")
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := client.WriteTo([]byte("hello"), server.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 2048)
	if k, _, err := server.ReadFrom(b); err != nil || string(b[:k]) != "hello" {
		t.Fatalf("got %q, %v", b[:k], err)
	}
	// The bridge sends a BPDU every 2 s, and nothing else enters here: neither
	// the hosts' ARP nor their IPv6.
	k, err := unix.Read(fd, b)
	if err != nil {
		t.Fatal(err)
	}
	bpdu := []byte{0x01, 0x80, 0xc2, 0, 0, 0} // IEEE 802.1D's group address
	if !bytes.HasPrefix(b[:k], bpdu) {
		t.Errorf("heard % x", b[:min(k, 32)])
	}
}
