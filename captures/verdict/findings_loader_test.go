package verdict

import (
	"time"

	"github.com/pxeproof/pxeproof/captures"
)

func loaded() *tape { return booted().get("/pxelinux.0").get("ldlinux.c32").search() }

func configured() *tape { return loaded().get("pxelinux.cfg/default") }

func running() *tape { return configured().kernel().linux() }

var loaderFaults = map[string][]fault{
	"pxelinux-config-missing": {{
		tape:  func() *tape { return loaded().missing("pxelinux.cfg/default") },
		early: true, stage: Config, says: []string{"5 names", "pxelinux.cfg/default"}, where: "tftpboot/pxelinux.cfg/default", frames: 2,
	}},
	"pxelinux-kernel-missing": {{
		tape: func() *tape {
			return configured().missing("vmlinuz").say("Loading vmlinuz... failed: No such file or directory", "boot: ")
		},
		early: true, stage: Kernel, says: []string{"names the kernel", "vmlinuz"}, where: "tftpboot/pxelinux.cfg/default:5:1", frames: 3,
	}},
	"initrd-missing": {{
		tape: func() *tape {
			return configured().get("vmlinuz").missing("initrd.img").say("Loading vmlinuz... ok", "Loading initrd.img...failed: No such file or directory")
		},
		early: true, stage: Kernel, says: []string{"names the initrd", "initrd.img"}, where: "tftpboot/pxelinux.cfg/default:6:1", frames: 3,
	}, {
		tape: func() *tape {
			return configured().get("vmlinuz").linux().say("[    1.2] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)")
		},
		x: func() Expectations {
			x := article()
			e := x.Machines[0].Expect
			x.Machines[0].Expect = append(append([]Expectation{}, e[:5]...), e[6:]...)
			return x
		},
		early: true, stage: Files, says: []string{"No initrd was fetched"}, where: "tftpboot/pxelinux.cfg/default:5:1", frames: 1,
	}},
	"ipxe-chainload-loop": {{
		tape: func() *tape {
			p := newTape().start()
			for range loopFetches {
				p.xid++
				p.dora(given{file: "undionly.kpxe"}).get("undionly.kpxe")
			}
			return p
		},
		x: func() Expectations {
			x := article()
			x.Machines[0].Expect[1].Match[1].Value = "undionly.kpxe"
			x.Machines[0].Expect[2].Transfer = &Transfer{Name: "undionly.kpxe", Role: "nbp"}
			return x
		},
		early: true, stage: Config, says: []string{"3 times"}, where: "etc/dhcpd.conf:14:1", frames: 3,
	}},
	"install-loop": {{
		tape: func() *tape {
			p := running().wait(time.Minute)
			p.xid = 99
			return p.dora(given{}).get("/pxelinux.0").get("pxelinux.cfg/default").kernel()
		},
		early: true, stage: Files, says: []string{"vmlinuz", "once more"}, frames: 2,
	}},
	"secure-boot-refused": {{
		tape: func() *tape {
			return uefi().start().dora(given{file: "shimx64.efi"}).get("shimx64.efi").get("grubx64.efi").say("Verification failed: (0x1A) Security Violation")
		},
		x: efi, early: true, stage: Kernel, says: []string{"Security Violation", "grubx64.efi"}, frames: 1,
	}, {
		tape: func() *tape {
			return uefi().start().dora(given{file: "shimx64.efi"}).get("shimx64.efi").say(`BdsDxe: failed to load Boot0002 "UEFI PXEv4 (MAC:525400123456)" from PciRoot(0x0): Access Denied`)
		},
		x: efi, early: true, stage: Kernel, says: []string{"Access Denied", "shimx64.efi"}, frames: 1,
	}},
	"http-error": {{
		tape: func() *tape {
			p := configured()
			p.wire(captures.HTTPRequest, field("http.request.method", "GET"), field("http.request.uri", "/vmlinuz"))
			return p.wire(captures.HTTPResponse, field("http.response.code", int64(404)), field("http.request.uri", "/vmlinuz")).say(noMore)
		},
		x: func() Expectations {
			x := article()
			x.Machines[0].Expect[4].Transfer = &Transfer{Protocol: "http", Name: "/vmlinuz", Role: "kernel"}
			return x
		},
		early: true, stage: Kernel, says: []string{"404", "/vmlinuz"}, where: "tftpboot/pxelinux.cfg/default:5:1", frames: 1,
	}},
	"console-panic": {{
		tape: func() *tape {
			return running().say("[    1.2] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100")
		},
		early: true, stage: Files, says: []string{"Attempted to kill init"}, where: "tftpboot/pxelinux.cfg/default:5:1",
	}},
	"loader-waits": {{ // by its configuration for ever
		tape: func() *tape { return configured().say("boot: ") },
		x: func() Expectations {
			x := article()
			x.Machines[0].Waits = &Wait{Prompt: "boot:", Why: "PROMPT without TIMEOUT waits for somebody to type", Origin: Origin{File: "tftpboot/pxelinux.cfg/default", Line: 2, Text: "prompt 1"}}
			return x
		},
		early: true, stage: Kernel, says: []string{"pxelinux shows \"boot:\" and stays there: PROMPT without TIMEOUT"}, where: "tftpboot/pxelinux.cfg/default:2",
	}, { // as it turns out
		tape:  func() *tape { return configured().say("grub> ") },
		stage: Kernel, says: []string{"GRUB shows \"grub>\" and stays there: it waits"},
	}},
	"console-error": {{
		tape:  func() *tape { return running().say("pxeproof: error no network module loads") },
		early: true, stage: Files, says: []string{"no network module"},
	}, {
		tape: func() *tape {
			return configured().get("vmlinuz").get("initrd.img").say("Loading vmlinuz... ok", "Booting kernel failed: Invalid argument")
		},
		early: true, stage: OS, says: []string{"Booting kernel failed", "no kernel that it can start"},
	}, {
		tape: func() *tape {
			return uefi().start().dora(given{file: "shimx64.efi"}).get("shimx64.efi").get("grubx64.efi").say("Welcome to GRUB!", "error: you need to load the kernel first.", "   Minimal BASH-like line editing is supported.")
		},
		x: efi, early: true, stage: Kernel, says: []string{"load the kernel first", "waits at its prompt"},
	}, { // an address that a console of 80 columns breaks in two
		tape: func() *tape {
			return booted().get("/pxelinux.0").say(
				"Could not boot image: Exec format error, as it is written here (http://ipxe.org/", "2e008081)", noMore)
		},
		early: true, stage: Config, says: []string{"2e008081", "not a format that it can execute"},
	}},
}
