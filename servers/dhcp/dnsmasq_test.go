package dhcp_test

import (
	"bufio"
	"context"
	"encoding/hex"
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
	"github.com/pxeproof/pxeproof/servers/conf/dnsmasq"
)

// TestDnsmasqReader asks dnsmasq, and asks servers/conf/dnsmasq what it would
// answer: header, options and all.
func TestDnsmasqReader(t *testing.T) {
	program, err := exec.LookPath("dnsmasq")
	if err != nil {
		const cure = "dnsmasq is not here, to be compared with; make setup gets it (Debian package dnsmasq-base)"
		if os.Getenv("CI") == "true" {
			t.Fatal(cure)
		}
		t.Skip(cure)
	}
	for _, of := range subjects(t, "testdata/dnsmasq", 10) {
		t.Run(of.name, func(t *testing.T) {
			s := newSide(t, of.server)
			s.opts = clients[0].opts // proxyDHCP answers PXE alone
			cfg := startDnsmasq(t, program, of, s.server)
			taken := map[netip.Addr]string{}
			ours := func(m message) *described {
				a := cfg.Answer(dnsmasq.Query{
					Type: dnsmasq.MessageType(m.kind), MAC: m.mac, Options: m.options(), CIAddr: m.ciaddr, Server: of.server,
					Interface: s.server.Interface(), Port4011: m.port == 4011,
					Taken: func(a netip.Addr) bool { return taken[a] != "" && taken[a] != m.mac.String() },
				})
				if a.Reply == dnsmasq.AckReply {
					taken[a.Address.Value] = m.mac.String()
				}
				return describeDnsmasq(a)
			}
			r := &reading{t: t, side: s, ours: ours}
			r.clients(of)
			r.bootServers()
			if r.answers == 0 {
				t.Error("not one answer: the file compares nothing")
			}
			t.Logf("%d questions, %d answers", r.asked, r.answers)
		})
	}
}

// startDnsmasq runs dnsmasq in a host with a configuration, and returns it read.
// It returns when dnsmasq serves.
func startDnsmasq(t *testing.T, program string, of subject, on *network.Host) *dnsmasq.Config {
	t.Helper()
	dir := t.TempDir()
	tested := filepath.Join(dir, "tested.conf")
	// A dhcp-host for the sentinel, which every range then answers; no-ping, as a
	// ping makes an offer three seconds late.
	a := of.server.Masked().Addr().As4()
	a[3] = 253
	text := of.text + fmt.Sprintf("\nno-ping\ndhcp-host=%s,%s\n", sentinel, netip.AddrFrom4(a))
	if err := os.WriteFile(tested, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	args := []string{"--no-daemon", "--conf-file=" + tested, "--leasefile-ro", "--user=root"}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := on.Command(ctx, program, args...)
	out, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	var said []string
	ready := false
	for !ready && lines.Scan() {
		said = append(said, lines.Text())
		ready = strings.Contains(lines.Text(), ": started, version")
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
			t.Logf("dnsmasq:\n%s", strings.Join(log, "\n"))
		}
	})
	if !ready {
		t.Fatalf("dnsmasq does not start:\n%s", strings.Join(said, "\n"))
	}
	cfg, problems := dnsmasq.Parse(tested, []byte(text), os.DirFS("/"))
	for _, p := range problems {
		if p.Effect > conf.Warning {
			t.Errorf("dnsmasq starts with it, and the reader says: %v", p)
		}
	}
	return cfg
}

// described is an answer in the parts that a reader of configurations predicts.
type described struct {
	to, fields string
	options    []string
}

// String has the options in the order of their codes.
func (d *described) String() string {
	if d == nil {
		return "no reply\n"
	}
	o := slices.Clone(d.options)
	slices.Sort(o)
	return d.to + d.fields + strings.Join(o, "")
}

func optionLine(code byte, value []byte) string {
	return fmt.Sprintf("option %03d: %s %q\n", code, hex.EncodeToString(value), value)
}

func fieldLines(y, s netip.Addr, file, sname string) string {
	return fmt.Sprintf("yiaddr %s\nsiaddr %s\nfile %q\nsname %q\n", y, s, file, sname)
}

func describeDnsmasq(a dnsmasq.Answer) *described {
	if a.Reply == dnsmasq.NoReply {
		return nil
	}
	d := &described{fields: fieldLines(a.Address.Value, a.SIAddr.Value, a.File.Value, a.SName.Value)}
	if a.Broadcast {
		d.to = "broadcast\n"
	}
	for _, o := range a.Options {
		d.options = append(d.options, optionLine(o.Code, o.Value))
	}
	return d
}

// describeReply is the same of a reply off the wire.
func describeReply(r *reply) *described {
	if r == nil {
		return nil
	}
	m := r.message
	text := func(b []byte) string { s, _, _ := strings.Cut(string(b), "\x00"); return s }
	d := &described{fields: fieldLines(r.yiaddr(), netip.AddrFrom4([4]byte(m[20:24])), text(m[108:236]), text(m[44:108]))}
	if m[10]&0x80 != 0 {
		d.to = "broadcast\n"
	}
	for o := m[240:]; len(o) >= 2 && o[0] != 255; {
		if o[0] == 0 {
			o = o[1:]
			continue
		}
		if len(o) < 2+int(o[1]) {
			d.options = append(d.options, "an option that does not end\n")
			break
		}
		d.options = append(d.options, optionLine(o[0], o[2:2+int(o[1])]))
		o = o[2+int(o[1]):]
	}
	return d
}

// A reading is a row of questions to a server, and to the reader of its
// configuration.
type reading struct {
	t              *testing.T
	side           *side
	ours           func(m message) *described
	asked, answers int
	offered        []message  // with the addresses that were offered, as ciaddr
	yiaddr         netip.Addr // of the last answer
	nameless       bool       // options 12 are left out
}

func (r *reading) same(what string, m message) *reply {
	r.t.Helper()
	r.asked++
	m.xid = uint32(r.asked)
	got := r.side.ask(m)
	if r.yiaddr = (netip.Addr{}); got != nil {
		r.answers++
		r.yiaddr = got.yiaddr()
	}
	want := describeReply(got)
	if r.nameless {
		want = withoutNames(want)
	}
	if w, g := want.String(), r.ours(m).String(); w != g {
		r.t.Errorf("%s: the answers differ (- the server, + its reader)\n%s", what, diff(w, g))
	}
	return got
}

// clients are all kinds, with several lists of options each.
func (r *reading) clients(of subject) {
	for i, kind := range clients[:5] {
		for j, prl := range kind.prls {
			mac := net.HardwareAddr{0x52, 0x54, 0, 0xaa, byte(i), byte(j)}
			r.boot(fmt.Sprintf("%s, list %d", kind.name, j), mac, kind.opts, prl)
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^# client: (\S+)$`).FindAllStringSubmatch(of.text, -1) {
		mac, err := net.ParseMAC(m[1])
		if err != nil {
			r.t.Fatal(err)
		}
		for _, kind := range clients[:5] {
			r.boot(kind.name+" "+mac.String(), mac, kind.opts, kind.prls[0])
		}
	}
}

func (r *reading) boot(what string, mac net.HardwareAddr, opts []option, prl []byte) {
	r.t.Helper()
	// An identifier is one machine's, whatever its card.
	opts = slices.Clone(opts)
	for i := range opts {
		if opts[i].code == 61 {
			opts[i].value = slices.Concat(opts[i].value, mac)
		}
	}
	m := message{mac: mac, kind: 1, opts: opts, secs: 4}
	if prl != nil {
		m = m.with(option{55, prl})
	}
	offer := r.same(what+": DISCOVER", m)
	if offer == nil || offer.yiaddr().IsUnspecified() {
		if offer != nil {
			r.offered = append(r.offered, m)
		}
		return
	}
	m.kind = 3
	r.same(what+": REQUEST", m.with(option{50, offer.yiaddr().AsSlice()}, option{54, offer.option(54)}))
	m.ciaddr = offer.yiaddr()
	r.offered = append(r.offered, m)
}

// bootServers asks on the port of PXE's boot servers, for menus and for items.
func (r *reading) bootServers() {
	for i, m := range r.offered {
		mac := m.mac
		if !m.ciaddr.IsValid() {
			a := r.side.server.Addr().Masked().Addr().As4()
			a[3] = byte(60 + i)
			m.ciaddr = netip.AddrFrom4(a)
		}
		m.kind, m.port, m.to = 3, 4011, r.side.server.Addr().Addr()
		r.side.announce(m.ciaddr, mac, m.to)
		if r.ours(m) == nil && r.ours(m.with(item(0x80, 0))) == nil {
			continue // nobody listens there
		}
		r.same(fmt.Sprintf("%s: port 4011", mac), m)
		for n := range 3 {
			r.same(fmt.Sprintf("%s: boot item %d", mac, n), m.with(item(0x80, byte(n))))
		}
	}
}

// item is option 43 with a boot item in it (PXE 2.1, table 2-1, tag 71).
func item(high, low byte) option { return option{43, []byte{71, 4, high, low, 0, 0, 255}} }
