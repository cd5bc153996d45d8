package tftp

import (
	"fmt"
	"net/netip"
	"time"
)

// MTFTP is the multicast TFTP of PXE 2.1, which has nothing of RFC 2090's but
// the idea: there are no options, blocks have 512 bytes, and clients know from
// DHCP (sub-options of option 43) where the one file that the port gives out
// will be heard. A client listens there first. If it hears nothing, it asks, and
// the data goes to all; it alone acknowledges, which it knows by the first block
// coming to it alone as well. The others ask for what they have missed when it
// has become quiet again. EngineOwn alone.
type MTFTP struct {
	// File is the name that may be asked for at Port.
	File string
	// Group is where its data goes: sub-options 1, an IPv4 multicast address,
	// and 2, the clients' port.
	Group netip.AddrPort
	// Port is where requests come: sub-option 3.
	Port uint16
}

// IsGroup says whether data can be multicast to an address: IPv4's, with a port.
func IsGroup(a netip.AddrPort) bool { return a.Addr().Is4() && a.Addr().IsMulticast() && a.Port() != 0 }

func (m *MTFTP) valid() error {
	if m.File == "" || m.Port == 0 || !IsGroup(m.Group) {
		return fmt.Errorf("MTFTP of %q from port %d to %v: it needs a file, a port, and an IPv4 multicast address with a port", m.File, m.Port, m.Group)
	}
	return nil
}

// check refuses what the port does not give out.
func (m *MTFTP) check(r *request) *Error {
	switch {
	case r.op != opRRQ:
		return &Error{IllegalOperation, "This server is read-only"}
	case trimSlashes(r.name) != trimSlashes(m.File):
		return &Error{FileNotFound, "File not found"}
	case r.mode != "octet":
		return &Error{IllegalOperation, "Unknown mode"}
	}
	return nil
}

// open has a client be the one that acknowledges, if there is none. Another that
// asks meanwhile hears the answer anyway.
func (g *group) open(m *member) {
	if len(g.members) > 0 {
		return
	}
	g.members = append(g.members, m)
	if err := g.next(); err != nil {
		g.drop(0, err)
	}
	g.sentAt = time.Now()
}
