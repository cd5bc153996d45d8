package verdict

import (
	"fmt"

	"github.com/pxeproof/pxeproof/captures"
)

// Findings about DHCP that stop a client from getting an answer it can use.
func dhcpEntries() []Entry {
	return []Entry{{
		ID: "dhcp-no-answer", Title: "DISCOVERs, and no OFFER", Stops: []Stage{DHCP},
		Evidence: "DHCPDISCOVERs of a machine that wants to boot, and no DHCPOFFER for it.",
		Meaning: "No DHCP server heard the machine, or none is willing: the server is down, listens on another interface, " +
			"has no subnet for this network, or ignores this client (deny, known-clients, a class that does not match).",
		Hint:   "See whether the server's log shows the DISCOVER. If not, it is the path (VLAN, relay, firewall, interface); if so, the subnet, pool and class declarations.",
		detect: dhcpNoAnswer,
	}, {
		ID: "dhcp-nak", Title: "the server refused the address with a NAK", Stops: []Stage{DHCP},
		Evidence: "A DHCPNAK, and no DHCPACK after it.",
		Meaning:  "A server says that the address asked for is not the client's to have. An authoritative server says so for addresses of foreign networks, also in answer to another server's OFFER.",
		Hint:     "Look whether two DHCP servers serve this network; if so, only one may be authoritative for it.",
		detect:   dhcpNAK,
	}, {
		ID: "dhcp-no-bootfile", Title: "an address, but no boot file", Stops: []Stage{DHCP, NBP},
		Evidence: "A DHCPACK (for firmware that refuses such OFFERs: DHCPOFFERs alone) with neither the header's file nor option 67, and no ProxyDHCP server that names one.",
		Meaning:  "The server gave an address and nothing to boot. Often the filename stands in a subnet, class or host that this client is not in, or in a condition on option 93 that has no branch for its architecture.",
		Hint:     "Give the subnet, class or host that answers this client a filename.",
		detect:   dhcpNoBootfile,
	}, {
		ID: "dhcp-next-server-unset", Title: "a boot file, but siaddr is 0.0.0.0", Stops: []Stage{NBP, Config, Kernel, OS}, Else: Warning,
		Evidence: "A DHCPACK that names a boot file while siaddr, the header's next-server field, is 0.0.0.0.",
		Meaning: "The client knows what to fetch and not from whom (RFC 2131, section 2: siaddr is the server to use next in the bootstrap). " +
			"Clients differ: iPXE reads siaddr alone and gives up without a request; EDK2 falls back on option 54, the DHCP server's own address, so that the same configuration boots there " +
			"if TFTP is on the DHCP server; shim then reads siaddr again and fails. ISC dhcpd leaves siaddr zero unless next-server is given (since 3.0.3), Kea too; dnsmasq fills in its own address.",
		Hint:   "Add next-server with the TFTP server's address to the dhcpd.conf scope that gives the filename.",
		Over:   []string{"tftp-no-answer", "tftp-refused"},
		detect: dhcpNextServerUnset,
	}, {
		ID: "dhcp-next-server-dead", Title: "nobody is at the next-server address", Stops: []Stage{NBP, Config, Kernel},
		Evidence: "ARP requests for siaddr that nobody answers, or RRQs to it while nothing at all ever comes from there.",
		Meaning:  "The client was sent to an address where no host is.",
		Hint:     "Set next-server to the TFTP server's address, or start that host.",
		Over:     []string{"tftp-no-answer"},
		detect:   dhcpNextServerDead,
	}}
}

func dhcpNoAnswer(c *client) []detection {
	x := c.f.dhcp.last()
	if x == nil || x.discovers.n == 0 || len(x.offers) > 0 || x.ack != nil || x.nak != nil || c.f.dhcp.acked() != nil {
		return nil
	}
	w := c.f.gaveUp(x.discovers.at)
	if !c.f.stopped() && w == nil {
		return nil
	}
	d := detection{proof: true}
	d.Summary = fmt.Sprintf("%s from %s, and no OFFER", count(x.discovers.n, "DHCPDISCOVER"), c.m.MAC)
	if c.f.net.adverts.n == 0 && len(c.f.net.heard) == 0 {
		d.Summary += "; nothing else is heard on this network"
	}
	d.Summary += saidThen(w) + "."
	d.Frames = framesOf(x.discovers.frame)
	return []detection{d}
}

// saidThen quotes the client's last word.
func saidThen(w *said) string {
	if w == nil {
		return ""
	}
	return fmt.Sprintf("; then %s says %s", w.message.who, quoted(w.text))
}

func dhcpNAK(c *client) []detection {
	for i := len(c.f.dhcp.exchanges) - 1; i >= 0; i-- {
		x := c.f.dhcp.exchanges[i]
		if x.nak == nil {
			continue
		}
		after := c.f.dhcp.acked()
		if after != nil && after.ack.at.After(x.nak.at) {
			return nil // asked again, and given: as RFC 2131 has it
		}
		d := detection{proof: c.f.stopped() || c.f.gaveUp(x.nak.at) != nil}
		d.Summary = fmt.Sprintf("%s answered the REQUEST with a NAK", x.nak.server)
		if x.nak.message != "" {
			d.Summary += " and says " + quoted(x.nak.message)
		}
		if x.chosen.IsValid() && x.chosen != x.nak.server {
			d.Summary += fmt.Sprintf(", though the client had taken the OFFER of %s", x.chosen)
		}
		d.Summary += "."
		d.Frames = framesOf(append(x.frames(), x.nak.frame)...)
		return []detection{d}
	}
	return nil
}

func dhcpNoBootfile(c *client) []detection {
	x := c.f.dhcp.last()
	if x == nil {
		return nil
	}
	if x.ack == nil {
		// EDK2 takes no OFFER without a boot file, and says nothing to it.
		if len(x.offers) == 0 || x.request.n > 0 {
			return nil
		}
		for i := range x.offers {
			if x.offers[i].file != "" || x.offers[i].has43 {
				return nil
			}
		}
	} else if r := x.bootReply(); r.file != "" || r.has43 && r.pxe || c.f.tftp.done > 0 || len(c.f.tftp.order) > 0 {
		return nil
	}
	var w *said
	if x.ack != nil {
		w = c.f.gaveUp(x.ack.at)
	} else {
		w = c.f.gaveUp(x.offers[0].at)
	}
	d := detection{proof: c.f.stopped() || w != nil}
	if x.ack != nil {
		d.Summary = fmt.Sprintf("%s gave the address %s, but neither file nor option 67", x.ack.server, x.ack.your)
	} else {
		d.Summary = fmt.Sprintf("%s offered the address %s with neither file nor option 67, and the client did not take it", x.offers[0].server, x.offers[0].your)
	}
	d.Summary += saidThen(w) + "."
	d.Frames = x.frames()
	d.Where = c.origins(BootFile, "dhcp.file", "dhcp.option.bootfile_name", "dhcp.ip.your")
	return []detection{d}
}

func dhcpNextServerUnset(c *client) []detection {
	x := c.f.dhcp.acked()
	if x == nil {
		return nil
	}
	r := x.bootReply()
	if r.file == "" || isURL(r.file) || !r.siaddr.IsUnspecified() {
		return nil
	}
	d := detection{}
	d.Summary = fmt.Sprintf("%s names the boot file %s, but siaddr is 0.0.0.0", r.server, quoted(r.file))
	if r.name66 != "" {
		d.Summary += fmt.Sprintf("; option 66 names %s, which is not read here", quoted(r.name66))
	}
	var asked *fetch // what was asked for after the ACK
	nbp := false     // whether the boot program came nevertheless
	for _, t := range c.f.tftp.order {
		if !t.asked.at.Before(r.at) {
			asked = t
			nbp = nbp || t.done.n > 0 && sameFile(t.name, r.file)
		}
	}
	w := c.f.gaveUp(r.at)
	switch {
	case asked == nil:
		d.Summary += "; the client asked nobody for it"
	case nbp && asked.done.n > 0 && sameFile(asked.name, r.file):
		d.Summary += fmt.Sprintf("; the client took it from %s (option 54) instead, but the boot program then asked nobody for its next file", asked.to)
	case !asked.answered():
		d.Summary += fmt.Sprintf("; the client asked %s (option 54) instead, which did not answer", asked.to)
	default:
		d.Summary += fmt.Sprintf("; the client asked %s (option 54) instead", asked.to)
		d.bystander = true
	}
	d.Summary += saidThen(w) + "."
	d.proof = c.f.stopped() || w != nil
	if o := x.offerOf(r); o != nil {
		d.Frames = append(d.Frames, o.frame)
	}
	d.Frames = append(d.Frames, r.frame)
	d.Where = c.origins("dhcp.ip.server", BootFile, "dhcp.file", "dhcp.option.bootfile_name")
	return []detection{d}
}

func dhcpNextServerDead(c *client) []detection {
	x := c.f.dhcp.acked()
	if x == nil {
		return nil
	}
	r := x.bootReply()
	if !r.siaddr.IsValid() || r.siaddr.IsUnspecified() || c.f.net.alive(r.siaddr) {
		return nil
	}
	d := detection{}
	d.Where = c.origins("dhcp.ip.server")
	if ask, certain := c.f.silent(r.siaddr); ask != nil {
		d.Summary = fmt.Sprintf("siaddr sends the client to %s: %s for that address in %s, and no answer.",
			r.siaddr, count(ask.n, "ARP request"), span(ask.last.Sub(ask.at)))
		d.Frames = append([]captures.Frame{r.frame}, ask.frames...)
		d.proof = certain || c.f.stopped()
		return []detection{d}
	}
	t := c.unanswered()
	if t == nil || t.to != r.siaddr {
		return nil
	}
	d.Summary = fmt.Sprintf("siaddr sends the client to %s: %s for %s, and nothing at all ever came from there.",
		r.siaddr, count(1+t.repeats.n, "RRQ"), quoted(t.name))
	d.Frames = append([]captures.Frame{r.frame}, t.frames...)
	d.proof = c.f.stopped() || c.f.gaveUp(t.asked.at) != nil
	return []detection{d}
}
