package xinetd

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/pxeproof/pxeproof/servers/conf"
)

// hosts applies only_from or no_access to what is there already.
func (p *parser) hosts(h *Hosts, a Attribute) *Hosts {
	if h == nil {
		h = &Hosts{}
	} else if a.Op == "=" {
		h = &Hosts{}
	}
	h.Pos = a.Name.Pos
	for _, v := range a.Values {
		prefixes, ok := parseHosts(v.Text)
		switch {
		case !ok && a.Op != "-=":
			h.Names = append(h.Names, v)
			p.report(conf.Doubt, v.Pos, "xinetd-host-name", "write an address",
				"%q is looked up by xinetd, and what it is there is not known here", v.Text)
		case a.Op == "-=":
			h.Prefixes = slices.DeleteFunc(h.Prefixes, func(x netip.Prefix) bool { return slices.Contains(prefixes, x) })
			h.Names = slices.DeleteFunc(h.Names, func(x Value) bool { return x.Text == v.Text })
		default:
			h.Prefixes = append(h.Prefixes, prefixes...)
		}
	}
	return h
}

// mergeHosts puts the addresses of the defaults before those that the service
// adds or takes away.
func (p *parser) mergeHosts(s *Service, a Attribute) {
	h := p.hosts(nil, Attribute{Name: a.Name, Op: "+=", Values: a.Values})
	for _, b := range s.Attributes {
		if b.Name.Text == a.Name.Text {
			h = p.hosts(h, b)
		}
	}
	if a.Name.Text == "only_from" {
		s.OnlyFrom = h
	} else {
		s.NoAccess = h
	}
}

// parseHosts reads the numeric forms: 1.2.3.4; 1.2.3.0, in which zeros at the
// end stand for anything; 1.2.3.{4,5}; 1.2.3.0/24; and IPv6.
func parseHosts(s string) (list []netip.Prefix, ok bool) {
	if p, err := netip.ParsePrefix(s); err == nil {
		return []netip.Prefix{p.Masked()}, true
	}
	if a, err := netip.ParseAddr(s); err == nil {
		bits := a.BitLen()
		if a.Is4() {
			b := a.As4()
			for i := 3; i >= 0 && b[i] == 0; i-- {
				bits -= 8
			}
		}
		return []netip.Prefix{netip.PrefixFrom(a.WithZone(""), bits)}, true
	}
	head, factors, found := strings.Cut(s, "{")
	if !found || !strings.HasSuffix(factors, "}") || !strings.HasSuffix(head, ".") {
		return nil, false
	}
	for f := range strings.SplitSeq(strings.TrimSuffix(factors, "}"), ",") {
		if _, err := strconv.ParseUint(f, 10, 8); err != nil {
			return nil, false
		}
		full := head + f
		dots := strings.Count(full, ".")
		if dots > 3 {
			return nil, false
		}
		a, err := netip.ParseAddr(full + strings.Repeat(".0", 3-dots))
		if err != nil {
			return nil, false
		}
		list = append(list, netip.PrefixFrom(a, 8*(dots+1)))
	}
	return list, true
}
