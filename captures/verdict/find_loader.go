package verdict

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pxeproof/pxeproof/captures"
)

// Findings about boot programs and what they go on to fetch.
func loaderEntries() []Entry {
	return []Entry{{
		ID: "pxelinux-config-missing", Title: "pxelinux finds no configuration", Stops: []Stage{Config, Kernel, OS, Files},
		Evidence: "ERROR for pxelinux.cfg/default, the last name of pxelinux's search, and for every name before it.",
		Meaning: "pxelinux looks in pxelinux.cfg/, beside the boot program, for the client's UUID, its MAC with 01- before it in lower case, its address in upper-case hexadecimal, " +
			"shortened digit by digit, and at last \"default\". None of them is there.",
		Hint:   "Put a file named default into pxelinux.cfg/ beside the boot program, below the TFTP server's root, readable for everybody.",
		Over:   []string{"tftp-file-not-found"},
		detect: pxelinuxConfigMissing,
	}, {
		ID: "pxelinux-kernel-missing", Title: "the kernel that the configuration names is not there", Stops: []Stage{Kernel, OS, Files},
		Evidence: "A configuration was fetched, and then ERROR for a kernel; pxelinux says \"Loading …... failed\" or \"Could not find kernel image\".",
		Meaning:  "KERNEL (or LINUX) names a file that the server does not have. A name without a leading slash counts from the directory of the boot program, not from pxelinux.cfg/.",
		Hint:     "Compare the name in the request with the files below the TFTP root, or correct the KERNEL line.",
		Over:     []string{"tftp-file-not-found"},
		detect:   pxelinuxKernelMissing,
	}, {
		ID: "initrd-missing", Title: "the kernel has no initrd", Stops: []Stage{Kernel, OS, Files},
		Evidence: "ERROR for the initrd that the configuration names; or a kernel that panics for want of a root file system, although no initrd was fetched.",
		Meaning:  "The initrd holds the drivers and the first program. Without it the kernel starts and finds nothing to run.",
		Hint:     "Put the initrd where INITRD or initrd= names it, relative to the boot program's directory, or add initrd= to the APPEND line.",
		Over:     []string{"tftp-file-not-found", "pxelinux-kernel-missing", "console-panic"},
		detect:   initrdMissing,
	}, {
		ID: "ipxe-chainload-loop", Title: "iPXE is given the same boot program again and again", Stops: []Stage{Config, Kernel, OS, Files},
		Evidence: "A client that says it is iPXE (option 77 or 175) is given, and fetches, the boot program that it has fetched before, several times, and nothing else.",
		Meaning:  "The program that is chainloaded is iPXE, asks DHCP again, and is sent to itself.",
		Hint:     "Answer clients with user class iPXE with the script or the next program: if exists user-class and option user-class = \"iPXE\" { filename \"…\"; }.",
		detect:   chainloadLoop,
	}, {
		ID: "ipxe-slaac-delay", Title: "iPXE waits for an IPv6 router that is not there",
		Evidence: "Router Solicitations of an iPXE client before it asks for its boot file, and no Router Advertisement.",
		Meaning:  "iPXE configures IPv6 beside DHCP, and waits up to some 13 seconds for a router's advertisement, at every boot.",
		Hint:     "Send Router Advertisements on the boot network (radvd, dnsmasq --enable-ra); any advertisement ends the wait.",
		detect:   slaacDelay,
	}, {
		ID: "install-loop", Title: "the machine is installed again and again", Stops: []Stage{OS, Files}, Else: Warning,
		Evidence: "The machine went from DHCP to the kernel again after its operating system had started.",
		Meaning:  "An installer that reboots a machine whose first boot device is the network starts over.",
		Hint:     "Let the disk come first in the boot order, or have the server offer localboot once the installation is done.",
		detect:   installLoop,
	}, {
		ID: "secure-boot-refused", Title: "Secure Boot refused a signature", Stops: []Stage{NBP, Config, Kernel, OS},
		Evidence: "The words of firmware, shim or GRUB: Security Violation, Access Denied, bad shim signature, SBAT.",
		Meaning:  "Each program is verified by the one before it: the firmware has Microsoft's keys, shim its distribution's, GRUB asks shim. The file named is not signed by the key expected, or its generation is revoked.",
		Hint:     "Use shim, GRUB and kernel of one distribution and release, as signed; or enrol the key (mokutil).",
		detect:   secureBootRefused,
	}, {
		ID: "http-error", Title: "the HTTP server refused a file", Stops: fileStages,
		Evidence: "A status of 400 or more for a file that did not come later.",
		Meaning:  "404: no such file; 403: it may not be read; 5xx: the server failed.",
		Hint:     "See the server's log for the path that it looked for.",
		detect:   httpError,
	}}
}

// config is the configuration that was fetched; nil if none was.
func (c *client) config() *fetch {
	for _, t := range slices.Backward(c.f.tftp.order) {
		if t.done.n > 0 && isConfig(t.name) {
			return t
		}
	}
	return nil
}

func pxelinuxConfigMissing(c *client) []detection {
	if c.config() != nil {
		return nil
	}
	tried := 0
	var frames []captures.Frame
	var last *fetch
	for _, t := range c.f.tftp.order {
		name := cleanName(t.name)
		if t.err.n == 0 || !t.byPeer || !isNotFound(t) || !isConfig(name) {
			continue
		}
		if tried++; tried == 1 {
			frames = append(frames, t.asked.frame)
		}
		if name == "pxelinux.cfg/default" || strings.HasSuffix(name, "/pxelinux.cfg/default") {
			last = t
		}
	}
	if last == nil {
		return nil
	}
	d := detection{proof: true}
	d.Summary = fmt.Sprintf("pxelinux asked for %s and found none; the last was %s%s.", count(tried, "name"), quoted(last.name), c.f.then(last.err.at))
	d.Frames = framesOf(append(frames, last.err.frame)...)
	for i := range c.rules {
		if r := &c.rules[i]; r.Stage == Config {
			d.Where = append(append(d.Where, r.Origin), r.Related...)
		}
	}
	return []detection{d}
}

// isInitrd guesses from its name whether a file is an initrd.
func isInitrd(name string) bool {
	base := strings.ToLower(baseName(name))
	return strings.Contains(base, "initr") || strings.HasSuffix(base, ".cpio") || strings.Contains(base, ".cpio.")
}

// missingAfterConfig is the file that was refused after a configuration had
// been fetched, and whether it is an initrd. Nil if there is none.
func (c *client) missingAfterConfig() (t *fetch, initrd bool) {
	conf := c.config()
	if conf == nil {
		return nil, false
	}
	t = c.refused(isNotFound)
	if t == nil || !t.asked.at.After(conf.done.at) {
		return nil, false
	}
	switch c.role(t.name) {
	case "initrd":
		return t, true
	case "kernel":
		return t, false
	}
	return t, isInitrd(t.name)
}

func pxelinuxKernelMissing(c *client) []detection {
	t, initrd := c.missingAfterConfig()
	if t == nil || initrd || !isPXELinuxConfig(c.config().name) {
		return nil
	}
	d := c.refusal(t)
	d.Summary = fmt.Sprintf("%s names the kernel %s, which %s does not have: ERROR %d %s%s.", quoted(c.config().name), quoted(t.name), t.to, t.code, quoted(t.message), c.f.then(t.err.at))
	d.Frames = framesOf(c.config().done.frame, t.asked.frame, t.err.frame)
	return []detection{d}
}

func isPXELinuxConfig(name string) bool {
	return strings.Contains("/"+cleanName(name), "/pxelinux.cfg/") || baseName(name) == "syslinux.cfg"
}

func initrdMissing(c *client) []detection {
	if t, initrd := c.missingAfterConfig(); initrd {
		d := c.refusal(t)
		d.Summary = fmt.Sprintf("%s names the initrd %s, which %s does not have: ERROR %d %s%s.", quoted(c.config().name), quoted(t.name), t.to, t.code, quoted(t.message), c.f.then(t.err.at))
		d.Frames = framesOf(c.config().done.frame, t.asked.frame, t.err.frame)
		return []detection{d}
	}
	w := c.f.console.find(func(w *said) bool {
		return w.message.who == linux && (strings.Contains(w.text, "Unable to mount root fs") || strings.Contains(w.text, "No working init found"))
	})
	if w == nil || c.f.tftp.done == 0 || c.f.tftp.anyFetched(isInitrd) || c.f.http.asked.n > 0 {
		return nil
	}
	for i := range c.rules {
		if r := &c.rules[i]; r.Transfer != nil && r.Transfer.Role == "initrd" && r.out.Status == Pass {
			return nil
		}
	}
	d := detection{proof: true}
	d.Summary = fmt.Sprintf("No initrd was fetched, and the kernel says %s.", quoted(w.text))
	if t := c.config(); t != nil {
		d.Frames = framesOf(t.done.frame)
	}
	for i := range c.rules {
		if r := &c.rules[i]; r.Stage == Kernel {
			d.Where = append(d.Where, r.Origin)
		}
	}
	return []detection{d}
}

// loopFetches is how often the same boot program and nothing else must come
// before it is a loop: a firmware that tries twice is none.
const loopFetches = 3

func chainloadLoop(c *client) []detection {
	x := c.f.dhcp.acked()
	if x == nil || !x.ipxe {
		return nil
	}
	name := x.bootReply().file
	n := c.f.tftp.got[cleanName(name)]
	if n < loopFetches || c.f.tftp.anyFetched(func(other string) bool { return !sameFile(other, name) }) {
		return nil
	}
	d := detection{proof: true}
	d.Summary = fmt.Sprintf("iPXE was given %s and fetched it %s, and nothing else.", quoted(name), times(n))
	for _, y := range c.f.dhcp.exchanges {
		if y.ack != nil && y.bootReply().file == name && len(d.Frames) < 4 {
			d.Frames = append(d.Frames, y.ack.frame)
		}
	}
	d.Where = c.origins(BootFile, "dhcp.file", "dhcp.option.bootfile_name")
	return []detection{d}
}

// slowSLAAC is a wait worth a word.
const slowSLAAC = 2 * time.Second

func slaacDelay(c *client) []detection {
	s := &c.f.solicit
	x := c.f.dhcp.acked()
	if s.first.n < 2 || x == nil || !x.ipxe || c.f.net.adverts.n > 0 && c.f.net.adverts.at.Before(s.last.at) {
		return nil
	}
	// The wait that SLAAC alone costs begins when DHCP is done.
	from, to := x.ack.at, s.last.at
	if s.first.at.After(from) {
		from = s.first.at
	}
	next := c.f.http.asked.at
	if len(c.f.tftp.order) > 0 {
		next = c.f.tftp.order[0].asked.at
	} else if a := c.f.arps[x.bootReply().siaddr]; a != nil {
		next = a.at
	}
	if next.After(to) {
		to = next
	}
	if to.Sub(from) < slowSLAAC {
		return nil
	}
	d := detection{}
	d.Summary = fmt.Sprintf("%s and no Router Advertisement: %s of this boot went by.", count(s.first.n, "Router Solicitation"), span(to.Sub(from)))
	d.Frames = framesOf(s.first.frame, s.last.frame)
	return []detection{d}
}

func installLoop(c *client) []detection {
	if b := c.before; b != nil && b.f.osAt.n > 0 {
		for _, t := range c.f.tftp.order {
			if t.done.n > 0 && b.f.tftp.fetched(t.name) && (isKernel(t.name) || isInitrd(t.name)) {
				// A diskless machine does so at every start.
				d := detection{bystander: true}
				d.Summary = fmt.Sprintf("The operating system had started; then the machine booted from the network again and fetched %s once more.", quoted(t.name))
				d.Frames = framesOf(b.f.osAt.frame, t.done.frame)
				return []detection{d}
			}
		}
	}
	if c.f.osAt.n == 0 {
		return nil
	}
	for _, t := range c.f.tftp.order {
		if t.done.n == 0 || !t.done.at.After(c.f.osAt.at) || c.f.tftp.got[cleanName(t.name)] < 2 || isConfig(t.name) || c.role(t.name) == "nbp" || isLookup(t.name) {
			continue
		}
		x := c.f.dhcp.acked()
		if x == nil || !x.ack.at.After(c.f.osAt.at) {
			continue
		}
		d := detection{proof: true}
		d.Summary = fmt.Sprintf("The operating system had started; then the machine booted from the network again and fetched %s once more.", quoted(t.name))
		d.Frames = framesOf(c.f.osAt.frame, x.ack.frame, t.done.frame)
		return []detection{d}
	}
	return nil
}

func secureBootRefused(c *client) []detection {
	w := c.f.console.find(func(w *said) bool {
		return w.message.isSecurity() || w.message.who == firmware && strings.HasSuffix(w.text, "Access Denied")
	})
	if w == nil {
		return nil
	}
	d := detection{proof: c.f.stopped() || w.message.ends == givesUp || c.f.gaveUp(w.at) != nil}
	d.Summary = fmt.Sprintf("%s says %s", capital(w.message.who), quoted(w.text))
	for _, t := range slices.Backward(c.f.tftp.order) {
		if t.done.n > 0 && !t.done.at.After(w.at) {
			d.Summary += fmt.Sprintf("; the last file fetched before was %s", quoted(t.name))
			d.Frames = framesOf(t.done.frame)
			d.Where = c.fileOrigins(t.name)
			break
		}
	}
	d.Summary += "."
	return []detection{d}
}

func httpError(c *client) []detection {
	for _, h := range slices.Backward(c.f.http.faults) {
		if c.f.http.got[h.uri] {
			continue
		}
		d := detection{proof: c.f.stopped() || c.f.gaveUp(h.at) != nil}
		d.Summary = fmt.Sprintf("Status %d for %s%s.", h.code, quoted(h.uri), c.f.then(h.at))
		d.Frames = framesOf(h.frame)
		d.Where = c.fileOrigins(h.uri)
		return []detection{d}
	}
	return nil
}

// capital begins a sentence.
func capital(s string) string {
	if s == "" || s == iPXE || s == pxelinux || s == shim {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
