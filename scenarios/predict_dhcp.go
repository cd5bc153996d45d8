package scenarios

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"net/netip"
	"strings"
	"time"

	"github.com/pxeproof/pxeproof/captures"
	"github.com/pxeproof/pxeproof/captures/verdict"
	"github.com/pxeproof/pxeproof/servers/conf"
	"github.com/pxeproof/pxeproof/servers/conf/dhcpd"
	"github.com/pxeproof/pxeproof/servers/conf/dhcpfile"
)

// A bootAnswer is what DHCP tells a machine about booting.
type bootAnswer struct {
	server     netip.Addr // who answers
	address    netip.Addr
	gateway    netip.Addr
	mask       netip.Addr
	from       netip.Addr // where the boot file is to come from; not valid if that is not said
	file       string
	fileAt     verdict.Origin
	configFile string        // option 209
	pathPrefix string        // option 210
	rebootTime time.Duration // option 211
	proxied    bool          // option 60 sends the client to a boot server on port 4011
}

// lease expects an address and a boot file, and returns what the answer is to
// be. It is nil if no server of the lab answers, of which the prediction is then
// only that somebody must.
func (p *prediction) lease() *bootAnswer {
	e := verdict.Expectation{ID: "dhcp", Stage: verdict.DHCP, Title: "an address and a boot file", Kinds: []captures.Kind{captures.DHCPAck}}
	for _, d := range p.dhcp {
		q := p.query()
		a := d.conf.Answer(q, d.host.Address)
		if a.Silent != "" {
			e.Related = append(e.Related, verdict.Origin{File: p.scenario.display(rootPath(d.Config)), Text: a.Silent})
			continue
		}
		return p.leaseFrom(e, d, a)
	}
	p.add(e)
	return nil
}

// leaseFrom expects the answer of one server.
func (p *prediction) leaseFrom(e verdict.Expectation, d configured[dhcpfile.File], a dhcpfile.Offer) *bootAnswer {
	b := &bootAnswer{
		server:     d.host.Address.Addr(),
		address:    a.Address,
		file:       a.File.Value,
		mask:       addr4(a.Option(1)),
		gateway:    addr4(a.Option(3)),
		configFile: text(a.Option(209)),
		pathPrefix: text(a.Option(210)),
		rebootTime: seconds(a.Option(211)),
	}
	siaddr := netip.IPv4Unspecified()
	if a.SIAddr.Value.Is4() {
		siaddr = a.SIAddr.Value
	}
	if !siaddr.IsUnspecified() {
		b.from = siaddr
	}
	subnet := verdict.Origin{File: p.scenario.display(rootPath(d.Config))}
	if a.Subnet.IsValid() {
		subnet = p.originOf(a.Subnet)
	}
	e.Origin = subnet
	e.Title = "an address and a boot file from " + b.server.String()
	next := verdict.Match{Field: "dhcp.ip.server", Value: siaddr.String(), Origin: p.originOf(a.SIAddr.Pos)}
	if next.Origin.IsZero() {
		next.Origin = subnet
		next.Origin.Text = a.Unset
	}
	b.fileAt = p.originOf(a.File.Pos)
	if o := a.Option(67); b.file == "" && o != nil {
		b.file, b.fileAt = text(o), p.originOf(o.Pos)
	}
	file := verdict.Match{Field: verdict.BootFile, Value: b.file, Origin: b.fileAt}
	if b.file == "" {
		file = verdict.Match{Field: verdict.BootFile, Op: verdict.Present, Origin: subnet}
		file.Origin.Text = "no boot file is set for this client"
	}
	e.Match = []verdict.Match{
		{Field: "dhcp.option.dhcp_server_id", Value: b.server.String(), Select: true, Origin: subnet},
		next,
	}
	// PXE 2.1, 2.2.3: "PXEClient" without a boot file has the client ask the
	// boot server on port 4011 for one.
	class := a.Option(60)
	if b.proxied = b.file == "" && strings.HasPrefix(text(class), "PXEClient"); b.proxied {
		e.Title = "an address from " + b.server.String()
		b.fileAt = p.originOf(class.Pos)
	} else {
		e.Match = append(e.Match, file)
	}
	p.add(e)
	return b
}

// query is a DHCPDISCOVER as the machine's firmware sends it, as far as a
// configuration can look at it.
func (p *prediction) query() dhcpd.Query {
	arch := byte(0) // RFC 4578: Intel x86PC
	if p.m.Firmware.Kind == "uefi" {
		arch = 7 // x64 EFI
	}
	o := map[uint8][]byte{
		53: {1},
		57: {0x05, 0xc0},
		60: fmt.Appendf(nil, "PXEClient:Arch:%05d:UNDI:002001", arch),
		93: {0, arch},
		94: {1, 2, 1},
		55: {1, 3, 6, 7, 12, 15, 17, 26, 43, 60, 66, 67, 119, 128, 129, 130, 131, 132, 133, 134, 135, 175, 203},
	}
	if p.m.rom() == "ipxe" {
		o[77] = []byte("iPXE")
	}
	if u, ok := parseUUID(p.m.UUID); ok {
		o[97] = append([]byte{0}, u[:]...)
	}
	if p.wire != nil {
		maps.Copy(o, p.wire.asked[p.machine.MAC])
	}
	return dhcpd.Query{Type: dhcpd.Discover, Hardware: p.m.NICs[0].MAC, Options: o}
}

// parseUUID gives a UUID's bytes in the order in which option 97 has them: as
// they are written.
func parseUUID(s string) (u [16]byte, ok bool) {
	b, err := hex.DecodeString(strings.ReplaceAll(s, "-", ""))
	if err != nil || len(b) != len(u) {
		return u, false
	}
	copy(u[:], b)
	return u, true
}

func addr4(o *conf.OptionValue) netip.Addr {
	if o == nil || len(o.Value) < 4 {
		return netip.Addr{}
	}
	return netip.AddrFrom4([4]byte(o.Value[:4]))
}

func seconds(o *conf.OptionValue) time.Duration {
	if o == nil || len(o.Value) != 4 {
		return 0
	}
	return time.Duration(binary.BigEndian.Uint32(o.Value)) * time.Second
}

func text(o *conf.OptionValue) string {
	if o == nil {
		return ""
	}
	return strings.TrimRight(string(o.Value), "\x00")
}
