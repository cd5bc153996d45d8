package captures

import (
	"fmt"
	"io"

	"github.com/pxeproof/pxeproof/captures/pcap"
)

// Read reads a whole capture: pcap or pcapng, either of them in gzip. If the
// file is cut off or corrupt, it returns what could be read together with an
// error that says at which byte; the Timeline is nil only if the file is no
// capture at all.
func Read(r io.Reader) (*Timeline, error) { return ReadWith(r, Options{}) }

// ReadWith is Read with options.
func ReadWith(r io.Reader, o Options) (*Timeline, error) {
	var events []Event
	limit := o.Limits.withDefaults().Events
	omitted := 0
	t, err := Scan(r, o, func(e Event) {
		if len(events) < limit {
			events = append(events, e)
		} else {
			omitted++
		}
	})
	if t != nil {
		t.Events = events
	}
	if omitted > 0 && err == nil {
		err = fmt.Errorf("the capture makes more than %d events; %d were left out", limit, omitted)
	}
	return t, err
}

// Scan reads a whole capture and calls emit for each event, in order, keeping
// none: the Timeline that it returns has everything but Events. Errors are as
// Read's.
func Scan(r io.Reader, o Options, emit func(Event)) (*Timeline, error) {
	in, err := pcap.NewReader(r)
	if err != nil {
		return nil, err
	}
	d := NewDecoder(o)
	var p pcap.Packet
	n, unread := 0, 0
	for {
		if err = in.Next(&p); err != nil {
			break
		}
		n++
		if !LinkType(p.Link).known() {
			unread++
		}
		d.Frame(FrameInfo{Number: n, At: p.At, Port: p.Name, Link: LinkType(p.Link), Length: p.Length}, p.Data, emit)
	}
	d.Finish(emit)
	if err == io.EOF {
		err = nil
	}
	if err == nil && unread > 0 && unread == n {
		err = fmt.Errorf("its frames are of link type %d, which is not read; Ethernet, Linux cooked captures and raw IP are", p.Link)
	}
	return &Timeline{Transfers: d.Transfers(), Frames: n, Dropped: int(min(in.Dropped(), 1<<62))}, err
}
