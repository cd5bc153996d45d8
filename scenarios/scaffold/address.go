package scaffold

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/pxeproof/pxeproof/servers/conf/dhcpd"
)

// A serverHost is the one host that everything runs on.
type serverHost struct {
	address netip.Prefix
	why     string // what the choice rests on
}

// A machine is what boots.
type machine struct {
	mac    net.HardwareAddr // nil: whichever
	why    string
	memory int // MiB; 0: the default
	answer dhcpd.Answer
	file   string // the boot file
}

// anyMAC is the machine's if the configuration does not ask for one: that which
// a scenario gives its first machine.
var anyMAC = net.HardwareAddr{0x52, 0x54, 0x00, 0x12, 0x34, 0x56}

// address finds a machine that the configuration boots, and the server's
// address.
func (m *material) address() error {
	if len(m.dhcpd.Subnets) == 0 {
		return inputError("%s declares no subnet, so that no machine gets an address by it; a file of comments? (pxeproof new --empty needs none)", m.dhcp.from)
	}
	subnet := m.findMachine()
	next := m.machine.answer.SIAddr.Value
	switch {
	case next.Is4() && subnet.Prefix.Contains(next):
		m.server = serverHost{netip.PrefixFrom(next, subnet.Prefix.Bits()), "next-server"}
		return nil
	case next.Is4() && !next.IsUnspecified():
		m.note("next-server %s is in another subnet than the machines (%s); a lab has one segment, so that nobody will answer there", next, subnet.Prefix)
	}
	if o := m.machine.answer.Option(54); o != nil && o.Pos.IsValid() && len(o.Value) == 4 {
		if a := netip.AddrFrom4([4]byte(o.Value)); subnet.Prefix.Contains(a) {
			m.server = serverHost{netip.PrefixFrom(a, subnet.Prefix.Bits()), "option dhcp-server-identifier"}
			return nil
		}
	}
	if a, ok := m.own(subnet.Prefix); ok {
		m.server = serverHost{netip.PrefixFrom(a, subnet.Prefix.Bits()), "this machine's address in the subnet"}
		return nil
	}
	a, ok := m.free(subnet)
	if !ok {
		return inputError("%s: no address of %s is left for the server; give next-server", m.dhcp.from, subnet.Prefix)
	}
	m.server = serverHost{netip.PrefixFrom(a, subnet.Prefix.Bits()), "the first address of the subnet that nobody else has"}
	return nil
}

// findMachine asks every subnet what it answers to an unknown machine, then to
// each that the file knows, and takes the first that is told to boot.
func (m *material) findMachine() *dhcpd.Subnet {
	macs := []net.HardwareAddr{anyMAC}
	whose := []string{""}
	for _, h := range m.dhcpd.Hosts {
		// Hardware type 1 is Ethernet (RFC 1700).
		if len(h.Hardware) == 7 && h.Hardware[0] == 1 && h.Hardware[1]&1 == 0 {
			macs = append(macs, net.HardwareAddr(h.Hardware[1:]))
			whose = append(whose, fmt.Sprintf("host %q", h.Name))
		}
	}
	for i, mac := range macs {
		for _, s := range m.dhcpd.Subnets {
			a := m.dhcpd.Answer(discover(mac, s))
			file := string(a.File.Value)
			if o := a.Option(67); o != nil && file == "" {
				file = string(o.Value)
			}
			if a.Reply == dhcpd.NoReply || file == "" {
				continue
			}
			m.machine = machine{answer: a, file: file}
			if i > 0 {
				m.machine.mac, m.machine.why = mac, fmt.Sprintf("of %s in %s", whose[i], m.dhcp.to)
			}
			if a.Subnet != nil {
				return a.Subnet
			}
			return s
		}
	}
	m.note("%s names a boot file for no machine with a BIOS; the run will say so", m.dhcp.from)
	s := m.dhcpd.Subnets[0]
	m.machine.answer = m.dhcpd.Answer(discover(anyMAC, s))
	return s
}

// discover is what iPXE sends on a BIOS machine, as far as a configuration can
// look at it.
func discover(mac net.HardwareAddr, s *dhcpd.Subnet) dhcpd.Query {
	return dhcpd.Query{
		Type: dhcpd.Discover, Hardware: mac, Server: s.Prefix.Masked().Addr().Next(),
		Options: map[uint8][]byte{
			53: {1},
			55: {1, 3, 6, 15, 43, 54, 60, 66, 67, 128, 129, 130, 175, 203, 209, 210},
			57: {0x05, 0xc0},
			60: []byte("PXEClient:Arch:00000:UNDI:002001"),
			77: []byte("iPXE"),
			93: {0, 0}, // RFC 4578: Intel x86PC
			94: {1, 2, 1},
		},
	}
}

// own is the address that this machine has in a subnet, if it is this machine's
// files that are read.
func (m *material) own(p netip.Prefix) (netip.Addr, bool) {
	if m.From != "/" {
		return netip.Addr{}, false
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return netip.Addr{}, false
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok {
			if ip, ok := netip.AddrFromSlice(n.IP.To4()); ok && p.Contains(ip) {
				return ip, true
			}
		}
	}
	return netip.Addr{}, false
}

// free is the first address of a subnet that is in no range, no host's and not
// the router's.
func (m *material) free(s *dhcpd.Subnet) (netip.Addr, bool) {
	taken := map[netip.Addr]bool{}
	for _, h := range m.dhcpd.Hosts {
		for _, a := range h.Addresses {
			taken[a] = true
		}
	}
	// Routers, name servers and their like: every option that is a list of
	// addresses.
	for _, code := range []uint8{3, 5, 6, 28, 42, 44} {
		if o := m.machine.answer.Option(code); o != nil {
			for i := 0; i+4 <= len(o.Value); i += 4 {
				taken[netip.AddrFrom4([4]byte(o.Value[i:i+4]))] = true
			}
		}
	}
	for a := s.Prefix.Masked().Addr().Next(); s.Prefix.Contains(a.Next()); a = a.Next() {
		r, in := m.rangeOf(s, a)
		if in {
			a = r.High // and on from there
			continue
		}
		if !taken[a] {
			return a, true
		}
	}
	return netip.Addr{}, false
}

func (m *material) rangeOf(s *dhcpd.Subnet, a netip.Addr) (dhcpd.Range, bool) {
	for _, p := range s.Network.Pools {
		for _, r := range p.Ranges {
			if r.Contains(a) {
				return r, true
			}
		}
	}
	return dhcpd.Range{}, false
}
