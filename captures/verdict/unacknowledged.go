package verdict

import "github.com/pxeproof/pxeproof/captures"

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
	return &captures.Event{
		At: tr.Ended, Frame: tr.End, Source: captures.Wire, Host: e.Host,
		Kind: captures.TFTPDone, Fields: tr.TFTPDone(t.index),
	}
}
