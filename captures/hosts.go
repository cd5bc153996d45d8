package captures

import (
	"encoding/hex"
	"net"
	"net/netip"
)

// A mac is an Ethernet address as a key.
type mac [6]byte

func (m mac) String() string {
	b := make([]byte, 0, 17)
	for i, c := range m {
		if i > 0 {
			b = append(b, ':')
		}
		b = hex.AppendEncode(b, []byte{c})
	}
	return string(b)
}

// single is false for a group address and for no address at all.
func (m mac) single() bool { return m[0]&1 == 0 && m != mac{} }

func (m mac) hardware() net.HardwareAddr { return append(net.HardwareAddr(nil), m[:]...) }

// A host is one MAC, and what it has shown itself to be.
type host struct {
	name    string
	machine bool // it asked by DHCP or BOOTP, or the options name it
	server  bool // it answered, or the options name it; a machine is none
	seen    bool // its first frame was seen
}

// hosts knows who is a machine. A machine is a MAC that the options name, or
// that sent DHCP or BOOTP as a client (chaddr, so a relay is none), or else the
// client's side of a TFTP, RPC or HTTP exchange. A MAC that answers is a
// server's and no machine, unless it was a machine before.
type hosts struct {
	byMAC map[mac]*host
	// lease says which machine has an address, from ACKs and from clients that
	// state their own. It finds the machine behind a router or in a capture
	// without MACs.
	lease map[netip.Addr]string
	limit int
	named bool // the options name the machines
	// The MACs whose frames came last and are known to have been seen: two, as
	// machine and server take turns.
	last     [2]mac
	lastSlot int
}

func newHosts(machines []net.HardwareAddr, servers []ServerHost, limit int) hosts {
	h := hosts{byMAC: make(map[mac]*host), lease: make(map[netip.Addr]string), limit: limit, named: len(machines) > 0}
	named := func(hw net.HardwareAddr) *host {
		if len(hw) != 6 {
			return nil
		}
		return h.get(mac(hw))
	}
	for _, hw := range machines {
		if e := named(hw); e != nil {
			e.machine = true
		}
	}
	for _, s := range servers {
		if e := named(s.MAC); e != nil {
			e.server = true
		}
	}
	return h
}

// get is the host with this MAC, new if need be; nil if there are too many, or
// if m is nobody's.
func (h *hosts) get(m mac) *host {
	e := h.byMAC[m]
	if e == nil && m.single() && len(h.byMAC) < h.limit {
		e = &host{name: m.String()}
		h.byMAC[m] = e
	}
	return e
}

// isMachine says that m asked for an address.
func (h *hosts) isMachine(m mac) {
	if e := h.get(m); e != nil && !e.server {
		e.machine = true
	}
}

// isServer says that m answered a client.
func (h *hosts) isServer(m mac) {
	if e := h.get(m); e != nil && !e.machine {
		e.server = true
	}
}

// has notes that a machine has an address.
func (h *hosts) has(name string, a netip.Addr) {
	if a.IsValid() && !a.IsUnspecified() && (len(h.lease) < h.limit || h.lease[a] != "") {
		h.lease[a] = name
	}
}

// client names the machine at address a, in whose frames the MAC is m (the zero
// MAC if the link shows none).
func (h *hosts) client(m mac, a netip.Addr) string {
	e := h.get(m)
	if e != nil && e.machine {
		return e.name
	}
	if name := h.lease[a]; name != "" {
		return name
	}
	if e != nil {
		return e.name
	}
	if m.single() {
		return m.String()
	}
	return a.String()
}

// between names the machine that a frame concerns that goes from one MAC to
// another, if only one of them can be one: "" if both are servers.
func (h *hosts) between(from, to mac) string {
	a, b := h.get(from), h.get(to)
	switch {
	case a != nil && a.machine:
		return a.name
	case b != nil && b.machine:
		return b.name
	case a != nil && !a.server:
		return a.name
	case b != nil && !b.server:
		return b.name
	}
	return ""
}

// firstFrame gives link.first for a MAC that was not seen before.
func (d *Decoder) firstFrame() {
	h := &d.hosts
	h.lastSlot ^= 1
	h.last[h.lastSlot] = d.p.srcMAC
	e := d.hosts.get(d.p.srcMAC)
	if e == nil || e.seen {
		return
	}
	e.seen = true
	if e.server || d.hosts.named && !e.machine {
		return
	}
	d.event(e.name, LinkFirst, []Field{
		{"eth.src", d.p.srcMAC.hardware()},
		{"eth.type", int64(d.p.ether)},
	})
}
