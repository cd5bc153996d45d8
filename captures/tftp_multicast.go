package captures

import (
	"bytes"
	"net/netip"
	"strconv"
	"strings"
	"unicode"
)

// Multicast TFTP: one DATA for many clients. RFC 2090 names the group in the
// OACK. PXE's own MTFTP (PXE 2.1) has no options: clients know the group from
// DHCP, and ask at a port that is not TFTP's.

// maxWaiting bounds the transfers whose group has not been heard yet.
const maxWaiting = 64

// A tftpGroups finds the transfers that share DATA.
type tftpGroups struct {
	waiting []*tftpTransfer
	members map[flow][]*tftpTransfer // by server's TID and group
}

// isMTFTPOpen says whether a datagram to a port that is not TFTP's is MTFTP's
// read request: a name, the mode, and no options.
func isMTFTPOpen(b []byte) bool {
	name, rest, ok := bytes.Cut(b[2:], []byte{0})
	return ok && len(name) > 0 && len(name) <= maxFileName && !bytes.ContainsFunc(name, unicode.IsControl) &&
		bytes.EqualFold(rest, []byte("octet\x00"))
}

// groupOf is the group that an OACK's multicast option names, "addr,port,mc". It
// may leave the address out if the client knows it.
func groupOf(option string) (netip.AddrPort, bool) {
	f := strings.Split(option, ",")
	if len(f) != 3 {
		return netip.AddrPort{}, false
	}
	a, err := netip.ParseAddr(f[0])
	port, perr := strconv.ParseUint(f[1], 10, 16)
	return netip.AddrPortFrom(a, uint16(port)), err == nil && perr == nil && a.IsMulticast()
}

// wait has a transfer be found by its group's DATA.
func (g *tftpGroups) wait(t *tftpTransfer) {
	if len(g.waiting) >= maxWaiting {
		g.waiting = append(g.waiting[:0], g.waiting[1:]...)
	}
	g.waiting = append(g.waiting, t)
}

// tftpMulticast gives a DATA to all that it is for. It says whether it was for
// any.
func (d *Decoder) tftpMulticast() bool {
	p, g := &d.p, &d.tftp.groups
	f := p.flow()
	list := g.members[f]
	kept := g.waiting[:0]
	for _, t := range g.waiting {
		switch {
		case t.over || d.tftp.clients[t.Client] != t:
		case !g.hears(t, list, p):
			kept = append(kept, t)
		default:
			t.grouped = true
			if !t.bound {
				d.tftp.bind(t, p.source())
			}
			list = append(list, t)
		}
	}
	g.waiting = kept
	if len(list) == 0 {
		return false
	}
	if g.members == nil || len(g.members) >= maxWaiting && g.members[f] == nil {
		g.members = make(map[flow][]*tftpTransfer) // what is under way is lost to us
	}
	still := list[:0]
	for _, t := range list {
		if t.over {
			continue
		}
		still = append(still, t)
		t.fromPeer = true
		d.tftpData(t)
		// A client that does not acknowledge has what it has heard.
		if !t.heard && t.last != 0 && len(t.gaps.r) == 0 && !t.over {
			d.tftpFinish(t)
		}
	}
	g.members[f] = still
	return true
}

// hears says whether a transfer is one of those that a group's DATA is for.
func (g *tftpGroups) hears(t *tftpTransfer, list []*tftpTransfer, p *packet) bool {
	if t.Asked != p.src {
		return false
	}
	if t.group.IsValid() {
		return t.group == p.destination()
	}
	if t.bound { // a copy of the first block has come to it alone
		return t.Server == p.source()
	}
	// Which file a group carries is nowhere said. One that was there before the
	// request is another's, unless that one has asked for the same.
	for _, other := range list {
		if other.Name != t.Name {
			return false
		}
	}
	_, known := g.members[p.flow()]
	return !known || len(list) > 0
}
