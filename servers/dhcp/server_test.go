package dhcp_test

import (
	"context"
	"net"
	"net/netip"
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
