package dnsmasq

import (
	"bufio"
	"bytes"
	"net/netip"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/pxeproof/pxeproof/servers/conf"
)

// defaultLease is that of a dhcp-range without one, and shortestLease what
// dnsmasq makes of a shorter one.
const (
	defaultLease  = time.Hour
	shortestLease = 2 * time.Minute
	forever       = time.Duration(-1)
)

// dhcpRange is `dhcp-range=[tag:T,]...[set:T,]START,END|static|proxy[,MASK[,BROADCAST]][,LEASE]`.
func (r *reader) dhcpRange(at conf.Pos, arg text) {
	g := Range{Pos: at, Lease: defaultLease}
	words := arg.fields()
	for len(words) > 1 && !looksAddress(words[0].String()) {
		w := words[0]
		if tag, ok := tagged(w); ok {
			if tag.Text != "" {
				g.Tags = append(g.Tags, tag)
			}
		} else if g.Set != "" {
			r.refuse(w.pos, idValue, "dhcp-range sets one tag only, and %q is a second one: dnsmasq does not start", w)
			return
		} else {
			g.Set = r.set(w)
		}
		words = words[1:]
	}
	if len(words) < 2 {
		r.refuse(arg.pos, idValue, "dhcp-range needs a first address, and then a last one, \"static\" or \"proxy\": dnsmasq does not start")
		return
	}
	start, err := netip.ParseAddr(words[0].String())
	if err != nil {
		r.refuse(words[0].pos, idValue, "%q is no address, and dnsmasq does not start", words[0])
		return
	}
	if start.Is6() {
		return // DHCPv6 and advertisements
	}
	g.Start, g.End = start, start
	switch end := words[1].String(); end {
	case "static":
		g.Static = true
	case "proxy":
		g.Proxy = true
	default:
		if g.End, err = netip.ParseAddr(end); err != nil || !g.End.Is4() {
			r.refuse(words[1].pos, idValue, "%q is neither an IPv4 address nor \"static\" nor \"proxy\", and dnsmasq does not start", end)
			return
		}
	}
	if g.End.Less(g.Start) {
		g.Start, g.End = g.End, g.Start
	}
	words = words[2:]
	for i, of := range []*netip.Addr{&g.Mask, &g.Broadcast} {
		if len(words) == 0 || i > 0 && !g.Mask.IsValid() {
			break
		}
		if a, err := netip.ParseAddr(words[0].String()); err == nil && a.Is4() {
			*of = a
			words = words[1:]
		}
	}
	if g.Mask.IsValid() && !sameNet(g.Start, g.End, g.Mask) {
		r.refuse(at, idValue, "%s and %s are in different networks by the mask %s, and dnsmasq does not start", g.Start, g.End, g.Mask)
		return
	}
	if len(words) > 1 {
		r.refuse(words[1].pos, idValue, "%q is too much for a dhcp-range, and dnsmasq does not start", words[1])
		return
	}
	if len(words) == 1 && words[0].String() != "deprecated" && words[0].String() != "" {
		lease, ok := duration(words[0].String())
		if !ok {
			r.refuse(words[0].pos, idValue, "%q is no lease time such as 12h or infinite, and dnsmasq does not start", words[0])
			return
		}
		g.Lease = lease
	}
	r.c.Ranges = append(r.c.Ranges, g)
}

// looksAddress says whether dnsmasq takes a word of a dhcp-range for its first
// address and not for a tag.
func looksAddress(s string) bool {
	return strings.Trim(s, " .:abcdefABCDEF0123456789") == ""
}

// sameNet says whether two addresses are in one network.
func sameNet(a, b, mask netip.Addr) bool {
	x, y, m := a.As4(), b.As4(), mask.As4()
	for i := range m {
		if x[i]&m[i] != y[i]&m[i] {
			return false
		}
	}
	return true
}

// duration reads a lease time: seconds, or a number with s, m, h, d or w behind.
func duration(s string) (time.Duration, bool) {
	if s == "infinite" {
		return forever, true
	}
	unit := time.Second
	if i := strings.IndexByte("smhdwSMHDW", s[len(s)-1]); i >= 0 {
		unit = []time.Duration{time.Second, time.Minute, time.Hour, 24 * time.Hour, 7 * 24 * time.Hour}[i%5]
		s = s[:len(s)-1]
	}
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil {
		return 0, s == "" // atoi of nothing is 0, and too short
	}
	return max(time.Duration(n)*unit, shortestLease), true
}

// domain is `domain=NAME[,RANGE[,local]]`.
func (r *reader) domain(at conf.Pos, arg text) {
	words := arg.fields()
	d := Domain{Name: words[0].String()}
	if d.Name == "#" {
		r.doubt(at, idUnplayed, "the domain comes from /etc/resolv.conf, which is not read here")
		return
	}
	if len(words) > 1 {
		of := words[1].String()
		if p, err := netip.ParsePrefix(of); err == nil {
			d.From, d.To = p.Masked().Addr(), last(p)
		} else if a, err := netip.ParseAddr(of); err == nil {
			d.From, d.To = a, a
			if len(words) > 2 {
				if b, err := netip.ParseAddr(words[2].String()); err == nil {
					d.To = b
				}
			}
		} else {
			r.doubt(words[1].pos, idUnplayed, "the domain is for the addresses of the interface %s, which is not known here", of)
			return
		}
	}
	r.c.Domains = append(r.c.Domains, d)
}

// last is the last address of a prefix.
func last(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// domainOf is the domain of an address, "" for none.
func (c *Config) domainOf(a netip.Addr) string {
	all := ""
	for _, d := range c.Domains {
		switch {
		case !d.From.IsValid():
			all = d.Name
		case d.From.Compare(a) <= 0 && a.Compare(d.To) <= 0:
			return d.Name
		}
	}
	return all
}

// hostRecord is `host-record=NAME[,NAME]...,ADDRESS...[,TTL]`.
func (r *reader) hostRecord(_ conf.Pos, arg text) {
	var hosts []string
	for _, w := range arg.fields() {
		if a, err := netip.ParseAddr(w.String()); err != nil {
			hosts = append(hosts, w.String())
		} else if a.Is4() {
			for _, h := range hosts {
				r.names(h, a)
			}
		}
	}
}

// names keeps the first address of a name.
func (r *reader) names(name string, a netip.Addr) {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if _, known := r.c.names[name]; !known {
		r.c.names[name] = a
	}
}

// addnHosts is `addn-hosts`.
func (r *reader) addnHosts(_ conf.Pos, arg text) { r.hosts = append(r.hosts, arg.value()) }

// hostsFiles reads /etc/hosts and what is to be read like it. One that is not
// there is passed over, as by dnsmasq.
func (r *reader) hostsFiles() {
	files := r.hosts
	if !r.noHosts {
		files = append([]Value{{Text: "/etc/hosts"}}, files...)
	}
	for _, f := range files {
		if r.fsys == nil {
			return
		}
		src, err := readFile(r.fsys, path.Join("/", f.Text)[1:])
		if err != nil {
			continue
		}
		for lines := bufio.NewScanner(bytes.NewReader(src)); lines.Scan(); {
			line, _, _ := strings.Cut(lines.Text(), "#")
			words := strings.Fields(line)
			if len(words) < 2 {
				continue
			}
			if a, err := netip.ParseAddr(words[0]); err == nil && a.Is4() {
				for _, n := range words[1:] {
					r.names(n, a)
				}
			}
		}
	}
}

// port is `port`.
func (r *reader) port(at conf.Pos, arg text) {
	n, err := strconv.ParseUint(arg.String(), 10, 16)
	if err != nil {
		r.refuse(arg.pos, idValue, "%q is no port, and dnsmasq does not start", arg)
	}
	r.c.DNSPort = int(n)
}
