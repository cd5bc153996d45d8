package verdict

import (
	"time"

	"github.com/pxeproof/pxeproof/captures"
)

var linkFaults = map[string][]fault{
	"machine-silent": {{
		tape: func() *tape {
			return newTape().lab("machine.started").say("SeaBIOS (version 1.16.2)", "No bootable device.")
		},
		early: true, stage: Power, says: []string{mac, "No bootable device"},
	}, {
		tape: func() *tape { return newTape().lab("machine.started") }, stage: Power, says: []string{"silent"},
	}},
	"link-delay-stp": {{
		tape: func() *tape {
			p := newTape().start().bpdu().ask("dhcp.discover").wait(29*time.Second).ask("dhcp.discover").reply("dhcp.offer", given{})
			return p.say("No more network devices")
		},
		early: true, stage: DHCP, says: []string{"29 s"}, frames: 3,
	}},
}

func (p *tape) bpdu() *tape {
	return p.wire(captures.STP, field("stp.port", int64(0x8001)))
}
