package dnsmasq

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"strings"

	"github.com/pxeproof/pxeproof/servers/conf"
)

// dhcpBoot is `dhcp-boot=[tag:T,]...FILE[,SERVERNAME[,SERVER]]`.
func (r *reader) dhcpBoot(at conf.Pos, arg text) {
	b := Boot{Pos: at}
	var more bool
	if b.Tags, arg, more = leadingTags(arg); !more {
		r.refuse(at, idValue, "dhcp-boot names no file, and dnsmasq does not start")
		return
	}
	file, rest, more := arg.cut(',')
	b.File = file.value()
	if more {
		var name text
		name, rest, more = rest.cut(',')
		b.SName = name.value()
	}
	if more {
		b.Server = rest.value()
		if a, err := netip.ParseAddr(rest.String()); err == nil && a.Is4() {
			b.Addr = a
		}
	}
	r.c.Boots = append(r.c.Boots, b)
}

// architectures are dnsmasq's names for those of RFC 4578, section 2.1, in the
// order of their numbers.
var architectures = []string{"x86PC", "PC98", "IA64_EFI", "Alpha", "Arc_x86", "Intel_Lean_Client",
	"IA32_EFI", "x86-64_EFI", "Xscale_EFI", "BC_EFI", "ARM32_EFI", "ARM64_EFI"}

// firstType is the boot server type of the first pxe-service with a file.
const firstType = 32768

// pxeService is `pxe-service=[tag:T,]...ARCH,MENU[,FILE|TYPE[,SERVER]]`.
func (r *reader) pxeService(at conf.Pos, arg text) {
	s := Service{Pos: at, Arch: -1}
	var more bool
	if s.Tags, arg, more = leadingTags(arg); !more || arg.index(',') < 0 {
		r.refuse(at, idValue, "pxe-service needs an architecture and a text, and dnsmasq does not start")
		return
	}
	words := arg.fields()
	arch := words[0].String()
	for i, name := range architectures {
		if strings.EqualFold(name, arch) {
			s.Arch = i
		}
	}
	if n, err := strconv.ParseUint(arch, 10, 16); err == nil {
		s.Arch = int(n)
	}
	if s.Arch < 0 {
		r.refuse(words[0].pos, idValue, "%q is no client architecture (%s, or a number), and dnsmasq does not start", arch, strings.Join(architectures, ", "))
		return
	}
	s.Menu = words[1].String()
	if len(words) > 2 {
		if n, err := strconv.ParseInt(words[2].String(), 10, 32); err == nil {
			s.Type = int(n)
		} else {
			s.File, s.Type = words[2].value(), firstType+r.types
			r.types++
		}
	}
	if len(words) > 3 {
		s.Server = words[3].value()
		if a, err := netip.ParseAddr(s.Server.Text); err == nil && a.Is4() {
			s.Addr = a
		}
	}
	r.c.Services = append(r.c.Services, s)
	r.c.pxe = true
}

// pxePrompt is `pxe-prompt=[tag:T,]...TEXT[,SECONDS]`.
func (r *reader) pxePrompt(at conf.Pos, arg text) {
	tags, arg, more := leadingTags(arg)
	if !more {
		r.refuse(at, idValue, "pxe-prompt has no text, and dnsmasq does not start")
		return
	}
	prompt, rest, _ := arg.cut(',')
	seconds := 255
	if n, err := strconv.Atoi(rest.String()); err == nil {
		seconds = n
	}
	none := ""
	r.c.Options = append(r.c.Options, Option{Pos: at, Tags: tags, Code: subPrompt, ValuePos: arg.pos,
		Value: append([]byte{byte(seconds)}, prompt.String()...), Vendor: &none, anyPXE: true})
	r.c.pxe = true
}

// The sub-options of option 43 for PXE (PXE 2.1, table 2-1).
const (
	subDiscovery = 6
	subServers   = 8
	subMenu      = 9
	subPrompt    = 10
	subItem      = 71
)

// pxeVendor is the vendor class by which a client counts as one of PXE.
func (c *Config) pxeVendor(class []byte) (string, bool) {
	for _, v := range c.pxeVendors() {
		if strings.HasPrefix(string(class), v) {
			return v, true
		}
	}
	return "", false
}

func (c *Config) pxeVendors() []string {
	if len(c.PXEVendors) == 0 {
		return []string{"PXEClient"}
	}
	var all []string
	for _, v := range c.PXEVendors {
		all = append(all, v.Text)
	}
	return all
}

// only is the single service with a file for an architecture of UEFI, nil if
// there is none or more. dnsmasq sends no menu then: many a UEFI firmware's menu
// is broken.
func (a *answering) only() *Service {
	if a.arch < 6 {
		return nil
	}
	var found *Service
	for i := range a.c.Services {
		s := &a.c.Services[i]
		if s.Arch == a.arch && s.File.IsSet() && a.tagIf.meet(s.Tags, true) {
			if found != nil {
				return nil
			}
			found = s
		}
	}
	return found
}

// menu is what goes before the file's own options into option 43.
func (a *answering) menu() []Option {
	var menu, servers []byte
	var at conf.Pos
	lines, control := 0, byte(3)
	for i := range a.c.Services {
		s := &a.c.Services[i]
		if s.Arch != a.arch || !a.tagIf.meet(s.Tags, true) {
			continue
		}
		if len(menu)+len(s.Menu)+3 >= 253 {
			return nil // dnsmasq logs it and sends none
		}
		menu = binary.BigEndian.AppendUint16(menu, uint16(s.Type))
		menu = append(append(menu, byte(len(s.Menu))), s.Menu...)
		if lines++; !at.IsValid() {
			at = s.Pos
		}
		server := s.Addr
		switch {
		case s.File.IsSet():
			server = a.server
		case !server.IsValid() && s.Server.IsSet():
			server = a.c.lookUp(s.Server.Text)
		}
		switch {
		case server.IsValid() && !server.IsUnspecified():
			if len(servers)+7 >= 253 {
				return nil
			}
			servers = binary.BigEndian.AppendUint16(servers, uint16(s.Type))
			servers = append(append(servers, 1), server.AsSlice()...)
		case s.Type != 0:
			control = 2 // the client may ask all for that type
		}
	}
	if lines == 0 {
		control = 8 // no menu: the file field is what boots
	}
	opts := []Option{{Code: subDiscovery, Value: []byte{control}, ValuePos: at}}
	if !a.prompted() {
		prompt := []byte{0, 'P', 'X', 'E'}
		if lines > 1 {
			prompt[0] = 255
		}
		opts = append(opts, Option{Code: subPrompt, Value: prompt, ValuePos: at})
	}
	if len(servers) > 0 {
		opts = append(opts, Option{Code: subServers, Value: servers, ValuePos: at})
	}
	if lines > 0 {
		opts = append(opts, Option{Code: subMenu, Value: menu, ValuePos: at})
	}
	return opts
}

// prompted says whether some option of the file is a prompt already.
func (a *answering) prompted() bool {
	for i := range a.c.Options {
		if a.vendor[i] && a.c.Options[i].Code == subPrompt {
			return true
		}
	}
	return false
}

// pxe answers what PXE has of its own: a boot server's request, and proxyDHCP.
// It returns whether that was it.
func (a *answering) pxe(ignored bool) bool {
	q := a.q
	class, is := a.c.pxeVendor(q.Options[60])
	if !a.c.pxe || !is {
		return false
	}
	a.class = class
	if item := item(q.option(43)); item != nil && q.Type != Discover {
		a.bootServer(item, ignored)
		return true
	}
	arch := q.option(93)
	if len(arch) < 2 {
		return false
	}
	a.arch = int(arch[0])<<8 | int(arch[1])
	if q.Type != Discover && !(q.Port4011 && q.Type == Request) {
		return false
	}
	for _, g := range a.ranges {
		if g.Proxy && a.tagIf.meet(g.Tags, true) {
			if a.out.Range = g; ignored {
				a.silent(g.Pos, "the client is ignored (dhcp-ignore)")
			} else {
				a.proxy()
			}
			return true
		}
	}
	return false
}

// item is the boot item that a client asks a boot server for (PXE 2.1, table
// 2-1, tag 71): type and layer.
func item(b []byte) []byte {
	for len(b) >= 2 && b[0] != 255 {
		if b[0] == 0 {
			b = b[1:]
			continue
		}
		n := int(b[1])
		if len(b) < 2+n {
			return nil
		}
		if b[0] == subItem && n >= 4 {
			return b[2:6]
		}
		b = b[2+n:]
	}
	return nil
}

// pxeOptions are options 60 and 97 of an answer to a PXE client.
func (a *answering) pxeOptions() {
	a.put(60, []byte(a.class), conf.Pos{})
	if uuid := a.q.option(97); len(uuid) >= 17 {
		a.put(97, uuid[:17], conf.Pos{})
	}
}

// head begins an answer that is no lease.
func (a *answering) head() {
	a.out.Reply = AckReply
	kind := byte(5)
	if a.q.Type == Discover {
		a.out.Reply, kind = OfferReply, 2
	}
	a.put(53, []byte{kind}, conf.Pos{})
	a.put(54, a.server.AsSlice(), conf.Pos{})
	a.pxeOptions()
}

// bootServer answers who asks for a boot item.
func (a *answering) bootServer(item []byte, ignored bool) {
	kind, layer := int(item[0])<<8|int(item[1]), int(item[2])<<8|int(item[3])
	for i := range a.c.Services {
		s := &a.c.Services[i]
		if s.Type != kind {
			continue
		}
		if ignored || !s.File.IsSet() || layer&0x8000 != 0 {
			break
		}
		for _, g := range a.ranges {
			if a.tagIf.meet(g.Tags, true) && a.q.CIAddr.IsValid() && sameNet(a.q.CIAddr, g.Start, g.Mask) {
				a.out.Range = g
				a.head()
				a.out.Address.Value = a.q.CIAddr
				a.serviceFields(s, strconv.Itoa(layer))
				a.pruneVendor()
				inner := append([]Option{{Code: subItem, Value: item, Pos: s.Pos, ValuePos: s.Pos}}, a.vendorsOwn()...)
				a.inside(43, inner)
				return
			}
		}
		break
	}
	a.silent(conf.Pos{}, "no pxe-service of this server has the boot item %d that the client asks for", kind)
}

// serviceFields are siaddr and file for a service. A file without a dot gets the
// layer behind one.
func (a *answering) serviceFields(s *Service, layer string) {
	at := s.Server.Pos
	server := a.server
	switch {
	case s.Addr.IsValid() && !s.Addr.IsUnspecified():
		server = s.Addr
	case s.Server.Text != "" && !s.Addr.IsValid():
		server = a.c.lookUp(s.Server.Text)
	}
	a.out.SIAddr = conf.Sourced[netip.Addr]{Value: server, Pos: at}
	file := s.File.Text
	if !strings.Contains(file, ".") {
		file += "." + layer
	}
	a.out.File = conf.Sourced[string]{Value: file, Pos: s.File.Pos}
}

// proxy answers a client that has its address from somebody else.
func (a *answering) proxy() {
	out := &a.out
	out.Proxy = true
	if a.q.Type == Discover || !a.q.CIAddr.IsValid() {
		out.Broadcast = true
	}
	out.SIAddr.Value = netip.IPv4Unspecified()
	out.Address.Value = netip.IPv4Unspecified()
	a.tagIf = a.c.runTagIf(a.tags, out.Range.Set)
	boot := a.boot()
	// UEFI is sent on to the port of boot servers.
	redirect := a.arch >= 6
	if redirect {
		out.SIAddr.Value = a.server
	}
	only := a.only()
	if only != nil && a.q.Port4011 {
		a.serviceFields(only, "0")
		out.SName = conf.Sourced[string]{Value: out.SIAddr.Value.String(), Pos: only.Server.Pos}
		if only.Server.Text != "" && !only.Addr.IsValid() {
			out.SName.Value = only.Server.Text
		}
	}
	if only == nil && boot != nil {
		out.Boot = boot
		out.File = conf.Sourced[string]{Value: boot.File.Text, Pos: boot.File.Pos}
		switch {
		case boot.Addr.IsValid() && !boot.Addr.IsUnspecified():
			out.SIAddr = conf.Sourced[netip.Addr]{Value: boot.Addr, Pos: boot.Server.Pos}
		case boot.Server.Text != "" && !boot.Addr.IsValid():
			out.SIAddr = conf.Sourced[netip.Addr]{Value: a.c.lookUp(boot.Server.Text), Pos: boot.Server.Pos}
		}
	}
	a.head()
	a.pruneVendor()
	if a.q.Port4011 && only == nil || !redirect {
		a.inside(43, append(a.menu(), a.vendorsOwn()...))
	}
}
