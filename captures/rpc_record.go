package captures

import "encoding/binary"

// Records of RPC over TCP (RFC 5531, section 11).

const (
	// maxRecord is the largest record that is believed: 1 MiB of READ data,
	// generously headed.
	maxRecord = 4 << 20
	// maxMessage is as much of a message as is looked at: a READDIRPLUS reply.
	maxMessage = 64 << 10
)

// rpcRecord is the state of one direction of a connection.
type rpcRecord struct {
	lost   bool // not in step: wait for a segment that begins with a record
	mark   [4]byte
	marked int  // how much of the mark is there
	left   int  // bytes of the fragment that are to come
	last   bool // it is the record's last
	done   bool // the message was looked at; what is left of it is data
	buf    []byte
	read   readResult // of the message under way, if it answers a READ
}

// drop gives up what is kept of a message.
func (r *rpcRecord) drop(room *budget) {
	room.free(len(r.buf))
	r.buf = nil
}

// lose gives the stream up until a record is seen to begin.
func (r *rpcRecord) lose(room *budget) {
	r.drop(room)
	*r = rpcRecord{lost: true}
}

// keep adds to what is kept of a message; false: there is no room.
func (r *rpcRecord) keep(b []byte, room *budget) bool {
	b = b[:min(len(b), maxMessage-len(r.buf))]
	if !room.take(len(b)) {
		return false
	}
	r.buf = append(r.buf, b...)
	return true
}

// rpcGap says that n bytes are missing; -1: nobody knows how many. Inside data
// that is no harm.
func (d *Decoder) rpcGap(c *tcpConn, dir, n int) {
	r := &c.records[dir]
	if n < 0 || n > r.left || r.left == 0 {
		r.lose(&d.tcp.held)
		return
	}
	if !r.done {
		// A message whose end was cut off may still tell what it was.
		d.rpcPart(c, dir, nil, true)
		r.done = true
	}
	d.rpcSkip(r, n)
}

// rpcSkip passes over n bytes of the fragment.
func (d *Decoder) rpcSkip(r *rpcRecord, n int) {
	if r.left -= n; r.left > 0 || !r.last {
		return
	}
	r.done = false
	r.drop(&d.tcp.held)
	if r.read.ok {
		d.nfsReadFold(&r.read)
		r.read = readResult{}
	}
}

// rpcLooksLike says whether data begins with a record mark and an RPC message.
func rpcLooksLike(data []byte, dir int) bool {
	if len(data) < 12+4*(1-dir) {
		return false
	}
	n := binary.BigEndian.Uint32(data)
	if n&(1<<31) == 0 || n&^(1<<31) > maxRecord || n&^(1<<31) < 12 {
		return false
	}
	kind, next := binary.BigEndian.Uint32(data[8:]), data[12:]
	switch {
	case dir == 0:
		return kind == rpcCall && binary.BigEndian.Uint32(next) == rpcVersion
	case len(next) >= 4:
		return kind == rpcReply && binary.BigEndian.Uint32(next) <= rpcDenied
	}
	return false
}

// rpcStream takes the next bytes of a connection.
func (d *Decoder) rpcStream(c *tcpConn, dir int, b []byte) {
	r := &c.records[dir]
	if r.lost {
		if !rpcLooksLike(b, dir) {
			return
		}
		r.lost = false
	}
	for len(b) > 0 {
		if r.left == 0 {
			n := copy(r.mark[r.marked:], b)
			b = b[n:]
			if r.marked += n; r.marked < 4 {
				return
			}
			m := binary.BigEndian.Uint32(r.mark[:])
			r.marked, r.left, r.last = 0, int(m&^(1<<31)), m>>31 == 1
			if r.left > maxRecord || r.left == 0 {
				r.lose(&d.tcp.held)
				return
			}
			continue
		}
		n := min(r.left, len(b))
		if !r.done {
			d.rpcPart(c, dir, b[:n], n == r.left && r.last)
		}
		d.rpcSkip(r, n)
		b = b[n:]
	}
}

// rpcPart looks at a message as soon as enough of it is there. What is whole in
// one segment is not copied.
func (d *Decoder) rpcPart(c *tcpConn, dir int, b []byte, end bool) {
	r := &c.records[dir]
	m := b
	if len(r.buf) > 0 {
		if !r.keep(b, &d.tcp.held) {
			r.done = true // what it was is not known; where it ends is
			return
		}
		m = r.buf
	}
	if !end && len(m) < d.rpcEnough(c.rpc, dir, m) {
		if len(r.buf) == 0 && !r.keep(m, &d.tcp.held) {
			r.done = true
		}
		return
	}
	if c.rpc == nil {
		c.rpc = d.rpcNewPeer(c.client, c.server, true, c.host)
	}
	r.done = true
	if dir == 0 {
		d.rpcCall(c.rpc, m)
		return
	}
	d.rpc.later = &r.read
	d.rpcReply(c.rpc, m)
	d.rpc.later = nil
}
