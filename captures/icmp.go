package captures

import (
	"encoding/binary"
	"net/netip"

	"github.com/google/gopacket/layers"
)

// icmp reads "destination unreachable" (RFC 792) and the head of the packet
// that it answers.
func (d *Decoder) icmp() {
	p := &d.p
	// A fragment of ICMP put together is none that we need.
	if p.joined || len(p.payload) < 8 || p.payload[0] != layers.ICMPv4TypeDestinationUnreachable {
		return
	}
	inner := p.payload[8:]
	f := []Field{
		{"icmp.code", int64(p.payload[1])},
		{"ip.src", p.src},
		{"ip.dst", p.dst},
	}
	if len(inner) >= 20 {
		f = append(f, Field{"icmp.ip.dst", netip.AddrFrom4([4]byte(inner[16:20]))})
		if n := int(inner[0]&15) * 4; inner[9] == protoUDP && n >= 20 && len(inner) >= n+4 {
			f = append(f, Field{"icmp.udp.dstport", int64(binary.BigEndian.Uint16(inner[n+2:]))})
		}
	}
	// Whoever sent the packet inside is told; the machine is one of the two.
	d.event(d.ipHost(), ICMPUnreachable, f)
}

// ipHost names the machine among the two ends of the packet at hand.
func (d *Decoder) ipHost() string {
	p := &d.p
	if p.macs {
		if name := d.hosts.between(p.dstMAC, p.srcMAC); name != "" {
			return name
		}
	}
	if name := d.hosts.lease[p.dst]; name != "" {
		return name
	}
	return d.hosts.lease[p.src]
}

// icmpv6 reads neighbour discovery (RFC 4861).
func (d *Decoder) icmpv6() {
	p := &d.p
	if len(p.payload) < 8 || p.joined {
		return
	}
	src := Field{"ipv6.src", p.src}
	switch p.payload[0] {
	case layers.ICMPv6TypeRouterSolicitation:
		d.event(d.hosts.between(p.srcMAC, mac{}), RouterSolicit, []Field{src})
	case layers.ICMPv6TypeRouterAdvertisement:
		host := ""
		if p.dstMAC.single() {
			host = d.hosts.client(p.dstMAC, p.dst)
		}
		d.event(host, RouterAdvert, []Field{src})
	case layers.ICMPv6TypeNeighborSolicitation:
		if len(p.payload) < 24 {
			return
		}
		d.event(d.hosts.between(p.srcMAC, mac{}), NeighborSolicit, []Field{
			src, {"icmpv6.nd.ns.target_address", netip.AddrFrom16([16]byte(p.payload[8:24]))},
		})
	}
}
