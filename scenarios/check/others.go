package check

import (
	"fmt"
	"io/fs"
	"net/netip"

	"github.com/pxeproof/pxeproof/scenarios"
	"github.com/pxeproof/pxeproof/servers/conf"
	"github.com/pxeproof/pxeproof/servers/conf/dhcpd"
	"github.com/pxeproof/pxeproof/servers/conf/dhcpfile"
)

// kindOfDHCP says whose file a DHCP server's is.
func kindOfDHCP(file string, src []byte) kind {
	if k := kindOf(file, src); k == kindDnsmasq || k == kindKea {
		return k
	}
	return kindDHCP
}

// readOther reads the file of a DHCP server that is not dhcpd. host may be nil.
func (s *site) readOther(file string, src []byte, host *scenarios.Host) error {
	var fsys fs.FS
	if s.tree != nil {
		fsys = s.tree.asFS()
	}
	cfg, ps, err := dhcpfile.Read(file, src, fsys)
	if err != nil {
		return fmt.Errorf("%s: %w", s.name(file), err)
	}
	s.problems(file, ps)
	s.others = append(s.others, service[dhcpfile.File]{file, host, cfg})
	return nil
}

// otherLeases asks them what they tell the clients about booting. A server
// without a scenario is taken to have the first address of each network.
func (s *site) otherLeases() {
	for _, d := range s.others {
		for i, n := range d.conf.Networks() {
			if i == maxClients {
				break
			}
			at := netip.PrefixFrom(n.Addr().Next(), n.Bits())
			if d.host != nil {
				at = d.host.Address
			}
			for _, c := range s.clients(nil) {
				o := d.conf.Answer(c.query(at.Addr()), at)
				if o.Silent != "" {
					continue
				}
				s.lease(c, answered(o), func(p conf.Pos) conf.Pos { return p })
			}
		}
	}
}

// answered is an offer in the form of dhcpd's answers.
func answered(o dhcpfile.Offer) dhcpd.Answer {
	return dhcpd.Answer{Reply: dhcpd.OfferReply, Address: dhcpd.Sourced[netip.Addr]{Value: o.Address}, SIAddr: o.SIAddr,
		File: dhcpd.Sourced[[]byte]{Value: []byte(o.File.Value), Pos: o.File.Pos}, Options: o.Options}
}
