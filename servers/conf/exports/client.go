package exports

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Hosts maps addresses to the names of their host, the canonical one first, as
// /etc/hosts of the server has them. It stands for all of name resolution.
type Hosts map[netip.Addr][]string

// ParseHosts reads an /etc/hosts. Lines that it does not understand are left
// out, as the resolver does.
func ParseHosts(src []byte) Hosts {
	h := Hosts{}
	for line := range strings.Lines(string(src)) {
		line, _, _ = strings.Cut(line, "#")
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		if a, err := netip.ParseAddr(f[0]); err == nil {
			h[a.Unmap()] = append(h[a.Unmap()], f[1:]...)
		}
	}
	return h
}

// lookup gives the addresses of a name, in order.
func (h Hosts) lookup(name string) []netip.Addr {
	var addrs []netip.Addr
	for a, names := range h {
		for _, n := range names {
			if strings.EqualFold(n, name) {
				addrs = append(addrs, a)
				break
			}
		}
	}
	slices.SortFunc(addrs, netip.Addr.Compare)
	return addrs
}

// kind is how a client is specified. The order is the one in which mountd
// prefers them.
type kind int

const (
	kindHost kind = iota
	kindNetwork
	kindWildcard
	kindNetgroup
	kindAnybody
	kindGSS
)

// kindOf classifies a specification as exportfs does: by its first telling
// character.
func kindOf(spec string) kind {
	switch {
	case spec == "" || spec == "*":
		return kindAnybody
	case strings.HasPrefix(spec, "gss/"):
		return kindGSS
	case spec[0] == '@':
		return kindNetgroup
	}
	for i := 0; i < len(spec); i++ {
		switch spec[i] {
		case '*', '?', '[':
			return kindWildcard
		case '/':
			return kindNetwork
		case '\\':
			i++
		}
	}
	return kindHost
}

// A matcher decides whether an address is covered. The zero matcher covers
// none but is of kind kindHost.
type matcher struct {
	kind    kind
	addrs   []netip.Addr // kindHost
	network netip.Addr   // kindNetwork
	mask    []byte
	pattern string // kindWildcard
	hosts   Hosts
}

func (m *matcher) matches(a netip.Addr) bool {
	switch m.kind {
	case kindAnybody:
		return true
	case kindHost:
		for _, b := range m.addrs {
			if a == b {
				return true
			}
		}
	case kindNetwork:
		if a.BitLen() != m.network.BitLen() {
			return false
		}
		x, y := a.AsSlice(), m.network.AsSlice()
		for i, bits := range m.mask {
			if (x[i]^y[i])&bits != 0 {
				return false
			}
		}
		return true
	case kindWildcard:
		for _, name := range m.hosts[a] {
			if wildcard(m.pattern, name) {
				return true
			}
		}
		// A client without a name goes by its address.
		return len(m.hosts[a]) == 0 && wildcard(m.pattern, a.String())
	}
	return false
}

// wildcard matches as nfs-utils' wildmat does: *, ? and [], a dot nothing
// special. Case does not count.
func wildcard(pattern, name string) bool {
	ok, err := path.Match(strings.ToLower(pattern), strings.ToLower(name))
	return err == nil && ok
}

// parseNetwork reads address/length and address/netmask. Bits of the host in
// the address do no harm, and a netmask may have holes: both as in mountd.
//
// So is this: a prefix length of 0 covers no network at all. mountd shifts a
// word by 32 for it, which on common processors shifts by nothing, and so asks
// for all of the address (of IPv6, for its first word) to be equal.
func parseNetwork(spec string) (network netip.Addr, mask []byte, err error) {
	addr, bits, _ := strings.Cut(spec, "/")
	network, err = netip.ParseAddr(addr)
	if err != nil {
		return network, nil, fmt.Errorf("invalid IP address %q", show(addr))
	}
	if strings.ContainsAny(bits, ".:") {
		m, err := netip.ParseAddr(bits)
		if err != nil || m.BitLen() != network.BitLen() {
			return network, nil, fmt.Errorf("invalid netmask %q", show(bits))
		}
		return network, m.AsSlice(), nil
	}
	n := uint64(0) // also of no digits
	if bits != "" {
		n, err = strconv.ParseUint(bits, 10, 16)
	}
	if err != nil || int(n) > network.BitLen() {
		return network, nil, fmt.Errorf("invalid prefix length %q", show(bits))
	}
	if n == 0 {
		n = 32
	}
	mask = make([]byte, network.BitLen()/8)
	for i := range mask {
		ones := min(max(int(n)-8*i, 0), 8)
		mask[i] = byte(0xff << (8 - ones))
	}
	return network, mask, nil
}

// everything says whether a network is meant to be all addresses.
func everything(spec string) bool {
	_, bits, _ := strings.Cut(spec, "/")
	return strings.Trim(bits, "0") == ""
}

// contiguous says whether a mask is ones and then zeros.
func contiguous(mask []byte) bool {
	if len(mask) != 4 {
		return true // nobody writes the others out
	}
	m := ^binary.BigEndian.Uint32(mask)
	return m&(m+1) == 0
}
