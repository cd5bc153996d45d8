package captures

import (
	"encoding/binary"
	"net/netip"
)

// A LinkType says how frames begin, by its number in capture files.
type LinkType uint16

// The link types that are decoded. Frames of others are counted and no more.
const (
	LinkEthernet LinkType = 1
	LinkRaw      LinkType = 101 // an IP packet, no link header
	LinkCooked   LinkType = 113 // Linux "any", version 1
	LinkIPv4     LinkType = 228
	LinkIPv6     LinkType = 229
	LinkCooked2  LinkType = 276 // Linux "any", version 2

	// What some systems write for LinkRaw.
	linkRaw12, linkRaw14 LinkType = 12, 14
)

func (l LinkType) known() bool {
	switch l {
	case LinkEthernet, LinkRaw, LinkCooked, LinkIPv4, LinkIPv6, LinkCooked2, linkRaw12, linkRaw14:
		return true
	}
	return false
}

// IP protocol numbers.
const (
	protoICMP   = 1
	protoTCP    = 6
	protoUDP    = 17
	protoICMPv6 = 58
)

// Ethernet types.
const (
	etherIPv4 = 0x0800
	etherARP  = 0x0806
	etherVLAN = 0x8100
	etherQinQ = 0x88a8
	etherIPv6 = 0x86dd

	etherLLC       = 0 // gopacket's, for a frame with a length in the type's place
	etherCookedLLC = 4 // cooked captures', for the same
)

// A packet is a frame taken apart as far as ports go. Slices point into the
// frame.
type packet struct {
	FrameInfo
	macs           bool // the link has MACs: always srcMAC, dstMAC on Ethernet alone
	srcMAC, dstMAC mac
	device         uint32 // cooked captures: where it was seen, or which way it went
	ether          uint16 // Ethernet type, 0 for an LLC frame

	src, dst     netip.Addr
	proto        uint8 // 0: not IP
	sport, dport uint16
	seq, ack     uint32 // TCP
	flags        uint8  // TCP
	// payload is what follows the transport header, or the network's if it has
	// none that we know; for a frame that is not IP, what follows the link
	// header.
	payload []byte
	segment []byte // transport header and payload
	cut     int    // how many bytes of the payload the snap length took

	fragment *ipFragment // non-nil: the packet is a piece
	joined   bool        // it came in pieces
}

// parseFast takes the common case apart: Ethernet with at most one VLAN tag,
// whole, IPv4 without options, not a fragment, UDP or TCP. It leaves the rest
// to [parser], with which it must agree; a fuzz test holds them together.
//
// It is here because gopacket's decoders cost five times the budget for a
// frame.
func (p *packet) parseFast(data []byte) bool {
	if p.Link != LinkEthernet || len(data) < 42 {
		return false
	}
	ether, ip := binary.BigEndian.Uint16(data[12:]), data[14:]
	if ether == etherVLAN {
		ether, ip = binary.BigEndian.Uint16(data[16:]), data[18:]
	}
	if ether != etherIPv4 || len(ip) < 28 || ip[0] != 0x45 {
		return false
	}
	total := int(binary.BigEndian.Uint16(ip[2:]))
	if total < 28 || total > len(ip) || binary.BigEndian.Uint16(ip[6:])&0x3fff != 0 {
		return false
	}
	seg := ip[20:total]
	switch ip[9] {
	case protoUDP:
		n := int(binary.BigEndian.Uint16(seg[4:]))
		if n < 8 || n > len(seg) {
			return false
		}
		seg = seg[:n]
		p.payload = seg[8:]
	case protoTCP:
		if len(seg) < 20 {
			return false
		}
		n := int(seg[12]>>4) * 4
		if n < 20 || n > len(seg) {
			return false
		}
		p.seq = binary.BigEndian.Uint32(seg[4:])
		p.ack = binary.BigEndian.Uint32(seg[8:])
		p.flags = seg[13]
		p.payload = seg[n:]
	default:
		return false
	}
	p.proto = ip[9]
	p.segment = seg
	p.sport = binary.BigEndian.Uint16(seg)
	p.dport = binary.BigEndian.Uint16(seg[2:])
	p.src = netip.AddrFrom4([4]byte(ip[12:16]))
	p.dst = netip.AddrFrom4([4]byte(ip[16:20]))
	p.macs, p.ether = true, ether
	p.dstMAC, p.srcMAC = mac(data[0:6]), mac(data[6:12])
	p.cut, p.device, p.fragment, p.joined = 0, 0, nil, false
	return true
}

// flow is the two ends of a packet, as a key for maps.
type flow struct {
	src, dst     netip.Addr
	sport, dport uint16
}

func (p *packet) flow() flow { return flow{p.src, p.dst, p.sport, p.dport} }

func (f flow) reverse() flow { return flow{f.dst, f.src, f.dport, f.sport} }

func (p *packet) source() netip.AddrPort      { return netip.AddrPortFrom(p.src, p.sport) }
func (p *packet) destination() netip.AddrPort { return netip.AddrPortFrom(p.dst, p.dport) }
