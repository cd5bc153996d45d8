package verdict

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pxeproof/pxeproof/captures"
)

// everyBoot calls f with every boot of these tests.
func everyBoot(t *testing.T, f func(t *testing.T, p *tape, x Expectations)) {
	run := func(name string, tape func() *tape, x func() Expectations) {
		t.Run(name, func(t *testing.T) {
			if x == nil {
				x = article
			}
			f(t, tape(), x())
		})
	}
	for id, list := range faults {
		for i := range list {
			run(fmt.Sprintf("%s/%d", id, i), list[i].tape, list[i].x)
		}
	}
	for id, n := range notes {
		run("note/"+id, n.tape, n.x)
	}
	run("article", articleBoot, nil)
}

func TestLiveEqualsBatch(t *testing.T) {
	everyBoot(t, func(t *testing.T, p *tape, x Expectations) {
		j, _ := p.live(t, x, Options{})
		decided := j.Decided()
		j.Finish(End{At: p.now.Add(time.Minute)})
		live := j.Verdict()

		// The whole capture has what came after the decision, too: frames that
		// were under way, and repetitions that the transfers have seen since.
		if decided {
			p.wait(time.Second).arp("192.168.1.77").say("Kernel panic - not syncing: too late").missing("late")
			for i := range p.transfers {
				p.transfers[i].Resent += 5
				p.transfers[i].Last = p.now
			}
		}
		j, err := NewJudge(x, Options{Transfer: p.lookup})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range p.events {
			j.Add(e)
		}
		j.Finish(End{At: live.End.At})
		if d := cmp.Diff(live, j.Verdict(), cmp.Comparer(sameAddr)); d != "" {
			t.Error(d)
		}
	})
}

func (p *tape) lookup(i int) (captures.Transfer, bool) {
	if i < 0 || i >= len(p.transfers) {
		return captures.Transfer{}, false
	}
	return p.transfers[i], true
}

func TestPrefixes(t *testing.T) {
	everyBoot(t, func(t *testing.T, p *tape, x Expectations) {
		j, err := NewJudge(x, Options{Transfer: p.lookup})
		if err != nil {
			t.Fatal(err)
		}
		settled := map[string]Outcome{}
		for i, e := range p.events {
			j.Add(e)
			v := j.Verdict()
			check(t, v)
			for _, o := range v.Clients[0].Outcomes {
				before, was := settled[o.ID]
				if was && !cmp.Equal(before, o, cmp.Comparer(sameAddr)) {
					t.Fatalf("event %d changed what was settled: %s", i, cmp.Diff(before, o))
				}
				if o.Status != Pending {
					settled[o.ID] = o
				}
			}
			k, err := NewJudge(x, Options{Transfer: p.lookup})
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range p.events[:i+1] {
				k.Add(e)
			}
			k.Finish(End{Reason: EndCapture})
			check(t, k.Verdict())
		}
	})
}

// check holds what every verdict must.
func check(t testing.TB, v Verdict) {
	t.Helper()
	if v.Status == Inconclusive && len(v.Reasons) == 0 {
		t.Fatal("inconclusive without a reason")
	}
	for _, c := range v.Clients {
		errors := 0
		for _, f := range c.Findings {
			if _, known := Describe(f.ID); !known || f.Summary == "" {
				t.Fatalf("finding %q: %q", f.ID, f.Summary)
			}
			if f.Severity == Error {
				errors++
			}
		}
		if c.Status == Fail && errors == 0 {
			t.Fatalf("it failed, and no finding says why: %s", asJSON(c))
		}
		if c.Status == Pass && errors > 0 {
			t.Fatalf("it passed with an error: %s", asJSON(c))
		}
		passed := false
		for _, o := range c.Outcomes {
			if o.Status == Pass && o.Evidence == "" {
				t.Fatalf("%s passed without evidence", o.ID)
			}
			if c.Status == Pass && o.Status != Pass && o.Status != Skipped {
				t.Fatalf("passed with %s %v", o.ID, o.Status)
			}
			if c.Status != Pending && o.Status == Pending {
				t.Fatalf("%v with %s pending", c.Status, o.ID)
			}
			passed = passed || o.Status == Pass
		}
		if c.Status == Pass && !passed {
			t.Fatal("passed with nothing seen")
		}
	}
	if _, err := json.Marshal(v); err != nil {
		t.Fatal(err)
	}
}

// FuzzJudge has a Judge read events made of random kinds and fields.
func FuzzJudge(f *testing.F) {
	f.Add([]byte("\x00\x01\x02\x03\x04\x05\x06\x07\x08"))
	f.Add([]byte{1, 9, 2, 9, 3, 9, 4, 9, 5, 9, 12, 200, 13, 3, 14, 77, 15, 1, 16, 2})
	f.Fuzz(func(t *testing.T, data []byte) {
		x := article()
		events, transfers := randomEvents(data)
		lookup := func(i int) (captures.Transfer, bool) {
			if i < 0 || i >= len(transfers) {
				return captures.Transfer{}, false
			}
			return transfers[i], true
		}
		for _, o := range []Options{{}, {Transfer: lookup}, {Transfer: lookup, Discover: true}} {
			j, err := NewJudge(x, o)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range events {
				j.Add(e)
			}
			check(t, j.Verdict())
			j.Finish(End{Reason: EndCapture})
			check(t, j.Verdict())
		}
	})
}

var fuzzKinds = []captures.Kind{
	captures.LinkFirst, captures.ARPRequest, captures.ARPReply, captures.STP, captures.DHCPDiscover, captures.DHCPOffer, captures.DHCPRequest,
	captures.DHCPDecline, captures.DHCPAck, captures.DHCPNak, captures.DHCPInform, captures.BOOTPRequest, captures.BOOTPReply,
	captures.TFTPRequest, captures.TFTPRepeated, captures.TFTPOack, captures.TFTPError, captures.TFTPStart, captures.TFTPDone, captures.TFTPStray,
	captures.ICMPUnreachable, captures.RouterSolicit, captures.RouterAdvert, captures.PortmapGetport, captures.MountMnt, captures.NFSLookup,
	captures.NFSOpen, captures.NFSDone, captures.NFSError, captures.RPCOther, captures.HTTPRequest, captures.HTTPResponse, captures.HTTPDone,
	captures.TCPRefused, captures.TCPSyn, captures.ConsoleLine, captures.MachineStarted, captures.MachineOff, captures.ServerSays,
}

var fuzzFields = []captures.Field{
	field("udp.dstport", int64(67)), field("udp.dstport", int64(4011)), field("udp.srcport", int64(4011)), field("ip.src", addr(server)), field("ip.dst", addr(server)),
	field("dhcp.id", int64(7)), field("dhcp.id", int64(8)), field("dhcp.ip.your", addr(lease)), field("dhcp.ip.server", addr(server)), field("dhcp.ip.server", addr("0.0.0.0")),
	field("dhcp.file", "/pxelinux.0"), field("dhcp.file", "\xff\x00“"), field("dhcp.option.dhcp_server_id", addr(server)), field("dhcp.option.dhcp_server_id", addr("192.168.1.9")),
	field("dhcp.option.vendor_class_id", "PXEClient"), field("dhcp.option.user_class", []byte("iPXE")), field("dhcp.option.client_architecture", int64(7)),
	field("dhcp.option.subnet_mask", addr("255.0.255.0")), field("dhcp.option.vendor_specific", []byte{}), field("dhcp.option.router", addr("10.0.0.1")),
	field("tftp.transfer", int64(0)), field("tftp.transfer", int64(1)), field("tftp.transfer", int64(-5)), field("tftp.source_file", "/pxelinux.0"),
	field("tftp.source_file", "pxelinux.cfg/default"), field("tftp.source_file", "vmlinuz"), field("tftp.source_file", ""), field("tftp.error.code", int64(1)),
	field("tftp.bypeer", true), field("tftp.bytes", int64(1<<62)), field("tftp.bytes", int64(512)), field("tftp.option.blksize", int64(1)), field("tftp.resent", int64(9)),
	field("tftp.seconds", "1e300"), field("icmp.code", int64(3)), field("icmp.ip.dst", addr(server)), field("icmp.udp.dstport", int64(69)),
	field("arp.src.proto_ipv4", addr(lease)), field("arp.dst.proto_ipv4", addr(server)), field("arp.src.hw_mac", []byte{1, 2}),
	field("rpc.answered", true), field("rpc.program", int64(100003)), field("rpc.state_accept", int64(2)), field("mount.status", int64(13)), field("mount.path", "/root/inst"),
	field("nfs.status", int64(2)), field("nfs.path", ksPath), field("nfs.path", "?/"), field("nfs.transfer", int64(1)), field("portmap.prog", int64(100005)), field("portmap.port", int64(0)),
	field("http.response.code", int64(404)), field("http.request.uri", "/vmlinuz"), field("tcp.dstport", int64(111)), field("tcp.dstport", int64(70000)),
	field("text", "Linux version 6"), field("text", "Kernel panic - not syncing"), field("text", "No more network devices"), field("text", "http://ipxe.org/2d03e1"),
	field("text", "pxeproof: file nfs:"+server+":"+ksPath+" sha256=zz"), field("reason", "guest-reset"), field("reason", 3.5), field("dhcp.ip.your", netip.Addr{}),
}

func randomEvents(data []byte) ([]captures.Event, []captures.Transfer) {
	var events []captures.Event
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for i := 0; i < len(data) && len(events) < 300; {
		e := captures.Event{At: now, Host: mac, Kind: fuzzKinds[int(data[i])%len(fuzzKinds)]}
		if data[i]&0x80 != 0 {
			now = now.Add(time.Duration(data[i]) * 20 * time.Millisecond)
		}
		if data[i]&0xc0 == 0xc0 {
			e.Host = "52:54:00:00:00:09"
		} else {
			e.Frame.Number = i + 1
		}
		if e.Kind == captures.ConsoleLine {
			e.Source = captures.Console
		}
		i++
		for n := 0; n < 12 && i < len(data) && data[i]&0x40 == 0; n++ {
			e.Fields = append(e.Fields, fuzzFields[int(data[i])%len(fuzzFields)])
			i++
		}
		i++
		events = append(events, e)
	}
	return events, []captures.Transfer{
		{Protocol: "tftp", Name: "/pxelinux.0", BlockSize: 0, Blocks: 65535, Size: 1 << 50, Bytes: -1, Fragments: true},
		{Protocol: "nfs", Name: "?/ks", Size: -1, Begun: now, Ended: now.Add(-time.Hour)},
	}
}

// FuzzExpectations reads expectations.json; what is accepted can be judged by.
func FuzzExpectations(f *testing.F) {
	// One expectation a seed: fuzzing spends its time on making seeds smaller.
	all := append(article().Machines[0].Expect, Expectation{Stage: OS, Console: &Console{Regexp: "("}},
		Expectation{Stage: Config, NotApplicable: "none", Within: 7}, Expectation{Stage: NBP, Absent: true, Transfer: &Transfer{Names: []string{"a", "/vmlinuz"}, MinRate: 1}})
	for _, e := range all {
		e.After = nil
		b, err := json.Marshal(Expectations{Machines: []Machine{{MAC: mac, Expect: []Expectation{e}}}})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	p := articleBoot()
	f.Fuzz(func(t *testing.T, b []byte) {
		var x Expectations
		if json.Unmarshal(b, &x) != nil {
			return
		}
		j, err := NewJudge(x, Options{Transfer: p.lookup})
		if (err == nil) != (x.Validate() == nil) {
			t.Fatalf("NewJudge says %v, Validate %v", err, x.Validate())
		}
		if err != nil {
			return
		}
		for _, e := range p.events {
			j.Add(e)
		}
		j.Finish(End{Reason: EndCapture})
		check(t, j.Verdict())
	})
}

func TestValidate(t *testing.T) {
	x := article()
	m := &x.Machines[0]
	m.MAC = "52-54-00-12-34-56"
	m.Expect[0].Kinds = nil
	m.Expect[1].Match[0].Op = "~"
	m.Expect[2].After = []string{"later"}
	m.Expect[3].ID = "nbp"
	m.Expect[6].Console.Regexp = "("
	m.Expect[4].Stage = NoStage
	err := x.Validate()
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"no MAC", "exactly one of", `"~" is no operator`, `"later", which is none before it`, `two expectations have the ID "nbp"`, "missing closing )", "no stage"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("nothing says %q in:\n%v", want, err)
		}
	}
}
