package dhcp_test

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A kind of client: what its messages hold besides the parameter request list.
type clientKind struct {
	name string
	opts []option
	prls [][]byte
}

func text(code byte, s string) option { return option{code, []byte(s)} }

var uuid = option{97, append([]byte{0}, []byte("0123456789abcdef")...)}

// clients are the kinds, with what real ones of them ask for, and lists that
// show the order.
var clients = []clientKind{
	{"bios", []option{{57, []byte{5, 192}}, {93, []byte{0, 0}}, {94, []byte{1, 2, 1}}, text(60, "PXEClient:Arch:00000:UNDI:002001"), uuid},
		[][]byte{{1, 2, 3, 4, 5, 6, 11, 12, 13, 15, 16, 17, 18, 22, 23, 28, 40, 41, 42, 43, 50, 51, 54, 58, 59, 60, 66, 67, 97, 128, 129, 130, 131, 132, 133, 134, 135},
			{3, 1, 67, 66, 43, 150, 3, 67}, nil}},
	{"uefi", []option{{57, []byte{5, 192}}, {93, []byte{0, 7}}, {94, []byte{1, 3, 0}}, text(60, "PXEClient:Arch:00007:UNDI:003000"), uuid},
		[][]byte{{1, 2, 3, 4, 5, 6, 12, 13, 15, 17, 18, 22, 23, 28, 40, 41, 42, 43, 50, 51, 54, 58, 59, 60, 66, 67, 97, 128, 129, 130, 131, 132, 133, 134, 135},
			{67, 66, 3, 6, 15, 1, 209, 210, 211}, nil}},
	{"http", []option{{57, []byte{5, 192}}, {93, []byte{0, 16}}, {94, []byte{1, 3, 0}}, text(60, "HTTPClient:Arch:00016:UNDI:003001"), uuid},
		[][]byte{{1, 3, 6, 12, 15, 43, 60, 66, 67, 97}, nil}},
	{"ipxe", []option{{57, []byte{5, 192}}, {93, []byte{0, 0}}, {94, []byte{1, 2, 1}}, text(60, "PXEClient:Arch:00000:UNDI:002001"), text(77, "iPXE"),
		{175, []byte{177, 5, 1, 0x1a, 0xf4, 0x10, 0, 235, 3, 1, 21, 1, 18, 1, 1}}, uuid},
		[][]byte{{1, 3, 6, 7, 12, 15, 17, 26, 43, 60, 66, 67, 119, 128, 129, 130, 131, 132, 133, 134, 135, 175, 203},
			{175, 43, 150, 67, 12, 15, 119}, nil}},
	{"linux", []option{{61, []byte{255, 1, 2, 3, 4, 0, 1}}, text(12, "laptop"), {57, []byte{2, 64}}},
		[][]byte{{1, 28, 2, 3, 15, 6, 119, 12, 44, 47, 26, 121, 42}, {12, 42, 3, 1}, nil}},
	{"windows", []option{{61, []byte{1, 2, 0, 0, 0, 0, 9}}, {12, []byte("PC\x00")}, text(60, "MSFT 5.0"), {81, []byte{0, 0, 0, 'P', 'C', '.', 'e', 'x'}}},
		[][]byte{{1, 3, 6, 15, 31, 33, 43, 44, 46, 47, 119, 121, 249, 252}}},
}

// TestAgainstISC asks dhcpd and this server the same questions, and wants the
// same answers, to the byte.
func TestAgainstISC(t *testing.T) {
	program := findDHCPD(t)
	offers, ran := 0, 0
	for _, of := range corpus(t) {
		t.Run(of.name, func(t *testing.T) {
			if n := compare(t, program, of); n == 0 && !t.Failed() {
				t.Error("not one client got an offer: the file compares nothing")
			}
		})
	}
	for _, of := range library(t) {
		t.Run(of.name, func(t *testing.T) {
			ran++
			offers += compare(t, program, of)
		})
	}
	if ran > 0 && offers == 0 {
		t.Error("the scenarios' files compare nothing")
	}
}

// compare returns how many offers there were to compare.
func compare(t *testing.T, program string, of subject) (offers int) {
	isc, ours := pair(t, program, of)
	c := &comparison{t: t, isc: isc, ours: ours}
	for i, kind := range clients {
		for j, prl := range kind.prls {
			mac := net.HardwareAddr{0x52, 0x54, 0, 0xaa, byte(i), byte(j)}
			c.boot(fmt.Sprintf("%s, list %d", kind.name, j), mac, kind.opts, prl)
		}
	}
	// The clients that the file knows by their address.
	for _, m := range regexp.MustCompile(`(?m)^# client: (\S+)$`).FindAllStringSubmatch(of.text, -1) {
		mac, err := net.ParseMAC(m[1])
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range clients[:5] {
			c.boot(kind.name+" "+mac.String(), mac, kind.opts, kind.prls[0])
		}
		c.same("BOOTP "+mac.String(), message{mac: mac})
	}
	c.odd()
	t.Logf("%d questions, %d offers, %d without an answer", c.asked, c.offers, c.silent)
	return c.offers
}

// A comparison is a row of questions to both servers.
type comparison struct {
	t                     *testing.T
	isc, ours             *side
	asked, offers, silent int
}

// same asks both, and returns dhcpd's answer.
func (c *comparison) same(what string, m message) *reply {
	c.t.Helper()
	c.asked++
	m.xid = uint32(c.asked)
	want, got := c.isc.ask(m), c.ours.ask(m)
	if want == nil {
		c.silent++
	}
	sameLeaseTime(want, got)
	if w, g := want.describe(), got.describe(); w != g {
		c.t.Errorf("%s: the answers differ (- dhcpd, + ours)\n%s", what, diff(w, g))
	}
	return want
}

// sameLeaseTime makes lease times equal that are a few seconds apart: dhcpd may
// give a client the rest of its lease, and a second may pass between the two.
func sameLeaseTime(want, got *reply) {
	if want == nil || got == nil {
		return
	}
	w, g := want.option(51), got.option(51)
	if len(w) == 4 && len(g) == 4 {
		if d := int64(binary.BigEndian.Uint32(w)) - int64(binary.BigEndian.Uint32(g)); -5 < d && d < 5 {
			copy(g, w)
		}
	}
}

func (c *comparison) owns(a netip.Addr, mac net.HardwareAddr) {
	for _, s := range []*side{c.isc, c.ours} {
		if !s.server.Addr().Contains(a) {
			continue // the server's host has no route to it
		}
		s.announce(a, mac, s.server.Addr().Addr())
	}
}

// boot is a client's whole exchange: discover, request, renew, release.
func (c *comparison) boot(what string, mac net.HardwareAddr, opts []option, prl []byte) {
	c.t.Helper()
	m := message{mac: mac, kind: 1, opts: opts, secs: 4}
	if prl != nil {
		m = m.with(option{55, prl})
	}
	offer := c.same(what+": DISCOVER", m)
	if offer == nil {
		return
	}
	c.offers++
	m.kind = 3
	ask := m.with(option{50, offer.yiaddr().AsSlice()}, option{54, offer.option(54)})
	if c.same(what+": REQUEST", ask) == nil {
		return
	}
	c.owns(offer.yiaddr(), mac)
	c.same(what+": rebooting", m.with(option{50, offer.yiaddr().AsSlice()}))
	m.ciaddr, m.to = offer.yiaddr(), c.isc.server.Addr().Addr()
	c.same(what+": renewing", m)
	m.kind = 8
	c.same(what+": INFORM", m)
}

// odd asks what clients seldom ask.
func (c *comparison) odd() {
	mac := net.HardwareAddr{0x52, 0x54, 0, 0xbb, 0, 1}
	m := message{mac: mac, kind: 3, secs: 9}
	c.same("a REQUEST for an address elsewhere", m.with(option{50, []byte{172, 31, 255, 9}}))
	c.same("a REQUEST for the server's own address", m.with(option{50, c.isc.server.Addr().Addr().AsSlice()}))
	c.same("a REQUEST without an address", m)
	c.same("a REQUEST for the first of the line", m.with(option{50, []byte{192, 168, 1, 110}}, option{61, []byte{0, 1, 2}}))
	c.same("BOOTP", message{mac: mac, file: "something"})
	m.kind = 1
	c.same("a DISCOVER that wants a broadcast", message{mac: mac, kind: 1, flags: 0x8000, secs: 9})
	c.same("a DISCOVER that wants a week", m.with(option{51, []byte{0, 9, 0x3a, 0x80}}))
	c.same("a DISCOVER with a relay's options", m.with(option{82, []byte{1, 4, 'e', 't', 'h', '0', 2, 2, 'x', 'y'}}))
	c.same("a DISCOVER with a subnet selection", m.with(option{118, []byte{192, 168, 1, 0}}))
	c.same("a DISCOVER with a small message size", m.with(option{57, []byte{1, 0}}))
	c.same("a DISCOVER in two pieces", m.with(option{60, []byte("PXE")}, option{60, []byte("Client:Arch:00007")}, option{93, []byte{0, 7}}))
	c.same("a DISCOVER with an empty identifier", m.with(option{61, nil}))
	c.same("a DISCOVER with an empty host name", m.with(option{12, nil}, option{55, []byte{12, 3}}))
	c.same("a DISCOVER without waiting", message{mac: mac, kind: 1})
	c.same("an OFFER", message{mac: mac, kind: 2})
	c.same("an unknown message", message{mac: mac, kind: 77})
	c.same("a DISCOVER with a vendor's options", m.with(option{43, []byte{1, 3, 'o', 'n', 'e', 9, 1, 1}}, option{55, []byte{43, 1, 230}}))
	c.same("a DISCOVER of one byte of vendor's options", m.with(option{43, []byte{1}}, option{55, []byte{43, 1, 230}}))
	c.same("a DECLINE of nothing", message{mac: mac, kind: 4})
	if offer := c.same("a DISCOVER", m); offer != nil {
		c.same("its DECLINE", message{mac: mac, kind: 4}.with(option{50, offer.yiaddr().AsSlice()}))
		c.same("a DISCOVER after it", m)
		c.same("a DISCOVER that insists", m.with(option{50, offer.yiaddr().AsSlice()}))
		m.kind = 3
		c.same("a REQUEST that insists", m.with(option{50, offer.yiaddr().AsSlice()}))
	}
	c.rivals()
	c.relayed()
}

// rivals are two clients that want the same address, and one that changes its
// mind.
func (c *comparison) rivals() {
	one := message{mac: net.HardwareAddr{0x52, 0x54, 0, 0xcc, 0, 1}, kind: 1, secs: 9, opts: []option{{61, []byte{1, 1, 1}}}}
	two := message{mac: net.HardwareAddr{0x52, 0x54, 0, 0xcc, 0, 2}, kind: 1, secs: 9}
	offer := c.same("one: DISCOVER", one)
	if offer == nil {
		return
	}
	its := option{50, offer.yiaddr().AsSlice()}
	c.same("two: DISCOVER for what one was offered", two.with(its))
	one.kind = 3
	c.same("one: REQUEST", one.with(its))
	two.kind = 3
	c.same("two: REQUEST for what one has", two.with(its))
	two.kind = 1
	c.same("two: DISCOVER for what one has", two.with(its))
	other := one
	other.kind, other.opts = 1, []option{{61, []byte{2, 2, 2}}}
	c.same("one by another name: DISCOVER", other)
	other.opts = nil
	c.same("one without a name: DISCOVER", other)
	c.same("one without a name: BOOTP", message{mac: one.mac})
	again := one
	again.kind, again.mac = 1, net.HardwareAddr{0x52, 0x54, 0, 0xcc, 0, 3}
	c.same("one with another card: DISCOVER", again)
	c.owns(offer.yiaddr(), one.mac)
	release := message{mac: one.mac, kind: 7, ciaddr: offer.yiaddr(), opts: one.opts, to: c.isc.server.Addr().Addr()}
	c.same("one: RELEASE", release)
	c.same("two: DISCOVER for what one had", two.with(its))
	two.kind = 3
	c.same("two: REQUEST for what one had", two.with(its))
	one.kind = 1
	c.same("one: DISCOVER again", one)
	c.same("one: DISCOVER for what it had", one.with(its))
}

// relayed asks through a relay in the server's own subnet.
func (c *comparison) relayed() {
	server := c.isc.server.Addr()
	b := server.Masked().Addr().As4()
	b[3] += 3
	relay := netip.AddrFrom4(b)
	c.owns(relay, net.HardwareAddr{2, 0, 0, 0, 0, 0x99})
	m := message{mac: net.HardwareAddr{0x52, 0x54, 0, 0xdd, 0, 1}, kind: 1, secs: 9, giaddr: relay,
		opts: []option{{60, []byte("PXEClient:Arch:00007:UNDI:003000")}, {93, []byte{0, 7}},
			{82, []byte{1, 3, 'p', '/', '1', 2, 4, 0xde, 0xad, 0xbe, 0xef}}, {55, []byte{1, 3, 12, 82, 43, 67, 242}}}}
	offer := c.same("relayed: DISCOVER", m)
	if offer == nil {
		return
	}
	m.kind = 3
	c.same("relayed: REQUEST", m.with(option{50, offer.yiaddr().AsSlice()}))
	c.owns(offer.yiaddr(), m.mac)
	c.same("relayed: renewing past the relay", message{mac: m.mac, kind: 3, ciaddr: offer.yiaddr(), to: server.Addr(), opts: m.opts[:2]})
	c.same("relayed: REQUEST for an address elsewhere", m.with(option{50, []byte{172, 31, 255, 9}}))
	m.kind, m.giaddr = 1, netip.AddrFrom4([4]byte{172, 31, 255, 1})
	c.same("relayed from nowhere: DISCOVER", m)
}

// diff marks the lines that only one of two texts has.
func diff(a, b string) string {
	as, bs := strings.Split(a, "\n"), strings.Split(b, "\n")
	var out strings.Builder
	for _, l := range as {
		if !slices.Contains(bs, l) {
			fmt.Fprintln(&out, "-", l)
		}
	}
	for _, l := range bs {
		if !slices.Contains(as, l) {
			fmt.Fprintln(&out, "+", l)
		}
	}
	if out.Len() == 0 {
		return "the same lines in another order:\n" + a + "\nagainst\n" + b
	}
	return out.String()
}
