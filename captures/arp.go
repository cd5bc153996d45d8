package captures

import (
	"net"
	"net/netip"

	"github.com/google/gopacket/layers"
)

// notIP decodes frames that carry no IP: ARP and the spanning tree's.
func (d *Decoder) notIP() {
	switch d.p.ether {
	case etherARP:
		d.arp()
	case etherLLC, etherCookedLLC:
		d.stp()
	}
}

// arp reads ARP for IPv4 over Ethernet (RFC 826). The machine that it concerns
// is the one that asks; if a server asks, the one that it asks for.
func (d *Decoder) arp() {
	a := &d.parser.arp
	if len(a.SourceHwAddress) != 6 || len(a.SourceProtAddress) != 4 || a.Protocol != layers.EthernetTypeIPv4 {
		return
	}
	from, to := mac(a.SourceHwAddress), mac(a.DstHwAddress)
	src, _ := netip.AddrFromSlice(a.SourceProtAddress)
	dst, _ := netip.AddrFromSlice(a.DstProtAddress)
	switch a.Operation {
	case layers.ARPRequest:
		who := d.hosts.between(from, mac{})
		if e := d.hosts.get(from); e != nil && !e.machine {
			if name := d.hosts.lease[dst]; name != "" {
				who = name
			}
		}
		d.event(who, ARPRequest, []Field{
			{"arp.src.hw_mac", from.hardware()},
			{"arp.src.proto_ipv4", src},
			{"arp.dst.proto_ipv4", dst},
		})
	case layers.ARPReply:
		d.event(d.hosts.between(to, from), ARPReply, []Field{
			{"arp.src.hw_mac", from.hardware()},
			{"arp.src.proto_ipv4", src},
			{"arp.dst.hw_mac", net.HardwareAddr(to.hardware())},
			{"arp.dst.proto_ipv4", dst},
		})
	}
}
