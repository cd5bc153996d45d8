package captures

import (
	"net"
	"net/netip"
	"time"
)

// Options say how a Decoder works. The zero value decodes everything and
// hashes nothing.
type Options struct {
	// File goes into Frame.File of every event and transfer. Empty: the run's
	// own capture.
	File string
	// Machines are the MACs of machines whose first frame is worth an event.
	// Without any, every MAC that is not known to be a server's has its
	// link.first.
	Machines []net.HardwareAddr
	// Servers are the hosts that are not machines, whatever they send.
	Servers []ServerHost
	// Digest says whether the bytes of a TFTP transfer are to be hashed. It is
	// asked once, at the first DATA, with what is known by then. Nil: never.
	Digest func(Transfer) bool
	// Limits bound the memory. The zero value of each is its default.
	Limits Limits
}

// A ServerHost is a host that is known to be none of the machines.
type ServerHost struct {
	MAC  net.HardwareAddr
	Addr netip.Addr // may be the zero Addr
}

// Limits bound what a Decoder remembers, so that no capture, however long or
// hostile, makes it grow without end. What does not fit is not followed.
type Limits struct {
	Machines  int // MACs and addresses; default 65,536
	Transfers int // transfers in all; default 262,144
	Streams   int // TCP connections, UDP exchanges, calls without a reply; default 65,536 each
	Handles   int // NFS file handles; default 262,144
	Held      int // bytes held back of fragments, of TCP streams, and of TFTP blocks to be hashed; default 16 MiB each
	Events    int // events that Read keeps; default 1,048,576
}

func (l Limits) withDefaults() Limits {
	def := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	def(&l.Machines, 1<<16)
	def(&l.Transfers, 1<<18)
	def(&l.Streams, 1<<16)
	def(&l.Handles, 1<<18)
	def(&l.Held, 16<<20)
	def(&l.Events, 1<<20)
	return l
}

// A FrameInfo is what is known of a frame besides its bytes.
type FrameInfo struct {
	Number int       // 1-based
	At     time.Time // when it was seen
	Port   string    // the interface where it was seen; may be empty
	Link   LinkType
	Length int // on the wire; more than was captured if a snap length cut it
}

// A Decoder turns frames into events and transfers. It is used by one
// goroutine at a time.
type Decoder struct {
	opts   Options
	limits Limits
	emit   func(Event) // during Frame and Finish
	p      packet      // the frame at hand
	frames int

	parser    *parser
	hosts     hosts
	fragments fragments
	repeats   repeats
	transfers []*Transfer
	tftp      tftpTracker
	tcp       tcpTracker
	rpc       rpcTracker
	bpdus     map[bpduKey]bpduState
}

// NewDecoder makes a Decoder.
func NewDecoder(o Options) *Decoder {
	d := &Decoder{opts: o, limits: o.Limits.withDefaults(), parser: newParser()}
	d.hosts = newHosts(o.Machines, o.Servers, d.limits.Machines)
	d.fragments = newFragments(d.limits.Held)
	d.tftp = newTFTPTracker(d.limits.Held)
	d.tcp = newTCPTracker(d.limits.Held)
	d.rpc = newRPCTracker()
	d.bpdus = make(map[bpduKey]bpduState)
	return d
}

// Frame decodes one frame and calls emit for each event that it makes. Frames
// come in the order of their numbers. The data may be reused after the call.
func (d *Decoder) Frame(f FrameInfo, data []byte, emit func(Event)) {
	d.frames++
	d.emit = emit
	p := &d.p
	p.FrameInfo = f
	if !p.parseFast(data) && !d.parser.parse(p, data) {
		return
	}
	if (p.Link == LinkCooked || p.Link == LinkCooked2) && d.repeats.seen(p) {
		return
	}
	if p.macs && p.srcMAC != d.hosts.last[0] && p.srcMAC != d.hosts.last[1] {
		d.firstFrame()
	}
	if p.fragment != nil {
		d.tftpFragment()
		if !d.fragments.join(p) || !d.parser.whole(p) {
			return
		}
	}
	switch p.proto {
	case protoUDP:
		d.udp()
	case protoTCP:
		d.tcpSegment()
	case protoICMP:
		d.icmp()
	case protoICMPv6:
		d.icmpv6()
	default:
		d.notIP()
	}
}

// udp hands a datagram to the protocol that it belongs to.
func (d *Decoder) udp() {
	p := &d.p
	switch {
	case d.tftpFrame():
	case isDHCPPort(p.dport) || isDHCPPort(p.sport):
		d.dhcp()
	default:
		d.rpcDatagram()
	}
}

// Finish is called after the last frame: it gives the events that only the end
// of the capture can tell, such as calls that nobody answered.
func (d *Decoder) Finish(emit func(Event)) {
	d.emit = emit
	d.rpcFinish()
}

// Transfers are the transfers so far, in the order in which they began. It is
// a copy.
func (d *Decoder) Transfers() []Transfer {
	ts := make([]Transfer, len(d.transfers))
	for i, t := range d.transfers {
		ts[i] = *t
	}
	return ts
}

// Frames is how many frames were decoded.
func (d *Decoder) Frames() int { return d.frames }

// event emits an event of the frame at hand.
func (d *Decoder) event(host string, k Kind, fields []Field) {
	d.emit(Event{At: d.p.At, Frame: d.frame(), Port: d.p.Port, Source: Wire, Host: host, Kind: k, Fields: fields})
}

// frame names the frame at hand.
func (d *Decoder) frame() Frame { return Frame{File: d.opts.File, Number: d.p.Number} }

// newTransfer adds a Transfer that begins with the frame at hand. It returns
// nil if there are too many.
func (d *Decoder) newTransfer(t Transfer) (*Transfer, int64) {
	if len(d.transfers) >= d.limits.Transfers {
		return nil, -1
	}
	t.Start, t.Begun, t.Last = d.frame(), d.p.At, d.p.At
	d.transfers = append(d.transfers, &t)
	return &t, int64(len(d.transfers) - 1)
}
