package captures

import (
	"encoding/binary"
	"net/netip"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// A parser takes any frame apart, with gopacket's layers. The layers are its
// own and used again for each frame.
type parser struct {
	eth   layers.Ethernet
	vlan  layers.Dot1Q
	arp   layers.ARP
	ip4   layers.IPv4
	ip6   layers.IPv6
	ext   layers.IPv6ExtensionSkipper
	udp   layers.UDP
	tcp   layers.TCP
	icmp4 layers.ICMPv4
	icmp6 layers.ICMPv6

	byFirst map[gopacket.LayerType]*gopacket.DecodingLayerParser
	decoded []gopacket.LayerType
}

func newParser() *parser {
	ps := &parser{byFirst: make(map[gopacket.LayerType]*gopacket.DecodingLayerParser)}
	for _, first := range []gopacket.LayerType{
		layers.LayerTypeEthernet, layers.LayerTypeDot1Q, layers.LayerTypeARP,
		layers.LayerTypeIPv4, layers.LayerTypeIPv6, layers.LayerTypeUDP, layers.LayerTypeTCP,
	} {
		dp := gopacket.NewDecodingLayerParser(first, &ps.eth, &ps.vlan, &ps.arp, &ps.ip4, &ps.ip6, &ps.ext,
			&ps.udp, &ps.tcp, &ps.icmp4, &ps.icmp6)
		// A layer that we do not read ends the decoding and is no error. A
		// layer's panic on a hostile frame is caught by gopacket.
		dp.IgnoreUnsupported = true
		ps.byFirst[first] = dp
	}
	return ps
}

// parse fills p from data. It is false for a frame of which nothing can be
// made.
func (ps *parser) parse(p *packet, data []byte) bool {
	*p = packet{FrameInfo: p.FrameInfo}
	first, data, ok := p.link(data)
	if !ok {
		return false
	}
	p.payload = data
	return ps.layers(p, first, data)
}

// layers decodes data, which begins with the layer first.
func (ps *parser) layers(p *packet, first gopacket.LayerType, data []byte) bool {
	dp := ps.byFirst[first]
	if dp == nil {
		return p.macs // an LLC frame, or a protocol that is not ours
	}
	err := dp.DecodeLayers(data, &ps.decoded)
	for _, t := range ps.decoded {
		switch t {
		case layers.LayerTypeEthernet:
			p.macs = true
			p.srcMAC, p.dstMAC = mac(ps.eth.SrcMAC), mac(ps.eth.DstMAC)
			p.ether, p.payload = uint16(ps.eth.EthernetType), ps.eth.Payload
		case layers.LayerTypeDot1Q:
			p.ether, p.payload = uint16(ps.vlan.Type), ps.vlan.Payload
		case layers.LayerTypeARP:
			p.ether = etherARP
		case layers.LayerTypeIPv4:
			if !ps.ipv4(p) {
				return true
			}
		case layers.LayerTypeIPv6:
			ps.ipv6(p)
		case layers.LayerTypeIPv6HopByHop, layers.LayerTypeIPv6Routing, layers.LayerTypeIPv6Destination:
			p.proto, p.payload = uint8(ps.ext.NextHeader), ps.ext.Payload
		case layers.LayerTypeUDP:
			ps.transport(p, ps.udp.Contents, ps.udp.Payload)
		case layers.LayerTypeTCP:
			ps.transport(p, ps.tcp.Contents, ps.tcp.Payload)
			p.seq, p.ack, p.flags = ps.tcp.Seq, ps.tcp.Ack, ps.tcp.Contents[13]
		}
	}
	if p.proto == protoIPv6Fragment {
		p.ipv6Fragment()
	}
	if p.fragment == nil && (p.proto == protoUDP || p.proto == protoTCP) && p.segment == nil {
		p.proto = 0 // its header is cut off or nonsense
	}
	return err == nil || p.macs || p.proto != 0
}

// ipv4 is false for a fragment, after which gopacket's layers end.
func (ps *parser) ipv4(p *packet) bool {
	ip := &ps.ip4
	p.ether, p.proto = etherIPv4, uint8(ip.Protocol)
	p.src, _ = netip.AddrFromSlice(ip.SrcIP)
	p.dst, _ = netip.AddrFromSlice(ip.DstIP)
	p.payload = ip.Payload
	p.cut = max(0, int(ip.Length)-len(ip.Contents)-len(ip.Payload))
	more := ip.Flags&layers.IPv4MoreFragments != 0
	if ip.FragOffset != 0 || more {
		p.fragment = &ipFragment{id: uint32(ip.Id), offset: int(ip.FragOffset) * 8, more: more}
		return false
	}
	return true
}

func (ps *parser) ipv6(p *packet) {
	ip := &ps.ip6
	p.ether, p.proto = etherIPv6, uint8(ip.NextHeader)
	p.src, _ = netip.AddrFromSlice(ip.SrcIP)
	p.dst, _ = netip.AddrFromSlice(ip.DstIP)
	p.payload = ip.Payload
	rest := int(ip.Length)
	if ip.HopByHop != nil {
		p.proto = uint8(ip.HopByHop.NextHeader)
		rest -= ip.HopByHop.ActualLength
	}
	p.cut = max(0, rest-len(ip.Payload))
}

func (ps *parser) transport(p *packet, header, payload []byte) {
	p.sport = binary.BigEndian.Uint16(header)
	p.dport = binary.BigEndian.Uint16(header[2:])
	p.payload = payload
	p.segment = header[:len(header)+len(payload)]
	if p.proto == protoUDP {
		if n := int(ps.udp.Length); n >= 8 {
			p.cut = n - len(p.segment)
		}
	}
}

// whole takes apart the transport header of a packet that was put together
// from fragments.
func (ps *parser) whole(p *packet) bool {
	switch p.proto {
	case protoUDP:
		return ps.layers(p, layers.LayerTypeUDP, p.payload)
	case protoTCP:
		return ps.layers(p, layers.LayerTypeTCP, p.payload)
	}
	return true
}

// link takes the link header off, for all but Ethernet, which is gopacket's.
func (p *packet) link(data []byte) (gopacket.LayerType, []byte, bool) {
	switch p.Link {
	case LinkEthernet:
		return layers.LayerTypeEthernet, data, true
	case LinkCooked:
		// https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL.html
		if len(data) < 16 {
			return 0, nil, false
		}
		p.cooked(data[2:], data[4:], data[6:])
		p.device = uint32(binary.BigEndian.Uint16(data)) // the packet's type: to us, from us, …
		return p.network(binary.BigEndian.Uint16(data[14:])), data[16:], true
	case LinkCooked2:
		// https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL2.html
		if len(data) < 20 {
			return 0, nil, false
		}
		p.cooked(data[8:], []byte{0, data[11]}, data[12:])
		p.device = binary.BigEndian.Uint32(data[4:])
		return p.network(binary.BigEndian.Uint16(data)), data[20:], true
	case LinkRaw, LinkIPv4, LinkIPv6, linkRaw12, linkRaw14:
		if len(data) < 1 {
			return 0, nil, false
		}
		switch data[0] >> 4 {
		case 4:
			return layers.LayerTypeIPv4, data, true
		case 6:
			return layers.LayerTypeIPv6, data, true
		}
	}
	return 0, nil, false
}

// cooked reads the sender's address, if it is a MAC.
func (p *packet) cooked(arphrd, length, addr []byte) {
	const ethernet, loopback = 1, 772
	if binary.BigEndian.Uint16(length) == 6 && binary.BigEndian.Uint16(arphrd) != loopback {
		p.macs, p.srcMAC = true, mac(addr[:6])
	}
}

func (p *packet) network(ether uint16) gopacket.LayerType {
	p.ether = ether
	switch ether {
	case etherIPv4:
		return layers.LayerTypeIPv4
	case etherIPv6:
		return layers.LayerTypeIPv6
	case etherARP:
		return layers.LayerTypeARP
	case etherVLAN, etherQinQ:
		return layers.LayerTypeDot1Q
	}
	return gopacket.LayerTypeZero
}
