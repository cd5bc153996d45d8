package verdict

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/pxeproof/pxeproof/captures"
)

// Findings about what DHCP says to boot, and from whom.
func nextServerEntries() []Entry {
	return []Entry{{
		ID: "dhcp-no-bootfile", Title: "an address, but no boot file", Stops: []Stage{DHCP, NBP},
		Evidence: "A DHCPACK (for firmware that refuses such OFFERs: DHCPOFFERs alone) with neither the header's file nor option 67, and no ProxyDHCP server that names one.",
		Meaning:  "The server gave an address and nothing to boot. Often the filename stands in a subnet, class or host that this client is not in, or in a condition on option 93 that has no branch for its architecture.",
		Hint:     "Give the subnet, class or host that answers this client a filename.",
		Over:     []string{"wire-differs"},
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
	}, {
		ID: "dhcp-next-server-offsubnet", Title: "the next-server is in another subnet, and no router leads there", Stops: []Stage{NBP, Config, Kernel}, Else: Note,
		Evidence: "siaddr outside of the subnet that the mask (option 1) gives, while option 3 names no router, or one that answers no ARP.",
		Meaning:  "The client cannot reach the TFTP server: it has no way out of its subnet.",
		Hint:     "Give option routers the address of a router that leads to the TFTP server, or correct next-server.",
		Over:     []string{"tftp-no-answer", "dhcp-next-server-dead"},
		detect:   dhcpNextServerOffsubnet,
	}}
}

func dhcpNoBootfile(c *client) []detection {
	x := c.f.dhcp.last()
	if x == nil {
		return nil
	}
	if x.ack == nil {
		// EDK2 takes no OFFER without a boot file, and says nothing to it.
		if len(x.offers) == 0 || x.request.n > 0 || x.ipxe {
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
	var at time.Time
	if x.ack != nil {
		at = x.ack.at
	} else {
		at = x.offers[0].at
	}
	d := detection{proof: c.f.stopped() || c.f.gaveUp(at) != nil}
	if x.ack != nil {
		d.Summary = fmt.Sprintf("%s gave the address %s, but neither file nor option 67", x.ack.server, x.ack.your)
	} else {
		d.Summary = fmt.Sprintf("%s offered the address %s with neither file nor option 67, and the client did not take it", x.offers[0].server, x.offers[0].your)
	}
	d.Summary += c.f.then(at) + "."
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
	// A ProxyDHCP OFFER with vendor options (43) has the client look for a boot
	// server, and that one says where from.
	if r.file == "" || isURL(r.file) || !r.siaddr.IsUnspecified() || r.proxy && r.has43 {
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
	case nbp && asked.done.n > 0 && sameFile(asked.name, r.file) && c.f.http.asked.n > 0:
		d.Summary += fmt.Sprintf("; the client took it from %s (option 54) instead", asked.to)
		d.bystander = true
	case nbp && asked.done.n > 0 && sameFile(asked.name, r.file) && !c.readsSiaddr(r.file):
		d.Summary += fmt.Sprintf("; the client took it from %s (option 54) instead", asked.to)
		d.bystander = true
	case nbp && asked.done.n > 0 && sameFile(asked.name, r.file):
		d.Summary += fmt.Sprintf("; the client took it from %s (option 54) instead, but the boot program then asked nobody for its next file", asked.to)
	case !asked.answered():
		d.Summary += fmt.Sprintf("; the client asked %s (option 54) instead, which did not answer", asked.to)
	default:
		d.Summary += fmt.Sprintf("; the client asked %s (option 54) instead", asked.to)
		d.bystander = true
	}
	d.Summary += c.f.then(r.at) + "."
	d.proof = c.f.stopped() || w != nil
	if o := x.offerOf(r); o != nil {
		d.Frames = append(d.Frames, o.frame)
	}
	d.Frames = append(d.Frames, r.frame)
	d.Where = c.origins("dhcp.ip.server", BootFile, "dhcp.file", "dhcp.option.bootfile_name")
	return []detection{d}
}

// readsSiaddr says whether a boot program is known to look at siaddr for its
// next file, or has complained.
func (c *client) readsSiaddr(nbp string) bool {
	return c.m.Loader == "shim" || strings.Contains(strings.ToLower(baseName(nbp)), "shim") ||
		c.f.console.find(func(w *said) bool { return w.message.who == shim }) != nil
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

func dhcpNextServerOffsubnet(c *client) []detection {
	x := c.f.dhcp.acked()
	if x == nil {
		return nil
	}
	r := x.bootReply()
	bits, ok := maskBits(r.mask)
	if !ok || !r.your.Is4() || !r.siaddr.Is4() || r.siaddr.IsUnspecified() || isURL(r.file) {
		return nil
	}
	subnet := netip.PrefixFrom(r.your, bits).Masked()
	if subnet.Contains(r.siaddr) {
		return nil
	}
	for _, t := range c.f.tftp.order {
		if t.to == r.siaddr && t.answered() {
			return nil // there is a way
		}
	}
	d := detection{proof: c.f.stopped() || c.f.gaveUp(r.at) != nil}
	d.Summary = fmt.Sprintf("siaddr %s is outside of %s", r.siaddr, subnet)
	d.Frames = []captures.Frame{r.frame}
	switch ask, certain := c.f.silent(r.router); {
	case !r.router.IsValid() || r.router.IsUnspecified():
		d.Summary += ", and no router was given (option 3)."
	case ask != nil:
		d.Summary += fmt.Sprintf(", and the router %s does not answer ARP.", r.router)
		d.Frames = append(d.Frames, ask.frames...)
		d.proof = d.proof || certain
	default:
		return nil
	}
	d.Where = c.origins("dhcp.ip.server", "dhcp.option.router")
	return []detection{d}
}

// maskBits is the length of a subnet mask's prefix; ok is false if its ones
// are not all in front.
func maskBits(mask netip.Addr) (bits int, ok bool) {
	if !mask.Is4() {
		return 0, false
	}
	b := mask.As4()
	ones, size := net.IPMask(b[:]).Size()
	return ones, size != 0
}
