package verdict

import (
	"fmt"
	"slices"
	"strings"
)

// Findings about DHCP that keep a client from getting an address.
func dhcpEntries() []Entry {
	return []Entry{{
		ID: "dhcp-no-answer", Title: "DISCOVERs, and no OFFER", Stops: []Stage{DHCP},
		Evidence: "DHCPDISCOVERs of a machine that wants to boot, and no DHCPOFFER for it.",
		Meaning: "No DHCP server heard the machine, or none is willing: the server is down, listens on another interface, " +
			"has no subnet for this network, or ignores this client (deny, known-clients, a class that does not match).",
		Hint:   "See whether the server's log shows the DISCOVER. If not, it is the path (VLAN, relay, firewall, interface); if so, the subnet, pool and class declarations.",
		detect: dhcpNoAnswer,
	}, {
		ID: "dhcp-pool-exhausted", Title: "no address is free", Stops: []Stage{DHCP},
		Evidence: "DHCPDISCOVERs without a DHCPOFFER, and a server's log that says \"no free leases\".",
		Meaning:  "The server hears the machine and would answer, but every address of the pool is leased, or the pool's permissions leave none for this client.",
		Hint:     "Widen the range, shorten the lease times, or see who holds the addresses (dhcpd.leases).",
		Over:     []string{"dhcp-no-answer"},
		detect:   dhcpPoolExhausted,
	}, {
		ID: "dhcp-offer-ignored", Title: "the client does not take the OFFER", Stops: []Stage{DHCP},
		Evidence: "DHCPOFFERs with an address and a boot file, and no DHCPREQUEST: the client goes on with DISCOVER.",
		Meaning: "The OFFER did not reach the client or it would not have it. A bad UDP checksum, option 60 PXEClient without option 43 (some ROMs then wait for a boot server), " +
			"and an OFFER that is lost on the way to the client's port look the same from the server's side.",
		Hint:   "Capture on the client's own port to see whether the OFFER arrives there; see the finding for what is unusual about it.",
		detect: dhcpOfferIgnored,
	}, {
		ID: "dhcp-nak", Title: "the server refused the address with a NAK", Stops: []Stage{DHCP},
		Evidence: "A DHCPNAK, and no DHCPACK after it.",
		Meaning:  "A server says that the address asked for is not the client's to have. An authoritative server says so for addresses of foreign networks, also in answer to another server's OFFER.",
		Hint:     "Look whether two DHCP servers serve this network; if so, only one may be authoritative for it.",
		detect:   dhcpNAK,
	}}
}

func dhcpNoAnswer(c *client) []detection {
	x := c.f.dhcp.last()
	if x == nil || x.discovers.n == 0 || x.offered() || x.ack != nil || x.nak != nil || c.f.dhcp.acked() != nil || c.f.halfHeard() {
		return nil
	}
	w := c.f.gaveUp(x.discovers.at)
	if w == nil && !c.f.unheard() && (!c.f.stopped() || !c.named && x.discovers.n < 2) {
		return nil
	}
	d := detection{proof: true}
	d.Summary = fmt.Sprintf("%s from %s, and no OFFER", count(x.discovers.n, "DHCPDISCOVER"), c.m.MAC)
	if len(x.offers) > 0 {
		d.Summary += fmt.Sprintf(" with an address: %s, a ProxyDHCP server, answered alone", x.offers[0].server)
		d.Frames = append(d.Frames, x.offers[0].frame)
	}
	if c.f.net.adverts.n == 0 && len(c.f.net.heard) == 0 {
		d.Summary += "; nothing else is heard on this network"
	}
	d.Summary += c.f.then(x.discovers.at) + "."
	d.Frames = append(d.Frames, x.discovers.frame)
	return []detection{d}
}

// fewNAKs is how often the same REQUEST is refused before it is clear that it
// will be again.
const fewNAKs = 3

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
		d := detection{proof: c.f.stopped() || c.f.gaveUp(x.nak.at) != nil || x.naks >= fewNAKs && x.ack == nil}
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

func dhcpPoolExhausted(c *client) []detection {
	x := c.f.dhcp.last()
	if x == nil || x.discovers.n == 0 || x.offered() || c.f.dhcp.acked() != nil {
		return nil
	}
	for i := range c.f.net.says {
		s := &c.f.net.says[i]
		if s.at.Before(x.discovers.at) || namesMAC(s.text) && !strings.Contains(strings.ToLower(s.text), c.m.MAC) {
			continue
		}
		d := detection{proof: c.f.stopped() || c.f.unheard() || c.f.gaveUp(x.discovers.at) != nil}
		d.Summary = fmt.Sprintf("%s, and no OFFER; the server says %s.", count(x.discovers.n, "DHCPDISCOVER"), quoted(s.text))
		d.Frames = framesOf(x.discovers.frame)
		d.Where = c.origins("dhcp.ip.your")
		return []detection{d}
	}
	return nil
}

// namesMAC says whether a server's line is about one client.
func namesMAC(text string) bool {
	run := 0 // pairs of hexadecimal digits with colons between
	for i := 0; i+2 < len(text); {
		if isHex(text[i]) && isHex(text[i+1]) && text[i+2] == ':' {
			if run++; run == 5 {
				return true
			}
			i += 3
			continue
		}
		run = 0
		i++
	}
	return false
}

func isHex(c byte) bool { return strings.IndexByte("0123456789abcdefABCDEF", c) >= 0 }

// fewRetried is how often a client asks again before it is clear that it drops
// every OFFER of a server whose checksums are wrong.
const fewRetried = 2

func dhcpOfferIgnored(c *client) []detection {
	x := c.f.dhcp.last()
	if x == nil || !x.offered() || x.request.n > 0 || x.ack != nil || x.nak != nil || x.retried == 0 && !c.f.stopped() {
		return nil
	}
	var why []string
	named, damaged := false, true
	for i := range x.offers {
		o := &x.offers[i]
		named = named || o.file != "" || o.has43
		damaged = damaged && o.badSum
		if o.badSum {
			why = append(why, fmt.Sprintf("the UDP checksum of %s is wrong", o.server))
		}
		if o.pxe && !o.has43 && !o.proxy {
			why = append(why, fmt.Sprintf("%s says PXEClient (option 60) without vendor options (43), at which some ROMs wait for a boot server", o.server))
		}
	}
	if !named && !x.ipxe {
		return nil // dhcp-no-bootfile says why
	}
	d := detection{proof: c.f.stopped() || c.f.gaveUp(x.offers[0].at) != nil || damaged && x.retried >= fewRetried}
	why = slices.Compact(why)
	d.Summary = fmt.Sprintf("%s offered %s, and the client sent no REQUEST but %s more", x.offers[0].server, x.offers[0].your, count(x.retried, "DISCOVER"))
	if len(why) == 0 {
		why = append(why, "nothing in the OFFER explains it; it may not have reached the client")
	}
	d.Summary += ": " + strings.Join(why, "; ") + "."
	d.Frames = x.frames()
	return []detection{d}
}
