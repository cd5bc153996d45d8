package dhcp_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pxeproof/pxeproof/harness/network"
	"github.com/pxeproof/pxeproof/servers/conf"
	"github.com/pxeproof/pxeproof/servers/conf/dhcpd"
	"github.com/pxeproof/pxeproof/servers/dhcp"
)

// findDHCPD finds ISC's dhcpd: in PATH, or where make setup unpacks it.
func findDHCPD(t *testing.T) string {
	t.Helper()
	if p, err := exec.LookPath("dhcpd"); err == nil {
		return p
	}
	tools := os.Getenv("PXEPROOF_TOOLS")
	if tools == "" {
		if cache, err := os.UserCacheDir(); err == nil {
			tools = filepath.Join(cache, "pxeproof", "tools")
		}
	}
	p := filepath.Join(tools, "usr", "sbin", "dhcpd")
	if _, err := os.Stat(p); err == nil {
		return p
	}
	const cure = "ISC dhcpd is not here, to be compared with; make setup gets it (Debian package isc-dhcp-server)"
	if os.Getenv("CI") == "true" {
		t.Fatal(cure)
	}
	t.Skip(cure)
	return ""
}

// A side is one of the two servers that are compared, on a network of its own.
type side struct {
	*wire
	name   string
	server *network.Host
}

// sentinel is a client that every configuration under test answers: both
// servers answer in turn, so once it has its answer, what came before it will
// have none.
var sentinel = net.HardwareAddr{2, 0xff, 0xff, 0xff, 0xff, 0xff}

// wrapper is the configuration that includes the one under test. dhcpd's ping
// would make every offer a second late.
func wrapper(include string, server netip.Prefix) string {
	return fmt.Sprintf("ping-check false;\ninclude %q;\nhost sentinel { hardware ethernet %s; fixed-address %s; allow booting; allow bootp; }\n",
		include, sentinel, server.Addr())
}

// ask sends a message, and returns the server's reply, nil if it gives none.
func (s *side) ask(m message) *reply {
	s.t.Helper()
	s.send(m.frame(s.server.MAC()))
	s.send(message{mac: sentinel, kind: 1, xid: 0xffffffff, secs: 0xffff}.frame(nil))
	var got *reply
	for {
		r := s.next()
		switch r.xid() {
		case 0xffffffff:
			return got
		case m.xid:
			got = r
		}
	}
}

// startISC runs dhcpd in a host and returns when it serves.
func startISC(t *testing.T, program, config string, on *network.Host) {
	t.Helper()
	dir := t.TempDir()
	leases := filepath.Join(dir, "leases")
	if err := os.WriteFile(leases, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := on.Command(ctx, program, "-f", "-d", "-4", "-user", "root", "-group", "root", "-cf", config,
		"-lf", leases, "-pf", filepath.Join(dir, "pid"), on.Interface())
	out, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said []string
	lines := bufio.NewScanner(out)
	ready := false
	for !ready && lines.Scan() {
		said = append(said, lines.Text())
		ready = strings.Contains(lines.Text(), "Server starting service.")
	}
	done := make(chan struct{})
	var log []string
	go func() {
		defer close(done)
		for lines.Scan() {
			log = append(log, lines.Text())
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-done
		_ = cmd.Wait() // killed
		if t.Failed() {
			t.Logf("dhcpd:\n%s", strings.Join(log, "\n"))
		}
	})
	if !ready {
		t.Fatalf("dhcpd does not start:\n%s", strings.Join(said, "\n"))
	}
}

// pair starts both servers with a configuration.
func pair(t *testing.T, program, file string) (isc, ours *side) {
	t.Helper()
	src, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	at := regexp.MustCompile(`(?m)^# server: (\S+)$`).FindSubmatch(src)
	if at == nil {
		t.Fatalf("%s has no comment \"# server: ADDRESS/LENGTH\"", file)
	}
	server := netip.MustParsePrefix(string(at[1]))
	corpus, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	config, tested := filepath.Join(dir, "dhcpd.conf"), filepath.Join(dir, filepath.Base(file))
	text := wrapper(tested, server)
	for name, text := range map[string]string{config: text, tested: strings.ReplaceAll(string(src), "@CORPUS@", corpus)} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	isc, ours = newSide(t, "isc", server), newSide(t, "ours", server)
	startISC(t, program, config, isc.server)

	cfg, problems, err := dhcpd.Parse(config, []byte(text), os.DirFS("/"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if p.Effect > conf.Warning {
			t.Errorf("dhcpd starts with it, and the reader says: %v", p)
		}
	}
	var log []string
	serve(t, dhcp.New(cfg, dhcp.Options{Log: func(l string) { log = append(log, l) }}), ours.server)
	return isc, ours
}

var sides int

func newSide(t *testing.T, name string, server netip.Prefix) *side {
	sides++
	n := segment(t, fmt.Sprintf("n%d", sides))
	s := host(t, n, fmt.Sprintf("s%d", sides), server.String())
	// The machine needs no address of its own; this one is on no network here.
	m := host(t, n, fmt.Sprintf("m%d", sides), "203.0.113.9/32")
	return &side{wire: plug(t, m), name: name, server: s}
}

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
	{"windows", []option{{61, []byte{1, 2, 0, 0, 0, 0, 9}}, {12, []byte("PC\x00")}, text(60, "MSFT 5.0")},
		[][]byte{{1, 3, 6, 15, 31, 33, 43, 44, 46, 47, 119, 121, 249, 252}}},
}

// TestAgainstISC asks dhcpd and this server the same questions, and wants the
// same answers, to the byte.
func TestAgainstISC(t *testing.T) {
	program := findDHCPD(t)
	files, err := filepath.Glob("testdata/corpus/*.conf")
	if err != nil || len(files) < 15 {
		t.Fatalf("%d files in the corpus, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".conf"), func(t *testing.T) { compare(t, program, file) })
	}
}

func compare(t *testing.T, program, file string) {
	isc, ours := pair(t, program, file)
	src, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c := &comparison{t: t, isc: isc, ours: ours}
	for i, kind := range clients {
		for j, prl := range kind.prls {
			mac := net.HardwareAddr{0x52, 0x54, 0, 0xaa, byte(i), byte(j)}
			c.boot(fmt.Sprintf("%s, list %d", kind.name, j), mac, kind.opts, prl)
		}
	}
	// The clients that the file knows by their address.
	for _, m := range regexp.MustCompile(`(?m)^# client: (\S+)$`).FindAllSubmatch(src, -1) {
		mac, err := net.ParseMAC(string(m[1]))
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range clients[:5] {
			c.boot(kind.name+" "+mac.String(), mac, kind.opts, kind.prls[0])
		}
		c.same("BOOTP "+mac.String(), message{mac: mac})
	}
	c.odd()
	if c.offers == 0 {
		t.Error("not one client got an offer: the file compares nothing")
	}
	t.Logf("%d questions, %d offers, %d without an answer", c.asked, c.offers, c.silent)
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
