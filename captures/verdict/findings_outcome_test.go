package verdict

import "time"

func inASecond() Expectations {
	x := article()
	x.Machines[0].Expect[1].Within = Seconds(time.Second)
	return x
}

var outcomeFaults = map[string][]fault{
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
	}, {
		tape: func() *tape {
			return running().nfs().say("pxeproof: file nfs:" + server + ":" + ksPath + " sha256=" + digestOf("another") + " size=12")
		},
		early: true, stage: Files, says: []string{"SHA-256 is " + digestOf("another")}, where: "root/inst/ks",
	}},
	"transfer-slow": {{
		tape: func() *tape { return newTape().start().dora(given{}).get("/pxelinux.0") },
		x: func() Expectations {
			x := article()
			x.Machines[0].Expect[2].Transfer.MinRate = 10e6
			return x
		},
		early: true, stage: NBP, says: []string{"rate is", "at least 10 MB/s"}, frames: 2,
	}, {
		tape: func() *tape {
			p := booted()
			i := p.rrq("/pxelinux.0", server)
			return p.data(i).done(i, 2)
		},
		x: func() Expectations {
			x := article()
			x.Machines[0].Expect[2].Transfer.MaxResent = new(int)
			return x
		},
		early: true, stage: NBP, says: []string{"sent again is 2"}, frames: 2,
	}, { // seen, and too late
		tape:  func() *tape { return newTape().start().wait(5 * time.Second).dora(given{}) },
		x:     inASecond,
		early: true, stage: DHCP, says: []string{"time is more than that, expected at most 1.00 s"}, where: "etc/dhcpd.conf:10:1",
	}, { // still not seen
		tape:  func() *tape { return newTape().start().ask("dhcp.discover").wait(2 * time.Second).ask("dhcp.discover") },
		x:     inASecond,
		early: true, stage: DHCP, says: []string{"at most 1.00 s"},
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
