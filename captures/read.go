package captures

import (
	"fmt"
	"io"
	"time"

	"github.com/pxeproof/pxeproof/captures/pcap"
)

// Read reads a whole capture: pcap or pcapng, either of them in gzip. If the
// file is cut off or corrupt, it returns what could be read together with an
// error that says at which byte; the Timeline is nil only if the file is no
// capture at all.
func Read(r io.Reader) (*Timeline, error) { return ReadWith(r, Options{}) }

// ReadWith is Read with options. It keeps every event, as many as Limits.Events
// says; a [Scanner] keeps none.
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
	s, err := NewScanner(r, o)
	if err != nil {
		return nil, err
	}
	s.Frames(emit)
	return s.Finish(emit)
}

// A Scanner reads a capture as a Recorder hears it. Whoever listens can ask at
// every event what is known of a transfer by then.
type Scanner struct {
	in     *pcap.Reader
	d      *Decoder
	n      int
	last   time.Time // the latest frame's
	unread int       // frames of link types that are not decoded
	link   LinkType  // of the last frame
	err    error     // that ended it; nil at the file's end
}

// NewScanner reads the file's first bytes. It fails if the file is no capture.
// Frames and Finish must follow: a goroutine reads ahead until then.
func NewScanner(r io.Reader, o Options) (*Scanner, error) {
	in, err := pcap.ReadAhead(r)
	if err != nil {
		return nil, err
	}
	return &Scanner{in: in, d: NewDecoder(o)}, nil
}

// Frames reads the file up to its end, or to where it cannot be read on, and
// calls emit for each event.
func (s *Scanner) Frames(emit func(Event)) {
	var p pcap.Packet
	for {
		switch err := s.in.Next(&p); err {
		case nil:
		case io.EOF:
			return
		default:
			s.err = err
			return
		}
		s.n++
		if p.At.After(s.last) {
			s.last = p.At
		}
		s.link = LinkType(p.Link)
		if !s.link.known() {
			s.unread++
		}
		s.d.Frame(FrameInfo{Number: s.n, At: p.At, Port: p.Name, Link: s.link, Length: p.Length}, p.Data, emit)
	}
}

// Transfer is the Decoder's. It may be called from within emit.
func (s *Scanner) Transfer(i int) (t Transfer, ok bool) { return s.d.Transfer(i) }

// Finish gives the events that only the end of the capture tells, and returns
// what [Scan] does.
func (s *Scanner) Finish(emit func(Event)) (*Timeline, error) {
	s.d.Finish(emit)
	dropped := int(min(s.in.Dropped(), 1<<62))
	s.in.Close()
	if s.err == nil && s.unread > 0 && s.unread == s.n {
		s.err = fmt.Errorf("its frames are of link type %d, which is not read; Ethernet, Linux cooked captures and raw IP are", s.link)
	}
	return &Timeline{Transfers: s.d.Transfers(), Frames: s.n, Last: s.last, Dropped: dropped}, s.err
}
