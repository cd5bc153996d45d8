package dhcpd

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"time"
)

// A MessageType is DHCP's option 53 (RFC 2132, section 9.6).
type MessageType uint8

// The message types, and BOOTP, which has none.
const (
	BOOTP MessageType = iota
	Discover
	Offer
	Request
	Decline
	ACK
	NAK
	Release
	Inform
)

func (t MessageType) String() string {
	names := [...]string{"BOOTP", "DHCPDISCOVER", "DHCPOFFER", "DHCPREQUEST", "DHCPDECLINE", "DHCPACK", "DHCPNAK",
		"DHCPRELEASE", "DHCPINFORM"}
	if int(t) < len(names) {
		return names[t]
	}
	return "unknown message"
}

// A Query is what is known of a client's message. Zero fields are those of a
// message that leaves them zero.
type Query struct {
	Type MessageType
	// HType is the type of the hardware address, 0 for Ethernet (1).
	HType    byte
	Hardware []byte // chaddr, hlen bytes of it; at most 16
	Hops     byte
	XID      uint32
	Secs     uint16
	Flags    uint16 // 0x8000: the client wants a broadcast
	CIAddr   netip.Addr
	GIAddr   netip.Addr
	SName    []byte
	File     []byte
	// Options are the client's, by code, several of one code put together
	// (RFC 3396). nil says that it sent none that could be read.
	Options map[uint8][]byte

	// Raw is the whole message, from op on. If it is nil and an expression
	// wants to look into the packet, it is made of the fields above.
	Raw []byte

	// Server is the address of the interface that the message came in on.
	Server netip.Addr
	// Source is the IP source address, which a DHCPINFORM without ciaddr is
	// answered at.
	Source netip.Addr
	// Address is the lease that the client is to have. If it is not valid, the
	// host's fixed address is taken, or else the first address of the first
	// pool that is open to the client, as by a dhcpd without leases.
	Address netip.Addr
	// Bound says that the client holds a lease on Address already, from Began to
	// Ends. dhcpd gives it the rest of that if not much is over yet.
	Bound       bool
	Began, Ends time.Time
	// Variables are those of the answer that the lease was last in, nil if it is
	// new.
	Variables *Variables
	// Now decides about "allow after", and about what is left of a lease. Zero is
	// before all dates.
	Now time.Time
}

// TerminatesTexts says whether the client ends its host name with a NUL. dhcpd
// then ends every text that it sends to the client like that.
func (q *Query) TerminatesTexts() bool {
	name := q.Options[12]
	return len(name) > 0 && name[len(name)-1] == 0
}

// hardware is type and address.
func (q *Query) hardware() []byte {
	kind := q.HType
	if kind == 0 {
		kind = 1
	}
	return append([]byte{kind}, q.Hardware...)
}

// cookie marks options in a BOOTP message (RFC 1497).
var cookie = []byte{99, 130, 83, 99}

// message is the whole message.
func (q *Query) message() []byte {
	if q.Raw != nil {
		return q.Raw
	}
	b := make([]byte, 236, 600)
	hw := q.hardware()
	b[0], b[1], b[2], b[3] = 1, hw[0], byte(len(hw)-1), q.Hops
	binary.BigEndian.PutUint32(b[4:], q.XID)
	binary.BigEndian.PutUint16(b[8:], q.Secs)
	binary.BigEndian.PutUint16(b[10:], q.Flags)
	if q.CIAddr.Is4() {
		copy(b[12:16], q.CIAddr.AsSlice())
	}
	if q.GIAddr.Is4() {
		copy(b[24:28], q.GIAddr.AsSlice())
	}
	copy(b[28:44], q.Hardware)
	copy(b[44:108], q.SName)
	copy(b[108:236], q.File)
	if q.Options != nil {
		b = append(b, cookie...)
		var codes []uint8
		for code := range q.Options {
			codes = append(codes, code)
		}
		slices.Sort(codes)
		for _, code := range codes {
			v := q.Options[code]
			for len(v) > 255 {
				b = append(append(b, code, 255), v[:255]...)
				v = v[255:]
			}
			b = append(append(b, code, byte(len(v))), v...)
		}
		b = append(b, 255)
	}
	for len(b) < 300 {
		b = append(b, 0)
	}
	return b
}

// address4 reads an option that is an IPv4 address.
func (q *Query) address4(code uint8) (netip.Addr, bool) {
	b, ok := q.Options[code]
	if !ok || len(b) != 4 {
		return netip.Addr{}, false
	}
	return netip.AddrFrom4([4]byte(b)), true
}

func set4(a netip.Addr) bool { return a.Is4() && !a.IsUnspecified() }

// sent is an option that the client sent. A text is without the NULs at its
// end; an encapsulated option is looked for where its space is carried.
func (e *env) sent(o *Option) ([]byte, bool) {
	if o.Space == e.cfg.spaces.dhcp {
		if o.Code > 255 {
			return nil, false
		}
		b, ok := e.q.Options[uint8(o.Code)]
		if o = o.Space.coded(o.Code); o.isText() {
			b = withoutNULs(b, o.fixedLength())
		}
		return b, ok
	}
	if o.Space == e.vendorIn {
		if b, ok := inside(o.Space, e.q.Options[43], o.Code); ok {
			return b, ok
		}
	}
	return e.encapsulated(o, 0)
}

func (e *env) encapsulated(o *Option, depth int) ([]byte, bool) {
	holder := o.Space.holder
	if holder == nil || depth > 8 {
		return nil, false
	}
	if called, ok := holder.encapsulates(); !ok || e.cfg.spaces.named(called) != o.Space {
		return nil, false
	}
	var b []byte
	var ok bool
	if holder.Space == e.cfg.spaces.dhcp {
		if holder.Code > 255 {
			return nil, false
		}
		b, ok = e.q.Options[uint8(holder.Code)]
	} else {
		b, ok = e.encapsulated(holder, depth+1)
	}
	if !ok {
		return nil, false
	}
	return inside(o.Space, b, o.Code)
}

// inside finds an option in an encapsulation.
func inside(s *Space, b []byte, code uint32) ([]byte, bool) {
	number := func(width int) (n uint32, ok bool) {
		if len(b) < width {
			return 0, false
		}
		for _, c := range b[:width] {
			n = n<<8 | uint32(c)
		}
		b = b[width:]
		return n, true
	}
	for {
		c, ok := number(s.codeWidth)
		if !ok || c == 0 {
			return nil, false
		}
		n, ok := number(s.lengthWidth)
		if !ok || uint32(len(b)) < n {
			return nil, false
		}
		if c == code {
			v := b[:n]
			if o := s.coded(code); o.isText() {
				v = withoutNULs(v, o.fixedLength())
			}
			return v, true
		}
		b = b[n:]
	}
}

func withoutNULs(b []byte, keep int) []byte {
	for len(b) > keep && b[len(b)-1] == 0 {
		b = b[:len(b)-1]
	}
	return b
}
