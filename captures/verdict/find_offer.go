package verdict

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pxeproof/pxeproof/captures"
)

// Findings about DHCP answers that are wrong for this client, or come from
// where they should not.
func offerEntries() []Entry {
	return []Entry{{
		ID: "dhcp-rogue-server", Title: "two DHCP servers, and they disagree", Stops: []Stage{DHCP, NBP, Config, Kernel}, Else: Warning,
		Evidence: "OFFERs with different server identifiers (option 54) in one exchange, whose file, next-server, mask or router differ.",
		Meaning: "Two servers answer on one network. Which of them a client takes depends on who is faster and on the client: iPXE takes the first if the OFFER " +
			"tells it not to wait for ProxyDHCP servers (option 175.176), and else the latest of those that come while it waits, even if only the other names a boot file.",
		Hint:   "Find the second server by its address and MAC and stop it, or make it a ProxyDHCP server.",
		Over:   []string{"dhcp-no-bootfile", "dhcp-next-server-unset", "dhcp-next-server-dead", "dhcp-next-server-offsubnet", "wire-differs", "tftp-no-answer", "tftp-refused", "tftp-file-not-found"},
		detect: dhcpRogue,
	}, {
		ID: "dhcp-wrong-arch", Title: "the boot program is for another kind of machine", Stops: []Stage{NBP, Config, Kernel, OS}, Else: Warning,
		Evidence: "The client's architecture (option 93) against the kind of the file: a UEFI program (.efi, PE) for a BIOS client, or a BIOS boot program (.0, .kpxe, .pxe) for a UEFI client.",
		Meaning:  "The file arrives and cannot be executed.",
		Hint:     "Let the server choose the filename by option 93 (option arch): 0 is BIOS, 7 and 9 are x86-64 UEFI, 11 is arm64 UEFI (RFC 4578, IANA's registry).",
		detect:   dhcpWrongArch,
	}, {
		ID: "dhcp-bootfile-garbled", Title: "the boot file's name is damaged", Stops: []Stage{DHCP, NBP},
		Evidence: "Unprintable bytes, typographic quotes or blanks at an end of the boot file's name, or a URL given to a client that knows TFTP alone.",
		Meaning:  "The client asks for a file of exactly this name, quotes and all.",
		Hint:     "Write the filename anew in plain ASCII quotes; keep URLs for HTTPClient and iPXE clients (match option 60, 77 or 93).",
		Over:     []string{"tftp-file-not-found", "dhcp-next-server-unset"},
		detect:   dhcpBootfileGarbled,
	}, {
		ID: "proxydhcp-no-answer", Title: "the boot server on port 4011 does not answer", Stops: []Stage{DHCP, NBP},
		Evidence: "A request to port 4011 without an answer, after an OFFER whose options 60 and 43 send the client there.",
		Meaning:  "The PXE specification has a client ask the boot server on port 4011 if the vendor options say so and name no boot file.",
		Hint:     "Start the ProxyDHCP service on that host, or take option 60 and 43 out of the DHCP server's answers.",
		Over:     []string{"dhcp-no-bootfile"},
		detect:   proxyNoAnswer,
	}, {
		ID: "dhcp-address-conflict", Title: "somebody else has the client's address", Stops: []Stage{DHCP, NBP, Config, Kernel, OS, Files}, Else: Warning,
		Evidence: "An ARP answer for the address that the client was given, from another MAC; or a DHCPDECLINE.",
		Meaning:  "Another host uses an address of the pool. Answers to the client go to that host.",
		Hint:     "Take the address out of the range, or the other host off it.",
		Over:     []string{"tftp-no-answer", "tftp-stalled"},
		detect:   dhcpAddressConflict,
	}}
}

func dhcpRogue(c *client) []detection {
	for _, x := range slices.Backward(c.f.dhcp.exchanges) {
		for i := range x.offers {
			for j := range x.offers[:i] {
				a, b := &x.offers[j], &x.offers[i]
				if a.proxy || b.proxy || a.server == b.server {
					continue
				}
				if diff := differences(a, b); len(diff) > 0 {
					return []detection{c.rogue(x, a, b, diff)}
				}
			}
		}
	}
	return nil
}

// differences are the fields in which two OFFERs disagree, of those that matter
// to a boot.
func differences(a, b *reply) []string {
	var s []string
	add := func(name, x, y string) {
		if x != y {
			s = append(s, fmt.Sprintf("%s %s and %s", name, x, y))
		}
	}
	add("file", orNone(a.file), orNone(b.file))
	add("siaddr", addrWord(a.siaddr), addrWord(b.siaddr))
	add("mask", addrWord(a.mask), addrWord(b.mask))
	add("router", addrWord(a.router), addrWord(b.router))
	return s
}

func addrWord(a netip.Addr) string {
	if !a.IsValid() {
		return "none"
	}
	return a.String()
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return quoted(s)
}

func (c *client) rogue(x *exchange, a, b *reply, diff []string) detection {
	d := detection{}
	taken := x.chosen
	if x.ack != nil {
		taken = x.ack.server
	}
	d.Summary = fmt.Sprintf("%s and %s both answer; they give %s", a.server, b.server, strings.Join(diff, ", "))
	if taken.IsValid() {
		d.Summary += fmt.Sprintf("; the client took the OFFER of %s", taken)
	}
	d.Summary += "."
	d.Frames = []captures.Frame{a.frame, b.frame}
	if x.ack != nil {
		d.Frames = append(d.Frames, x.ack.frame)
	}
	// It is to blame only if the OFFER not taken is the better one.
	got, other := a, b
	if taken == b.server {
		got, other = b, a
	}
	d.bystander = !taken.IsValid() || c.merit(got) >= c.merit(other)
	d.proof = !d.bystander && (c.f.stopped() || x.ack != nil && c.f.gaveUp(x.ack.at) != nil)
	d.Where = c.origins("dhcp.ip.server", BootFile, "dhcp.file")
	return d
}

// merit is how much an OFFER is what the configuration says or, without one,
// what a boot needs.
func (c *client) merit(r *reply) int {
	n := 0
	if r.file != "" {
		n += 2
	}
	if r.siaddr.IsValid() && !r.siaddr.IsUnspecified() {
		n++
	}
	for i := range c.rules {
		for j := range c.rules[i].Match {
			switch m := &c.rules[i].Match[j]; {
			case m.Field == BootFile && m.Value == r.file, m.Field == "dhcp.ip.server" && m.Value == r.siaddr.String():
				n += 4
			}
		}
	}
	return n
}

// Architectures of option 93 (RFC 4578, 2.1, and IANA's registry of 2016).
func archName(arch int64) (name string, efi bool) {
	names := map[int64]string{0: "BIOS", 2: "Itanium UEFI", 6: "32-bit x86 UEFI", 7: "x86-64 UEFI", 9: "x86-64 UEFI",
		10: "32-bit ARM UEFI", 11: "arm64 UEFI", 15: "32-bit x86 UEFI over HTTP", 16: "x86-64 UEFI over HTTP",
		18: "32-bit ARM UEFI over HTTP", 19: "arm64 UEFI over HTTP", 20: "BIOS over HTTP", 27: "RISC-V 64 UEFI"}
	n, ok := names[arch]
	if !ok {
		return fmt.Sprintf("architecture %d", arch), false
	}
	return n, strings.Contains(n, "UEFI")
}

// fileKind guesses from its name what a boot program is for; "" is unknown.
func fileKind(name string) string {
	base := strings.ToLower(baseName(name))
	switch {
	case strings.HasSuffix(base, ".efi"), strings.HasSuffix(base, ".efi.signed"):
		return "efi"
	case strings.HasSuffix(base, ".0"), strings.HasSuffix(base, ".kpxe"), strings.HasSuffix(base, ".kkpxe"), strings.HasSuffix(base, ".pxe"):
		return "bios"
	}
	return ""
}

func dhcpWrongArch(c *client) []detection {
	x := c.f.dhcp.acked()
	if x == nil || x.arch < 0 {
		return nil
	}
	r := x.bootReply()
	arch, efi := archName(x.arch)
	kind := fileKind(r.file)
	for i := range c.rules {
		if t := c.rules[i].Transfer; t != nil && t.Role == "nbp" && t.Format != "" && sameFile(t.Name, r.file) {
			kind = t.Format
		}
	}
	if x.arch != 0 && !efi || kind == "" || efi == (kind == "efi") {
		return nil
	}
	d := detection{proof: c.f.stopped() || c.f.gaveUp(r.at) != nil}
	what := map[string]string{"efi": "a UEFI program", "bios": "a BIOS boot program"}[kind]
	d.Summary = fmt.Sprintf("The client is a %s machine (option 93 is %d) and is given %s, %s", arch, x.arch, quoted(r.file), what)
	d.Summary += c.f.then(r.at) + "."
	d.Frames = framesOf(x.discovers.frame, r.frame)
	d.Where = c.origins(BootFile, "dhcp.file", "dhcp.option.bootfile_name")
	// Not fetched, it has stopped nothing yet; and a boot program that went on
	// to ask for files has been executed.
	d.bystander = !c.f.tftp.fetched(r.file) && c.f.http.asked.n == 0
	for _, t := range c.f.tftp.order {
		d.bystander = d.bystander || !sameFile(t.name, r.file) && t.asked.at.After(r.at)
	}
	return []detection{d}
}

func dhcpBootfileGarbled(c *client) []detection {
	x := c.f.dhcp.acked()
	if x == nil {
		return nil
	}
	r := x.bootReply()
	why := garbled(r.file)
	if web := strings.HasPrefix(x.class, "HTTPClient") || x.ipxe; why == "" && isURL(r.file) && !web && strings.HasPrefix(x.class, "PXEClient") {
		why = "is a URL, and this client knows TFTP alone"
	}
	if why == "" {
		return nil
	}
	d := detection{proof: c.f.stopped() || c.f.gaveUp(r.at) != nil}
	d.bystander = c.f.tftp.fetched(r.file)
	d.Summary = fmt.Sprintf("The boot file %q %s.", clip(r.file), why)
	d.Frames = []captures.Frame{r.frame}
	d.Where = c.origins(BootFile, "dhcp.file", "dhcp.option.bootfile_name")
	return []detection{d}
}

func clip(s string) string {
	if len(s) > maxWord {
		return s[:maxWord]
	}
	return s
}

// garbled says what is wrong with a file's name; "" if nothing is.
func garbled(name string) string {
	switch {
	case name == "":
		return ""
	case strings.ContainsAny(name, "“”„‟‘’\""):
		return "has quotes in it"
	case !utf8.ValidString(name):
		return "has bytes in it that are no text"
	case strings.TrimSpace(name) != name:
		return "begins or ends with a blank"
	}
	for _, r := range name {
		if !unicode.IsPrint(r) {
			return "has unprintable characters in it"
		}
	}
	return ""
}

func proxyNoAnswer(c *client) []detection {
	x := c.f.dhcp.last()
	if x == nil || x.proxyAsk.n == 0 || x.proxyAck != nil {
		return nil
	}
	w := c.f.gaveUp(x.proxyAsk.at)
	d := detection{proof: c.f.stopped() || w != nil, bystander: c.f.tftp.done > 0 || c.f.halfHeard()}
	d.Summary = fmt.Sprintf("%s to port 4011, and no answer%s.", count(x.proxyAsk.n, "request"), c.f.then(x.proxyAsk.at))
	d.Frames = []captures.Frame{x.proxyAsk.frame}
	for i := range x.offers {
		if o := &x.offers[i]; o.pxe {
			d.Summary += fmt.Sprintf(" The OFFER of %s says PXEClient (option 60).", o.server)
			d.Frames = append(d.Frames, o.frame)
			break
		}
	}
	return []detection{d}
}

func dhcpAddressConflict(c *client) []detection {
	d := detection{}
	if n := c.f.dhcp.declined.n; n > 0 {
		d.Summary = fmt.Sprintf("The client declined the address it was given, %s: somebody answers ARP for it.", times(n))
		d.Frames = []captures.Frame{c.f.dhcp.declined.frame}
	} else {
		x := c.f.dhcp.acked()
		if x == nil {
			return nil
		}
		for _, o := range c.f.net.owners[x.ack.your] {
			if o.mac != c.m.MAC && !o.at.Before(x.ack.at) {
				d.Summary = fmt.Sprintf("%s was given to %s, but %s answers ARP for it.", x.ack.your, c.m.MAC, o.mac)
				d.Frames = []captures.Frame{x.ack.frame, o.frame}
			}
		}
	}
	if d.Summary == "" {
		return nil
	}
	t := cmp.Or(c.unanswered(), c.stalled())
	d.bystander = t == nil && c.f.dhcp.acked() != nil
	d.proof = c.f.stopped() || t != nil && c.ended(t)
	d.Where = c.origins("dhcp.ip.your")
	return []detection{d}
}
