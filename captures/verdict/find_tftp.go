package verdict

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// The rungs at which a missing file can stop a boot.
var fileStages = []Stage{NBP, Config, Kernel, OS, Files}

// Findings about TFTP.
func tftpEntries() []Entry {
	return []Entry{{
		ID: "tftp-no-answer", Title: "a read request, and silence", Stops: fileStages,
		Evidence: "An RRQ, its repetitions, and neither OACK, DATA, ERROR nor ICMP in return, from an address where somebody is.",
		Meaning:  "The host is there, but no TFTP answer comes: a firewall drops it, the server's replies take another way, or the service is started and does not answer.",
		Hint:     "On the server, see whether the request arrives (port 69, UDP) and whether the answer, which comes from another port, may leave.",
		detect:   tftpNoAnswer,
	}, {
		ID: "tftp-refused", Title: "nobody listens on the TFTP port", Stops: fileStages,
		Evidence: "An RRQ, and ICMP port unreachable for port 69.",
		Meaning:  "The host is there and no TFTP server runs on it.",
		Hint:     "Start the TFTP service (for xinetd: disable = no), or point next-server at the host that runs it.",
		detect:   tftpRefused,
	}, {
		ID: "tftp-file-not-found", Title: "the server has no such file", Stops: fileStages,
		Evidence: "ERROR 1 for a file that the boot cannot do without. Look-ups that loaders make on the off chance do not count: " +
			"pxelinux's search of pxelinux.cfg/ and of ldlinux.c32, shim's revocations and certificates, GRUB's lists.",
		Meaning: "The name that the client was given leads nowhere below the server's root: case, a path that holds the root once more, or a file not copied.",
		Hint:    "Compare the name in the request, letter by letter, with the files below the server's root (-s of in.tftpd).",
		detect:  tftpFileNotFound,
	}, {
		ID: "tftp-access-violation", Title: "the server may not or will not read the file", Stops: fileStages,
		Evidence: "ERROR 2, or ERROR 0 with \"Permission denied\", for a file that the boot cannot do without.",
		Meaning:  "The file is there. The server's user may not read it, or the server refuses a path outside of its root.",
		Hint:     "Make the file and its directories readable for the server's user (in.tftpd -u nobody wants o+r).",
		detect:   tftpAccessViolation,
	}, {
		ID: "tftp-error", Title: "a transfer ended with an ERROR", Stops: fileStages,
		Evidence: "An ERROR of the server that is neither \"not found\" nor \"access violation\", or one of the client in the middle of a transfer. EDK2's ERROR 8 once it has the size is none.",
		Meaning:  "RFC 1350's codes: 0 see the message, 3 disk full, 4 illegal operation, 5 unknown transfer ID, 6 file exists, 7 no such user; RFC 2347: 8 options refused.",
		Hint:     "The message in the packet says more than the code.",
		detect:   tftpError,
	}}
}

// unanswered is the latest RRQ that nobody answered and that was not a passing
// fancy: nothing was fetched since. Nil if there is none.
func (c *client) unanswered() *fetch {
	k := &c.f.tftp
	if len(k.order) == 0 {
		return nil
	}
	t := k.order[len(k.order)-1]
	if t.asked.n == 0 || t.answered() {
		return nil
	}
	return t
}

// refusals is how often ICMP said that a port is closed.
func (c *client) refusals(to netip.Addr, port uint16) *seen {
	return c.f.net.refused[netip.AddrPortFrom(to, port)]
}

// How often, and for how long, a file must be asked for again in vain before no
// answer can be on its way. iPXE asks again after 0.25, 0.5, 1 and 2 s, and gives
// up after 18; a server that has to be started first takes tenths of a second.
const (
	deadRequests    = 4
	deadRequestSpan = 3500 * time.Millisecond
)

// unheard says that the client's own repetitions of its request prove that no
// answer reaches it.
func (t *fetch) unheard() bool {
	return t.vain >= deadRequests && t.last.Sub(t.vainFrom) >= deadRequestSpan
}

// ended says that nothing more will come of a transfer: the client says so, or
// its repetitions do, or the boot is over.
func (c *client) ended(t *fetch) bool {
	return c.f.stopped() || t.stuck || t.unheard() || c.f.gaveUp(t.asked.at) != nil
}

func tftpNoAnswer(c *client) []detection {
	t := c.unanswered()
	if t == nil || c.refusals(t.to, 69) != nil || c.f.halfHeard() {
		return nil
	}
	w := c.f.gaveUp(t.asked.at)
	if w == nil && !t.unheard() && (!c.f.stopped() || !c.named && t.repeats.n == 0) {
		return nil
	}
	d := detection{proof: true}
	d.Summary = fmt.Sprintf("%s for %s to %s, and no answer", count(1+t.repeats.n, "RRQ"), quoted(t.name), t.to)
	d.Frames = t.frames
	if icmp := c.f.net.forbidden[netip.AddrPortFrom(t.to, 69)]; icmp != nil && !icmp.at.Before(t.asked.at) {
		d.Summary += fmt.Sprintf(" but ICMP, %s: a firewall forbids it", times(icmp.n))
		d.Frames = append(slices.Clone(d.Frames), icmp.frame)
	}
	d.Summary += c.f.then(t.asked.at) + "."
	d.Where = append(c.origins("dhcp.ip.server"), c.fileOrigins(t.name)...)
	return []detection{d}
}

func tftpRefused(c *client) []detection {
	t := c.unanswered()
	if t == nil {
		return nil
	}
	icmp := c.refusals(t.to, 69)
	if icmp == nil || icmp.at.Before(t.asked.at) && icmp.n < 2 {
		return nil
	}
	w := c.f.gaveUp(t.asked.at)
	d := detection{proof: c.f.stopped() || w != nil || icmp.n >= 3}
	d.Summary = fmt.Sprintf("RRQ for %s to %s: ICMP port unreachable, %s%s.", quoted(t.name), t.to, times(icmp.n), c.f.then(t.asked.at))
	d.Frames = append(append(d.Frames, t.frames...), icmp.frame)
	d.Where = c.origins("dhcp.ip.server")
	return []detection{d}
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// Ways in which servers refuse a file. Codes are RFC 1350's, but servers put
// much under code 0 and say it in words.
func isNotFound(t *fetch) bool {
	return t.code == 1 || t.code == 0 && t.says("not found", "no such file")
}

func isDenied(t *fetch) bool {
	return t.code == 2 || t.code == 0 && t.says("denied", "permission", "violation")
}

// says looks for words in the ERROR's message, however they are spelt.
func (t *fetch) says(words ...string) bool {
	m := strings.ToLower(t.message)
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(m, w) })
}

// refused is the latest file that a server would not send, that did not come
// later, and that the boot could not do without. Nil if there is none.
func (c *client) refused(why func(*fetch) bool) *fetch {
	for _, t := range slices.Backward(c.f.tftp.order) {
		if t.err.n > 0 && t.byPeer && why(t) && !c.f.tftp.fetched(t.name) && !c.tolerates(t) {
			return t
		}
	}
	return nil
}

// role says what a file is to this boot: the word of the expectation that
// names it, else what DHCP says of it.
func (c *client) role(name string) string {
	if r := c.fileRule(name); r != nil && r.Transfer.Role != "" {
		return r.Transfer.Role
	}
	if x := c.f.dhcp.acked(); x != nil && sameFile(x.bootReply().file, name) {
		return "nbp"
	}
	return ""
}

// roleWords are roles in a sentence.
func roleWords(role string) string {
	switch role {
	case "":
		return ""
	case "nbp":
		return "the boot program "
	case "config":
		return "the configuration "
	}
	return "the " + role + " "
}

func tftpFileNotFound(c *client) []detection {
	t := c.refused(isNotFound)
	if t == nil {
		return nil
	}
	d := c.refusal(t)
	d.Summary = fmt.Sprintf("%s has no %s%s: ERROR %d %s%s.", t.to, roleWords(c.role(t.name)), quoted(t.name), t.code, quoted(t.message), c.f.then(t.err.at))
	d.Summary = strings.Replace(d.Summary, "no the ", "no ", 1)
	return []detection{d}
}

func tftpError(c *client) []detection {
	for _, t := range slices.Backward(c.f.tftp.order) {
		if !t.byPeer && !t.oack && t.started.n == 0 {
			continue // of what was not seen to begin
		}
		if t.err.n == 0 || t.probed || t.byPeer && (isNotFound(t) || isDenied(t)) || c.f.tftp.fetched(t.name) {
			continue
		}
		d := c.refusal(t)
		who := "The client"
		if t.byPeer {
			who = t.to.String()
		}
		d.Summary = fmt.Sprintf("%s ended the transfer of %s%s with ERROR %d %s%s.", who, roleWords(c.role(t.name)), quoted(t.name), t.code, quoted(t.message), c.f.then(t.err.at))
		return []detection{d}
	}
	return nil
}

func tftpAccessViolation(c *client) []detection {
	t := c.refused(isDenied)
	if t == nil {
		return nil
	}
	d := c.refusal(t)
	d.Summary = fmt.Sprintf("%s will not send %s%s: ERROR %d %s%s.", t.to, roleWords(c.role(t.name)), quoted(t.name), t.code, quoted(t.message), c.f.then(t.err.at))
	return []detection{d}
}

// refusal is what all refusals of a file have in common.
func (c *client) refusal(t *fetch) detection {
	d := detection{proof: c.f.stopped() || c.f.gaveUp(t.err.at) != nil}
	d.Frames = framesOf(t.asked.frame, t.err.frame)
	d.Where = c.fileOrigins(t.name)
	if len(d.Where) == 0 && c.role(t.name) == "nbp" {
		d.Where = c.origins(BootFile, "dhcp.file", "dhcp.option.bootfile_name")
	}
	return d
}

// tolerates says whether a client asked for a file on the off chance and does
// well without it.
func (c *client) tolerates(t *fetch) bool {
	if r := c.fileRule(t.name); r != nil && r.must() || c.role(t.name) == "nbp" {
		return false
	}
	switch base := baseName(t.name); {
	case isDenied(t):
		return !isConfig(t.name) || c.f.tftp.anyFetched(isConfig)
	case strings.HasPrefix(base, "ldlinux."):
		// It is looked for in many places, and needed from one of them.
		if c.f.tftp.anyFetched(func(n string) bool { return baseName(n) == base }) {
			return true
		}
		return c.f.console.find(isNoLdlinux) == nil && (!c.f.stopped() || c.f.tftp.anyAsked(isConfig))
	}
	return isLookup(t.name)
}

func isNoLdlinux(w *said) bool { return strings.HasPrefix(w.message.holds, "Failed to load ldlinux") }

// isConfig says whether a name is that of a loader's configuration.
func isConfig(name string) bool {
	name = cleanName(name)
	base := baseName(name)
	return strings.HasPrefix(name, "pxelinux.cfg/") || strings.Contains(name, "/pxelinux.cfg/") ||
		base == "grub.cfg" || strings.HasPrefix(base, "grub.cfg-") || base == "syslinux.cfg" || strings.HasSuffix(base, ".ipxe")
}

// isLookup knows the files that loaders look for in passing.
func isLookup(name string) bool {
	name = cleanName(name)
	base := baseName(name)
	switch {
	case isConfig(name) && base != "grub.cfg" && base != "syslinux.cfg" && !strings.HasSuffix(base, ".ipxe"),
		// syslinux 6 looks for its second part in many places, and for modules
		// and menus beside every configuration.
		strings.HasPrefix(base, "ldlinux."), strings.HasSuffix(base, ".c32"),
		// shim 15.8 and 16.
		strings.HasPrefix(base, "revocations"), strings.HasPrefix(base, "shim_certificate"),
		// GRUB's module lists, its per-machine configurations, and translations.
		base == "command.lst", base == "fs.lst", base == "crypto.lst", base == "terminal.lst", base == "partmap.lst", base == "parttool.lst", base == "video.lst",
		strings.HasPrefix(base, "grub.cfg-"), strings.HasSuffix(base, ".mo"), strings.HasSuffix(base, ".gmo"),
		// iPXE since 2022.
		base == "autoexec.ipxe":
		return true
	}
	return false
}
