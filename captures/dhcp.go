package captures

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
)

// DHCP and BOOTP (RFC 951, 2131, 2132, 3396), ProxyDHCP on port 4011.

func isDHCPPort(port uint16) bool { return port == 67 || port == 68 || port == 4011 }

// bootpLength is the fixed part of a message, RFC 951's vendor area left out.
const bootpLength = 236

var dhcpCookie = []byte{99, 130, 83, 99}

var dhcpKinds = [...]Kind{
	1: DHCPDiscover, 2: DHCPOffer, 3: DHCPRequest, 4: DHCPDecline,
	5: DHCPAck, 6: DHCPNak, 7: DHCPRelease, 8: DHCPInform,
}

// dhcpOptions are a message's options, each put together from its parts (RFC
// 3396). A nil value was not there; an empty one had no bytes.
type dhcpOptions [256][]byte

// read adds the options of one field. Option 255 ends it; so does one whose
// length does not fit.
func (o *dhcpOptions) read(b []byte) {
	for len(b) > 0 {
		code := b[0]
		switch {
		case code == 0:
			b = b[1:]
			continue
		case code == 255 || len(b) < 2 || len(b) < 2+int(b[1]):
			return
		}
		n := int(b[1])
		if o[code] == nil {
			o[code] = make([]byte, 0, n)
		}
		o[code] = append(o[code], b[2:2+n]...)
		b = b[2+n:]
	}
}

// dhcp decodes the DHCP message at hand.
func (d *Decoder) dhcp() {
	p := &d.p
	m := p.payload
	if len(m) < bootpLength || m[0] != 1 && m[0] != 2 {
		return
	}
	ask := m[0] == 1
	var o dhcpOptions
	var overload byte
	if rest := m[bootpLength:]; bytes.HasPrefix(rest, dhcpCookie) {
		o.read(rest[4:])
		// Option overload (RFC 2132, section 9.3); the order of the fields is
		// that of RFC 3396, section 5.
		if len(o[52]) == 1 {
			overload = o[52][0]
		}
		if overload&1 != 0 {
			o.read(m[108:236])
		}
		if overload&2 != 0 {
			o.read(m[44:108])
		}
	}
	kind := BOOTPReply
	if ask {
		kind = BOOTPRequest
	}
	if t := o[53]; len(t) == 1 && int(t[0]) < len(dhcpKinds) && dhcpKinds[t[0]] != "" {
		kind = dhcpKinds[t[0]]
	}
	host := d.dhcpHost(m, ask, kind)

	addr := func(at int) netip.Addr { return netip.AddrFrom4([4]byte(m[at : at+4])) }
	f := make([]Field, 0, 32)
	f = append(f,
		Field{"udp.srcport", int64(p.sport)},
		Field{"udp.dstport", int64(p.dport)},
		Field{"ip.src", p.src},
		Field{"ip.dst", p.dst},
		Field{"dhcp.id", int64(binary.BigEndian.Uint32(m[4:]))},
		Field{"dhcp.secs", int64(binary.BigEndian.Uint16(m[8:]))},
		Field{"dhcp.flags.bc", m[10]&0x80 != 0},
		Field{"dhcp.ip.client", addr(12)},
		Field{"dhcp.ip.your", addr(16)},
		Field{"dhcp.ip.server", addr(20)},
		Field{"dhcp.ip.relay", addr(24)})
	if s := cString(m[44:108]); s != "" && overload&2 == 0 {
		f = append(f, Field{"dhcp.server", s})
	}
	if s := cString(m[108:236]); s != "" && overload&1 == 0 {
		f = append(f, Field{"dhcp.file", s})
	}
	f = o.fields(f)
	switch p.udpChecksum() {
	case checksumBad:
		f = append(f, Field{"dhcp.checksum.bad", true})
	case checksumPartial:
		f = append(f, Field{"dhcp.checksum.partial", true})
	}
	d.event(host, kind, f)
}

// dhcpHost names the client by its chaddr, and learns from the message who is
// who and who has which address.
func (d *Decoder) dhcpHost(m []byte, ask bool, kind Kind) string {
	p := &d.p
	hlen := min(int(m[2]), 16)
	if hlen == 0 {
		// RFC 4390 (IP over InfiniBand) has no chaddr; nor has nonsense.
		return d.hosts.between(p.srcMAC, p.dstMAC)
	}
	host := hexColon(m[28 : 28+hlen])
	if hlen == 6 && ask {
		d.hosts.isMachine(mac(m[28:34]))
	}
	if !ask && p.macs {
		d.hosts.isServer(p.srcMAC)
	}
	ciaddr, yiaddr := netip.AddrFrom4([4]byte(m[12:16])), netip.AddrFrom4([4]byte(m[16:20]))
	switch kind {
	case DHCPAck, BOOTPReply:
		d.hosts.has(host, yiaddr)
	case DHCPRequest, DHCPInform, BOOTPRequest:
		d.hosts.has(host, ciaddr)
	}
	return host
}

// fields appends the options that kinds.go names, in its order.
func (o *dhcpOptions) fields(f []Field) []Field {
	addr := func(code byte, name string) {
		if v := o[code]; len(v) >= 4 {
			f = append(f, Field{name, netip.AddrFrom4([4]byte(v[:4]))})
		}
	}
	text := func(code byte, name string) {
		if v := o[code]; v != nil {
			f = append(f, Field{name, cString(v)})
		}
	}
	raw := func(code byte, name string) {
		if v := o[code]; v != nil {
			f = append(f, Field{name, v})
		}
	}
	addr(54, "dhcp.option.dhcp_server_id")
	addr(50, "dhcp.option.requested_ip_address")
	if v := o[51]; len(v) == 4 {
		f = append(f, Field{"dhcp.option.ip_address_lease_time", int64(binary.BigEndian.Uint32(v))})
	}
	addr(1, "dhcp.option.subnet_mask")
	addr(3, "dhcp.option.router")
	text(60, "dhcp.option.vendor_class_id")
	raw(77, "dhcp.option.user_class")
	if v := o[93]; len(v) >= 2 {
		f = append(f, Field{"dhcp.option.client_architecture", int64(binary.BigEndian.Uint16(v))})
	}
	raw(97, "dhcp.option.uuid")
	text(66, "dhcp.option.tftp_server_name")
	text(67, "dhcp.option.bootfile_name")
	raw(43, "dhcp.option.vendor_specific")
	addr(150, "dhcp.option.tftp_server_address")
	raw(175, "dhcp.option.etherboot")
	text(209, "dhcp.option.pxelinux_config")
	text(210, "dhcp.option.pxelinux_path_prefix")
	text(56, "dhcp.option.message")
	return f
}

// cString is b up to its first NUL.
func cString(b []byte) string {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}

func hexColon(b []byte) string {
	var s []byte
	for i, c := range b {
		if i > 0 {
			s = append(s, ':')
		}
		s = hex.AppendEncode(s, []byte{c})
	}
	return string(s)
}
