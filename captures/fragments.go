package captures

import (
	"encoding/binary"
	"net/netip"
)

const (
	protoIPv6Fragment = 44
	maxDatagram       = 65535
)

// An ipFragment is where a piece belongs.
type ipFragment struct {
	id     uint32
	offset int // bytes
	more   bool
}

// ipv6Fragment reads the extension header of RFC 8200, section 4.5.
func (p *packet) ipv6Fragment() {
	b := p.payload
	if len(b) < 8 {
		p.proto = 0
		return
	}
	at := binary.BigEndian.Uint16(b[2:])
	p.proto, p.payload = b[0], b[8:]
	p.fragment = &ipFragment{id: binary.BigEndian.Uint32(b[4:]), offset: int(at &^ 7), more: at&1 != 0}
}

type fragmentKey struct {
	src, dst netip.Addr
	proto    uint8
	id       uint32
}

// A datagram is being put together. Pieces that came are kept as ranges of
// bytes, so that pieces may come in any order and twice.
type datagram struct {
	data  []byte
	have  ranges
	total int // -1 until the last piece came
	cut   int // bytes of the pieces that the snap length took
	key   fragmentKey
}

// fragments puts IP datagrams together (RFC 791, section 3.2): as much as is
// needed to follow TFTP DATA larger than the MTU. When memory is short the
// datagram that began first is given up.
type fragments struct {
	open  map[fragmentKey]*datagram
	order fifo[*datagram] // by age; some are no longer open
	held  int
	limit int
}

func newFragments(limit int) fragments {
	return fragments{open: make(map[fragmentKey]*datagram), limit: limit}
}

// join adds the piece p. When it makes a datagram whole, p becomes that
// datagram and join is true.
func (f *fragments) join(p *packet) bool {
	fr := p.fragment
	end := fr.offset + len(p.payload) + p.cut
	if end > maxDatagram {
		return false
	}
	key := fragmentKey{p.src, p.dst, p.proto, fr.id}
	g := f.open[key]
	if g == nil {
		g = &datagram{total: -1, key: key}
		f.open[key] = g
		f.order.push(g)
		f.held += datagramCost
		f.evict(g)
	}
	if n := fr.offset + len(p.payload); n > len(g.data) {
		f.held += n - len(g.data)
		g.data = append(g.data, make([]byte, n-len(g.data))...)
		f.evict(g)
	}
	copy(g.data[fr.offset:], p.payload)
	g.have.add(int64(fr.offset), int64(end))
	g.cut += p.cut
	if !fr.more {
		g.total = end
	}
	if g.total < 0 || !g.have.covers(0, int64(g.total)) {
		return false
	}
	f.drop(g)
	p.payload, p.cut = g.data, g.cut
	p.fragment, p.joined = nil, true
	return true
}

// datagramCost is what an entry costs besides its bytes.
const datagramCost = 256

func (f *fragments) drop(g *datagram) {
	if f.open[g.key] == g {
		f.held -= len(g.data) + datagramCost
		delete(f.open, g.key)
	}
}

// evict gives up the oldest datagrams, but not the one at hand, until the limit
// is kept. Those that are done leave the queue here too.
func (f *fragments) evict(keep *datagram) {
	for f.order.len() > 0 {
		g := f.order.peek()
		if f.open[g.key] == g && (f.held <= f.limit || g == keep) {
			return
		}
		f.drop(f.order.pop())
	}
}
