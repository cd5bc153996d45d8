package captures_test

import (
	"bytes"
	"net/netip"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"github.com/pxeproof/pxeproof/captures"
)

func decodeAs(t testing.TB, link captures.LinkType, frames ...[]byte) *captures.Timeline {
	t.Helper()
	d := captures.NewDecoder(captures.Options{})
	tl := &captures.Timeline{}
	emit := func(e captures.Event) { tl.Events = append(tl.Events, e) }
	for i, f := range frames {
		d.Frame(captures.FrameInfo{Number: i + 1, Link: link, Length: len(f)}, f, emit)
	}
	d.Finish(emit)
	tl.Transfers = d.Transfers()
	return tl
}

// The same transfer behind every link header that is known.
func TestLinkTypes(t *testing.T) {
	frames := concat([][]byte{ask(t, "f")}, lockStep(t, content(600), 512, plainNumber))
	each := func(f func(frame []byte) []byte) (out [][]byte) {
		for _, x := range frames {
			out = append(out, f(x))
		}
		return out
	}
	tag := func(frame []byte, tags ...byte) []byte {
		return bytes.Join([][]byte{frame[:12], tags, frame[12:]}, nil)
	}
	for name, c := range map[string]struct {
		link   captures.LinkType
		frames [][]byte
		host   string
	}{
		"Ethernet": {captures.LinkEthernet, frames, pcMAC},
		"VLAN":     {captures.LinkEthernet, each(func(f []byte) []byte { return tag(f, 0x81, 0, 0, 5) }), pcMAC},
		"two VLANs": {captures.LinkEthernet, each(func(f []byte) []byte {
			return tag(f, 0x81, 0, 0, 5, 0x81, 0, 0, 6)
		}), pcMAC},
		"cooked": {captures.LinkCooked, each(func(f []byte) []byte {
			return bytes.Join([][]byte{{0, 0, 0, 1, 0, 6}, f[6:12], {0, 0}, f[12:]}, nil)
		}), pcMAC},
		"cooked 2": {captures.LinkCooked2, each(func(f []byte) []byte {
			return bytes.Join([][]byte{f[12:14], {0, 0, 0, 0, 0, 9, 0, 1, 0, 6}, f[6:12], {0, 0}, f[14:]}, nil)
		}), pcMAC},
		"cooked VLAN": {captures.LinkCooked, each(func(f []byte) []byte {
			return bytes.Join([][]byte{{0, 0, 0, 1, 0, 6}, f[6:12], {0, 0, 0x81, 0, 0, 5}, f[12:]}, nil)
		}), pcMAC},
		"raw": {captures.LinkRaw, each(func(f []byte) []byte { return f[14:] }), "192.168.1.10"},
		"padded": {captures.LinkEthernet, each(func(f []byte) []byte {
			return append(bytes.Clone(f), make([]byte, max(0, 60-len(f)))...)
		}), pcMAC},
	} {
		tl := decodeAs(t, c.link, c.frames...)
		if len(tl.Transfers) != 1 {
			t.Errorf("%s: %d transfers", name, len(tl.Transfers))
			continue
		}
		if x := tl.Transfers[0]; x.Bytes != 600 || x.Status != captures.Complete || x.Host != c.host {
			t.Errorf("%s: %+v", name, x)
		}
	}
}

func TestARP(t *testing.T) {
	arp := func(op uint16, from, to station, target []byte) []byte {
		return serialize(t, &layers.Ethernet{SrcMAC: from.mac, DstMAC: target, EthernetType: layers.EthernetTypeARP},
			&layers.ARP{AddrType: 1, Protocol: layers.EthernetTypeIPv4, HwAddressSize: 6, ProtAddressSize: 4, Operation: op,
				SourceHwAddress: from.mac, SourceProtAddress: from.addr.AsSlice(), DstHwAddress: target, DstProtAddress: to.addr.AsSlice()})
	}
	tl := decode(t, captures.Options{}, fromClient(t, bootp{options: append(opt(53, 1), 255)}), fromServer(t, bootp{yiaddr: pc.addr, options: append(opt(53, 5), 255)}),
		arp(1, pc, other, everybody.mac), arp(2, other, pc, pc.mac), arp(1, server, pc, everybody.mac), arp(2, pc, server, server.mac))
	q := of(tl, captures.ARPRequest)
	if len(q) != 2 || q[0].Host != pcMAC || q[1].Host != pcMAC || q[0].Addr("arp.dst.proto_ipv4") != other.addr || q[0].Addr("arp.src.proto_ipv4") != pc.addr {
		t.Errorf("%+v", q)
	}
	a := of(tl, captures.ARPReply)
	if len(a) != 2 || a[0].Host != pcMAC || a[1].Host != pcMAC || !bytes.Equal(a[0].Bytes("arp.src.hw_mac"), other.mac) || !bytes.Equal(a[0].Bytes("arp.dst.hw_mac"), pc.mac) {
		t.Errorf("%+v", a)
	}
}

func TestICMPUnreachable(t *testing.T) {
	request := ask(t, "f")
	n := ip(server, pc, layers.IPProtocolICMPv4)
	frame := serialize(t, ethernet(server, pc), n.(gopacket.SerializableLayer),
		&layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(3, 3)}, gopacket.Payload(request[14:]))
	tl := decode(t, captures.Options{Servers: []captures.ServerHost{{MAC: server.mac}}}, request, frame)
	e := one(t, tl, captures.ICMPUnreachable)
	if e.Host != pcMAC || e.Int("icmp.code") != 3 || e.Addr("ip.src") != server.addr || e.Addr("icmp.ip.dst") != server.addr || e.Int("icmp.udp.dstport") != 69 {
		t.Errorf("%+v", e)
	}
}

func TestNeighbourDiscovery(t *testing.T) {
	six := func(s station, a string) station { return station{s.mac, netip.MustParseAddr(a)} }
	c, s := six(pc, "fe80::a"), six(server, "fe80::3")
	all := station{[]byte{0x33, 0x33, 0, 0, 0, 1}, netip.MustParseAddr("ff02::1")}
	icmp := func(from, to station, kind uint8, more ...byte) []byte {
		n := ip(from, to, layers.IPProtocolICMPv6)
		i := &layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(kind, 0)}
		if err := i.SetNetworkLayerForChecksum(n); err != nil {
			t.Fatal(err)
		}
		return serialize(t, ethernet(from, to), n.(gopacket.SerializableLayer), i, gopacket.Payload(append(make([]byte, 4), more...)))
	}
	tl := decode(t, captures.Options{}, icmp(c, all, 133), icmp(s, all, 134, make([]byte, 8)...), icmp(s, c, 134, make([]byte, 8)...), icmp(c, all, 135, s.addr.AsSlice()...))
	if e := one(t, tl, captures.RouterSolicit); e.Host != pcMAC || e.Addr("ipv6.src") != c.addr {
		t.Errorf("%+v", e)
	}
	if ra := of(tl, captures.RouterAdvert); len(ra) != 2 || ra[0].Host != "" || ra[1].Host != pcMAC || ra[0].Addr("ipv6.src") != s.addr {
		t.Errorf("%+v", ra)
	}
	if e := one(t, tl, captures.NeighborSolicit); e.Host != pcMAC || e.Addr("icmpv6.nd.ns.target_address") != s.addr {
		t.Errorf("%+v", e)
	}
}

func TestSTP(t *testing.T) {
	bpdu := func(root byte, age byte) []byte {
		b := []byte{0x42, 0x42, 3, 0, 0, 0, 0, 0, 0x80, 0, 1, 2, 3, 4, 5, root, 0, 0, 0, 0, 0x80, 0, 1, 2, 3, 4, 5, 9, 0x80, 2, 0, age, 20, 0, 2, 0, 15, 0}
		f := append([]byte{1, 0x80, 0xc2, 0, 0, 0, 2, 0, 0, 0, 0, 9, 0, byte(len(b))}, b...)
		return append(f, make([]byte, 60-len(f))...)
	}
	tl := decode(t, captures.Options{}, bpdu(6, 0), bpdu(6, 1), bpdu(7, 0))
	es := of(tl, captures.STP)
	if len(es) != 2 || !bytes.Equal(es[0].Bytes("stp.root.hw"), []byte{1, 2, 3, 4, 5, 6}) || es[0].Int("stp.port") != 0x8002 || es[1].Frame.Number != 3 {
		t.Errorf("%+v", es)
	}
}

// A bridge's host that captures "any" sees each frame at each of its ports.
func TestCopiesOfAFrame(t *testing.T) {
	var frames [][]byte
	for _, f := range concat([][]byte{ask(t, "f")}, lockStep(t, content(600), 512, plainNumber)) {
		for device := range byte(3) {
			frames = append(frames, bytes.Join([][]byte{f[12:14], {0, 0, 0, 0, 0, device, 0, 1, 0, 6}, f[6:12], {0, 0}, f[14:]}, nil))
		}
	}
	tl := decodeAs(t, captures.LinkCooked2, frames...)
	if len(tl.Transfers) != 1 || tl.Transfers[0].Resent != 0 || tl.Transfers[0].Bytes != 600 || len(of(tl, captures.TFTPRepeated)) != 0 {
		t.Errorf("%+v", tl.Transfers)
	}
}
