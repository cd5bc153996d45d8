package verdict

import (
	"crypto/sha256"
	"encoding/hex"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pxeproof/pxeproof/captures"
)

const (
	mac    = "52:54:00:12:34:56"
	server = "192.168.1.103"
	lease  = "192.168.1.100"
)

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

// A tape is a synthetic capture: each method appends what the wire, the
// console or the lab would show, with frames that count and a clock that goes.
type tape struct {
	events    []captures.Event
	transfers []captures.Transfer
	now       time.Time
	frame     int
	xid       int64
	class     string
	ipxe      bool
	arch      int64
}

func newTape() *tape {
	return &tape{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), xid: 7, class: "PXEClient:Arch:00000:UNDI:002001", ipxe: true}
}

func uefi() *tape {
	p := newTape()
	p.class, p.ipxe, p.arch = "PXEClient:Arch:00007:UNDI:003000", false, 7
	return p
}

func (p *tape) wait(d time.Duration) *tape { p.now = p.now.Add(d); return p }

func (p *tape) wire(k captures.Kind, fields ...captures.Field) *tape {
	p.frame++
	p.now = p.now.Add(10 * time.Millisecond)
	p.events = append(p.events, captures.Event{At: p.now, Frame: captures.Frame{Number: p.frame}, Host: mac, Kind: k, Fields: fields})
	return p
}

func (p *tape) lab(k captures.Kind, fields ...captures.Field) *tape {
	p.now = p.now.Add(time.Millisecond)
	p.events = append(p.events, captures.Event{At: p.now, Source: captures.Harness, Host: mac, Kind: k, Fields: fields})
	return p
}

func (p *tape) say(lines ...string) *tape {
	for _, l := range lines {
		p.now = p.now.Add(time.Millisecond)
		p.events = append(p.events, captures.Event{At: p.now, Source: captures.Console, Host: mac, Kind: captures.ConsoleLine, Fields: []captures.Field{{Name: "text", Value: l}}})
	}
	return p
}

func (p *tape) start() *tape {
	p.lab(captures.MachineStarted, field("machine", "client1"), field("accel", "tcg")).wait(300 * time.Millisecond)
	hw, _ := net.ParseMAC(mac)
	return p.wire(captures.LinkFirst, field("eth.src", hw), field("eth.type", int64(0x86dd)))
}

func field(name string, v any) captures.Field { return captures.Field{Name: name, Value: v} }

func (p *tape) ask(k captures.Kind, more ...captures.Field) *tape {
	f := []captures.Field{field("udp.srcport", int64(68)), field("udp.dstport", int64(67)), field("dhcp.id", p.xid)}
	if p.class != "" {
		f = append(f, field("dhcp.option.vendor_class_id", p.class))
	}
	if p.ipxe {
		f = append(f, field("dhcp.option.user_class", []byte("iPXE")))
	}
	if p.class != "" {
		f = append(f, field("dhcp.option.client_architecture", p.arch))
	}
	return p.wire(k, append(f, more...)...)
}

// A given is what a DHCP reply gives; the zero value of each field is as in
// the article's boot.
type given struct {
	from, your, siaddr, file string
	more                     []captures.Field
}

func (p *tape) reply(k captures.Kind, g given) *tape {
	or := func(s, d string) string {
		if s == "" {
			return d
		}
		return s
	}
	f := []captures.Field{
		field("udp.srcport", int64(67)), field("udp.dstport", int64(68)), field("ip.src", addr(or(g.from, server))), field("dhcp.id", p.xid),
		field("dhcp.ip.your", addr(or(g.your, lease))), field("dhcp.ip.server", addr(or(g.siaddr, server))),
	}
	if g.file != "none" {
		f = append(f, field("dhcp.file", or(g.file, "/pxelinux.0")))
	}
	f = append(f, field("dhcp.option.dhcp_server_id", addr(or(g.from, server))), field("dhcp.option.subnet_mask", addr("255.255.255.0")),
		field("dhcp.option.router", addr("192.168.1.1")))
	return p.wire(k, append(f, g.more...)...)
}

func (p *tape) dora(g given) *tape {
	return p.ask(captures.DHCPDiscover).reply(captures.DHCPOffer, g).
		ask(captures.DHCPRequest, field("dhcp.option.dhcp_server_id", addr(server))).reply(captures.DHCPAck, g)
}

// rrq asks for a file and returns the transfer's index.
func (p *tape) rrq(name, to string) int64 {
	i := int64(len(p.transfers))
	p.wire(captures.TFTPRequest, field("tftp.transfer", i), field("ip.src", addr(lease)), field("ip.dst", addr(to)), field("udp.dstport", int64(69)), field("tftp.source_file", name))
	p.transfers = append(p.transfers, captures.Transfer{
		Protocol: "tftp", Host: mac, Name: name, Asked: addr(to), Client: netip.MustParseAddrPort(lease + ":2000"), Server: netip.AddrPortFrom(addr(to), 69),
		Start: captures.Frame{Number: p.frame}, Begun: p.now, Size: -1, BlockSize: 1432, WindowSize: 1,
	})
	return i
}

func (p *tape) again(i int64) *tape {
	t := &p.transfers[i]
	return p.wait(time.Second).wire(captures.TFTPRepeated, field("tftp.transfer", i), field("tftp.source_file", t.Name), field("ip.dst", t.Asked))
}

func (p *tape) error(i int64, code int64, message string) *tape {
	t := &p.transfers[i]
	p.wire(captures.TFTPError, field("tftp.transfer", i), field("ip.src", t.Asked), field("ip.dst", addr(lease)),
		field("tftp.error.code", code), field("tftp.error.message", message), field("tftp.source_file", t.Name), field("tftp.bypeer", true))
	t.Status, t.Code, t.Message, t.ByPeer, t.End, t.Ended = captures.Failed, int(code), message, true, captures.Frame{Number: p.frame}, p.now
	return p
}

func (p *tape) missing(name string) *tape {
	return p.error(p.rrq(name, server), 1, "File not found")
}

// content is what a file of this name holds on every server.
func content(name string) []byte {
	return []byte(strings.Repeat("content of "+cleanName(name)+"\n", 4000))
}

func digestOf(name string) string {
	d := sha256.Sum256(content(name))
	return hex.EncodeToString(d[:])
}

func (p *tape) oack(i int64) *tape {
	t := &p.transfers[i]
	return p.wire(captures.TFTPOack, field("tftp.transfer", i), field("ip.src", t.Asked), field("tftp.option.blksize", int64(1432)), field("tftp.option.tsize", int64(len(content(t.Name)))))
}

// sentAgain is the n-th repetition of an ACK, or of the server's DATA, so long
// after anything was new.
func (p *tape) sentAgain(i int64, n int, after time.Duration, byPeer bool) *tape {
	return p.wait(time.Second).wire(captures.TFTPStalled, field("tftp.transfer", i), field("tftp.source_file", p.transfers[i].Name),
		field("tftp.block", int64(1)), field("tftp.repeats", int64(n)), field("tftp.seconds", strconv.FormatFloat(after.Seconds(), 'f', 6, 64)), field("tftp.bypeer", byPeer))
}

func (p *tape) data(i int64) *tape {
	t := &p.transfers[i]
	return p.oack(i).wire(captures.TFTPStart, field("tftp.transfer", i), field("ip.src", t.Asked), field("tftp.source_file", t.Name))
}

func (p *tape) done(i int64, resent int) *tape {
	t := &p.transfers[i]
	body := content(t.Name)
	d := sha256.Sum256(body)
	p.frame += 2 * len(body) / 1432
	p.wait(50*time.Millisecond).wire(captures.TFTPDone, field("tftp.transfer", i), field("tftp.source_file", t.Name), field("tftp.bytes", int64(len(body))),
		field("tftp.option.blksize", int64(1432)), field("tftp.option.windowsize", int64(1)), field("tftp.resent", int64(resent)), field("tftp.seconds", "0.080000"))
	t.Status, t.Bytes, t.Size, t.Digest, t.Resent = captures.Complete, int64(len(body)), int64(len(body)), d[:], resent
	t.End, t.Ended, t.Last, t.Blocks = captures.Frame{Number: p.frame}, p.now, p.now, len(body)/1432+1
	return p
}

func (p *tape) get(name string) *tape {
	i := p.rrq(name, server)
	return p.data(i).done(i, 0)
}

// unacknowledged loses the last ACK of the transfer that has just ended.
func (p *tape) unacknowledged() *tape {
	t := &p.transfers[len(p.transfers)-1]
	t.Status, t.Ended = captures.Sent, p.now
	p.events = p.events[:len(p.events)-1]
	return p
}

func (p *tape) arp(who string) *tape {
	hw, _ := net.ParseMAC(mac)
	return p.wire(captures.ARPRequest, field("arp.src.hw_mac", hw), field("arp.src.proto_ipv4", addr(lease)), field("arp.dst.proto_ipv4", addr(who)))
}

func (p *tape) arpReply(who, hwaddr string) *tape {
	hw, _ := net.ParseMAC(hwaddr)
	return p.wire(captures.ARPReply, field("arp.src.hw_mac", hw), field("arp.src.proto_ipv4", addr(who)))
}

// search is pxelinux looking for its configuration, without the last name.
func (p *tape) search() *tape {
	for _, n := range []string{"pxelinux.cfg/b8945908-d6a6-41a9-611d-74a6ab80b83d", "pxelinux.cfg/01-52-54-00-12-34-56", "pxelinux.cfg/C0A80164", "pxelinux.cfg/C"} {
		p.missing(n)
	}
	return p
}

func (p *tape) rpc(k captures.Kind, more ...captures.Field) *tape {
	f := []captures.Field{field("ip.src", addr(lease)), field("ip.dst", addr(server)), field("rpc.answered", true), field("rpc.replystat", int64(0)), field("rpc.state_accept", int64(0))}
	return p.wire(k, append(f, more...)...)
}

const ksPath = "/root/inst/ks"

func (p *tape) nfs() *tape {
	p.rpc(captures.PortmapGetport, field("portmap.prog", int64(100005)), field("portmap.vers", int64(3)), field("portmap.port", int64(2049)))
	p.rpc(captures.MountMnt, field("mount.path", "/root/inst"), field("mount.status", int64(0)))
	p.rpc(captures.NFSLookup, field("nfs.name", "ks"), field("nfs.status", int64(0)), field("nfs.path", ksPath))
	body := content(ksPath)
	d := sha256.Sum256(body)
	i := int64(len(p.transfers))
	p.transfers = append(p.transfers, captures.Transfer{Protocol: "nfs", Host: mac, Name: ksPath, Server: netip.MustParseAddrPort(server + ":2049"), Size: -1,
		Bytes: int64(len(body)), Digest: d[:], Status: captures.Complete, Begun: p.now, Ended: p.now.Add(time.Millisecond), Start: captures.Frame{Number: p.frame}, End: captures.Frame{Number: p.frame + 1}})
	p.rpc(captures.NFSOpen, field("nfs.transfer", i), field("nfs.path", ksPath), field("nfs.status", int64(0)))
	return p.rpc(captures.NFSDone, field("nfs.transfer", i), field("nfs.path", ksPath), field("nfs.bytes", int64(len(body))))
}

func (p *tape) kernel() *tape { return p.get("vmlinuz").get("initrd.img") }

func (p *tape) linux() *tape {
	return p.wait(time.Second).say("[    0.000000] Linux version 6.1.0-44-amd64 (debian-kernel@lists.debian.org)")
}

func (p *tape) digestLine() *tape {
	return p.say("pxeproof: file nfs:" + server + ":" + ksPath + " bytes=88000 sha256=" + digestOf(ksPath))
}

// articleBoot is the whole boot of the article, without a fault.
func articleBoot() *tape {
	return newTape().start().dora(given{}).arp(server).arpReply(server, "52:54:00:00:00:03").
		get("/pxelinux.0").get("ldlinux.c32").search().get("pxelinux.cfg/default").kernel().linux().nfs().digestLine()
}

// article is what the article's configs predict.
func article() Expectations {
	at := func(file string, line int, text string) Origin {
		return Origin{File: file, Line: line, Col: 1, Text: text}
	}
	next := at("etc/dhcpd.conf", 7, "next-server 192.168.1.103;")
	name := at("etc/dhcpd.conf", 14, `filename "/pxelinux.0";`)
	file := func(id string, s Stage, role, name string, o Origin, after string) Expectation {
		return Expectation{ID: id, Stage: s, Origin: o, After: []string{after}, Transfer: &Transfer{
			Protocol: "tftp", Role: role, Name: name, Server: addr(server), Size: int64(len(content(name))), SHA256: digestOf(name), Disk: Origin{File: "tftpboot/" + cleanName(name)},
		}}
	}
	return Expectations{Schema: ExpectationsSchema, Machines: []Machine{{
		Name: "client1", MAC: mac, Firmware: "bios", ROM: "ipxe", Loader: "pxelinux",
		Expect: []Expectation{
			{ID: "power", Stage: Power, Title: "the first frame", Kinds: []captures.Kind{captures.LinkFirst}},
			{ID: "ack", Stage: DHCP, Title: "DHCPACK with an address, file and next-server", Origin: at("etc/dhcpd.conf", 10, "subnet 192.168.1.0 netmask 255.255.255.0"),
				Kinds: []captures.Kind{captures.DHCPAck}, Match: []Match{
					{Field: "dhcp.ip.server", Value: server, Origin: next},
					{Field: BootFile, Value: "/pxelinux.0", Origin: name},
				}},
			file("nbp", NBP, "nbp", "/pxelinux.0", name, "ack"),
			file("config", Config, "config", "pxelinux.cfg/default", Origin{File: "tftpboot/pxelinux.cfg/default"}, "nbp"),
			file("kernel", Kernel, "kernel", "vmlinuz", at("tftpboot/pxelinux.cfg/default", 5, "kernel vmlinuz"), "config"),
			file("initrd", Kernel, "initrd", "initrd.img", at("tftpboot/pxelinux.cfg/default", 6, "append … initrd=initrd.img"), "config"),
			{ID: "os", Stage: OS, After: []string{"kernel"}, Title: "the kernel's first words on the console", Console: &Console{Contains: "Linux version "}},
			{ID: "ks", Stage: Files, Origin: at("tftpboot/pxelinux.cfg/default", 6, "ks=nfs:192.168.1.103:/root/inst/ks"), Transfer: &Transfer{
				Protocol: "nfs", Role: "kickstart", Name: ksPath, SHA256: digestOf(ksPath), Disk: Origin{File: "root/inst/ks"}}},
			{ID: "ks-digest", Stage: Files, Console: &Console{Contains: "pxeproof: file nfs:" + server + ":" + ksPath + " ", SHA256: digestOf(ksPath)}, Origin: at("root/inst/ks", 0, "")},
		},
	}}}
}

// withoutNextServer is the article before its author found the line.
func withoutNextServer() Expectations {
	x := article()
	ack := &x.Machines[0].Expect[1]
	ack.Match[0].Value = "0.0.0.0"
	ack.Match[0].Origin = Origin{File: "etc/dhcpd.conf", Line: 9, Col: 1, Text: "no next-server for this subnet"}
	return x
}

// judge runs a tape through a Judge, live: it stops when the Judge has decided.
func (p *tape) judge(t testing.TB, x Expectations, end End) Verdict {
	t.Helper()
	j, _ := p.live(t, x, Options{})
	j.Finish(end)
	return j.Verdict()
}

func (p *tape) live(t testing.TB, x Expectations, o Options) (*Judge, []Update) {
	t.Helper()

	o.Transfer = func(i int) (captures.Transfer, bool) {
		if i < 0 || i >= len(p.transfers) {
			return captures.Transfer{}, false
		}
		return p.transfers[i], true
	}
	j, err := NewJudge(x, o)
	if err != nil {
		t.Fatal(err)
	}
	var ups []Update
	for _, e := range p.events {
		ups = append(ups, j.Add(e)...)

		if j.Decided() {
			break
		}
	}
	return j, ups
}
