package ra_test

import (
	"context"
	"net"
	"net/netip"
	"testing"

	"golang.org/x/net/ipv6"
	"golang.org/x/sync/errgroup"

	"github.com/pxeproof/pxeproof/harness/network"
	"github.com/pxeproof/pxeproof/harness/sandbox"
	"github.com/pxeproof/pxeproof/servers/ra"
)

func TestMain(m *testing.M) { sandbox.Main(m) }

// TestAnswers listens as a client does: it hears the first advertisement, and
// one for each solicitation.
func TestAnswers(t *testing.T) {
	n, err := network.New("ra")
	if err != nil {
		t.Fatal(err)
	}
	router := addHost(t, n, "r-router", "192.168.1.1/24")
	machine := addHost(t, n, "r-machine", "192.168.1.2/24")

	s := ra.New(ra.Options{})
	if err := s.Listen(t.Context(), router); err != nil {
		t.Fatal(err)
	}
	conn := listen(t, machine)
	ctx, cancel := context.WithCancel(context.Background())
	var g errgroup.Group
	g.Go(func() error { return s.Serve(ctx) })
	t.Cleanup(func() {
		cancel()
		if err := g.Wait(); err != nil {
			t.Error(err)
		}
	})
	advertised(t, conn, router.MAC())
	for range 2 {
		if _, err := conn.WriteTo([]byte{133, 0, 0, 0, 0, 0, 0, 0}, nil, &net.IPAddr{IP: net.ParseIP("ff02::2")}); err != nil {
			t.Fatal(err)
		}
		advertised(t, conn, router.MAC())
	}
}

func addHost(t *testing.T, n *network.Network, name, addr string) *network.Host {
	t.Helper()
	h, err := n.AddHost(network.HostConfig{Name: name, Addr: netip.MustParsePrefix(addr)})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func listen(t *testing.T, h *network.Host) *ipv6.PacketConn {
	t.Helper()
	c, err := h.ListenPacket(t.Context(), "ip6:ipv6-icmp", "::")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	conn := ipv6.NewPacketConn(c)
	err = h.Do(func() error {
		iface, err := net.InterfaceByName(h.Interface())
		if err != nil {
			return err
		}
		if err := conn.SetMulticastInterface(iface); err != nil {
			return err
		}
		if err := conn.SetMulticastHopLimit(255); err != nil {
			return err
		}
		if err := conn.SetControlMessage(ipv6.FlagHopLimit, true); err != nil {
			return err
		}
		var f ipv6.ICMPFilter
		f.SetAll(true)
		f.Accept(ipv6.ICMPTypeRouterAdvertisement)
		return conn.SetICMPFilter(&f)
	})
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// advertised reads one advertisement and checks what makes it harmless.
func advertised(t *testing.T, conn *ipv6.PacketConn, mac net.HardwareAddr) {
	t.Helper()
	b := make([]byte, 1500)
	n, cm, from, err := conn.ReadFrom(b)
	if err != nil {
		t.Fatal(err)
	}
	b = b[:n]
	if cm.HopLimit != 255 || !from.(*net.IPAddr).IP.IsLinkLocalUnicast() {
		t.Errorf("from %v with hop limit %d", from, cm.HopLimit)
	}
	if len(b) != 24 || b[0] != 134 || b[1] != 0 {
		t.Fatalf("not an advertisement with one option: % x", b)
	}
	if lifetime := uint16(b[6])<<8 | uint16(b[7]); lifetime != 0 {
		t.Errorf("router lifetime %d: clients would route through the lab", lifetime)
	}
	if b[16] != 1 || b[17] != 1 || net.HardwareAddr(b[18:24]).String() != mac.String() {
		t.Errorf("source link-layer address: % x, want %s", b[16:], mac)
	}
}
