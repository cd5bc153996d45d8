package verdict

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pxeproof/pxeproof/captures"
)

// A client is one machine under judgement.
type client struct {
	m        Machine
	named    bool // Expectations names it
	rules    []rule
	transfer func(*captures.Event) (captures.Transfer, bool)
	lookup   func(index int) (captures.Transfer, bool) // nil: unknown
	f        facts

	status  Status
	why     string // of Inconclusive
	closed  bool
	decided time.Time
	told    uint16 // stages that an Update has told, a bit each
	found   []Finding

	boot   int     // which boot of the host, from 2 on
	before *client // the boot before it
}

// label names the machine for people.
func (c *client) label() string {
	if c.m.Name != "" {
		return c.m.Name
	}
	return c.m.MAC
}

// add takes the machine's next event.
func (c *client) add(e *captures.Event) []Update {
	if c.closed {
		return nil
	}
	var ups []Update
	if done := c.wentOn(e); done != nil {
		ups = c.take(done)
	}
	return append(ups, c.take(e)...)
}

// take takes one event, which add may have made.
func (c *client) take(e *captures.Event) []Update {
	if c.closed {
		return nil
	}
	c.f.see(e)
	if e.Kind == captures.TFTPDone || e.Kind == captures.TFTPError || e.Kind == captures.TFTPStalled {
		if t := c.f.tftp.byIndex[e.Int("tftp.transfer")]; t != nil && c.lookup != nil {
			if tr, ok := c.transfer(e); ok {
				t.learn(&tr)
			}
		}
	}
	changed := false
	for i := range c.rules {
		if c.settle(&c.rules[i], e) {
			changed = true
		}
	}
	changed = c.seeOS(e) || changed
	changed = c.late(e) || changed
	if !c.named {
		return nil // the capture goes on, and may show more; nobody watches a file
	}
	var ups []Update
	switch {
	case c.f.died:
		c.close(Inconclusive, e.At)
		c.why = "QEMU ended by itself: " + clean(c.f.lastEvent.Text("stderr")+" "+c.f.lastEvent.Text("status"))
	case changed && c.anyFailed():
		c.close(Fail, e.At)
	case changed && c.anyUnknown():
		c.close(Inconclusive, e.At)
	case changed && c.allPassed():
		c.close(Pass, e.At)
	case c.f.trigger && c.proven():
		c.close(Fail, e.At)
	}
	if changed || c.closed {
		ups = c.tell(e)
	}
	if !c.closed && isActivity(e.Kind) {
		ups = append(ups, Update{Host: c.m.MAC, Name: c.m.Name, After: c.f.since(e.At), Activity: describe(e), Climbing: c.climbing()})
	}
	return ups
}

// settle holds an event against one rule, and says whether that settled it.
func (c *client) settle(r *rule, e *captures.Event) bool {
	if r.out.Status != Pending {
		return false
	}
	h, ok := r.try(e, c.transfer)
	if !ok {
		return false
	}
	for _, i := range r.after {
		if c.rules[i].out.Status != Pass {
			r.early = true
			return false
		}
	}
	if r.Absent {
		if len(h.mismatches) > 0 {
			return false
		}
		r.out.Status = Fail
		h.evidence = "seen, and must not be: " + h.evidence
	} else {
		r.out.Status = Pass
		if h.unknown != "" {
			r.out.Status = Inconclusive
			h.evidence += "; " + h.unknown
			c.why = r.title + ": " + h.unknown
		}
		if after := c.f.since(e.At); r.Within > 0 && after > r.Within {
			h.mismatches = append(h.mismatches, Mismatch{Field: fieldWithin, Want: "at most " + r.Within.String(), Got: after.String(), Origin: r.Origin})
		}
		if len(h.mismatches) > 0 {
			r.out.Status = Fail
			for i := range h.mismatches {
				h.evidence += "; " + h.mismatches[i].String()
			}
		}
	}
	if e.Kind == captures.DHCPAck {
		if x := c.f.dhcp.byXID(e.Int("dhcp.id")); x != nil {
			h.frames = x.frames()
		}
	}
	if e.Kind == captures.LinkFirst && c.f.resumed {
		h.evidence += ", resumed where it sends its first DISCOVER"
	}
	r.out.At, r.out.After = e.At.Round(0), c.f.since(e.At)
	r.out.Evidence, r.out.Frames, r.out.Mismatches = h.evidence, h.frames, h.mismatches
	return true
}

const fieldWithin = "time"

// late settles what should have been seen by now and was not.
func (c *client) late(e *captures.Event) bool {
	changed := false
	now := c.f.since(e.At)
	for i := range c.rules {
		r := &c.rules[i]
		if r.Within == 0 || now <= r.Within || r.out.Status != Pending || !r.must() {
			continue
		}
		m := Mismatch{Field: fieldWithin, Want: "at most " + r.Within.String(), Got: "more than that", Origin: r.Origin}
		r.out.Status, r.out.Mismatches = Fail, []Mismatch{m}
		r.out.At, r.out.After = e.At.Round(0), now
		r.out.Evidence = fmt.Sprintf("not seen within %s: %s", r.Within, r.title)
		changed = true
	}
	return changed
}

// String says what differs: "siaddr is 0.0.0.0, not 192.168.1.103".
func (m *Mismatch) String() string {
	return fieldWord(m.Field) + " is " + m.Got + ", expected " + m.Want
}

// fieldWord is the field's name in RFC 2131, where people know it by that.
func fieldWord(field string) string {
	switch field {
	case "dhcp.ip.server":
		return "siaddr (next-server)"
	case "dhcp.ip.your":
		return "yiaddr"
	case BootFile, "dhcp.file":
		return "file"
	case fieldSHA256:
		return "SHA-256"
	case fieldResent:
		return "number of blocks sent again"
	}
	return strings.TrimPrefix(field, "dhcp.option.")
}

func (c *client) anyFailed() bool {
	return slices.ContainsFunc(c.rules, func(r rule) bool { return r.out.Status == Fail })
}

func (c *client) anyUnknown() bool {
	return slices.ContainsFunc(c.rules, func(r rule) bool { return r.out.Status == Inconclusive })
}

// allPassed says whether all that must be seen was, and that was something.
func (c *client) allPassed() bool {
	passed := false
	for i := range c.rules {
		switch r := &c.rules[i]; {
		case r.out.Status == Pass:
			passed = true
		case r.out.Status == Pending && r.must():
			return false
		}
	}
	return passed
}

// must says whether not seeing it is a failure.
func (r *rule) must() bool { return !r.Optional && !r.Absent && r.NotApplicable == "" }

// failing is the rule at which the boot stands or fell: the first failed one,
// else the first still pending one that must be met. Nil if there is none.
func (c *client) failing() *rule {
	for _, s := range []Status{Fail, Pending} {
		for i := range c.rules {
			if r := &c.rules[i]; r.out.Status == s && (s == Fail || r.must()) {
				return r
			}
		}
	}
	return nil
}

// close ends the machine's judgement.
func (c *client) close(s Status, at time.Time) {
	stopped := c.failing()
	c.closed, c.status, c.decided = true, s, at
	switch s {
	case Fail:
		stage := NoStage
		if stopped != nil {
			stage = stopped.Stage
		}
		c.found = c.findings(stage, true)
		for i := range c.rules {
			r := &c.rules[i]
			if r == stopped && r.out.Status == Pending {
				r.out.Status = Fail
				r.out.At, r.out.After = at.Round(0), c.f.since(at)
				r.out.Evidence = "not seen: " + r.title
				if r.early {
					r.out.Evidence = r.title + ": seen only before " + strings.Join(r.After, " and ")
				}
			}
		}
		c.settleRest(Blocked)
	case Inconclusive:
		c.found = c.findings(NoStage, true)
		c.settleRest(Inconclusive)
	default:
		c.found = c.findings(NoStage, true)
		c.settleRest(Skipped)
	}
}

// settleRest gives what is still pending its status.
func (c *client) settleRest(s Status) {
	for i := range c.rules {
		r := &c.rules[i]
		if r.out.Status != Pending {
			continue
		}
		switch {
		case r.Absent && c.status != Inconclusive:
			r.out.Status, r.out.Evidence = Pass, "not seen, as it must be"
		case r.Optional:
			r.out.Status = Skipped
		default:
			r.out.Status = s
		}
	}
}

// finish is the end of the capture for this machine.
func (c *client) finish(e End) {
	if c.closed {
		return
	}
	c.f.over, c.f.overAt = true, e.At
	for _, t := range c.f.tftp.order {
		if t.done.n == 0 && t.err.n == 0 && c.lookup != nil && t.index >= 0 {
			if tr, ok := c.lookup(int(t.index)); ok {
				t.learn(&tr)
			}
		}
	}
	switch {
	case e.Reason == EndLab || e.Reason == EndInterrupted:
		c.why = endWords(e)
		c.close(Inconclusive, e.At)
	case !c.named:
		c.finishDiscovered()
		c.f.forget()
		c.before = nil
	case !slices.ContainsFunc(c.rules, func(r rule) bool { return r.must() }):
		c.why = "nothing was expected of it"
		c.close(Inconclusive, e.At)
	case c.allPassed():
		c.close(Pass, e.At)
	default:
		c.close(Fail, e.At)
	}
}

func endWords(e End) string {
	s := map[EndReason]string{
		EndDecided:     "the run was ended",
		EndCapture:     "the capture ends",
		EndTimeout:     "time is up",
		EndInterrupted: "the run was interrupted",
		EndLab:         "the lab broke",
	}[e.Reason]
	if e.Text != "" {
		s += ": " + clean(e.Text)
	}
	return s
}
