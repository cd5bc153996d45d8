package verdict

import (
	"time"

	"github.com/pxeproof/pxeproof/captures"
)

const (
	nothingToBoot = "Nothing to boot: No such file or directory (http://ipxe.org/2d03e13b)"
	noMore        = "No more network devices"
)

// efi is a UEFI client whose boot program is shim.
func efi() Expectations {
	x := article()
	m := &x.Machines[0]
	m.Firmware, m.ROM, m.Loader = "uefi", "edk2", "shim"
	m.Expect[1].Match[1].Value = "shimx64.efi"
	n := m.Expect[2].Transfer
	n.Name, n.Size, n.SHA256 = "shimx64.efi", int64(len(content("shimx64.efi"))), digestOf("shimx64.efi")
	g := m.Expect[3].Transfer
	m.Expect[3].Stage = Kernel
	g.Role, g.Name, g.Size, g.SHA256 = "second stage", "grubx64.efi", int64(len(content("grubx64.efi"))), digestOf("grubx64.efi")
	return x
}

func efiWithoutNextServer() Expectations {
	x := efi()
	ack := &x.Machines[0].Expect[1]
	ack.Match[0].Value, ack.Match[0].Origin = "0.0.0.0", Origin{File: "etc/dhcpd.conf", Line: 9, Col: 1, Text: "no next-server for this subnet"}
	return x
}

// rogueOffer is what the other server on the network gives.
var rogueOffer = given{from: "192.168.1.9", siaddr: "0.0.0.0", file: "none"}

var dhcpFaults = map[string][]fault{
	"dhcp-no-answer": {{
		tape: func() *tape {
			return newTape().start().ask("dhcp.discover").wait(time.Second).ask("dhcp.discover").say("Configuring (net0 52:54:00:12:34:56)...... No configuration methods succeeded (http://ipxe.org/040ee119)", noMore)
		},
		early: true, stage: DHCP, says: []string{"2 DHCPDISCOVERs", "no OFFER", "040ee119", "neither DHCP nor IPv6"}, frames: 1,
	}, {
		tape:  func() *tape { return uefi().start().ask("dhcp.discover").say("  PXE-E18: Server response timeout.") },
		early: true, stage: DHCP, says: []string{"1 DHCPDISCOVER ", "PXE-E18"}, frames: 1,
	}, { // a ProxyDHCP server alone gives no address
		tape: func() *tape {
			return newTape().start().ask("dhcp.discover").reply("dhcp.offer", given{your: "0.0.0.0", more: pxeOption(true)}).say(noMore)
		},
		early: true, stage: DHCP, says: []string{"ProxyDHCP server, answered alone"}, frames: 2,
	}, { // iPXE's fourth is its last; the console only tells that time goes on
		tape: func() *tape {
			p := newTape().start()
			for i := range 4 {
				p.ask("dhcp.discover").wait(time.Second << i)
			}
			return p.say("Configuring (net0 52:54:00:12:34:56)........")
		},
		early: true, stage: DHCP, says: []string{"4 DHCPDISCOVERs", "no OFFER"}, frames: 1,
	}, { // BPDUs alone prove nothing
		tape:  func() *tape { return newTape().start().bpdu().ask("dhcp.discover").say(noMore) },
		early: true, stage: DHCP, says: []string{"no OFFER"}, also: []string{"link-delay-stp"},
	}},
	"dhcp-pool-exhausted": {{
		tape: func() *tape {
			p := newTape().start().ask("dhcp.discover")
			p.lab(captures.ServerSays, field("server", "dhcp"), field("text", "DHCPDISCOVER from "+mac+" via eth0: network 192.168.1.0/24: no free leases"))
			return p.wait(time.Second).ask("dhcp.discover").say(noMore)
		},
		early: true, stage: DHCP, says: []string{"no free leases"}, frames: 1,
	}},
	"dhcp-offer-ignored": {{
		tape: func() *tape {
			p := newTape().start()
			for range 4 {
				p.ask("dhcp.discover").reply("dhcp.offer", given{more: []captures.Field{field("dhcp.checksum.bad", true)}}).wait(time.Second)
			}
			return p.say(noMore)
		},
		early: true, stage: DHCP, says: []string{"checksum", "2 DISCOVERs"}, frames: 2,
	}, {
		tape: func() *tape {
			return uefi().start().ask("dhcp.discover").reply("dhcp.offer", given{more: pxeOption(false)}).wait(time.Second).ask("dhcp.discover")
		},
		stage: DHCP, says: []string{"option 60", "without vendor options (43)"}, frames: 2,
	}},
	"dhcp-nak": {{
		tape: func() *tape {
			return newTape().start().ask("dhcp.discover").reply("dhcp.offer", given{}).ask("dhcp.request", field("dhcp.option.dhcp_server_id", addr(server))).
				reply("dhcp.nak", given{from: "192.168.1.9"}).say(noMore)
		},
		early: true, stage: DHCP, says: []string{"192.168.1.9", "NAK", "had taken the OFFER of " + server}, frames: 4,
	}, {
		// The same REQUEST again and again, before the client gives up.
		tape: func() *tape {
			p := newTape().start().ask("dhcp.discover").reply("dhcp.offer", given{})
			for range 3 {
				p.ask("dhcp.request", field("dhcp.option.dhcp_server_id", addr(server))).reply("dhcp.nak", given{}).wait(time.Second)
			}
			return p
		},
		early: true, stage: DHCP, says: []string{"NAK"}, frames: 4,
	}},
	"dhcp-rogue-server": {{
		tape: func() *tape {
			p := newTape().start().ask("dhcp.discover").reply("dhcp.offer", rogueOffer).reply("dhcp.offer", given{})
			return p.ask("dhcp.request", field("dhcp.option.dhcp_server_id", addr("192.168.1.9"))).reply("dhcp.ack", rogueOffer)
		},
		early: true, stage: DHCP, says: []string{"192.168.1.9 and " + server, "siaddr 0.0.0.0", "took the OFFER of 192.168.1.9"}, where: "etc/dhcpd.conf:7:1", frames: 3,
	}},
	"dhcp-wrong-arch": {{
		tape: func() *tape {
			p := uefi()
			return p.start().dora(given{}).get("/pxelinux.0").say(`BdsDxe: failed to load Boot0002 "UEFI PXEv4 (MAC:525400123456)" from PciRoot(0x0): Unsupported`)
		},
		early: true, stage: Config, says: []string{"x86-64 UEFI", "option 93 is 7", "BIOS boot program"}, where: "etc/dhcpd.conf:14:1", frames: 2,
	}},
	"dhcp-bootfile-garbled": {{
		tape: func() *tape {
			return newTape().start().dora(given{file: "“/pxelinux.0”"}).missing("“/pxelinux.0”").say(noMore)
		},
		x: func() Expectations {
			x := article()
			x.Machines[0].Expect[1].Match[1].Value = "“/pxelinux.0”"
			x.Machines[0].Expect[2].Transfer.Name = "“/pxelinux.0”"
			return x
		},
		early: true, stage: NBP, says: []string{"quotes"}, where: "etc/dhcpd.conf:14:1", frames: 1,
	}, {
		tape: func() *tape {
			return uefi().start().dora(given{file: "http://192.168.1.103/boot.efi"}).missing("http://192.168.1.103/boot.efi").say("PXE-E23: Client received TFTP error from server.")
		},
		x:     func() Expectations { x := article(); x.Machines[0].Expect[1].Match = nil; return x },
		early: true, stage: NBP, says: []string{"is a URL"}, frames: 1,
	}},
	"proxydhcp-no-answer": {{
		tape: func() *tape {
			p := newTape().start().dora(given{file: "none", more: pxeOption(true)})
			return p.ask("dhcp.request").to4011().say(noMore)
		},
		x:     func() Expectations { x := article(); x.Machines[0].Expect[1].Match = nil; return x },
		early: true, stage: NBP, says: []string{"port 4011"}, frames: 2,
	}},
	"dhcp-address-conflict": {{
		tape: func() *tape {
			p := newTape().start().dora(given{}).arp(server).arpReply(server, "52:54:00:00:00:03").arpReply(lease, "52:54:00:99:99:99")
			i := p.rrq("/pxelinux.0", server)
			return p.again(i).again(i)
		},
		stage: NBP, says: []string{"52:54:00:99:99:99"}, frames: 2,
	}, { // the other host gets the OACK, and the client asks on
		tape: func() *tape {
			p := newTape().start().dora(given{}).arp(server).arpReply(server, "52:54:00:00:00:03").arpReply(lease, "52:54:00:99:99:99")
			i := p.rrq("/pxelinux.0", server)
			return p.oack(i).again(i).again(i).again(i).again(i)
		},
		early: true, stage: NBP, says: []string{"52:54:00:99:99:99"}, frames: 2,
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
			return newTape().start().dora(given{siaddr: "0.0.0.0", more: []captures.Field{field("dhcp.option.tftp_server_name", "tftp.example")}}).
				wait(time.Second).lab("machine.off", field("reason", "guest-shutdown"))
		},
		x: withoutNextServer, early: true, stage: NBP, says: []string{"option 66", "tftp.example"}, where: "etc/dhcpd.conf:14:1", frames: 2,
	}, {
		tape: func() *tape {
			p := uefi().start().dora(given{siaddr: "0.0.0.0", file: "shimx64.efi"})
			p.again(p.rrq("shimx64.efi", server))
			return p.say("PXE-E18: Server response timeout.")
		},
		x: efiWithoutNextServer, early: true, stage: NBP, says: []string{"option 54", "did not answer"}, frames: 2,
	}, {
		tape: func() *tape {
			return uefi().start().dora(given{siaddr: "0.0.0.0", file: "shimx64.efi"}).get("shimx64.efi").
				say("Fetching Netboot Image grubx64.efi", "Unable to fetch TFTP image: Invalid Parameter", "start_image() returned Invalid Parameter, falling back to default loader",
					"Unable to fetch TFTP image: Invalid Parameter", "start_image() returned Invalid Parameter")
		},
		x: efiWithoutNextServer, early: true, stage: Kernel, says: []string{"took it from " + server, "Invalid Parameter"}, frames: 2,
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
	"dhcp-next-server-offsubnet": {{
		tape: func() *tape {
			p := newTape().start()
			g := given{siaddr: "10.9.9.9", more: []captures.Field{}}
			p.dora(g)
			for range deadAsks {
				p.arp("192.168.1.1").wait(time.Second)
			}
			return p.say(noMore)
		},
		x: func() Expectations {
			x := article()
			x.Machines[0].Expect[1].Match[0].Value = "10.9.9.9"
			return x
		},
		early: true, stage: NBP, says: []string{"10.9.9.9 is outside of 192.168.1.0/24", "does not answer ARP"}, where: "etc/dhcpd.conf:7:1", frames: 3,
	}},
}

// pxeOption is option 60 PXEClient, with or without vendor options.
func pxeOption(vendor bool) []captures.Field {
	f := []captures.Field{field("dhcp.option.vendor_class_id", "PXEClient")}
	if vendor {
		f = append(f, field("dhcp.option.vendor_specific", []byte{6, 1, 8, 255}))
	}
	return f
}

// to4011 turns the last message into one to the boot server's port.
func (p *tape) to4011() *tape { return p.set("udp.dstport", int64(4011)) }

// from4011 turns the last message into one from there.
func (p *tape) from4011() *tape { return p.set("udp.srcport", int64(4011)) }

// set changes a field of the last event.
func (p *tape) set(name string, v any) *tape {
	f := p.events[len(p.events)-1].Fields
	for i := range f {
		if f[i].Name == name {
			f[i].Value = v
		}
	}
	return p
}
