package scenarios

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pxeproof/pxeproof/harness/qemu"
	"github.com/pxeproof/pxeproof/servers/conf"
)

// usualConfigs are the places where each server's file is looked for. A
// protocol with none needs none.
var usualConfigs = map[string][]string{
	"acd":     nil,
	"http":    nil,
	"dhcp":    {"/etc/dhcp/dhcpd.conf", "/etc/dhcpd.conf", "/etc/dnsmasq.conf", "/etc/kea/kea-dhcp4.conf"},
	"tftp":    {"/etc/xinetd.d/tftp", "/etc/default/tftpd-hpa"},
	"nfs":     {"/etc/exports"},
	"portmap": nil,
	"ra":      nil,
}

// portName is what a bridge port may be called: Linux allows 15 bytes.
var portName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,14}$`)

func (s *Scenario) host(e entry[hostYAML]) (Host, error) {
	file := s.display(File)
	h := Host{Name: e.name, Pos: e.pos(file)}
	if !portName.MatchString(e.name) {
		return h, problem(h.Pos, "the host name %q: use 1 to 15 letters, digits, dots, dashes", e.name)
	}
	pos := e.v.Address.pos(file)
	if e.v.Address.v == "" {
		return h, problem(h.Pos, "host %s has no address; write one with its prefix length: address: 192.168.1.103/24", h.Name)
	}
	addr, err := netip.ParsePrefix(e.v.Address.v)
	if err != nil || !addr.Addr().Is4() {
		return h, problem(pos, "host %s: %q is no IPv4 address with a prefix length, such as 192.168.1.103/24", h.Name, e.v.Address.v)
	}
	if addr.Bits() < 31 && (addr.Addr() == addr.Masked().Addr() || addr.Addr() == broadcast(addr)) {
		return h, problem(pos, "host %s: %s is the subnet's own or its broadcast address", h.Name, addr)
	}
	h.Address = addr
	if e.v.MAC.v != "" {
		if h.MAC, err = parseMAC(e.v.MAC.v); err != nil {
			return h, problem(e.v.MAC.pos(file), "host %s: %w", h.Name, err)
		}
	}
	if n := e.v.MTU.v; n != 0 && (n < 576 || n > 1500) {
		return h, problem(e.v.MTU.pos(file), "host %s: an mtu of %d is outside of 576 to 1500", h.Name, n)
	}
	h.MTU = e.v.MTU.v
	for _, se := range e.v.Servers {
		sv, err := s.service(se)
		if err != nil {
			return h, err
		}
		h.Servers = append(h.Servers, sv)
	}
	return h, nil
}

func (s *Scenario) service(e entry[serverYAML]) (Service, error) {
	sv := Service{Protocol: e.name, Pos: e.pos(s.display(File))}
	places, known := usualConfigs[e.name]
	if !known {
		var names []string
		for n := range usualConfigs {
			names = append(names, n)
		}
		slices.Sort(names)
		return sv, problem(sv.Pos, "no server is called %q; there are %s", e.name, strings.Join(names, ", "))
	}
	var err error
	if sv.Faults, err = s.faults(e.name, e.v.Faults); err != nil {
		return sv, err
	}
	if r := e.v.Root; r.v != "" {
		if e.name != "http" {
			return sv, problem(r.pos(s.display(File)), "%s has its root in its own configuration; root: is for http", e.name)
		}
		sv.Root = path.Join("/", r.v)
	}
	if sv.TFTP, err = s.knobs(e); err != nil {
		return sv, err
	}
	if c := e.v.Config; c.v != "" {
		if places == nil {
			return sv, problem(c.pos(s.display(File)), "%s has no configuration file", e.name)
		}
		sv.Config = path.Join("/", c.v)
		if _, err := fs.Stat(s.fsys, rootPath(sv.Config)); err != nil {
			return sv, problem(c.pos(s.display(File)), "%s's configuration %s is not in the scenario: there is no %s",
				e.name, sv.Config, s.display(rootPath(sv.Config)))
		}
		return sv, nil
	}
	for _, p := range places {
		if _, err := fs.Stat(s.fsys, rootPath(p)); err == nil {
			sv.Config = p
			return sv, nil
		}
	}
	if len(places) > 0 {
		return sv, problem(sv.Pos, "%s has no configuration: put it at %s, or say where with config:",
			e.name, s.display(rootPath(places[0])))
	}
	return sv, nil
}

// machine reads one machine; i is its number.
func (s *Scenario) machine(e entry[machineYAML], i int) (Machine, error) {
	file := s.display(File)
	m := Machine{Pos: e.pos(file)}
	y := e.v
	if !portName.MatchString(e.name) {
		return m, problem(m.Pos, "the machine name %q: use 1 to 15 letters, digits, dots, dashes", e.name)
	}
	nic := qemu.NIC{Model: y.NIC.v, ROM: y.ROM.v}
	var err error
	if y.MAC.v == "" {
		// QEMU's own prefix, and a number.
		nic.MAC = net.HardwareAddr{0x52, 0x54, 0x00, 0x12, 0x34, byte(0x56 + i)}
	} else if nic.MAC, err = parseMAC(y.MAC.v); err != nil {
		return m, problem(y.MAC.pos(file), "machine %s: %w", e.name, err)
	}
	kind := y.Firmware.v
	if kind == "" {
		kind = "bios"
	}
	switch kind {
	case "bios":
	case "uefi":
		if nic.ROM == "" {
			nic.ROM = "none" // the firmware's own driver and PXE client
		}
	default:
		return m, problem(y.Firmware.pos(file), "machine %s: no firmware is called %q; there are bios and uefi", e.name, kind)
	}
	if y.SecureBoot.v && kind != "uefi" {
		return m, problem(y.SecureBoot.pos(file), "machine %s: secure-boot is for firmware: uefi", e.name)
	}
	if strings.ContainsAny(nic.Model, ", =") {
		return m, problem(y.NIC.pos(file), "machine %s: %q is no QEMU network card", e.name, nic.Model)
	}
	if y.Memory.v < 0 || y.CPUs.v < 0 {
		return m, problem(m.Pos, "machine %s: memory (MiB) and cpus are positive numbers", e.name)
	}
	m.UUID = y.UUID.v
	if m.UUID == "" {
		m.UUID = uuidOf(nic.MAC)
	} else if !uuidForm.MatchString(m.UUID) {
		return m, problem(y.UUID.pos(file), "machine %s: %q is no UUID", e.name, m.UUID)
	}
	m.Machine = qemu.Machine{
		Name:     e.name,
		Firmware: qemu.Firmware{Kind: kind, SecureBoot: y.SecureBoot.v},
		NICs:     []qemu.NIC{nic},
		Memory:   y.Memory.v,
		CPUs:     y.CPUs.v,
		Reboots:  y.Reboots,
		Extra:    []string{"-uuid", m.UUID},
	}
	return m, nil
}

var uuidForm = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// uuidOf makes a UUID (version 8, RFC 9562) of a MAC, so that a machine has the
// same one in every run.
func uuidOf(mac net.HardwareAddr) string {
	u := sha256.Sum256(append([]byte("pxeproof machine "), mac...))
	u[6] = u[6]&0x0f | 0x80
	u[8] = u[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[0:4], u[4:6], u[6:8], u[8:10], u[10:16])
}

func parseMAC(text string) (net.HardwareAddr, error) {
	mac, err := net.ParseMAC(text)
	if err != nil || len(mac) != 6 {
		return nil, fmt.Errorf("%q is no MAC address, such as 52:54:00:12:34:56", text)
	}
	if mac[0]&1 != 0 {
		return nil, fmt.Errorf("%s is a multicast address, which no network card has", mac)
	}
	return mac, nil
}

// broadcast is the last address of a prefix.
func broadcast(p netip.Prefix) netip.Addr {
	a := p.Masked().Addr().As4()
	for i := p.Bits(); i < 32; i++ {
		a[i/8] |= 1 << (7 - i%8)
	}
	return netip.AddrFrom4(a)
}

// A duration is written "90s" or "2m".
type duration time.Duration

// UnmarshalText implements [encoding.TextUnmarshaler].
func (d *duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil || v <= 0 {
		return fmt.Errorf("%q is no length of time, such as 90s or 2m", b)
	}
	*d = duration(v)
	return nil
}

// posOf places a thing in one of the scenario's files that a reader has named
// by its path on the host.
func (s *Scenario) posOf(p conf.Pos) conf.Pos {
	if p.File != "" {
		p.File = s.display(rootPath(p.File))
	}
	return p
}
