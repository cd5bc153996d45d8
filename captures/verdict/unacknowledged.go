package verdict

import (
	"strconv"

	"github.com/pxeproof/pxeproof/captures"
)

// wentOn is the end of a transfer that e proves: the client asks for the next
// file, or what it fetched runs. The last ACK of TFTP may be lost like any other
// packet, and then nobody sends it again: the client has what it wanted, and what
// the server repeats comes to a port that is closed. Nil if e proves none.
func (c *client) wentOn(e *captures.Event) *captures.Event {
	k := &c.f.tftp
	if c.lookup == nil || len(k.order) == 0 {
		return nil
	}
	t := k.order[len(k.order)-1]
	switch {
	case t.done.n > 0 || t.err.n > 0 || t.index < 0:
		return nil
	case e.Kind == captures.TFTPRequest && cleanName(e.Text("tftp.source_file")) != cleanName(t.name):
	case e.Kind == captures.ConsoleLine && isOSLine(e.Text("text")):
	default:
		return nil
	}
	tr, ok := c.lookup(int(t.index))
	if !ok || tr.Status != captures.Sent {
		return nil
	}
	field := func(name string, v any) captures.Field { return captures.Field{Name: name, Value: v} }
	return &captures.Event{
		At: tr.Ended, Frame: tr.End, Port: e.Port, Source: captures.Wire, Host: e.Host, Kind: captures.TFTPDone,
		Fields: []captures.Field{
			field("tftp.transfer", t.index),
			field("tftp.source_file", tr.Name),
			field("tftp.bytes", tr.Bytes),
			field("tftp.option.blksize", int64(tr.BlockSize)),
			field("tftp.option.windowsize", int64(tr.WindowSize)),
			field("tftp.resent", int64(tr.Resent)),
			field("tftp.seconds", strconv.FormatFloat(tr.Ended.Sub(tr.Begun).Seconds(), 'f', 6, 64)),
		},
	}
}
