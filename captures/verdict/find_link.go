package verdict

import (
	"fmt"
	"time"
)

// Findings about the machine and its link, before any protocol.
func linkEntries() []Entry {
	return []Entry{{
		ID: "machine-silent", Title: "not one frame from the machine", Stops: []Stage{Power},
		Evidence: "No frame with the machine's MAC as its source.",
		Meaning: "The machine never used the network. It is off, has another MAC, does not boot from the network, " +
			"or its network card has no boot ROM that the firmware runs.",
		Hint:   "Check the MAC, the cable and the boot order, and that network boot is on in the firmware's set-up.",
		detect: machineSilent,
	}, {
		ID: "link-delay-stp", Title: "a switch with spanning tree held the link back", Stops: []Stage{DHCP}, Else: Warning,
		Evidence: "Spanning tree BPDUs on the machine's network, and DISCOVERs that stay without an answer, or whose OFFER comes late.",
		Meaning: "A port of a switch that runs the spanning tree protocol forwards nothing for 30 seconds after the link comes up (listening and learning, IEEE 802.1D). " +
			"iPXE gives up after four DISCOVERs, about 10 seconds, and never tries again.",
		Hint:   "Make the ports of end hosts edge ports (portfast), or use rapid spanning tree.",
		Over:   []string{"dhcp-no-answer"},
		detect: linkDelay,
	}}
}

// lateOffer is a wait between the first DISCOVER and the first OFFER that no
// server takes by itself; ISC dhcpd's ping check takes one second.
const lateOffer = 5 * time.Second

func linkDelay(c *client) []detection {
	if c.f.net.bpdus.n == 0 || len(c.f.dhcp.exchanges) == 0 {
		return nil
	}
	x := c.f.dhcp.exchanges[0]
	d := detection{}
	d.Frames = framesOf(c.f.net.bpdus.frame, x.discovers.frame)
	offered := c.f.dhcp.firstOffer()
	switch {
	case x.discovers.n == 0:
		return nil
	case offered != nil && offered.at.Sub(x.discovers.at) >= lateOffer:
		d.Summary = fmt.Sprintf("The switch sends BPDUs, and %s went by from the first DISCOVER to the first OFFER.", span(offered.at.Sub(x.discovers.at)))
		d.Frames = append(d.Frames, offered.frame)
		d.proof = c.f.stopped() || c.f.gaveUp(offered.at) != nil
	case offered == nil && (c.f.stopped() || c.f.unheard() || c.f.gaveUp(x.discovers.at) != nil):
		// Whether a server would have answered is not known.
		d.bystander = true
		d.Summary = "The switch sends BPDUs: the DISCOVERs may not have got past its port."
	default:
		return nil
	}
	return []detection{d}
}

func machineSilent(c *client) []detection {
	f := &c.f
	if f.first.n > 0 {
		return nil
	}
	w := f.console.find(func(w *said) bool { return w.message.ends == givesUp })
	if !f.stopped() && w == nil {
		return nil
	}
	d := detection{proof: true}
	d.Summary = "No frame came from " + c.m.MAC
	switch {
	case w != nil:
		d.Summary += "; its console says " + quoted(w.text)
	case f.console.lines > 0:
		d.Summary += ", though its firmware runs: the console's last words are " + quoted(f.console.last.text)
	default:
		d.Summary += ", and its console is silent too"
	}
	d.Summary += "."
	return []detection{d}
}
