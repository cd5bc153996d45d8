package verdict

import (
	"time"

	"github.com/pxeproof/pxeproof/captures"
)

// Options say where a Judge finds what events only point at. The zero value
// works.
type Options struct {
	// Transfer gives the transfer of an index that an event names. It is asked
	// during Add, when the transfer has ended, and during Finish. Nil: what the
	// event itself says is all that is known, which knows no digests.
	Transfer func(index int) (captures.Transfer, bool)
	// Discover judges machines too that Expectations does not name: those that
	// ask for a boot file. For captures that somebody else took.
	Discover bool
}

// A Judge holds events against Expectations. It is used by one goroutine at a
// time.
type Judge struct {
	x       Expectations
	opts    Options
	net     network
	clients []*client
	byHost  map[string]*client
	first   map[string]captures.Event // of hosts that are not known to be clients
	now     time.Time                 // the latest event's
	end     End
	ended   bool
}

// NewJudge makes a Judge. It fails if Validate does.
func NewJudge(x Expectations, o Options) (*Judge, error) {
	if err := x.Validate(); err != nil {
		return nil, err
	}
	j := &Judge{x: x, opts: o, byHost: map[string]*client{}, first: map[string]captures.Event{}, net: newNetwork()}
	for i := range x.Machines {
		if _, err := j.newClient(x.Machines[i], true); err != nil {
			return nil, err
		}
	}
	return j, nil
}

func (j *Judge) newClient(m Machine, named bool) (*client, error) {
	rules, err := compileAll(m.Expect)
	if err != nil {
		return nil, err
	}
	c := &client{m: m, rules: rules, named: named, transfer: j.transfer, lookup: j.opts.Transfer}
	c.f = newFacts(&c.m, &j.net, named)
	j.clients = append(j.clients, c)
	j.byHost[m.MAC] = c
	if m.Name != "" && named {
		if _, taken := j.byHost[m.Name]; !taken {
			j.byHost[m.Name] = c
		}
	}
	return c, nil
}

// Add takes the next event. It returns what a person who watches should know.
func (j *Judge) Add(e captures.Event) []Update {
	if j.ended {
		return nil
	}
	if e.At.After(j.now) {
		j.now = e.At
	}
	j.net.see(&e)
	c := j.byHost[e.Host]
	if j.opts.Discover {
		c = j.discover(&e)
	}
	if c == nil {
		return nil
	}
	return c.add(&e)
}

// transfer is the transfer that an event ends, as it was at that moment.
func (j *Judge) transfer(e *captures.Event) (captures.Transfer, bool) {
	t := captures.Transfer{Size: -1, Ended: e.At, Begun: e.At, End: e.Frame, Status: captures.Complete, WindowSize: 1}
	index := int64(-1)
	switch e.Kind {
	case captures.TFTPDone, captures.TFTPError:
		index = e.Int("tftp.transfer")
		t.Protocol, t.Name = "tftp", e.Text("tftp.source_file")
	case captures.NFSDone:
		index = e.Int("nfs.transfer")
		t.Protocol, t.Name = "nfs", e.Text("nfs.path")
	case captures.HTTPDone:
		index = e.Int("http.transfer")
		t.Protocol, t.Name = "http", e.Text("http.request.uri")
	default:
		return t, false
	}
	if j.opts.Transfer != nil && index >= 0 {
		if known, ok := j.opts.Transfer(int(index)); ok {
			t = known
			t.Ended, t.End = e.At, e.Frame
		}
	}
	// What the event says was so when it happened; the Transfer may have seen
	// repetitions since.
	override := func(v *int, field string) {
		if n := e.Int(field); n >= 0 {
			*v = int(n)
		}
	}
	override(&t.BlockSize, "tftp.option.blksize")
	override(&t.WindowSize, "tftp.option.windowsize")
	override(&t.Resent, "tftp.resent")
	for _, field := range []string{"tftp.bytes", "nfs.bytes", "http.bytes"} {
		if n := e.Int(field); n >= 0 {
			t.Bytes = n
		}
	}
	if d, err := time.ParseDuration(e.Text("tftp.seconds") + "s"); err == nil && d >= 0 {
		t.Begun = t.Ended.Add(-d)
	}
	if t.Protocol != "tftp" {
		t.Resent = 0 // what is read twice was not lost
	}
	if t.Blocks == 0 && t.BlockSize > 0 {
		t.Blocks = int(t.Bytes/int64(t.BlockSize)) + 1
	}
	return t, true
}

// Decided says whether every machine has passed or has failed on evidence that
// no later event can change. It is the time to end the boot.
func (j *Judge) Decided() bool {
	if len(j.clients) == 0 || j.opts.Discover {
		return false
	}
	for _, c := range j.clients {
		if !c.closed {
			return false
		}
	}
	return true
}

// Finish says that no more events come, and why. After it, or after Decided,
// it may be called again to tell of frames lost.
func (j *Judge) Finish(e End) {
	if e.Reason == "" {
		e.Reason = EndDecided
	}
	if e.At.IsZero() {
		e.At = j.now
	}
	e.At = e.At.Round(0)
	if j.ended {
		j.end.Dropped = max(j.end.Dropped, e.Dropped)
		return
	}
	j.end, j.ended = e, true
	for _, c := range j.clients {
		c.finish(e)
	}
}

// Verdict is the judgement so far.
func (j *Judge) Verdict() Verdict {
	v := Verdict{Schema: Schema, End: j.end, Clients: []ClientVerdict{}}
	v.Reasons = append(v.Reasons, j.x.Doubts...)
	if j.end.Dropped > 0 {
		v.Reasons = append(v.Reasons, Doubt{Text: "the recorder lost " + count(j.end.Dropped, "frame")})
	}
	worst := Pass
	for _, c := range j.clients {
		cv := c.result()
		v.Clients = append(v.Clients, cv)
		switch {
		case cv.Status == Inconclusive:
			v.Reasons = append(v.Reasons, Doubt{Text: c.label() + ": " + c.why})
		case cv.Status == Fail && worst != Pending:
			worst = Fail
		case cv.Status == Pending:
			worst = Pending
		}
	}
	if len(j.clients) == 0 {
		v.Reasons = append(v.Reasons, Doubt{Text: "no machine was there to judge"})
	}
	v.Status = worst
	if len(v.Reasons) > 0 && worst != Pending {
		v.Status = Inconclusive
	}
	return v
}
