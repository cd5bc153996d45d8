package verdict

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// A fault is a boot that fails, and what must be said of it.
type fault struct {
	tape   func() *tape
	x      func() Expectations // nil: the article's
	early  bool                // decided by evidence, before the capture ends
	stage  Stage               // where it fails
	says   []string            // what the finding's summary holds
	where  string              // a place that it points at
	frames int                 // how many frames it names at least
}

const nothingToBoot = "Nothing to boot: No such file or directory (http://ipxe.org/2d03e13b)"

var faults = map[string][]fault{
	"machine-silent": {{
		tape: func() *tape {
			return newTape().lab("machine.started").say("SeaBIOS (version 1.16.2)", "No bootable device.")
		},
		early: true, stage: Power, says: []string{mac, "No bootable device"},
	}, {
		tape: func() *tape { return newTape().lab("machine.started") }, stage: Power, says: []string{"silent"},
	}},
	"dhcp-no-answer": {{
		tape: func() *tape {
			return newTape().start().ask("dhcp.discover").wait(time.Second).ask("dhcp.discover").say("Configuring (net0 52:54:00:12:34:56)...... No configuration methods succeeded (http://ipxe.org/040ee119)", "No more network devices")
		},
		early: true, stage: DHCP, says: []string{"2 DHCPDISCOVERs", "no OFFER"}, frames: 1,
	}, {
		tape:  func() *tape { return uefi().start().ask("dhcp.discover").say("  PXE-E18: Server response timeout.") },
		early: true, stage: DHCP, says: []string{"1 DHCPDISCOVER ", "PXE-E18"}, frames: 1,
	}},
	"dhcp-nak": {{
		tape: func() *tape {
			return newTape().start().ask("dhcp.discover").reply("dhcp.offer", given{}).ask("dhcp.request", field("dhcp.option.dhcp_server_id", addr(server))).
				reply("dhcp.nak", given{from: "192.168.1.9", more: nil}).say("No more network devices")
		},
		early: true, stage: DHCP, says: []string{"192.168.1.9", "NAK", "had taken the OFFER of " + server}, frames: 4,
	}},
	"dhcp-no-bootfile": {{
		tape:  func() *tape { return newTape().start().dora(given{file: "none"}).say(nothingToBoot) },
		x:     func() Expectations { x := article(); x.Machines[0].Expect[1].Match = nil; return x },
		early: true, stage: NBP, says: []string{"neither file nor option 67"}, frames: 4,
	}, {
		tape: func() *tape {
			return uefi().start().ask("dhcp.discover").reply("dhcp.offer", given{file: "none"}).say("PXE-E16: No valid offer received.")
		},
		early: true, stage: DHCP, says: []string{"offered"}, frames: 2,
	}},
	"dhcp-next-server-unset": {{
		tape: func() *tape {
			return newTape().start().dora(given{siaddr: "0.0.0.0"}).say("Filename: /pxelinux.0", nothingToBoot)
		},
		x:     withoutNextServer,
		early: true, stage: NBP, says: []string{"siaddr is 0.0.0.0", "asked nobody", "2d03e13b"}, where: "etc/dhcpd.conf:9:1", frames: 2,
	}, {
		tape: func() *tape {
			return newTape().start().dora(given{siaddr: "0.0.0.0", more: nil}).wait(time.Second).lab("machine.off", field("reason", "guest-shutdown"))
		},
		x: withoutNextServer, early: true, stage: NBP, says: []string{"siaddr"}, where: "etc/dhcpd.conf:14:1", frames: 2,
	}, {
		tape: func() *tape {
			p := uefi().start().dora(given{siaddr: "0.0.0.0"})
			p.again(p.rrq("/pxelinux.0", server))
			return p.say("PXE-E18: Server response timeout.")
		},
		x: withoutNextServer, early: true, stage: NBP, says: []string{"option 54", "did not answer"}, frames: 2,
	}, {
		tape: func() *tape {
			return uefi().start().dora(given{siaddr: "0.0.0.0"}).get("/pxelinux.0").say("Unable to fetch TFTP image: Invalid Parameter")
		},
		x: withoutNextServer, early: true, stage: Config, says: []string{"took it from " + server, "Invalid Parameter"}, frames: 2,
	}},
	"dhcp-next-server-dead": {{
		tape: func() *tape {
			p := newTape().start().dora(given{from: "192.168.1.2", siaddr: server})
			for range deadAsks {
				p.arp(server).wait(time.Second)
			}
			return p
		},
		early: true, stage: NBP, says: []string{server, "5 ARP requests"}, where: "etc/dhcpd.conf:7:1", frames: 4,
	}, {
		tape: func() *tape {
			p := newTape().start().dora(given{from: "192.168.1.2", siaddr: server})
			p.again(p.rrq("/pxelinux.0", server))
			return p
		},
		stage: NBP, says: []string{"2 RRQs"}, frames: 3,
	}},
	"tftp-no-answer": {{
		tape: func() *tape {
			p := newTape().start().dora(given{}).arp(server).arpReply(server, "52:54:00:00:00:03")
			i := p.rrq("/pxelinux.0", server)
			return p.again(i).again(i).say("/pxelinux.0... Connection timed out (http://ipxe.org/4c0a6035)", "No more network devices")
		},
		early: true, stage: NBP, says: []string{"3 RRQs"}, where: "etc/dhcpd.conf:14:1", frames: 3,
	}},
	"tftp-refused": {{
		tape: func() *tape {
			p := newTape().start().dora(given{})
			i := p.rrq("/pxelinux.0", server)
			for range 3 {
				p.wire("icmp.unreachable", field("icmp.code", int64(3)), field("ip.src", addr(server)), field("icmp.ip.dst", addr(server)), field("icmp.udp.dstport", int64(69))).again(i)
			}
			return p
		},
		early: true, stage: NBP, says: []string{"port unreachable, 3 times"}, frames: 2,
	}},
	"tftp-file-not-found": {{
		tape: func() *tape {
			return newTape().start().dora(given{}).missing("/pxelinux.0").say("No more network devices")
		},
		early: true, stage: NBP, says: []string{"no boot program", "ERROR 1"}, where: "etc/dhcpd.conf:14:1", frames: 2,
	}, {
		tape:  func() *tape { return newTape().start().dora(given{}).missing("/pxelinux.0") },
		stage: NBP, says: []string{"/pxelinux.0"}, frames: 2,
	}},
	"tftp-access-violation": {{
		tape: func() *tape {
			p := newTape().start().dora(given{})
			return p.error(p.rrq("/pxelinux.0", server), 0, "Permission denied").say("No more network devices")
		},
		early: true, stage: NBP, says: []string{"Permission denied"}, where: "tftpboot/pxelinux.0", frames: 2,
	}},
	"console-panic": {{
		tape: func() *tape {
			return newTape().start().dora(given{}).get("/pxelinux.0").get("pxelinux.cfg/default").kernel().linux().say("[    1.2] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)")
		},
		early: true, stage: Files, says: []string{"Unable to mount root"}, where: "tftpboot/pxelinux.cfg/default:5:1",
	}},
	"console-error": {{
		tape: func() *tape {
			return newTape().start().dora(given{}).get("/pxelinux.0").get("pxelinux.cfg/default").kernel().linux().say("pxeproof: error no network module loads")
		},
		early: true, stage: Files, says: []string{"no network module"},
	}},
	"wire-differs": {{
		tape:  func() *tape { return newTape().start().dora(given{siaddr: "192.168.1.7"}) },
		early: true, stage: DHCP, says: []string{"siaddr (next-server) is 192.168.1.7, expected " + server}, where: "etc/dhcpd.conf:7:1", frames: 4,
	}},
	"file-differs": {{
		tape: func() *tape {
			p := newTape().start().dora(given{})
			i := p.rrq("/pxelinux.0", server)
			p.data(i).done(i, 0)
			p.transfers[i].Digest = make([]byte, 32)
			return p
		},
		early: true, stage: NBP, says: []string{"SHA-256 is 00000000"}, where: "tftpboot/pxelinux.0", frames: 2,
	}},
	"transfer-slow": {{
		tape: func() *tape { return newTape().start().dora(given{}).get("/pxelinux.0") },
		x: func() Expectations {
			x := article()
			x.Machines[0].Expect[2].Transfer.MinRate = 10e6
			return x
		},
		early: true, stage: NBP, says: []string{"rate is", "at least 10 MB/s"}, frames: 2,
	}},
	"must-not-be-seen": {{
		tape: func() *tape { return newTape().start().dora(given{}).get("/pxelinux.0") },
		x: func() Expectations {
			x := article()
			x.Machines[0].Expect = append(x.Machines[0].Expect, Expectation{ID: "no", Stage: NBP, Absent: true, Title: "no second server", Origin: Origin{File: "scenario.yaml", Line: 4},
				Transfer: &Transfer{Name: "pxelinux.0"}, Match: []Match{{Field: "tftp.bytes", Op: AtLeast, Value: "10", Select: true}}})
			return x
		},
		early: true, stage: NBP, says: []string{"no second server", "must not be"}, where: "scenario.yaml:4", frames: 2,
	}},
	"unexplained": {{
		tape:  func() *tape { return newTape().start().dora(given{}) },
		stage: NBP, says: []string{"DHCPACK of " + lease, "next should have come", "pxelinux.0"}, frames: 1, where: "etc/dhcpd.conf:14:1",
	}},
}

func TestFindings(t *testing.T) {
	for _, e := range table {
		if len(faults[e.ID]) == 0 {
			t.Errorf("no test provokes %s", e.ID)
		}
	}
	for id, list := range faults {
		for i, f := range list {
			t.Run(id+"/"+string(rune('a'+i)), func(t *testing.T) { f.check(t, id) })
		}
	}
}

func (f *fault) check(t *testing.T, id string) {
	p, x := f.tape(), article()
	if f.x != nil {
		x = f.x()
	}
	j, _ := p.live(t, x, Options{})
	if j.Decided() != f.early {
		t.Errorf("decided before the end: %v, want %v", j.Decided(), f.early)
	}
	j.Finish(End{Reason: EndTimeout})
	v := j.Verdict()
	c := v.Clients[0]
	var ids []string
	for _, g := range c.Findings {
		if g.Severity == Error {
			ids = append(ids, g.ID)
		}
	}
	if v.Status != Fail || !slices.Equal(ids, []string{id}) {
		t.Fatalf("status %v, errors %v: %s", v.Status, ids, asJSON(v))
	}
	g := c.Findings[0]
	for _, s := range f.says {
		if !strings.Contains(g.Summary, s) {
			t.Errorf("the summary does not say %q:\n%s", s, g.Summary)
		}
	}
	for _, s := range c.Stages {
		if s.Stage == f.stage && s.Status != Fail || s.Stage < f.stage && s.Status != Pass || s.Stage > f.stage && s.Status != Blocked {
			t.Errorf("rung %v: %v", s.Stage, s.Status)
		}
	}
	if len(g.Frames) < f.frames {
		t.Errorf("frames %v: want at least %d", g.Frames, f.frames)
	}
	if f.where != "" && !slices.ContainsFunc(g.Where, func(o Origin) bool { return o.String() == f.where }) {
		t.Errorf("where %v: want %s", g.Where, f.where)
	}
	if g.Hint == "" || c.Last == nil && p.frame > 0 || c.Next == nil && f.stage != NBP {
		t.Errorf("no hint, last or next: %s", asJSON(c))
	}
}
