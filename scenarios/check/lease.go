package check

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/pxeproof/pxeproof/scenarios"
	"github.com/pxeproof/pxeproof/servers/conf"
	"github.com/pxeproof/pxeproof/servers/conf/dhcpd"
	"github.com/pxeproof/pxeproof/servers/conf/pxelinux"
)

// A lease is what one client is told about booting.
type lease struct {
	answer dhcpd.Answer
	file   string
	fileAt conf.Pos
	from   netip.Addr // where file is to come from; not valid if that is not said
	client pxelinux.Client
	// options are what PXELINUX is told.
	options pxelinux.Options
}

// same says whether another client is told the same, and so that nothing new can
// be found: where it stands in the file, and which addresses it may have, count
// too.
func (l lease) same(o lease) bool {
	return l.options == o.options && l.fileAt == o.fileAt && l.from == o.from && l.answer.SIAddr.Pos == o.answer.SIAddr.Pos &&
		l.client.MAC.String() == o.client.MAC.String() && l.answer.Subnet == o.answer.Subnet && l.answer.Pool == o.answer.Pool
}

// A client is a machine as far as dhcpd.conf can look at it.
type client struct {
	mac  net.HardwareAddr
	arch byte // option 93 (RFC 4578)
	ipxe bool // it says so in option 77
}

// clients are the machines of the scenario, or without one a BIOS and a UEFI
// machine of no particular address, with and without iPXE; and those that the
// file declares.
func (s *site) clients(hosts []*dhcpd.Host) []client {
	var all []client
	if s.scenario != nil {
		for _, m := range s.scenario.Machines {
			cl := client{mac: m.NICs[0].MAC, ipxe: m.NICs[0].ROM != "none"}
			if m.Firmware.Kind == "uefi" {
				cl.arch = 7
			}
			all = append(all, cl)
		}
		return all
	}
	macs := []net.HardwareAddr{{0x52, 0x54, 0, 0, 0, 0}}
	for _, h := range hosts {
		if len(h.Hardware) == 7 && h.Hardware[0] == 1 && len(macs) < maxClients {
			macs = append(macs, h.Hardware[1:])
		}
	}
	for _, mac := range macs {
		all = append(all, client{mac, 0, false}, client{mac, 0, true}, client{mac, 7, false}, client{mac, 7, true})
	}
	return all
}

// maxClients bounds the questions that a file of thousands of hosts, or of
// thousands of subnets, gives rise to.
const maxClients = 64

// query is a DHCPDISCOVER of the client on the subnet.
func (c client) query(server netip.Addr) dhcpd.Query {
	o := map[uint8][]byte{
		53: {1},
		55: {1, 3, 6, 12, 15, 17, 26, 43, 60, 66, 67, 128, 129, 130, 131, 132, 133, 134, 135, 150, 175, 209, 210},
		57: {0x05, 0xc0},
		60: fmt.Appendf(nil, "PXEClient:Arch:%05d:UNDI:002001", c.arch),
		93: {0, c.arch},
		94: {1, 2, 1},
	}
	if c.ipxe {
		o[77] = []byte("iPXE")
	}
	return dhcpd.Query{Type: dhcpd.Discover, Hardware: c.mac, Options: o, Server: server}
}

// leases asks the configurations what they tell the clients, and judges the
// answers.
func (s *site) leases() {
	known := s.known()
	for _, d := range s.dhcp {
		s.ranges(d, known)
		for i, sub := range d.conf.Subnets {
			if i == maxClients {
				break
			}
			for _, c := range s.clients(d.conf.Hosts) {
				a := d.conf.Answer(c.query(sub.Prefix.Addr().Next()))
				if a.Reply == dhcpd.NoReply {
					continue
				}
				s.router(&a)
				s.lease(c, a, s.argument)
			}
		}
	}
}

// lease judges one answer, as far as it is about booting.
// argument is where the value of a statement begins.
func (s *site) lease(c client, a dhcpd.Answer, argument func(conf.Pos) conf.Pos) {
	l := lease{answer: a, file: string(a.File.Value), fileAt: argument(a.File.Pos)}
	if o := a.Option(67); l.file == "" && o != nil {
		l.file, l.fileAt = text(o), argument(o.Pos)
	}
	if v := a.SIAddr.Value; v.Is4() && !v.IsUnspecified() {
		l.from = v
	}
	l.options = pxelinux.Options{BootFile: l.file, ConfigFile: text(a.Option(209)), PathPrefix: text(a.Option(210))}
	l.client = pxelinux.Client{MAC: c.mac, Addr: a.Address.Value, Server: l.from}
	if slices.ContainsFunc(s.given, l.same) {
		return
	}
	s.given = append(s.given, l)
	if l.file == "" {
		s.nofile(l)
		return
	}
	if strings.Contains(l.file, "://") {
		return
	}
	s.bootfile(l)
	switch {
	case !l.from.IsValid():
		s.unset(l)
	case s.scenario != nil && s.hostAt(l.from) == nil:
		s.add(Error, nextServerNobody, argument(a.SIAddr.Pos), s.addresses(),
			"the boot file is to come from %s, and nobody in the scenario has that address", l.from)
	}
}

// nofile reports a machine that is given no boot file. Without a scenario nobody
// knows which clients are to boot; and a file that dhcpd refuses may have one
// where it was not understood.
func (s *site) nofile(l lease) {
	if s.scenario == nil || l.answer.Subnet == nil || s.report.Worst() == Error {
		return
	}
	s.add(Error, bootfileUnset, l.answer.Subnet.Pos, `add: filename "pxelinux.0"; or whatever is to boot`,
		"no filename is given to the machine %s in this subnet, so it has nothing to boot", l.client.MAC)
}

// unset reports a boot file that comes from nowhere.
func (s *site) unset(l lease) {
	message := "a boot file is given without next-server: the server sends siaddr 0.0.0.0, and a client that takes that at its word asks nobody for the file (iPXE, shim)"
	if l.answer.Option(66) != nil {
		message += "; tftp-server-name (option 66) does not help them"
	}
	hint := "add next-server with the TFTP server's address"
	if a := s.tftpAddress(); a.IsValid() {
		hint = fmt.Sprintf("add: next-server %s;", a)
	}
	s.add(Warning, nextServerMissing, l.fileAt, hint, "%s", message)
}

// ranges looks for addresses in the ranges that are somebody's.
func (s *site) ranges(d service[*dhcpd.Config], known []host) {
	for _, n := range d.conf.Networks {
		for _, p := range n.Pools {
			for _, r := range p.Ranges {
				for _, h := range known {
					if r.Contains(h.addr) {
						s.add(Warning, rangeHoldsServer, s.argument(r.Pos), "begin the range behind it, or end it before",
							"the range %s to %s holds %s, the address of %s: dhcpd may give it to a client", r.Low, r.High, h.addr, h.name(r.Pos))
					}
				}
			}
		}
	}
}

// router reports ranges that hold the subnet's router, and routers that the
// clients cannot reach.
func (s *site) router(a *dhcpd.Answer) {
	o := a.Option(3)
	if o == nil || a.Network == nil {
		return
	}
	for i := 0; i+4 <= len(o.Value); i += 4 {
		router := netip.AddrFrom4([4]byte(o.Value[i : i+4]))
		for _, p := range a.Network.Pools {
			for _, r := range p.Ranges {
				if r.Contains(router) {
					s.add(Warning, rangeHoldsRouter, s.argument(r.Pos), "begin the range behind it, or end it before",
						"the range %s to %s holds the router %s (%s): dhcpd may give the router's address to a client",
						r.Low, r.High, router, place(o.Pos, r.Pos))
				}
			}
		}
		if a.Subnet != nil && !a.Subnet.Prefix.Contains(router) && a.Network.Subnet(router) == nil {
			s.add(Warning, routerOutside, s.argument(o.Pos), "give the router's address in "+a.Subnet.Prefix.String(),
				"the router %s is not in the subnet %s: clients cannot reach it", router, a.Subnet.Prefix)
		}
	}
}

// A host is an address that belongs to somebody, and in words to whom, with the
// place that says so if it is not the scenario.
type host struct {
	addr netip.Addr
	what string
	pos  conf.Pos
}

// name is what a message at a place calls the host.
func (h host) name(at conf.Pos) string {
	if !h.pos.IsValid() {
		return h.what
	}
	return fmt.Sprintf("%s (%s)", h.what, place(h.pos, at))
}

// known are the addresses of servers: the scenario's hosts, or without it what
// dhcpd.conf gives as next-server and the loaders' command lines as a server of
// files.
func (s *site) known() []host {
	var all []host
	if s.scenario != nil {
		for _, h := range s.scenario.Hosts {
			all = append(all, host{addr: h.Address.Addr(), what: "the host " + h.Name})
		}
		return all
	}
	add := func(h host) {
		if !slices.Contains(all, h) {
			all = append(all, h)
		}
	}
	for _, d := range s.dhcp {
		for i, sub := range d.conf.Subnets {
			if i == maxClients {
				break
			}
			for _, c := range s.clients(d.conf.Hosts) {
				a := d.conf.Answer(c.query(sub.Prefix.Addr().Next()))
				if v := a.SIAddr; v.Value.Is4() && !v.Value.IsUnspecified() && v.Pos.IsValid() {
					add(host{v.Value, "the next-server", v.Pos})
				}
			}
		}
	}
	for _, k := range s.kickstarts {
		for _, c := range k.All("nfs") {
			if v := c.Option("--server"); v.IsSet() {
				if a, err := netip.ParseAddr(v.Text); err == nil {
					add(host{a, "the installation's server", v.Pos})
				}
			}
		}
	}
	return all
}

// hostAt is the scenario's host with an address; nil if there is none.
func (s *site) hostAt(a netip.Addr) *scenarios.Host {
	for i := range s.scenario.Hosts {
		if s.scenario.Hosts[i].Address.Addr() == a {
			return &s.scenario.Hosts[i]
		}
	}
	return nil
}

// addresses lists the scenario's, for somebody who wrote another.
func (s *site) addresses() string {
	var names []string
	for _, h := range s.scenario.Hosts {
		names = append(names, fmt.Sprintf("%s (%s)", h.Address.Addr(), h.Name))
	}
	return "its hosts are " + strings.Join(names, ", ")
}

// tftpAddress is where the one TFTP server is, if that is known.
func (s *site) tftpAddress() netip.Addr {
	if len(s.tftp) == 1 && s.tftp[0].host != nil {
		return s.tftp[0].host.Address.Addr()
	}
	return netip.Addr{}
}

// place names a place for a message that stands at another, without the
// column, and without the file if that is the same.
func place(p, at conf.Pos) string {
	if p.File == at.File {
		return fmt.Sprintf("line %d", p.Line)
	}
	p.Col = 0
	return p.String()
}

// text is an option's value without the NULs behind it.
func text(o *dhcpd.OptionValue) string {
	if o == nil {
		return ""
	}
	return strings.TrimRight(string(o.Value), "\x00")
}
