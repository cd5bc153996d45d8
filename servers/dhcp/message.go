package dhcp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/iana"

	"github.com/pxeproof/pxeproof/servers/conf/dhcpd"
)

// Sizes and places in a BOOTP message (RFC 951, RFC 2131 section 2).
const (
	headerLen  = 236
	snameAt    = 44
	fileAt     = 108
	minMessage = 300 // BOOTP's size: no reply is shorter
	broadcast  = 0x8000
)

var cookie = []byte{99, 130, 83, 99}

// A request is a client's message, taken apart and checked.
type request struct {
	header  *dhcpv4.DHCPv4 // without options
	options map[uint8][]byte
	raw     []byte
	source  netip.AddrPort
	// recalled says that option 82 is not the message's own but the lease's.
	recalled bool
}

// decode takes a message apart. It accepts what dhcpd accepts: options without
// an end option, a BOOTP message without options, options in the file and
// sname fields. The library's own FromBytes refuses the first two and does not
// look for the third, so it is shown the header alone.
func decode(raw []byte, source netip.AddrPort) (*request, error) {
	if len(raw) < headerLen {
		return nil, fmt.Errorf("a message of %d bytes is too short", len(raw))
	}
	if raw[2] > 16 {
		return nil, fmt.Errorf("a hardware address of %d bytes", raw[2])
	}
	var head [headerLen + 5]byte
	copy(head[:], raw[:headerLen])
	copy(head[headerLen:], cookie)
	head[headerLen+4] = byte(dhcpv4.OptionEnd.Code())
	header, err := dhcpv4.FromBytes(head[:])
	if err != nil {
		return nil, err
	}
	if header.OpCode != dhcpv4.OpcodeBootRequest {
		return nil, errors.New("not a request")
	}
	r := &request{header: header, raw: raw, source: source}
	rest, ok := bytes.CutPrefix(raw[headerLen:], cookie)
	if !ok {
		return r, nil
	}
	r.options = make(map[uint8][]byte)
	if err := r.collect(rest); err != nil {
		return nil, err
	}
	if overload := r.options[52]; len(overload) > 0 {
		if overload[0]&1 != 0 {
			err = r.collect(raw[fileAt:headerLen])
		}
		if overload[0]&2 != 0 && err == nil {
			err = r.collect(raw[snameAt:fileAt])
		}
		if err != nil {
			return nil, err
		}
	}
	if id, ok := r.options[61]; ok && len(id) == 0 {
		return nil, errors.New("an empty client identifier")
	}
	return r, nil
}

// collect reads options. Several of one code are put together (RFC 3396).
func (r *request) collect(b []byte) error {
	for len(b) > 0 {
		code := b[0]
		switch {
		case code == 0:
			b = b[1:]
			continue
		case code == 255:
			return nil
		case len(b) < 2 || len(b) < 2+int(b[1]):
			return fmt.Errorf("option %d is longer than the message", code)
		}
		v := b[2 : 2+int(b[1])]
		b = b[2+len(v):]
		if code == 12 && len(v) == 0 {
			continue // some clients send an empty host name
		}
		r.options[code] = append(r.options[code], v...)
		if r.options[code] == nil {
			r.options[code] = []byte{}
		}
	}
	return nil
}

// kind is the message type; BOOTP if there is none.
func (r *request) kind() dhcpd.MessageType {
	if b := r.options[53]; len(b) > 0 {
		return dhcpd.MessageType(b[0])
	}
	return dhcpd.BOOTP
}

func (r *request) hardware() []byte { return r.header.ClientHWAddr }

// hardwareKey is type and address, as a lease remembers them.
func (r *request) hardwareKey() string {
	return string(append([]byte{byte(r.header.HWType)}, r.header.ClientHWAddr...))
}

func (r *request) ciaddr() netip.Addr { return addr(r.header.ClientIPAddr) }
func (r *request) giaddr() netip.Addr { return addr(r.header.GatewayIPAddr) }

func addr(ip net.IP) netip.Addr {
	a, _ := netip.AddrFromSlice(ip.To4())
	return a
}

// address reads an option that is an address, from its first four bytes as
// dhcpd does.
func (r *request) address(code uint8) (netip.Addr, bool) {
	b, ok := r.options[code]
	if !ok || len(b) < 4 {
		return netip.Addr{}, false
	}
	return netip.AddrFrom4([4]byte(b[:4])), true
}

// id is the client identifier.
func (r *request) id() (string, bool) {
	b, ok := r.options[61]
	return string(b), ok
}

// query is what the configuration needs to know of the message.
func (r *request) query(server netip.Addr) dhcpd.Query {
	h := r.header
	return dhcpd.Query{
		Type: r.kind(), HType: byte(h.HWType), Hardware: h.ClientHWAddr, Hops: h.HopCount,
		XID: binary.BigEndian.Uint32(h.TransactionID[:]), Secs: h.NumSeconds, Flags: h.Flags,
		CIAddr: r.ciaddr(), GIAddr: r.giaddr(),
		SName: r.raw[snameAt:fileAt], File: r.raw[fileAt:headerLen],
		Options: r.options, Raw: r.raw, Server: server, Source: r.source.Addr(),
	}
}

// encode makes the reply. The library makes the header; the rest is laid out
// already, in an order that the library would not keep.
func (r *request) encode(a *dhcpd.Answer) []byte {
	h := &dhcpv4.DHCPv4{
		OpCode: dhcpv4.OpcodeBootReply, HWType: iana.HWType(r.header.HWType), HopCount: r.header.HopCount,
		TransactionID: r.header.TransactionID, NumSeconds: r.header.NumSeconds, Flags: r.header.Flags,
		ClientIPAddr: r.header.ClientIPAddr, YourIPAddr: net.IP(a.Address.Value.AsSlice()),
		ServerIPAddr: net.IP(a.SIAddr.Value.AsSlice()), GatewayIPAddr: r.header.GatewayIPAddr,
		ClientHWAddr: r.header.ClientHWAddr,
	}
	if a.Broadcast || a.Reply == dhcpd.NakReply {
		h.Flags |= broadcast
	}
	if a.Reply == dhcpd.NakReply {
		h.ClientIPAddr = net.IPv4zero
	}
	out := h.ToBytes()[:headerLen:headerLen]
	out[2] = byte(len(r.header.ClientHWAddr))
	copy(out[28:44], r.raw[28:44])
	copy(out[snameAt:], a.Wire.SName[:])
	copy(out[fileAt:], a.Wire.File[:])
	out = append(out, a.Wire.Options...)
	for len(out) < minMessage {
		out = append(out, 0)
	}
	return out
}
