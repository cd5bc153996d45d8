package tftp_test

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sync/errgroup"

	"github.com/pxeproof/pxeproof/harness/network"
	"github.com/pxeproof/pxeproof/servers/tftp"
)

var group = netip.MustParseAddrPort("239.255.0.0:1758")

// hears lets the programs of a host join groups: they leave the interface to
// the routing table.
func hears(t *testing.T, h *network.Host) {
	t.Helper()
	if err := h.Do(func() error {
		link, err := netlink.LinkByName(h.Interface())
		if err != nil {
			return err
		}
		return netlink.RouteAdd(&netlink.Route{LinkIndex: link.Attrs().Index, Scope: netlink.SCOPE_LINK,
			Dst: &net.IPNet{IP: net.IPv4(224, 0, 0, 0), Mask: net.CIDRMask(4, 32)}})
	}); err != nil {
		t.Fatal(err)
	}
}

// TestMulticastAtftp has three of atftp's clients, on three hosts, fetch one
// file at once: all get it, and it is sent hardly more than once.
func TestMulticastAtftp(t *testing.T) {
	needProgram(t, "atftp")
	l := newLab(t)
	const size = 3<<20 + 17
	want := l.write(t, "f", size)
	done := l.startWatched(t, tftp.Config{Multicast: group})
	hosts := []*network.Host{l.client, l.host(t, "192.168.1.51/24"), l.host(t, "192.168.1.52/24")}
	l.fetchTogether(t, hosts, want, "--option", "multicast", "--option", "blksize 1428", "-g", "-r", "f")
	var sent int64
	for range hosts {
		tr := <-done
		if tr.Err != nil || tr.Bytes != size {
			t.Errorf("%+v", tr)
		}
		sent += tr.Sent
	}
	if once := int64(size/1428 + 1); sent >= 3*once {
		t.Errorf("%d blocks were sent for a file of %d: to each alone", sent, once)
	}
}

// host is one more on the lab's network.
func (l *lab) host(t *testing.T, addr string) *network.Host {
	t.Helper()
	p := netip.MustParsePrefix(addr)
	h, err := l.network.AddHost(network.HostConfig{Name: fmt.Sprintf("h%d-%d", bridges, p.Addr().As4()[3]), Addr: p})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// TestMulticast plays two clients by hand: the second hears what the first, the
// master, acknowledges, and becomes master for what it has missed.
func TestMulticast(t *testing.T) {
	l := newLab(t)
	want := l.write(t, "f", 3*8+5)
	done := l.startWatched(t, tftp.Config{Multicast: group, Log: func(line string) { t.Log(line) }})
	air := l.air(t)
	one, two := l.peer(t), l.peer(t)
	one.read("f", "multicast", "", "blksize", "8", "windowsize", "4", "timeout", patient)
	one.wantOACK("blksize 8 timeout 60 multicast 239.255.0.0,1758,1")
	one.ack(0)
	air.wantBlocks(1)
	one.ack(1)
	air.wantBlocks(2)
	two.read("f", "multicast", "", "blksize", "8", "tsize", "0", "timeout", patient)
	two.wantOACK("blksize 8 tsize 29 timeout 60 multicast 239.255.0.0,1758,0")
	two.ack(0) // not its turn
	one.ack(2)
	one.ack(2) // twice
	data := air.wantBlocks(3)
	one.ack(3)
	data = append(data, air.wantBlocks(4)...)
	one.ack(4)
	if tr := <-done; tr.Err != nil || tr.Bytes != 29 {
		t.Errorf("%+v", tr)
	}
	two.wantOACK("multicast 239.255.0.0,1758,1")
	two.ack(0) // it has 3 and 4, and misses 1
	data = append(data, air.wantBlocks(1)...)
	two.ack(1)
	data = append(data, air.wantBlocks(2)...)
	two.ack(4) // and 3 and 4 it has
	if tr := <-done; tr.Err != nil || tr.Bytes != 29 {
		t.Errorf("%+v", tr)
	}
	if got := bytes.Join([][]byte{data[2], data[3], data[0], data[1]}, nil); !bytes.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	// Alone again, and gone: the next one is not kept waiting for ever.
	one.read("f", "multicast", "", "timeout", patient)
	one.wantOACK("timeout 60 multicast 239.255.0.1,1758,1")
	two.read("f", "multicast", "", "timeout", patient)
	two.wantOACK("timeout 60 multicast 239.255.0.1,1758,0")
	one.send("\x00\x05\x00\x00enough\x00", one.tid)
	two.wantOACK("multicast 239.255.0.1,1758,1")
	if tr := <-done; tr.Err == nil {
		t.Errorf("%+v", tr)
	}
}

// air hears what is sent to the group.
func (l *lab) air(t *testing.T) *peer {
	t.Helper()
	hears(t, l.client)
	air := &peer{t: t}
	if err := l.client.Do(func() error {
		c, err := net.ListenMulticastUDP("udp4", nil, net.UDPAddrFromAddrPort(group))
		if err == nil {
			t.Cleanup(func() { c.Close() })
		}
		air.PacketConn = c
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return air
}

// fetchTogether has atftp on several hosts fetch a file at once, and compares.
func (l *lab) fetchTogether(t *testing.T, hosts []*network.Host, want []byte, args ...string) {
	t.Helper()
	var g errgroup.Group
	for i, h := range hosts {
		hears(t, h)
		to := filepath.Join(t.TempDir(), "got")
		g.Go(func() error {
			out, err := h.Command(t.Context(), "atftp", append(slices.Clone(args), "-l", to, serverAddr)...).CombinedOutput()
			if err != nil {
				return fmt.Errorf("client %d: %w\n%s", i, err, out)
			}
			if got, err := os.ReadFile(to); err != nil || !bytes.Equal(got, want) {
				return fmt.Errorf("client %d: %d other bytes, %v\n%s", i, len(got), err, out)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
}
