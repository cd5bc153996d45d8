package verdict

import (
	"slices"
	"testing"
	"time"

	"github.com/pxeproof/pxeproof/captures"
)

// notes are boots that go well and still have something to tell: the findings
// and their severity.
var notes = map[string]struct {
	tape     func() *tape
	x        func() Expectations
	severity Severity
}{
	"tftp-retransmits": {func() *tape {
		p := booted().get("/pxelinux.0").get("pxelinux.cfg/default")
		i := p.rrq("vmlinuz", server)
		return p.data(i).done(i, 7).get("initrd.img").linux().nfs().digestLine()
	}, nil, Note},
	"ipxe-slaac-delay": {func() *tape {
		p := newTape().start().wire(captures.RouterSolicit).dora(given{})
		for range 4 {
			p.wait(2 * time.Second).wire(captures.RouterSolicit)
		}
		return rest(p)
	}, nil, Note},
	"dhcp-next-server-unset": {func() *tape {
		return rest(uefi().start().dora(given{siaddr: "0.0.0.0"}))
	}, withoutNextServer, Warning},
	"dhcp-rogue-server": {func() *tape {
		p := newTape().start().ask("dhcp.discover").reply("dhcp.offer", given{}).reply("dhcp.offer", rogueOffer)
		return rest(p.ask("dhcp.request", field("dhcp.option.dhcp_server_id", addr(server))).reply("dhcp.ack", given{}))
	}, nil, Warning},
	"link-delay-stp": {func() *tape {
		p := newTape().start().bpdu().ask("dhcp.discover").wait(20 * time.Second)
		return rest(p.dora(given{}))
	}, nil, Warning},
}

// rest is a good boot from the ACK on.
func rest(p *tape) *tape {
	return p.get("/pxelinux.0").get("pxelinux.cfg/default").kernel().linux().nfs().digestLine()
}

func TestNotes(t *testing.T) {
	for id, n := range notes {
		t.Run(id, func(t *testing.T) {
			x := article()
			if n.x != nil {
				x = n.x()
			}
			v := n.tape().judge(t, x, End{})
			found := v.Clients[0].Findings
			found = slices.DeleteFunc(slices.Clone(found), func(f Finding) bool { return f.ID == "dhcp-wrong-arch" })
			if v.Status != Pass || len(found) != 1 || found[0].ID != id || found[0].Severity != n.severity {
				t.Errorf("status %v, findings %s", v.Status, asJSON(found))
			}
		})
	}
}

// TestHealthyTwins are boots with what looks like a fault and is none: not one
// finding.
func TestHealthyTwins(t *testing.T) {
	for name, p := range map[string]*tape{
		"the article's boot":                   articleBoot(),
		"a second DISCOVER before the REQUEST": rest(newTape().start().ask("dhcp.discover").reply("dhcp.offer", given{}).wait(time.Second).dora(given{})),
		"a ProxyDHCP server": func() *tape {
			proxy := given{from: "192.168.1.9", your: "0.0.0.0", siaddr: "0.0.0.0", more: pxeOption(true)}
			plain := given{file: "none"}
			p := newTape().start().ask("dhcp.discover").reply("dhcp.offer", proxy).reply("dhcp.offer", plain).ask("dhcp.request").reply("dhcp.ack", plain)
			p.xid = 0
			p.ask("dhcp.request").to4011().reply("dhcp.ack", given{from: "192.168.1.9", more: pxeOption(false)}).from4011()
			return rest(p)
		}(),
		"a NAK, and then an address": rest(newTape().start().ask("dhcp.discover").reply("dhcp.offer", given{}).ask("dhcp.request").reply("dhcp.nak", given{}).dora(given{})),
		"look-ups on the off chance": rest(booted().missing("revocations_sku.efi").missing("shim_certificate_0.efi").missing("grub/command.lst").missing("autoexec.ipxe").missing("boot/isolinux/ldlinux.c32")),
		"EDK2's question for the size": func() *tape {
			p := booted()
			i := p.rrq("/pxelinux.0", server)
			p.wire(captures.TFTPOack, field("tftp.transfer", i), field("ip.src", addr(server)), field("tftp.option.tsize", int64(42000)))
			p.wire(captures.TFTPError, field("tftp.transfer", i), field("tftp.error.code", int64(8)), field("tftp.error.message", "User aborted"), field("tftp.source_file", "/pxelinux.0"),
				field("tftp.bypeer", false), field("tftp.probed", true))
			return rest(p)
		}(),
		"the system's own DHCP": func() *tape {
			p := running()
			p.class, p.ipxe, p.xid = "", false, 1234
			p.ask("dhcp.discover").wait(time.Second).ask("dhcp.discover").reply("dhcp.offer", given{file: "none", siaddr: "0.0.0.0"}).ask("dhcp.request").reply("dhcp.ack", given{file: "none", siaddr: "0.0.0.0"})
			return p.nfs().digestLine()
		}(),
		"somebody else's trouble": func() *tape {
			p := booted()
			q := newTape().start().dora(given{file: "none"})
			for _, e := range q.events {
				e.Host, e.At = "52:54:00:aa:aa:aa", p.now
				p.events = append(p.events, e)
			}
			return rest(p)
		}(),
		"Router Solicitations that are answered": func() *tape {
			p := newTape().start().wire(captures.RouterSolicit)
			p.events = append(p.events, captures.Event{At: p.now, Frame: captures.Frame{Number: 99}, Host: "52:54:00:00:00:03", Kind: captures.RouterAdvert})
			return rest(p.dora(given{}).wait(3 * time.Second).wire(captures.RouterSolicit))
		}(),
		"a portmapper without NFSACL": func() *tape {
			p := running().rpc(captures.PortmapGetport, field("portmap.prog", int64(100227)), field("portmap.vers", int64(3)), field("portmap.port", int64(0)))
			p.wire(captures.RPCOther, field("ip.dst", addr(server)), field("rpc.answered", true), field("rpc.program", int64(100227)), field("rpc.version", int64(3)), field("rpc.state_accept", int64(1)))
			return p.nfs().digestLine()
		}(),
		"a retried mount": running().rpc(captures.MountMnt, field("mount.path", "/root/inst"), field("mount.status", int64(13))).nfs().digestLine(),
		"an RRQ repeated once": func() *tape {
			p := booted()
			i := p.rrq("/pxelinux.0", server)
			return rest(p.again(i).data(i).done(i, 0))
		}(),
		"last ACKs lost": newTape().start().dora(given{}).arp(server).arpReply(server, "52:54:00:00:00:03").
			get("/pxelinux.0").unacknowledged().get("ldlinux.c32").search().get("pxelinux.cfg/default").unacknowledged().
			get("vmlinuz").get("initrd.img").unacknowledged().linux().nfs().digestLine(),
		"a pxelinux prompt with a timeout": configured().say("boot: ").kernel().linux().nfs().digestLine(),
	} {
		t.Run(name, func(t *testing.T) {
			x := article()
			if name == "a ProxyDHCP server" {
				x.Machines[0].Expect[1].Match = nil
			}
			v := p.judge(t, x, End{Reason: EndTimeout})
			if v.Status != Pass || len(v.Clients[0].Findings) > 0 {
				t.Errorf("status %v, findings %s", v.Status, asJSON(v.Clients[0].Findings))
			}
		})
	}
}
