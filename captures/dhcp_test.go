package captures_test

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/pxeproof/pxeproof/captures"
)

// A bootp builds DHCP messages.
type bootp struct {
	op                     byte
	ciaddr, yiaddr, siaddr netip.Addr
	sname, file            []byte
	options                []byte // after the cookie; nil: no cookie
}

func opt(code byte, value ...byte) []byte { return append([]byte{code, byte(len(value))}, value...) }

func addr4(s string) []byte { return netip.MustParseAddr(s).AsSlice() }

func (m bootp) bytes() []byte {
	b := make([]byte, 236)
	b[0], b[1], b[2] = m.op, 1, 6
	binary.BigEndian.PutUint32(b[4:], 0xcafe)
	b[10] = 0x80
	for at, a := range map[int]netip.Addr{12: m.ciaddr, 16: m.yiaddr, 20: m.siaddr} {
		if a.IsValid() {
			copy(b[at:], a.AsSlice())
		}
	}
	copy(b[28:], pc.mac)
	copy(b[44:108], m.sname)
	copy(b[108:236], m.file)
	if m.options != nil {
		b = append(append(b, 99, 130, 83, 99), m.options...)
	}
	return b
}

var everybody = station{bytes.Repeat([]byte{0xff}, 6), netip.MustParseAddr("255.255.255.255")}

func fromClient(t testing.TB, m bootp) []byte {
	m.op = 1
	nobody := station{pc.mac, netip.MustParseAddr("0.0.0.0")}
	return udp(t, nobody, 68, everybody, 67, m.bytes())
}

func fromServer(t testing.TB, m bootp) []byte {
	m.op = 2
	return udp(t, server, 67, everybody, 68, m.bytes())
}

func TestDHCPFields(t *testing.T) {
	options := bytes.Join([][]byte{
		opt(53, 2), opt(54, addr4("192.168.1.3")...), opt(51, 0, 0, 0x0e, 0x10), opt(1, 255, 255, 255, 0),
		opt(3, append(addr4("192.168.1.1"), addr4("192.168.1.2")...)...), opt(60, []byte("PXEClient")...),
		opt(93, 0, 7), opt(97, 0, 1, 2), opt(66, []byte("tftp\x00")...), opt(67, []byte("boot.efi")...),
		opt(43, 6, 1, 8), opt(150, addr4("192.168.1.9")...), opt(175, 1), opt(209, []byte("cfg")...), opt(210, []byte("/p/")...),
		opt(56, []byte("hello")...), opt(77, []byte("iPXE")...), {255},
	}, nil)
	tl := decode(t, captures.Options{}, fromServer(t, bootp{
		yiaddr: pc.addr, siaddr: other.addr, sname: []byte("host"), file: []byte("/pxelinux.0"), options: options,
	}))
	e := one(t, tl, captures.DHCPOffer)
	if e.Host != pcMAC {
		t.Errorf("host %q", e.Host)
	}
	for name, want := range map[string]any{
		"udp.srcport": int64(67), "udp.dstport": int64(68), "ip.src": server.addr, "dhcp.id": int64(0xcafe), "dhcp.secs": int64(0),
		"dhcp.flags.bc": true, "dhcp.ip.client": netip.MustParseAddr("0.0.0.0"), "dhcp.ip.your": pc.addr, "dhcp.ip.server": other.addr,
		"dhcp.server": "host", "dhcp.file": "/pxelinux.0", "dhcp.option.dhcp_server_id": server.addr,
		"dhcp.option.ip_address_lease_time": int64(3600), "dhcp.option.subnet_mask": netip.MustParseAddr("255.255.255.0"),
		"dhcp.option.router": netip.MustParseAddr("192.168.1.1"), "dhcp.option.vendor_class_id": "PXEClient",
		"dhcp.option.client_architecture": int64(7), "dhcp.option.tftp_server_name": "tftp", "dhcp.option.bootfile_name": "boot.efi",
		"dhcp.option.tftp_server_address": netip.MustParseAddr("192.168.1.9"), "dhcp.option.pxelinux_config": "cfg",
		"dhcp.option.pxelinux_path_prefix": "/p/", "dhcp.option.message": "hello",
	} {
		if got := e.Get(name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	for name, want := range map[string]string{
		"dhcp.option.uuid": "\x00\x01\x02", "dhcp.option.vendor_specific": "\x06\x01\x08", "dhcp.option.etherboot": "\x01", "dhcp.option.user_class": "iPXE",
	} {
		if got := string(e.Bytes(name)); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if e.Get("dhcp.checksum.bad") != nil {
		t.Error("the checksum is good")
	}
}

func TestDHCPOptionOverload(t *testing.T) {
	file := append(opt(67, []byte("from-file")...), 255)
	sname := append(opt(66, []byte("from-sname")...), 255)
	for value, want := range map[byte][4]string{ // sname, file, 66, 67
		1: {string(sname), "", "", "from-file"},
		2: {"", string(file), "from-sname", ""},
		3: {"", "", "from-sname", "from-file"},
	} {
		tl := decode(t, captures.Options{}, fromServer(t, bootp{sname: sname, file: file,
			options: bytes.Join([][]byte{opt(53, 5), opt(52, value), {255}}, nil)}))
		e := one(t, tl, captures.DHCPAck)
		got := [4]string{e.Text("dhcp.server"), e.Text("dhcp.file"), e.Text("dhcp.option.tftp_server_name"), e.Text("dhcp.option.bootfile_name")}
		if got != want {
			t.Errorf("overload %d: %q, want %q", value, got, want)
		}
	}
}

// RFC 3396: an option may come in parts, in several fields.
func TestDHCPLongOption(t *testing.T) {
	long := strings.Repeat("x", 200)
	tl := decode(t, captures.Options{}, fromServer(t, bootp{
		file:    append(opt(67, []byte("tail")...), 255),
		options: bytes.Join([][]byte{opt(53, 2), opt(52, 1), opt(67, []byte(long)...), opt(67, []byte("middle")...), {255}}, nil),
	}))
	if got := one(t, tl, captures.DHCPOffer).Text("dhcp.option.bootfile_name"); got != long+"middletail" {
		t.Errorf("option 67 is %q", got)
	}
}

func TestBOOTP(t *testing.T) {
	tl := decode(t, captures.Options{}, fromClient(t, bootp{}), fromServer(t, bootp{yiaddr: pc.addr, file: []byte("boot")}))
	one(t, tl, captures.BOOTPRequest)
	if e := one(t, tl, captures.BOOTPReply); e.Text("dhcp.file") != "boot" {
		t.Errorf("%+v", e)
	}
}

func TestDHCPChecksum(t *testing.T) {
	good := fromServer(t, bootp{options: append(opt(53, 2), 255)})
	const at = 14 + 20 + 6
	bad, partial, none := bytes.Clone(good), bytes.Clone(good), bytes.Clone(good)
	bad[at] ^= 1
	none[at], none[at+1] = 0, 0
	// What a kernel leaves to the network card is the pseudo-header's sum.
	var sum uint32
	for _, v := range [][]byte{good[26:28], good[28:30], good[30:32], good[32:34], good[38:40], {0, 17}} {
		sum += uint32(binary.BigEndian.Uint16(v))
	}
	binary.BigEndian.PutUint16(partial[at:], uint16(sum)+uint16(sum>>16))
	for name, c := range map[string]struct {
		frame        []byte
		bad, partial bool
	}{"good": {good, false, false}, "bad": {bad, true, false}, "none": {none, false, false}, "partial": {partial, false, true},
		"cut": {bad[:len(bad)-1], false, false}} {
		e := one(t, decode(t, captures.Options{}, c.frame), captures.DHCPOffer)
		if e.Is("dhcp.checksum.bad") != c.bad || e.Is("dhcp.checksum.partial") != c.partial {
			t.Errorf("%s: %+v", name, e.Fields)
		}
	}
}

// Behind a router, and in a capture without MACs, a machine is known by the
// address that DHCP gave it.
func TestMachineBehindARouter(t *testing.T) {
	router := station{[]byte{0x52, 0x54, 0, 0, 9, 9}, pc.addr}
	tl := decode(t, captures.Options{}, fromServer(t, bootp{yiaddr: pc.addr, options: append(opt(53, 5), 255)}),
		udp(t, router, 2000, server, 69, rrq("f")))
	if e := one(t, tl, captures.TFTPRequest); e.Host != pcMAC {
		t.Errorf("host %q", e.Host)
	}
}

func TestLinkFirst(t *testing.T) {
	discover := fromClient(t, bootp{options: append(opt(53, 1), 255)})
	offer := fromServer(t, bootp{options: append(opt(53, 2), 255)})
	hosts := func(o captures.Options) (names []string) {
		for _, e := range of(decode(t, o, discover, offer, discover), captures.LinkFirst) {
			names = append(names, e.Host)
		}
		return names
	}
	for name, c := range map[string]struct {
		o    captures.Options
		want string
	}{
		"nobody named":  {captures.Options{}, pcMAC + " 52:54:00:00:00:03"},
		"server named":  {captures.Options{Servers: []captures.ServerHost{{MAC: server.mac}}}, pcMAC},
		"machine named": {captures.Options{Machines: []net.HardwareAddr{pc.mac}}, pcMAC},
		"another named": {captures.Options{Machines: []net.HardwareAddr{other.mac}}, ""},
	} {
		if got := strings.Join(hosts(c.o), " "); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
