// Package dhcpfile reads the configuration of a DHCP server, whichever server's
// it is, and says what that answers to a client that boots.
package dhcpfile

import (
	"io/fs"
	"net"
	"net/netip"
	"path"
	"regexp"
	"strings"

	"github.com/pxeproof/pxeproof/servers/conf"
	"github.com/pxeproof/pxeproof/servers/conf/dhcpd"
	"github.com/pxeproof/pxeproof/servers/conf/dnsmasq"
	"github.com/pxeproof/pxeproof/servers/conf/kea"
)

// A File is a DHCP server's configuration, of whatever server.
type File interface {
	// Daemon is whose it is.
	Daemon() string
	// Answer is what the server answers to a message. at is the address and
	// network of the interface that the message came in on.
	Answer(q dhcpd.Query, at netip.Prefix) Offer
	// Networks are those that it serves.
	Networks() []netip.Prefix
	// Range is the first range of addresses of such a network; not valid if it
	// has none.
	Range(n netip.Prefix) (low, high netip.Addr)
}

// An Offer is what a server answers, in the parts that a boot depends on.
type Offer struct {
	Silent  string // why there is no answer; empty if there is one
	Address netip.Addr
	SIAddr  conf.Sourced[netip.Addr]
	File    conf.Sourced[string]
	Subnet  conf.Pos // where the address is from
	Options []conf.OptionValue
	// Unset says which directive names no server to boot from, for people.
	Unset string
}

// Option finds an option by its code; nil if it is not there.
func (o *Offer) Option(code uint8) *conf.OptionValue {
	for i := range o.Options {
		if o.Options[i].Code == code {
			return &o.Options[i]
		}
	}
	return nil
}

// Read reads a DHCP server's file. The name, or else the content, says of
// which server it is. An error is for a file of which nothing can be made.
func Read(name string, src []byte, fsys fs.FS) (File, conf.Problems, error) {
	switch daemonOf(name, src) {
	case "dnsmasq":
		cfg, ps := dnsmasq.Parse(name, src, fsys, dnsmasq.CommandLineDirs(fsys)...)
		return Dnsmasq{cfg}, ps, nil
	case "Kea":
		cfg, ps := kea.Parse(name, src, fsys)
		return Kea{cfg}, ps, nil
	}
	cfg, ps, err := dhcpd.Parse(name, src, fsys)
	return ISC{cfg}, ps, err
}

// dnsmasqs are lines that only dnsmasq has.
var dnsmasqs = regexp.MustCompile(`(?m)^\s*(dhcp-(range|boot|host|option|match)|pxe-service|tftp-root)\s*=`)

// daemonOf is whose file it is: that of dnsmasq, Kea or dhcpd.
func daemonOf(name string, src []byte) string {
	base := path.Base(name)
	switch {
	case strings.Contains(base, "dnsmasq") || strings.Contains(path.Dir(name), "dnsmasq") || dnsmasqs.Match(src):
		return "dnsmasq"
	case strings.Contains(base, "kea") || strings.Contains(string(src), `"Dhcp4"`):
		return "Kea"
	}
	return "dhcpd"
}

// ISC is a dhcpd.conf.
type ISC struct{ *dhcpd.Config }

// Daemon implements [File].
func (f ISC) Daemon() string { return "dhcpd" }

// Answer implements [File].
func (f ISC) Answer(q dhcpd.Query, at netip.Prefix) Offer {
	q.Server = at.Addr()
	a := f.Config.Answer(q)
	if a.Reply == dhcpd.NoReply {
		return Offer{Silent: a.Reason.Value}
	}
	o := Offer{Address: a.Address.Value, SIAddr: a.SIAddr, File: conf.Sourced[string]{Value: string(a.File.Value), Pos: a.File.Pos},
		Options: a.Options, Unset: "no next-server is set for this subnet, nor for the whole file"}
	if a.Subnet != nil {
		o.Subnet = a.Subnet.Pos
	}
	return o
}

// Networks implements [File].
func (f ISC) Networks() (all []netip.Prefix) {
	for _, s := range f.Subnets {
		all = append(all, s.Prefix)
	}
	return all
}

// Dnsmasq is a dnsmasq.conf.
type Dnsmasq struct{ *dnsmasq.Config }

// Daemon implements [File].
func (f Dnsmasq) Daemon() string { return "dnsmasq" }

// Answer implements [File].
func (f Dnsmasq) Answer(q dhcpd.Query, at netip.Prefix) Offer {
	a := f.Config.Answer(dnsmasq.Query{Type: dnsmasq.MessageType(q.Type), MAC: net.HardwareAddr(q.Hardware), Options: q.Options, Server: at})
	switch {
	case a.Reply == dnsmasq.NoReply:
		return Offer{Silent: a.Reason.Value}
	case a.Proxy:
		return Offer{Silent: "dnsmasq answers as proxyDHCP, and the address comes from another server"}
	}
	o := Offer{Address: a.Address.Value, SIAddr: a.SIAddr, File: a.File, Options: a.Options,
		Unset: "no dhcp-boot names a server, so dnsmasq names itself"}
	if a.Range != nil {
		o.Subnet = a.Range.Pos
	}
	return o
}

// Networks implements [File].
func (f Dnsmasq) Networks() (all []netip.Prefix) {
	for _, r := range f.Ranges {
		bits := 24 // what most interfaces have, from which dnsmasq takes it
		if r.Mask.IsValid() {
			bits, _ = net.IPMask(r.Mask.AsSlice()).Size()
		}
		all = append(all, netip.PrefixFrom(r.Start, bits).Masked())
	}
	return all
}

// Kea is the configuration of Kea's DHCPv4 server.
type Kea struct{ *kea.Config }

// Daemon implements [File].
func (f Kea) Daemon() string { return "Kea" }

// Answer implements [File].
func (f Kea) Answer(q dhcpd.Query, at netip.Prefix) Offer {
	a := f.Config.Answer(kea.Query{Type: kea.MessageType(q.Type), MAC: net.HardwareAddr(q.Hardware), Options: q.Options, Server: at})
	if a.Silent {
		return Offer{Silent: a.Reason.Value}
	}
	return Offer{Address: a.Address.Value, SIAddr: a.SIAddr, File: a.File, Subnet: a.Subnet.Pos, Options: a.Options,
		Unset: "no next-server is set for this subnet, nor for the whole file"}
}

// Networks implements [File].
func (f Kea) Networks() (all []netip.Prefix) {
	for _, n := range f.Config.Networks {
		for _, s := range n.Subnets {
			all = append(all, s.Prefix)
		}
	}
	return all
}

// Range implements [File].
func (f ISC) Range(n netip.Prefix) (low, high netip.Addr) {
	for _, nw := range f.Config.Networks {
		for _, p := range nw.Pools {
			for _, r := range p.Ranges {
				if n.Contains(r.Low) {
					return r.Low, r.High
				}
			}
		}
	}
	return low, high
}

// Range implements [File].
func (f Dnsmasq) Range(n netip.Prefix) (low, high netip.Addr) {
	for _, r := range f.Ranges {
		if n.Contains(r.Start) && !r.Static && !r.Proxy {
			return r.Start, r.End
		}
	}
	return low, high
}

// Range implements [File].
func (f Kea) Range(n netip.Prefix) (low, high netip.Addr) {
	for _, nw := range f.Config.Networks {
		for _, s := range nw.Subnets {
			if s.Prefix == n && len(s.Pools) > 0 {
				return s.Pools[0].First, s.Pools[0].End
			}
		}
	}
	return low, high
}
