package dnsmasq

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/pxeproof/pxeproof/servers/conf"
)

// dhcpHost is `dhcp-host=[MAC]...[,id:ID|*][,set:T]...[,tag:T]...[,ADDRESS][,NAME][,LEASE][,ignore]`.
func (r *reader) dhcpHost(at conf.Pos, arg text) {
	h := Host{Pos: at}
	for _, w := range arg.fields() {
		if !r.hostPart(&h, w) {
			return
		}
	}
	r.c.Hosts = append(r.c.Hosts, h)
}

// hostPart is one word of a dhcp-host.
func (r *reader) hostPart(h *Host, w text) bool {
	s := w.String()
	if w.index(':') >= 0 {
		return r.hostIdentity(h, w)
	}
	if a, err := netip.ParseAddr(s); err == nil && a.Is4() {
		if i := slices.IndexFunc(r.c.Hosts, func(o Host) bool { return o.address == a }); i >= 0 {
			r.refuse(w.pos, idValue, "%s is the address of another dhcp-host already (%s), and dnsmasq does not start", a, r.c.Hosts[i].Address.Pos)
			return false
		}
		h.Address, h.address = w.value(), a
		return true
	}
	switch {
	case s == "":
	case s == "ignore":
		h.Ignore = true
	case s == "infinite":
		h.Lease = forever
	case strings.Trim(strings.TrimRight(s, "smhdwSMHDW"), "0123456789 ") == "" && strings.ContainsAny(s, "0123456789"):
		h.Lease, _ = duration(strings.ReplaceAll(s, " ", ""))
	default:
		if h.Name != "" {
			r.report(conf.Warning, w.pos, idValue, "give one name", "%q is a second name for this dhcp-host: the last one counts, and newer dnsmasqs do not start", s)
		}
		if strings.Trim(strings.ToLower(s), "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" {
			r.refuse(w.pos, idValue, "%q is no host's name, and dnsmasq does not start", s)
			return false
		}
		h.Name = s
	}
	return true
}

// hostIdentity is a word with a colon: an identifier, a tag or a MAC.
func (r *reader) hostIdentity(h *Host, w text) bool {
	s := w.String()
	if len(s) > 3 && strings.EqualFold(s[:3], "id:") {
		id := s[3:]
		switch {
		case id[0] == '*':
			h.AnyID = true
		case strings.Contains(id, ":"):
			hw, ok := parseHex(id)
			if !ok {
				r.refuse(w.pos, idValue, "%q is not made of bytes in hexadecimal, and dnsmasq does not start", id)
				return false
			}
			h.ClientID = hw.Addr
		default:
			h.ClientID = []byte(id)
		}
		return true
	}
	for _, prefix := range []string{"set:", "net:"} {
		if set, ok := w.after(prefix); ok {
			h.Set = append(h.Set, set.String())
			return true
		}
	}
	if tag, ok := w.after("tag:"); ok {
		h.Tags = append(h.Tags, tag.value())
		return true
	}
	if strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") {
		return true // an IPv6 address
	}
	hw, ok := parseHardware(s)
	if !ok {
		r.refuse(w.pos, idValue, "%q is no MAC address such as 52:54:00:12:34:56, and dnsmasq does not start", s)
		return false
	}
	h.Hardware = append(h.Hardware, hw)
	return true
}

// hostsFile is `dhcp-hostsfile`, a file of what stands behind "dhcp-host=".
func (r *reader) hostsFile(at conf.Pos, arg text) {
	r.lines(at, arg.String(), func(t text) { r.dhcpHost(t.pos, t) })
}

// hostsDir is `dhcp-hostsdir`.
func (r *reader) hostsDir(at conf.Pos, arg text) {
	for _, f := range r.folder(at, arg) {
		r.lines(at, f, func(t text) { r.dhcpHost(t.pos, t) })
	}
}

// host finds the client's dhcp-host: by its identifier, its MAC, its name if
// that is asked for, or a MAC with bytes that may be any. One with tags that are
// set is preferred. ranges is nil to look beyond the client's networks.
func (c *Config) host(q *Query, ranges []*Range, name string, tags tagSet) *Host {
	for _, untagged := range []bool{false, true} {
		fits := func(h *Host) bool {
			return h.within(ranges) && tags.meet(h.Tags, untagged)
		}
		if h := c.hostMatch(q, name, fits); h != nil {
			return h
		}
	}
	return nil
}

func (c *Config) hostMatch(q *Query, name string, fits func(*Host) bool) *Host {
	find := func(is func(*Host) bool) *Host {
		for i := range slices.Backward(c.Hosts) {
			if h := &c.Hosts[i]; is(h) && fits(h) {
				return h
			}
		}
		return nil
	}
	if id := c.clientID(q); len(id) > 0 {
		if h := find(func(h *Host) bool {
			// dhcpcd puts a zero in front of a text.
			return h.ClientID != nil && (string(h.ClientID) == string(id) || id[0] == 0 && string(h.ClientID) == string(id[1:]))
		}); h != nil {
			return h
		}
	}
	if h := find(func(h *Host) bool {
		return slices.ContainsFunc(h.Hardware, func(hw Hardware) bool { return !hw.wild() && hw.matches(q.MAC) > 0 })
	}); h != nil {
		return h
	}
	if name != "" {
		if h := find(func(h *Host) bool { return h.Name != "" && strings.EqualFold(hostPart(h.Name), name) }); h != nil {
			return h
		}
	}
	var best *Host
	most := 0
	for i := range slices.Backward(c.Hosts) {
		h := &c.Hosts[i]
		for _, hw := range h.Hardware {
			if n := hw.matches(q.MAC); hw.wild() && n > most && fits(h) {
				best, most = h, n
			}
		}
	}
	return best
}

// hostPart is a name up to its first dot.
func hostPart(name string) string {
	host, _, _ := strings.Cut(name, ".")
	return host
}

// within says whether the host's address, if it has one, is in a network of the
// ranges.
func (h *Host) within(ranges []*Range) bool {
	if ranges == nil || !h.address.IsValid() {
		return true
	}
	return slices.ContainsFunc(ranges, func(g *Range) bool { return sameNet(h.address, g.Start, g.Mask) })
}
