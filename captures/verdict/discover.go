package verdict

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/pxeproof/pxeproof/captures"
)

// maxClients bounds the boots that a capture can show.
const maxClients = 4096

// newBoot is how long a machine must be quiet for its next DISCOVER to begin
// another boot. Spanning tree keeps a client waiting for 30 s.
const newBoot = 45 * time.Second

// discover finds the boot that an event of a machine without expectations
// belongs to; nil if there is none.
func (j *Judge) discover(e *captures.Event) *client {
	c := j.byHost[e.Host]
	if e.Host == "" || e.Source != captures.Wire || c != nil && (c.named || !c.restarts(e)) {
		return c
	}
	if c == nil && !asksToBoot(e) {
		if _, known := j.first[e.Host]; !known && len(j.first) < maxAddrs {
			j.first[e.Host] = *e
		}
		return nil
	}
	if len(j.clients) >= maxClients {
		return c
	}
	next, err := j.newClient(Machine{MAC: e.Host}, false)
	if err != nil {
		return c // cannot be: it expects nothing
	}
	next.infer(e)
	if c != nil {
		c.finish(End{Reason: EndCapture, At: e.At})
		next.boot, next.before = max(1, c.boot)+1, c
		next.rules = next.rules[1:] // its first frame came before
	}
	if first, ok := j.first[e.Host]; ok {
		delete(j.first, e.Host)
		next.add(&first)
	}
	return next
}

// asksToBoot says whether a host shows by an event that it boots from the
// network. A host that fetches a file over TFTP need not.
func asksToBoot(e *captures.Event) bool {
	switch e.Kind {
	case captures.DHCPDiscover, captures.DHCPRequest, captures.DHCPInform:
		return saysBoot(e)
	case captures.TFTPRequest:
		// The capture began in the middle of a boot.
		name := e.Text("tftp.source_file")
		return fileKind(name) != "" || isLookup(name) || isConfig(name) || isKernel(name) || isInitrd(name)
	}
	return false
}

// restarts says whether an event begins another boot of a machine.
func (c *client) restarts(e *captures.Event) bool {
	if e.Kind != captures.DHCPDiscover || !saysBoot(e) {
		return false
	}
	return c.f.osAt.n > 0 || e.At.Sub(c.f.lastEvent.At) >= newBoot
}

// isKernel guesses from its name whether a file is a kernel.
func isKernel(name string) bool {
	base := strings.ToLower(baseName(name))
	return strings.HasPrefix(base, "vmlinu") || strings.HasPrefix(base, "linux") || strings.Contains(base, "bzimage") || strings.HasPrefix(base, "kernel")
}

const notCaptured = "not in the capture"

// isBooted says whether a file can only be what a configuration names to be booted,
// whatever it is called: it came after that, and is nothing that loaders show or
// are made of.
func (c *client) isBooted(t *captures.Transfer) bool {
	conf := c.config()
	if conf == nil || !t.Begun.After(conf.done.at) || t.Protocol != "tftp" || isConfig(t.Name) || isLookup(t.Name) || isInitrd(t.Name) {
		return false
	}
	switch path.Ext(strings.ToLower(baseName(t.Name))) {
	case ".cfg", ".conf", ".lst", ".txt", ".msg", ".lss", ".png", ".jpg", ".jpeg", ".tga", ".pf2", ".mod", ".c32", ".e32", ".e64", ".efi", ".ipxe":
		return false
	}
	return true
}

// infer gives a discovered machine the expectations that hold for every boot.
func (c *client) infer(e *captures.Event) {
	dhcp := Expectation{ID: "ack", Stage: DHCP, Title: "a DHCPACK", Kinds: []captures.Kind{captures.DHCPAck, captures.BOOTPReply}}
	nbp := rule{Expectation: Expectation{ID: "nbp", Stage: NBP, Title: "the boot program"}}
	if e.Kind == captures.TFTPRequest {
		// It came before the capture began, or a snap length cut it off.
		dhcp = Expectation{ID: "ack", Stage: DHCP, NotApplicable: notCaptured}
		first := e.Text("tftp.source_file")
		nbp.fits = func(t *captures.Transfer) bool { return sameFile(t.Name, first) }
		if isConfig(first) || isKernel(first) || isInitrd(first) {
			nbp.NotApplicable, nbp.fits = notCaptured, nil
			nbp.out = Outcome{ID: nbp.ID, Stage: NBP, Title: nbp.Title, Status: Skipped, Evidence: notCaptured}
		}
	} else {
		nbp.fits = c.isNBP
	}
	ack, err := dhcp.compile()
	if err != nil {
		return // cannot be
	}
	power := rule{Expectation: Expectation{ID: "power", Stage: Power, Title: "the first frame", Kinds: []captures.Kind{captures.LinkFirst}, Optional: true}}
	optional := func(id string, s Stage, title string, fits func(*captures.Transfer) bool) rule {
		return rule{Expectation: Expectation{ID: id, Stage: s, Title: title, Optional: true}, fits: fits}
	}
	c.rules = []rule{
		power, ack, nbp,
		optional("config", Config, "a configuration", func(t *captures.Transfer) bool { return isConfig(t.Name) }),
		optional("kernel", Kernel, "a kernel", func(t *captures.Transfer) bool { return (isKernel(t.Name) || c.isBooted(t)) && !c.isNBP(t) }),
		optional("initrd", Kernel, "an initrd", func(t *captures.Transfer) bool { return isInitrd(t.Name) }),
		optional("os", OS, "the operating system's own traffic", nil),
		optional("files", Files, "a file read over NFS", func(t *captures.Transfer) bool { return t.Protocol == "nfs" }),
	}
	for i := range c.rules {
		r := &c.rules[i]
		r.title = r.Title
		if r.out.ID == "" {
			r.out = Outcome{ID: r.ID, Stage: r.Stage, Title: r.Title}
		}
	}
}

// isNBP says whether a transfer is of the file that DHCP named.
func (c *client) isNBP(t *captures.Transfer) bool {
	x := c.f.dhcp.acked()
	if x == nil {
		return false
	}
	file := x.bootReply().file
	return file != "" && (sameFile(t.Name, file) || isURL(file) && strings.HasSuffix(file, "/"+cleanName(t.Name)))
}

// seeOS settles the rule that an operating system's traffic proves.
func (c *client) seeOS(e *captures.Event) bool {
	if c.named || c.f.osAt.n == 0 {
		return false
	}
	for i := range c.rules {
		r := &c.rules[i]
		if r.ID != "os" || r.out.Status != Pending {
			continue
		}
		r.out.Status = Pass
		r.out.At, r.out.After = e.At.Round(0), c.f.since(e.At)
		r.out.Evidence, r.out.Frames = "its own traffic: "+describe(e), framesOf(e.Frame)
		return true
	}
	return false
}

// finishDiscovered judges a boot of which only the capture is known: it failed
// if something is known to have stopped it, passed if a kernel came and nothing
// is, and else cannot be told.
//
// The capture may go on for long with other machines, or with this one's next
// boot, so it was decided when the last rung was climbed, or else when the
// machine was last heard of.
func (c *client) finishDiscovered() {
	at := c.f.lastEvent.At
	reached, kernel := NoStage, false
	for i := range c.rules {
		if r := &c.rules[i]; r.out.Status == Pass {
			reached = max(reached, r.Stage)
			kernel = kernel || r.ID == "kernel" || r.ID == "os"
		}
	}
	if _, initrd := c.missingAfterConfig(); initrd && reached == Kernel {
		reached = Config
	}
	stage := c.stoppedAt(reached)
	if w := c.f.gaveUp(c.f.lastWire); stage == NoStage && w != nil && reached < Files {
		stage = reached + 1 // its own words are all there is
	}
	switch {
	case stage != NoStage:
		// The rung at which it fell may have had nothing that must be seen.
		if !slices.ContainsFunc(c.rules, func(r rule) bool { return r.Stage == stage && r.out.Status == Pending }) {
			name := stage.String()
			// Before those of later rungs: it is the first that was not met.
			next := slices.IndexFunc(c.rules, func(r rule) bool { return r.Stage > stage })
			if next < 0 {
				next = len(c.rules)
			}
			c.rules = slices.Insert(c.rules, next, rule{Expectation: Expectation{ID: name, Stage: stage}, title: name,
				out: Outcome{ID: name, Stage: stage, Title: name}})
		}
		for i := range c.rules {
			if r := &c.rules[i]; r.Stage == stage || r.out.Stage == stage && r.out.Status == Pending {
				r.Optional = false
			} else if r.Stage != stage && r.out.Status == Pending && r.Stage < stage {
				r.Optional = true
			}
		}
		c.close(Fail, at)
	case kernel:
		at = time.Time{}
		for i := range c.rules {
			if out := &c.rules[i].out; out.Status == Pass && out.At.After(at) {
				at = out.At
			}
		}
		c.close(Pass, at)
	default:
		c.why = fmt.Sprintf("the capture does not show what came after %s", reached)
		if reached == NoStage {
			c.why = "the capture does not show how its boot went on"
		}
		if c.f.halfHeard() {
			c.why = "the capture has what the machine sent, and not the answers that it acts on: record both directions"
		}
		c.close(Inconclusive, at)
	}
}

// stoppedAt is the stage beyond reached at which a finding has stopped the
// boot, the lowest if several have; NoStage if none has.
func (c *client) stoppedAt(reached Stage) Stage {
	stage := NoStage
	for i := range table {
		t := &table[i]
		if t.Fallback || len(t.Stops) == 0 {
			continue
		}
		k := slices.IndexFunc(t.Stops, func(s Stage) bool { return s > reached })
		if k < 0 || stage != NoStage && t.Stops[k] >= stage {
			continue
		}
		if slices.ContainsFunc(t.detect(c), func(d detection) bool { return !d.bystander }) {
			stage = t.Stops[k]
		}
	}
	return stage
}
