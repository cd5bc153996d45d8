package captures

import (
	"bytes"
	"net/netip"
	"slices"
)

const (
	tcpFIN = 1 << iota
	tcpSYN
	tcpRST
	tcpPSH
	tcpACK
)

// What a connection carries.
type tcpApp uint8

const (
	appUnknown tcpApp = iota
	appRPC
	appHTTP
	appOther // none of ours: its segments are let go
)

// A tcpConn is a connection.
type tcpConn struct {
	client, server netip.AddrPort
	host           string
	app            tcpApp
	asked          bool // a SYN was seen
	answered       bool // the server has sent something
	tried          int  // segments looked at in vain for a protocol that we know
	half           [2]tcpHalf
	rpc            *rpcPeer
	records        [2]rpcRecord
	http           *httpConn
}

// tcpHalf is one direction: 0 from the client, 1 from the server.
type tcpHalf struct {
	known  bool
	middle bool // its beginning was not seen
	next   uint32
	held   []tcpPiece // what came too early, by seq
	early  []byte     // the first bytes, while they are too few to tell the protocol
}

type tcpPiece struct {
	seq  uint32
	data []byte
	cut  int
}

type tcpEnd struct {
	c   *tcpConn
	dir int
}

// A tcpTracker finds the connection that a segment belongs to.
type tcpTracker struct {
	flows map[flow]tcpEnd
	order fifo[*tcpConn]
	held  budget // pieces that came too early, messages not yet whole, requests without a response

	lastFlow [2]flow
	lastEnd  [2]tcpEnd
	lastSlot int
}

func newTCPTracker(limit int) tcpTracker {
	return tcpTracker{flows: make(map[flow]tcpEnd), held: budget{limit: limit}}
}

func (k *tcpTracker) find(f flow) (tcpEnd, bool) {
	for i := range k.lastFlow {
		if k.lastFlow[i] == f && k.lastEnd[i].c != nil {
			return k.lastEnd[i], true
		}
	}
	e, ok := k.flows[f]
	if ok {
		k.lastSlot ^= 1
		k.lastFlow[k.lastSlot], k.lastEnd[k.lastSlot] = f, e
	}
	return e, ok
}

func (k *tcpTracker) forget(c *tcpConn) {
	f := flow{c.client.Addr(), c.server.Addr(), c.client.Port(), c.server.Port()}
	if k.flows[f].c == c {
		delete(k.flows, f)
		delete(k.flows, f.reverse())
	}
	for dir := range c.half {
		k.release(&c.half[dir])
		c.records[dir].drop(&k.held)
	}
	c.http.drop(&k.held)
	k.lastEnd = [2]tcpEnd{}
}

func (k *tcpTracker) release(h *tcpHalf) {
	for _, s := range h.held {
		k.held.free(len(s.data) + pieceCost)
	}
	h.held = nil
}

// tcpSegment follows the segment at hand.
func (d *Decoder) tcpSegment() {
	p := &d.p
	f := p.flow()
	e, ok := d.tcp.find(f)
	if p.flags&(tcpSYN|tcpACK) == tcpSYN {
		d.tcpSyn(e, ok)
		return
	}
	if !ok {
		if len(p.payload) == 0 && p.flags&tcpSYN == 0 {
			return
		}
		e = d.tcpMiddle()
	}
	c, h := e.c, &e.c.half[e.dir]
	if e.dir == 1 && !c.answered {
		c.answered = true
		if p.macs {
			d.hosts.isServer(p.srcMAC)
		}
		if p.flags&tcpRST != 0 && c.asked {
			d.event(c.host, TCPRefused, []Field{
				{"ip.dst", c.server.Addr()},
				{"tcp.dstport", int64(c.server.Port())},
			})
		}
	}
	if p.flags&tcpSYN != 0 {
		h.known, h.next = true, p.seq+1
		return
	}
	if p.flags&tcpACK != 0 && len(c.half[1-e.dir].held) > 0 {
		d.tcpLost(c, 1-e.dir, p.ack)
	}
	if len(p.payload) > 0 && c.app != appOther {
		d.tcpDeliver(c, e.dir)
	}
	if p.flags&(tcpRST|tcpFIN) != 0 {
		d.httpClosed(c, e.dir, p.flags&tcpRST != 0)
	}
	if p.flags&tcpRST != 0 {
		d.tcp.forget(c)
	}
}

// tcpSyn begins a connection.
func (d *Decoder) tcpSyn(e tcpEnd, ok bool) {
	p := &d.p
	if ok && e.dir == 0 && e.c.asked && e.c.half[0].next == p.seq+1 {
		return // the same SYN again
	}
	if ok {
		d.tcp.forget(e.c)
	}
	c := d.tcpConn(p.source(), p.destination(), p.srcMAC)
	c.asked = true
	c.half[0].known, c.half[0].next = true, p.seq+1
	d.event(c.host, TCPSyn, []Field{
		{"ip.dst", p.dst},
		{"tcp.dstport", int64(p.dport)},
	})
}

// tcpMiddle takes up a connection whose beginning the capture does not have.
// The server is the side with the port that is known, or else the lower one.
func (d *Decoder) tcpMiddle() tcpEnd {
	p := &d.p
	fromServer := p.sport < p.dport
	if known, other := d.rpc.isPort(p.src, p.sport), d.rpc.isPort(p.dst, p.dport); known != other {
		fromServer = known
	}
	if p.flags&tcpSYN != 0 {
		fromServer = true // SYN and ACK
	}
	if fromServer {
		return tcpEnd{d.tcpConn(p.destination(), p.source(), p.dstMAC), 1}
	}
	return tcpEnd{d.tcpConn(p.source(), p.destination(), p.srcMAC), 0}
}

func (d *Decoder) tcpConn(client, server netip.AddrPort, m mac) *tcpConn {
	c := &tcpConn{client: client, server: server, host: d.hosts.client(m, client.Addr())}
	if d.rpc.isPort(server.Addr(), server.Port()) {
		c.app = appRPC
	}
	f := flow{client.Addr(), server.Addr(), client.Port(), server.Port()}
	d.tcp.flows[f] = tcpEnd{c, 0}
	d.tcp.flows[f.reverse()] = tcpEnd{c, 1}
	for d.tcp.order.push(c); d.tcp.order.len() > d.limits.Streams; {
		d.tcp.forget(d.tcp.order.pop())
	}
	return c
}

// tcpDeliver gives the payload at hand to its protocol, in the stream's order.
func (d *Decoder) tcpDeliver(c *tcpConn, dir int) {
	p := &d.p
	h := &c.half[dir]
	if !h.known {
		h.known, h.middle, h.next = true, true, p.seq
	}
	data, cut := p.payload, p.cut
	switch ahead := int32(p.seq - h.next); {
	case ahead == 0:
	case ahead > 0:
		d.tcpHold(c, dir, p.seq, data, cut)
		return
	default:
		data, cut = trim(data, cut, -int(ahead))
		if len(data)+cut == 0 {
			return // all of it was seen
		}
	}
	d.tcpGive(c, dir, data, cut)
	d.tcpHeld(c, dir)
}

// trim takes n bytes off the front.
func trim(data []byte, cut, n int) ([]byte, int) {
	if n <= len(data) {
		return data[n:], cut
	}
	return nil, max(0, cut-(n-len(data)))
}

// tcpGive passes on bytes whose turn it is, and says what the snap length took.
func (d *Decoder) tcpGive(c *tcpConn, dir int, data []byte, cut int) {
	c.half[dir].next += uint32(len(data) + cut)
	if len(data) > 0 {
		d.tcpBytes(c, dir, data)
	}
	if cut > 0 {
		d.tcpGap(c, dir, cut)
	}
}

// tcpHold keeps a piece that came too early. When there are too many of them,
// what is missing is taken to be lost.
func (d *Decoder) tcpHold(c *tcpConn, dir int, seq uint32, data []byte, cut int) {
	const maxPieces = 256
	h := &c.half[dir]
	if int32(seq-h.next) > 1<<26 {
		// No window is that large: the sequence numbers have nothing to do with
		// what was seen before.
		d.tcp.release(h)
		h.next = seq
		d.tcpGap(c, dir, -1)
		d.tcpGive(c, dir, data, cut)
		return
	}
	i := len(h.held)
	for i > 0 && int32(seq-h.held[i-1].seq) < 0 {
		i--
	}
	if i > 0 && h.held[i-1].seq == seq && len(h.held[i-1].data) >= len(data) {
		return // seen already
	}
	if !d.tcp.held.take(len(data) + pieceCost) {
		return // it is lost to us, as if the capture had lost it
	}
	h.held = slices.Insert(h.held, i, tcpPiece{seq, bytes.Clone(data), cut})
	for len(h.held) > maxPieces {
		d.tcpLost(c, dir, h.held[0].seq)
	}
}

// pieceCost is what a piece costs besides its bytes.
const pieceCost = 64

// tcpLost is called when the bytes before upTo will not be seen any more: the
// receiver has acknowledged them, so the capture has lost them.
func (d *Decoder) tcpLost(c *tcpConn, dir int, upTo uint32) {
	h := &c.half[dir]
	for len(h.held) > 0 && int32(upTo-h.next) > 0 {
		to := h.held[0].seq
		if int32(upTo-to) < 0 {
			return // the next piece we have is not acknowledged: it may be late
		}
		lost := int(int32(to - h.next))
		h.next = to
		d.tcpGap(c, dir, lost)
		d.tcpHeld(c, dir)
	}
}

// tcpHeld passes on the pieces held whose turn has come.
func (d *Decoder) tcpHeld(c *tcpConn, dir int) {
	h := &c.half[dir]
	for len(h.held) > 0 {
		s := h.held[0]
		ahead := int32(s.seq - h.next)
		if ahead > 0 {
			return
		}
		h.held = h.held[1:]
		d.tcp.held.free(len(s.data) + pieceCost)
		if data, cut := trim(s.data, s.cut, -int(ahead)); len(data)+cut > 0 {
			d.tcpGive(c, dir, data, cut)
		}
	}
	h.held = nil
}

// tcpBytes hands the stream's next bytes to the connection's protocol.
func (d *Decoder) tcpBytes(c *tcpConn, dir int, data []byte) {
	if c.app == appUnknown {
		h := &c.half[dir]
		if len(h.early) > 0 {
			data = append(h.early, data...)
			h.early = nil
		}
		c.app = guess(c, dir, data)
		if c.app == appUnknown && len(data) < enoughToGuess && !h.middle {
			h.early = append([]byte(nil), data...)
		}
	}
	switch c.app {
	case appRPC:
		d.rpcStream(c, dir, data)
	case appHTTP:
		d.httpStream(c, dir, data)
	}
}

// tcpGap says that n bytes of the stream are missing; -1: nobody knows how many.
func (d *Decoder) tcpGap(c *tcpConn, dir, n int) {
	switch c.app {
	case appRPC:
		d.rpcGap(c, dir, n)
	case appHTTP:
		d.httpGap(c, dir, n)
	case appUnknown:
		c.half[dir].early, c.half[dir].middle = nil, true
	}
}

// enoughToGuess is how many bytes from its beginning tell what a stream is.
const enoughToGuess = 16

// guess tells a protocol by the first bytes of a segment.
func guess(c *tcpConn, dir int, data []byte) tcpApp {
	switch {
	case rpcLooksLike(data, dir):
		return appRPC
	case httpLooksLike(data, dir):
		return appHTTP
	}
	const patience = 32
	if c.tried++; c.tried >= patience || !c.half[dir].middle && len(data) >= enoughToGuess {
		return appOther
	}
	return appUnknown
}
