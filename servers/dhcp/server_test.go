package dhcp_test

import (
	"bytes"
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv4/nclient4"
	"golang.org/x/sync/errgroup"

	"github.com/pxeproof/pxeproof/harness/network"
	"github.com/pxeproof/pxeproof/harness/sandbox"
	"github.com/pxeproof/pxeproof/servers/conf"
	"github.com/pxeproof/pxeproof/servers/conf/dhcpd"
	"github.com/pxeproof/pxeproof/servers/dhcp"
)

func TestMain(m *testing.M) { sandbox.Main(m) }

// article is the article's configuration without its typing errors.
const article = `ddns-update-style interim;
ignore client-updates;
default-lease-time 21600;
max-lease-time 43200;
authoritative;
next-server 192.168.1.103;
subnet 192.168.1.0 netmask 255.255.255.0 {
	option routers 192.168.1.1;
	option subnet-mask 255.255.255.0;
	range 192.168.1.110 192.168.1.200;
	filename "/pxelinux.0";
	option domain-name-servers 202.106.0.20;
}
`

func parse(t *testing.T, text string) *dhcpd.Config {
	t.Helper()
	cfg, problems, err := dhcpd.Parse("dhcpd.conf", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	if problems.Worst() > conf.Note {
		t.Fatal(problems)
	}
	return cfg
}

func segment(t *testing.T, name string) *network.Network {
	t.Helper()
	n, err := network.New(name)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func host(t *testing.T, n *network.Network, name, addr string) *network.Host {
	t.Helper()
	h, err := n.AddHost(network.HostConfig{Name: name, Addr: netip.MustParsePrefix(addr)})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// serve runs the server until the test is over.
func serve(t *testing.T, s *dhcp.Server, on *network.Host) {
	t.Helper()
	if err := s.Listen(t.Context(), on); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var g errgroup.Group
	g.Go(func() error { return s.Serve(ctx) })
	t.Cleanup(func() {
		cancel()
		if err := g.Wait(); err != nil {
			t.Error(err)
		}
	})
}

// client makes the library's own client on a host.
func client(t *testing.T, h *network.Host) *nclient4.Client {
	t.Helper()
	var c *nclient4.Client
	err := h.Do(func() (err error) {
		c, err = nclient4.New(h.Interface(), nclient4.WithTimeout(20*time.Second), nclient4.WithRetry(1))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestArticle(t *testing.T) {
	n := segment(t, "article")
	server, machine := host(t, n, "a-server", "192.168.1.103/24"), host(t, n, "a-machine", "192.168.1.9/24")
	serve(t, dhcp.New(parse(t, article), dhcp.Options{Log: func(l string) { t.Log(l) }}), server)

	lease, err := client(t, machine).Request(t.Context(),
		dhcpv4.WithOption(dhcpv4.OptClassIdentifier("PXEClient:Arch:00000:UNDI:002001")),
		dhcpv4.WithRequestedOptions(dhcpv4.OptionRouter, dhcpv4.OptionBootfileName))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []*dhcpv4.DHCPv4{lease.Offer, lease.ACK} {
		if got := m.YourIPAddr; !got.Equal(net.IPv4(192, 168, 1, 110)) {
			t.Errorf("%s: yiaddr %s", m.MessageType(), got)
		}
		if got := m.ServerIPAddr; !got.Equal(net.IPv4(192, 168, 1, 103)) {
			t.Errorf("%s: siaddr %s", m.MessageType(), got)
		}
		if m.BootFileName != "/pxelinux.0" {
			t.Errorf("%s: file %q", m.MessageType(), m.BootFileName)
		}
		if got := m.Router(); len(got) != 1 || !got[0].Equal(net.IPv4(192, 168, 1, 1)) {
			t.Errorf("%s: routers %v", m.MessageType(), got)
		}
		if m.Options.Has(dhcpv4.OptionBootfileName) || m.Options.Has(dhcpv4.OptionTFTPServerName) {
			t.Errorf("%s has options that are not configured: %s", m.MessageType(), m.Summary())
		}
		if got := m.IPAddressLeaseTime(0); got != 6*time.Hour {
			t.Errorf("%s: lease time %v", m.MessageType(), got)
		}
	}
}

// TestKernelHears has the client's kernel look at the frames: it drops what has
// a wrong length or checksum.
func TestKernelHears(t *testing.T) {
	n := segment(t, "kernel")
	server, machine := host(t, n, "k-server", "192.168.1.103/24"), host(t, n, "k-machine", "192.168.1.9/24")
	serve(t, dhcp.New(parse(t, article), dhcp.Options{}), server)
	conn, err := machine.ListenPacket(t.Context(), "udp4", ":68")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	w := plug(t, machine)
	// Messages of odd and even length.
	for i, prl := range [][]byte{{1, 3, 6}, {1, 3}, {3, 6, 54}} {
		m := message{mac: machine.MAC(), kind: 1, xid: uint32(i + 1), flags: 0x8000, opts: []option{{55, prl}, {82, bytes.Repeat([]byte{1, 1, 'x'}, 20+i)}}}
		w.send(m.frame(nil))
		b := make([]byte, 2000)
		k, from, err := conn.ReadFrom(b)
		if err != nil {
			t.Fatal(err)
		}
		if from.String() != "192.168.1.103:67" || k < 300 || b[7] != byte(i+1) {
			t.Errorf("%d bytes from %s: % x", k, from, b[:min(k, 20)])
		}
	}
}

func TestListenFails(t *testing.T) {
	n := segment(t, "fails")
	h := host(t, n, "f-server", "192.168.1.103/24")
	elsewhere := host(t, n, "f-elsewhere", "10.0.0.1/24")
	err := dhcp.New(parse(t, article), dhcp.Options{}).Listen(t.Context(), elsewhere)
	if err == nil || !strings.Contains(err.Error(), "no subnet declaration holds 10.0.0.1") {
		t.Errorf("on a host of no subnet: %v", err)
	}
	taken, err := h.ListenPacket(t.Context(), "udp4", ":67")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	err = dhcp.New(parse(t, article), dhcp.Options{}).Listen(t.Context(), h)
	if err == nil || !strings.Contains(err.Error(), "UDP port 67 is taken") {
		t.Errorf("on a taken port: %v", err)
	}
}

func TestServeEnds(t *testing.T) {
	n := segment(t, "ends")
	h := host(t, n, "e-server", "192.168.1.103/24")
	s := dhcp.New(parse(t, article), dhcp.Options{})
	if err := s.Serve(t.Context()); err == nil {
		t.Error("Serve without Listen gave no error")
	}
	if err := s.Listen(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Serve(ctx); err != nil {
		t.Errorf("the end of the context is no error, and Serve said %v", err)
	}
	// The port is free again.
	if err := dhcp.New(parse(t, article), dhcp.Options{}).Listen(t.Context(), h); err != nil {
		t.Error(err)
	}
}
