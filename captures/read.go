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
	for s.Frame(emit) {
	}
	return s.Finish(emit)
}

// A Scanner reads a capture frame by frame, as a Recorder hears it. Whoever
// listens can ask at every event what is known of a transfer by then.
type Scanner struct {
	in     *pcap.Reader
	d      *Decoder
	p      pcap.Packet
	n      int
	unread int   // frames of link types that are not decoded
	err    error // that ended it; io.EOF is the file's end
}

// NewScanner reads the file's first bytes. It fails if the file is no capture.
func NewScanner(r io.Reader, o Options) (*Scanner, error) {
	in, err := pcap.NewReader(r)
	if err != nil {
		return nil, err
	}
	return &Scanner{in: in, d: NewDecoder(o)}, nil
}

// Frame reads one frame and calls emit for each event that it makes. It is
// false at the end of the file, or where the file cannot be read on.
func (s *Scanner) Frame(emit func(Event)) bool {
	if s.err != nil {
		return false
	}
	if s.err = s.in.Next(&s.p); s.err != nil {
		return false
	}
	s.n++
	link := LinkType(s.p.Link)
	if !link.known() {
		s.unread++
	}
	s.d.Frame(FrameInfo{Number: s.n, At: s.p.At, Port: s.p.Name, Link: link, Length: s.p.Length}, s.p.Data, emit)
	return true
}

// Transfer is the Decoder's. It may be called from within emit.
func (s *Scanner) Transfer(i int) (t Transfer, ok bool) { return s.d.Transfer(i) }

// Finish is called after the last frame. It gives the events that only the end
// tells, and returns what [Scan] does.
func (s *Scanner) Finish(emit func(Event)) (*Timeline, error) {
	s.d.Finish(emit)
	err := s.err
	if err == io.EOF {
		err = nil
	}
	if err == nil && s.unread > 0 && s.unread == s.n {
		err = fmt.Errorf("its frames are of link type %d, which is not read; Ethernet, Linux cooked captures and raw IP are", s.p.Link)
	}
	return &Timeline{Transfers: s.d.Transfers(), Frames: s.n, Dropped: int(min(s.in.Dropped(), 1<<62))}, err
}
