package verdict

import (
	"slices"
	"strings"

	"github.com/pxeproof/pxeproof/captures"
)

// maxStageFrames bounds the frames that a rung names; its outcomes name all.
const maxStageFrames = 8

// result is the machine's judgement so far.
func (c *client) result() ClientVerdict {
	v := ClientVerdict{
		Host: c.m.MAC, Boot: c.boot, Name: c.m.Name, Firmware: c.m.Firmware, ROM: c.m.ROM, Loader: c.m.Loader,
		Status: c.status, PowerOn: c.f.powerOn.Round(0), Stages: c.stages(),
		Outcomes: make([]Outcome, len(c.rules)),
	}
	for i := range c.rules {
		v.Outcomes[i] = c.rules[i].out
	}
	for _, s := range v.Stages {
		if s.Status != Pass && s.Status != Skipped {
			break
		}
		if s.Status == Pass {
			v.Reached = s.Stage
		}
	}
	if c.closed {
		v.Decided, v.Findings = c.f.since(c.decided), c.found
	} else {
		v.Findings = c.findings(NoStage, false)
	}
	if c.status != Pass {
		v.Last, v.Next = c.last(), c.next()
	}
	return v
}

// last is the last thing that the machine did, or that was done to it.
func (c *client) last() *Sight {
	e := &c.f.lastEvent
	if e.Kind == "" {
		return nil
	}
	return &Sight{Text: describe(e), After: c.f.since(e.At), Frames: framesOf(e.Frame)}
}

// next is what was still expected.
func (c *client) next() *Hope {
	for i := range c.rules {
		if r := &c.rules[i]; r.must() && r.out.Status != Pass {
			return &Hope{Text: r.title, Origin: r.Origin}
		}
	}
	return nil
}

// climbing is the stage of what is expected next.
func (c *client) climbing() Stage {
	for i := range c.rules {
		if r := &c.rules[i]; r.must() && r.out.Status == Pending {
			return r.Stage
		}
	}
	return NoStage
}

// stages folds the outcomes into rungs.
func (c *client) stages() []StageOutcome {
	list := []StageOutcome{}
	for _, s := range Stages() {
		if o, ok := c.stage(s); ok {
			list = append(list, o)
		}
	}
	return list
}

// stage is one rung; ok is false if nothing is expected there.
func (c *client) stage(s Stage) (o StageOutcome, ok bool) {
	o = StageOutcome{Stage: s, Status: Skipped}
	var words []string
	for i := range c.rules {
		out := &c.rules[i].out
		if out.Stage != s {
			continue
		}
		ok = true
		must := c.rules[i].must()
		// The rung shows what is worst: failed, unknown, blocked, pending.
		if rank(out.Status) > rank(o.Status) && (must || out.Status != Pending) {
			o.Status = out.Status
		}
		if out.Status == Skipped && !must && c.rules[i].NotApplicable == "" {
			continue
		}
		if out.Evidence != "" {
			words = append(words, out.Evidence)
		}
		o.After = max(o.After, out.After)
		for _, f := range out.Frames {
			if len(o.Frames) < maxStageFrames && !slices.Contains(o.Frames, f) {
				o.Frames = append(o.Frames, f)
			}
		}
	}
	slices.SortStableFunc(o.Frames, func(a, b captures.Frame) int { return a.Number - b.Number })
	o.Evidence = strings.Join(words, "; ")
	return o, ok
}

// ranks are how bad statuses are beside each other.
var ranks = [...]int{Skipped: 0, Pass: 1, Pending: 2, Blocked: 3, Inconclusive: 4, Fail: 5}

func rank(s Status) int { return ranks[s] }

// tell gives an Update for every stage that has been settled since.
func (c *client) tell(e *captures.Event) []Update {
	var ups []Update
	for _, s := range Stages() {
		if c.told&(1<<s) != 0 {
			continue
		}
		o, ok := c.stage(s)
		if !ok {
			continue
		}
		if o.Status == Pending {
			break // rungs are climbed in order
		}
		c.told |= 1 << s
		ups = append(ups, Update{Host: c.m.MAC, Name: c.m.Name, After: c.f.since(e.At), Stage: &o})
	}
	return ups
}

// isActivity says whether an event is worth a line that lives for a moment.
func isActivity(k captures.Kind) bool {
	switch k {
	case captures.DHCPDiscover, captures.DHCPOffer, captures.DHCPRequest, captures.DHCPAck, captures.DHCPNak,
		captures.TFTPRequest, captures.TFTPStart, captures.TFTPError, captures.ARPRequest,
		captures.HTTPRequest, captures.MountMnt, captures.NFSOpen, captures.ConsoleLine, captures.RouterSolicit,
		captures.MachineStarted:
		return true
	}
	return false
}
