package verdict

import (
	"time"

	"github.com/pxeproof/pxeproof/captures"
)

// stall leaves a transfer in the middle, as the capture would know it.
func (p *tape) stall(i int64, blocks, resent int) *tape {
	t := &p.transfers[i]
	t.Blocks, t.Bytes, t.Resent, t.Size = blocks, int64(blocks*t.BlockSize), resent, 90_000
	return p
}

func booted() *tape {
	return newTape().start().dora(given{}).arp(server).arpReply(server, "52:54:00:00:00:03")
}

var tftpFaults = map[string][]fault{
	"tftp-no-answer": {{
		tape: func() *tape {
			p := booted()
			i := p.rrq("/pxelinux.0", server)
			return p.again(i).again(i).say("tftp://192.168.1.103/pxelinux.0... Connection timed out (http://ipxe.org/4c126035)", noMore)
		},
		early: true, stage: NBP, says: []string{"3 RRQs"}, where: "etc/dhcpd.conf:14:1", frames: 3,
	}, { // before the client has given up
		tape: func() *tape {
			p := booted()
			i := p.rrq("/pxelinux.0", server)
			return p.again(i).again(i).again(i).again(i)
		},
		early: true, stage: NBP, says: []string{"5 RRQs"}, where: "etc/dhcpd.conf:14:1", frames: 3,
	}, { // after a first try that ended without its last ACK
		tape: func() *tape {
			p := booted().get("/pxelinux.0").unacknowledged()
			i := p.rrq("/pxelinux.0", server)
			return p.again(i).again(i).again(i).again(i)
		},
		early: true, stage: NBP, says: []string{"5 RRQs"}, where: "etc/dhcpd.conf:14:1", frames: 3,
	}},
	"tftp-refused": {{
		tape: func() *tape {
			p := newTape().start().dora(given{})
			i := p.rrq("/pxelinux.0", server)
			for range 3 {
				p.icmp(69).again(i)
			}
			return p
		},
		early: true, stage: NBP, says: []string{"port unreachable, 3 times"}, frames: 2,
	}},
	"tftp-file-not-found": {{
		tape:  func() *tape { return booted().missing("/pxelinux.0").say(noMore) },
		early: true, stage: NBP, says: []string{"no boot program", "ERROR 1"}, where: "etc/dhcpd.conf:14:1", frames: 2,
	}, {
		tape:  func() *tape { return booted().missing("/pxelinux.0") },
		stage: NBP, says: []string{"/pxelinux.0"}, frames: 2,
	}, { // the loader's second part, in none of its places
		tape: func() *tape {
			return booted().get("/pxelinux.0").missing("ldlinux.c32").missing("boot/isolinux/ldlinux.c32").say("Failed to load ldlinux.c32", "Boot failed: press a key to retry, or wait for reset...")
		},
		early: true, stage: Config, says: []string{"ldlinux.c32"}, frames: 2,
	}, { // shim's second stage
		tape: func() *tape {
			return uefi().start().dora(given{file: "shimx64.efi"}).get("shimx64.efi").missing("revocations_sku.efi").missing("grubx64.efi").
				say("Unable to fetch TFTP image: Not Found", "start_image() returned Not Found")
		},
		x: efi, early: true, stage: Kernel, says: []string{"second stage", "grubx64.efi"}, frames: 2,
	}},
	"tftp-access-violation": {{
		tape: func() *tape {
			p := booted()
			return p.error(p.rrq("/pxelinux.0", server), 0, "Permission denied").say(noMore)
		},
		early: true, stage: NBP, says: []string{"Permission denied"}, where: "tftpboot/pxelinux.0", frames: 2,
	}, { // the configuration is there and may not be read
		tape: func() *tape {
			p := booted().get("/pxelinux.0").get("ldlinux.c32").search()
			return p.error(p.rrq("pxelinux.cfg/default", server), 2, "Access violation").say("Unable to locate configuration file")
		},
		early: true, stage: Config, says: []string{"pxelinux.cfg/default"}, where: "tftpboot/pxelinux.cfg/default", frames: 2,
	}},
	"tftp-error": {{
		tape: func() *tape {
			p := booted()
			return p.error(p.rrq("/pxelinux.0", server), 4, "Illegal TFTP operation").say(noMore)
		},
		early: true, stage: NBP, says: []string{"ERROR 4"}, frames: 2,
	}},
	"tftp-reply-from-elsewhere": {{
		tape: func() *tape {
			p := booted()
			i := p.rrq("/pxelinux.0", server)
			p.wire(captures.TFTPStray, field("tftp.transfer", i), field("ip.src", addr("192.168.1.104")), field("ip.dst", addr(server)))
			return p.again(i).say(noMore)
		},
		early: true, stage: NBP, says: []string{"192.168.1.104 answered"}, frames: 2,
	}, {
		// iPXE would take the answer, and finds nobody at that address.
		tape: func() *tape {
			p := booted()
			i := p.rrq("/pxelinux.0", server)
			p.wire(captures.TFTPStray, field("tftp.transfer", i), field("ip.src", addr("192.168.1.104")), field("ip.dst", addr(server)))
			for range 6 {
				p.arp("192.168.1.104").wait(time.Second)
			}
			return p
		},
		early: true, stage: NBP, says: []string{"192.168.1.104 answered", "nobody has it"}, frames: 2,
	}},
	"tftp-stalled": {{
		tape: func() *tape {
			p := booted()
			i := p.rrq("/pxelinux.0", server)
			return p.data(i).stall(i, 7, 5)
		},
		stage: NBP, says: []string{"stopped after 10 KB of 90 KB", "again 5 times"}, frames: 2,
	}, {
		tape: func() *tape {
			p := booted()
			i := p.rrq("/pxelinux.0", server)
			return p.data(i).say("tftp://192.168.1.103/pxelinux.0... Connection timed out (http://ipxe.org/4c126035)", noMore)
		},
		early: true, stage: NBP, says: []string{"began and did not end", "Connection timed out", "TFTP client"}, frames: 2,
	}, { // the client's own repetitions are proof
		tape: func() *tape {
			p := booted()
			i := p.rrq("/pxelinux.0", server)
			return p.data(i).sentAgain(i, 3, 3*time.Second, false).sentAgain(i, 4, 4*time.Second, false)
		},
		early: true, stage: NBP, says: []string{"began and did not end"}, frames: 2,
	}, { // the server's are none: the client may be busy
		tape: func() *tape {
			p := booted()
			i := p.rrq("/pxelinux.0", server)
			return p.data(i).sentAgain(i, 4, 4*time.Second, true).stall(i, 7, 5)
		},
		stage: NBP, says: []string{"stopped after 10 KB"}, frames: 2,
	}, { // it went on, and then no more for a while
		tape: func() *tape {
			p := booted()
			i := p.rrq("/pxelinux.0", server)
			p.data(i).stall(i, 7, 0)
			p.transfers[i].Moved = p.now
			return p.wait(slowBlock).arp(server)
		},
		stage: NBP, says: []string{"stopped after 10 KB of 90 KB"}, frames: 2,
	}},
	"transfer-unfinished": {{
		tape: func() *tape {
			p := booted()
			i := p.rrq("/pxelinux.0", server)
			p.data(i).wait(4*time.Second).stall(i, 7, 0)
			p.transfers[i].Moved = p.now
			return p.arp(server)
		},
		stage: NBP, says: []string{"after 4.0 s: 10 KB of 90 KB came, at 2.5 KB/s", "another 32 s"}, where: "tftpboot/pxelinux.0", frames: 2,
	}, {
		tape: func() *tape {
			p := newTape().start().dora(given{}).get("/pxelinux.0").get("/pxelinux.cfg/default")
			p.wire(captures.HTTPRequest, field("http.request.method", "GET"), field("http.request.uri", "/vmlinuz"))
			begun := p.now
			p.wire(captures.HTTPResponse, field("http.response.code", int64(200)), field("http.request.uri", "/vmlinuz"), field("http.transfer", int64(len(p.transfers))))
			p.wait(2 * time.Second)
			p.transfers = append(p.transfers, captures.Transfer{Protocol: "http", Name: "/vmlinuz", Size: -1, Bytes: 4_000_000, Begun: begun, Last: p.now})
			return p.arp(server)
		},
		x: func() Expectations {
			x := article()
			x.Machines[0].Expect[4].Transfer = &Transfer{Protocol: "http", Name: "/vmlinuz", Role: "kernel"}
			return x
		},
		stage: Kernel, says: []string{"\"/vmlinuz\" was still on its way after 2.0 s: 4.0 MB came, at 2.0 MB/s."}, frames: 1,
	}},
	"tftp-fragmented": {{
		tape: func() *tape {
			p := booted()
			i := p.rrq("/pxelinux.0", server)
			p.data(i).stall(i, 1, 5)
			p.transfers[i].Fragments, p.transfers[i].BlockSize = true, 8192
			return p
		},
		stage: NBP, says: []string{"IP fragments", "8192"}, frames: 2,
	}},
	"tftp-rollover": {{
		tape: func() *tape {
			p := booted()
			i := p.rrq("/pxelinux.0", server)
			p.data(i).stall(i, 65535, 5)
			p.transfers[i].Size = 200_000_000
			return p
		},
		stage: NBP, says: []string{"65535 blocks", "200 MB"}, frames: 1,
	}},
	"tftp-truncated": {{
		tape: func() *tape {
			p := booted()
			i := p.rrq("/pxelinux.0", server)
			p.data(i).done(i, 0).shorten(i, 512)
			return p
		},
		early: true, stage: NBP, says: []string{"size is 512"}, where: "tftpboot/pxelinux.0", frames: 2,
	}, { // without a file to compare with, tsize tells
		tape: func() *tape {
			p := booted()
			i := p.rrq("/pxelinux.0", server)
			return p.data(i).done(i, 0).shorten(i, 512).say(noMore)
		},
		x: func() Expectations {
			x := article()
			x.Machines[0].Expect[2].Transfer.Size, x.Machines[0].Expect[2].Transfer.SHA256 = 0, ""
			return x
		},
		early: true, stage: Config, says: []string{"512 bytes, and tsize had announced 88000"}, frames: 2,
	}},
}

// shorten has the last transfer end early.
func (p *tape) shorten(i, bytes int64) *tape {
	e := &p.events[len(p.events)-1]
	for k := range e.Fields {
		if e.Fields[k].Name == "tftp.bytes" {
			e.Fields[k].Value = bytes
		}
	}
	p.transfers[i].Bytes, p.transfers[i].Digest, p.transfers[i].Size = bytes, nil, int64(len(content(p.transfers[i].Name)))
	return p
}

func (p *tape) icmp(port int64) *tape {
	return p.wire(captures.ICMPUnreachable, field("icmp.code", int64(3)), field("ip.src", addr(server)), field("icmp.ip.dst", addr(server)), field("icmp.udp.dstport", port))
}
