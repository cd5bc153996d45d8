package scaffold

import (
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/pxeproof/pxeproof/servers/conf/dhcpd"
	"github.com/pxeproof/pxeproof/servers/conf/dhcpfile"
)

// kinds are the clients that a translation tells apart, each with what dhcpd is
// to know it by. The first that fits counts.
var kinds = []struct {
	name, test string
	options    map[uint8][]byte
}{
	{"iPXE", `exists user-class and option user-class = "iPXE"`, clientOptions(0, "PXEClient", true)},
	{"UEFI HTTP boot (x64)", `substring(option vendor-class-identifier, 0, 20) = "HTTPClient:Arch:00016"`, clientOptions(16, "HTTPClient", false)},
	{"UEFI (x64)", `option pxe-system-type = 00:07`, clientOptions(7, "PXEClient", false)},
	{"UEFI (x64, as some firmware has it)", `option pxe-system-type = 00:09`, clientOptions(9, "PXEClient", false)},
	{"BIOS", `option pxe-system-type = 00:00`, clientOptions(0, "PXEClient", false)},
}

func clientOptions(arch byte, class string, ipxe bool) map[uint8][]byte {
	o := map[uint8][]byte{
		53: {1},
		55: {1, 3, 6, 15, 43, 60, 66, 67, 209, 210},
		57: {0x05, 0xc0},
		60: fmt.Appendf(nil, "%s:Arch:%05d:UNDI:002001", class, arch),
		93: {0, arch},
		94: {1, 2, 1},
	}
	if ipxe {
		o[77], o[175] = []byte("iPXE"), []byte{1, 1, 1}
	}
	return o
}

// translate makes a dhcpd.conf of what another server's file answers to the
// usual kinds of clients, as the lab's own DHCP server plays no other. It is
// empty if the file answers none of them. own is the address that the server is
// known to have in a network, if it is. A client that has a host of its own in
// the file is told what any other is told.
func translate(name string, f dhcpfile.File, own func(netip.Prefix) (netip.Addr, bool)) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Made by pxeproof new of %s: what %s would answer to these clients.\noption pxe-system-type code 93 = unsigned integer 16;\n", name, f.Daemon())
	answers := 0
	seen := map[netip.Prefix]bool{}
	for _, n := range f.Networks() {
		if seen[n] {
			continue // a second range
		}
		seen[n] = true
		server, ok := own(n)
		low, high := f.Range(n)
		if !ok {
			for server = n.Addr().Next(); low.IsValid() && low.Compare(server) <= 0 && server.Compare(high) <= 0; server = server.Next() {
			}
		}
		var body strings.Builder
		var of dhcpfile.Offer
		first := true
		for _, k := range kinds {
			at := netip.PrefixFrom(server, n.Bits())
			o := f.Answer(dhcpd.Query{Type: dhcpd.Discover, Hardware: anyMAC, Options: k.options}, at)
			if o.Silent != "" {
				continue
			}
			of = o
			file := o.File.Value
			if v := o.Option(67); file == "" && v != nil {
				file = strings.TrimRight(string(v.Value), "\x00")
			}
			word := "} elsif"
			if first {
				word, first = "if", false
			}
			fmt.Fprintf(&body, "  %s %s {  # %s\n", word, k.test, k.name)
			if file != "" {
				fmt.Fprintf(&body, "    filename %s;\n", dhcpdText(file))
			}
			if !o.SIAddr.Value.IsUnspecified() {
				fmt.Fprintf(&body, "    next-server %s;\n", o.SIAddr.Value)
			}
			if v := o.Option(60); v != nil && strings.HasPrefix(string(v.Value), "HTTPClient") {
				body.WriteString("    option vendor-class-identifier \"HTTPClient\";\n")
			}
			if file != "" {
				answers++
			}
		}
		if first {
			continue
		}
		body.WriteString("  }\n")
		fmt.Fprintf(&b, "subnet %s netmask %s {\n", n.Addr(), net.IP(net.CIDRMask(n.Bits(), 32)))
		if low.IsValid() {
			fmt.Fprintf(&b, "  range %s %s;\n", low, high)
		}
		if v := of.Option(3); v != nil && v.Pos.IsValid() && len(v.Value) >= 4 {
			fmt.Fprintf(&b, "  option routers %s;\n", netip.AddrFrom4([4]byte(v.Value[:4])))
		}
		b.WriteString(body.String() + "}\n")
	}
	if answers == 0 {
		return ""
	}
	return b.String()
}

// dhcpdText is a text in dhcpd's quotes.
func dhcpdText(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
