package verdict

import (
	"fmt"
	"time"

	"github.com/pxeproof/pxeproof/captures"
)

// Findings about what was right and had not come to its end.
func unfinishedEntries() []Entry {
	return []Entry{{
		ID: "transfer-unfinished", Title: "a file was still on its way at the end", Stops: fileStages,
		Evidence: "A transfer over TFTP or HTTP of which more and more came until the time was up, or the capture ends.",
		Meaning:  "Nothing is known to be wrong with it but its speed. TFTP's block for each round trip is slow over a long link, and at a small blksize.",
		Hint: "Give the run more time (--timeout, or timeout: in scenario.yaml), or let the transfer be faster: a larger blksize, a windowsize, " +
			"HTTP in the place of TFTP, a smaller file.",
		detect: transferUnfinished,
	}}
}

// An unfinished is a transfer that was going on at the end.
type unfinished struct {
	name       string
	begun      time.Time
	moved      time.Time // when it last went on
	got, whole int64     // bytes; whole is not known if not above 0
	frames     []captures.Frame
}

// transferUnfinished is for machines of which it is known what they were to do.
// Who ends a capture of others has seen what he wanted.
func transferUnfinished(c *client) []detection {
	if !c.named || !c.f.over || c.f.off.n > 0 {
		return nil
	}
	r := c.runningTFTP()
	if r == nil {
		r = c.runningHTTP()
	}
	if r == nil {
		return nil
	}
	took := r.moved.Sub(r.begun)
	speed := rate(r.got, took)
	d := detection{proof: true}
	d.Summary = fmt.Sprintf("%s was still on its way after %s: %s", quoted(r.name), span(took), size(r.got))
	if r.whole > 0 {
		d.Summary += " of " + size(r.whole)
	}
	d.Summary += " came"
	if speed > 0 {
		d.Summary += fmt.Sprintf(", at %s/s", size(int64(speed)))
		if left := r.whole - r.got; left > 0 {
			d.Summary += fmt.Sprintf("; the rest would take another %s", span(time.Duration(float64(left)/speed*float64(time.Second))))
		}
	}
	d.Summary += "."
	d.Frames = r.frames
	d.Where = c.fileOrigins(r.name)
	return []detection{d}
}

func (c *client) runningTFTP() *unfinished {
	k := &c.f.tftp
	if len(k.order) == 0 {
		return nil
	}
	t := k.order[len(k.order)-1]
	if t.done.n > 0 || t.err.n > 0 || t.got == 0 || !c.underWay(t) {
		return nil
	}
	return &unfinished{t.name, t.asked.at, t.moved, t.got, t.tsize, framesOf(t.asked.frame, t.started.frame)}
}

func (c *client) runningHTTP() *unfinished {
	b := &c.f.http.body
	if b.n == 0 || b.done || c.lookup == nil {
		return nil
	}
	t, ok := c.lookup(int(b.index))
	if !ok || t.Status != captures.Running || t.Bytes == 0 || c.f.overAt.Sub(t.Last) >= slowBlock {
		return nil
	}
	return &unfinished{b.uri, t.Begun, t.Last, t.Bytes, t.Size, framesOf(t.Start, b.frame)}
}
