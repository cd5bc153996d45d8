package verdict

import (
	"strings"
	"testing"
	"time"

	"github.com/pxeproof/pxeproof/captures"
)

// wireOnly is what somebody else's capture shows: no console, no lab.
func (p *tape) wireOnly() *tape {
	var list []captures.Event
	for _, e := range p.events {
		if e.Source == captures.Wire {
			list = append(list, e)
		}
	}
	p.events = list
	return p
}

func (p *tape) from(frame int) *tape {
	for len(p.events) > 0 && p.events[0].Frame.Number < frame {
		p.events = p.events[1:]
	}
	return p
}

func TestDiscover(t *testing.T) {
	type client struct {
		status  Status
		stage   Stage  // where it failed, or the last that passed
		finding string // the first
	}
	for name, c := range map[string]struct {
		tape *tape
		want []client
	}{
		"a good boot":         {articleBoot(), []client{{Pass, Files, ""}}},
		"one without console": {running().nfs(), []client{{Pass, Files, ""}}},
		"no next-server":      {newTape().start().dora(given{siaddr: "0.0.0.0"}), []client{{Fail, NBP, "dhcp-next-server-unset"}}},
		"shim without next-server": {uefi().start().dora(given{siaddr: "0.0.0.0", file: "shimx64.efi"}).get("shimx64.efi"),
			[]client{{Fail, Config, "dhcp-next-server-unset"}}},
		"another boot program without next-server": {uefi().start().dora(given{siaddr: "0.0.0.0", file: "memtest.efi"}).get("memtest.efi"),
			[]client{{Inconclusive, NBP, "dhcp-next-server-unset"}}},
		"no such boot program": {booted().missing("/pxelinux.0"), []client{{Fail, NBP, "tftp-file-not-found"}}},
		"no ldlinux.c32":       {booted().get("/pxelinux.0").missing("ldlinux.c32").missing("/boot/ldlinux.c32"), []client{{Fail, Config, "tftp-file-not-found"}}},
		"no config":            {loaded().missing("pxelinux.cfg/default"), []client{{Fail, Config, "pxelinux-config-missing"}}},
		"no kernel":            {configured().missing("vmlinuz"), []client{{Fail, Kernel, "pxelinux-kernel-missing"}}},
		"no initrd":            {configured().get("vmlinuz").missing("initrd.img"), []client{{Fail, Kernel, "initrd-missing"}}},
		"no kickstart": {running().rpc(captures.MountMnt, field("mount.path", "/root/inst"), field("mount.status", int64(0))).
			rpc(captures.NFSLookup, field("nfs.path", ksPath), field("nfs.status", int64(2))), []client{{Fail, Files, "nfs-no-such-file"}}},
		"a kickstart that may not be read": {running().rpc(captures.MountMnt, field("mount.path", "/root/inst"), field("mount.status", int64(0))).
			rpc(captures.NFSAccess, field("nfs.path", ksPath)), []client{{Fail, Files, "nfs-permission"}}},
		"a look-up in vain, and the kickstart": {running().
			rpc(captures.NFSLookup, field("nfs.path", "/root/inst/ks.d"), field("nfs.status", int64(2))).nfs(), []client{{Pass, Files, ""}}},
		"one DISCOVER and the end": {newTape().start().ask("dhcp.discover"), []client{{Inconclusive, Power, ""}}},
		"no answer":                {newTape().start().ask("dhcp.discover").wait(time.Second).ask("dhcp.discover"), []client{{Fail, DHCP, "dhcp-no-answer"}}},
		"from the middle":          {articleBoot().from(8), []client{{Pass, Files, ""}}},
		"nobody who boots": {func() *tape {
			p := newTape()
			p.class, p.ipxe = "", false
			return p.ask("dhcp.discover").reply("dhcp.offer", given{file: "none"}).ask("dhcp.request").reply("dhcp.ack", given{file: "none"}).get("switch-confg")
		}(), nil},
		"two boots, one after the other": {func() *tape {
			p := newTape().start().dora(given{siaddr: "0.0.0.0"}).wait(time.Minute)
			p.xid++
			return p.dora(given{}).get("/pxelinux.0").get("pxelinux.cfg/default").kernel().nfs()
		}(), []client{{Fail, NBP, "dhcp-next-server-unset"}, {Pass, Files, ""}}},
		"an installer that starts over": {func() *tape {
			p := configured().kernel().nfs().wait(10 * time.Minute)
			p.xid++
			return p.dora(given{}).get("/pxelinux.0").get("pxelinux.cfg/default").kernel()
		}(), []client{{Pass, Files, ""}, {Pass, Kernel, "install-loop"}}},
	} {
		t.Run(name, func(t *testing.T) {
			p := c.tape
			if !strings.Contains(name, "a good boot") {
				p.wireOnly()
			}
			j, err := NewJudge(Expectations{}, Options{Discover: true, Transfer: p.lookup})
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range p.events {
				j.Add(e)
			}
			j.Finish(End{Reason: EndCapture})
			v := j.Verdict()
			check(t, v)
			if len(v.Clients) != len(c.want) {
				t.Fatalf("%d clients: %s", len(v.Clients), asJSON(v))
			}
			for i, w := range c.want {
				got := v.Clients[i]
				stage, finding := got.Reached, ""
				for _, s := range got.Stages {
					if s.Status == Fail {
						stage = s.Stage
					}
				}
				if len(got.Findings) > 0 {
					finding = got.Findings[0].ID
				}
				if got.Status != w.status || stage != w.stage || finding != w.finding {
					t.Errorf("boot %d: %v at %v, %q; want %v at %v, %q: %s", i, got.Status, stage, finding, w.status, w.stage, w.finding, asJSON(got))
				}
				if i > 0 && got.Boot != i+1 {
					t.Errorf("boot %d has the number %d", i, got.Boot)
				}
			}
		})
	}
}
