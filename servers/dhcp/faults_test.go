package dhcp

import (
	"encoding/binary"
	"net"
	"net/netip"
	"testing"

	"github.com/pxeproof/pxeproof/servers/conf/dhcpd"
)

// siaddr is the next-server of the answer to a message.
func (b *bench) siaddr(m []byte) netip.Addr {
	b.t.Helper()
	out, ok := b.handle(m, netip.AddrPortFrom(netip.IPv4Unspecified(), clientPort))
	if !ok {
		b.t.Fatal("no answer")
	}
	return netip.AddrFrom4([4]byte(out.message[20:24]))
}

func TestFaultNextServer(t *testing.T) {
	wrong := netip.MustParseAddr("10.0.0.99")
	b := newBench(t, "next-server 10.0.0.7;\n"+three, Options{Faults: Faults{NextServer: wrong}})
	if a := b.siaddr(say(1, dhcpd.Discover)); a != addr4(7) {
		t.Errorf("the OFFER has the next-server %s, want the configuration's", a)
	}
	if a := b.siaddr(say(1, dhcpd.Request, wants(addr4(10)))); a != wrong {
		t.Errorf("the ACK has the next-server %s, want %s", a, wrong)
	}
}

// TestFaultChecksum sums what a client would.
func TestFaultChecksum(t *testing.T) {
	out := outgoing{message: []byte("a message of an odd length."), from: addr4(1), to: netip.AddrPortFrom(addr4(10), clientPort)}
	for _, bad := range []bool{false, true} {
		s := sockets{mac: net.HardwareAddr{2, 0, 0, 0, 0, 1}, badChecksum: bad}
		frame := s.wrap(out, allMACs)
		ip, udp := frame[ethernetLen:ethernetLen+ipLen], frame[ethernetLen+ipLen:]
		pseudo := sum(uint32(ip[9])+uint32(len(udp)), ip[12:20])
		if right := sum(uint32(pseudo), udp) == 0xffff; right == bad {
			t.Errorf("with the fault %v the sum is right: %v", bad, right)
		}
		if binary.BigEndian.Uint16(udp[6:]) == 0 {
			t.Error("a sum of zero says that there is none")
		}
	}
}
