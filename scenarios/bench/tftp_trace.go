package bench

import (
	"encoding/binary"
	"errors"
	"os"
	"time"

	"github.com/pxeproof/pxeproof/captures/ring"
	"github.com/pxeproof/pxeproof/harness/network"
)

// A trace is one transfer's packets as they left and came at one end of the
// link. Blocks are numbered on past 65535.
type trace struct {
	ring *ring.Ring
	// data is when the first byte of a block left, or the last one came; ack when
	// one left or came, and order the blocks that were acknowledged, in turn.
	data  map[int64]time.Time
	ack   map[int64]time.Time
	order []int64
	// Of DATA in fragments: which block an IP identification belongs to.
	fragments map[uint16]int64
	last      int64
}

// newTrace begins to capture at a host, in a ring large enough for all that is
// traced: it is read when the transfer has ended, and costs no processor time
// before.
func newTrace(on *network.Host) (*trace, error) {
	t := &trace{data: map[int64]time.Time{}, ack: map[int64]time.Time{}, fragments: map[uint16]int64{}}
	err := on.Do(func() (err error) {
		t.ring, err = ring.Open(ring.Config{Outgoing: true})
		return err
	})
	return t, err
}

// read takes what was captured, and ends.
func (t *trace) read() error {
	const quiet = 100 * time.Millisecond // several times as long as the kernel may keep a block
	for {
		err := t.ring.Wait(quiet)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
		if err != nil {
			return err
		}
		for t.ring.Read(t.frame) {
		}
	}
	s, err := t.ring.Statistics()
	if err == nil && s.Dropped > 0 {
		err = errors.New("the trace lost frames")
	}
	return errors.Join(err, t.ring.Close())
}

// frame notes a TFTP packet over IPv4.
func (t *trace) frame(f *ring.Frame) {
	const ethernet, udp = 14, 8
	b := f.Data
	if len(b) < ethernet+20 || binary.BigEndian.Uint16(b[12:]) != 0x0800 || b[ethernet+9] != 17 {
		return
	}
	ip := b[ethernet:]
	id, place := binary.BigEndian.Uint16(ip[4:]), binary.BigEndian.Uint16(ip[6:])
	if place&0x1fff != 0 {
		if block, ok := t.fragments[id]; ok && !f.Outgoing {
			t.data[block] = f.At
		}
		return
	}
	head := int(ip[0]&15) * 4
	if len(ip) < head+udp+4 {
		return
	}
	p := ip[head+udp:]
	switch binary.BigEndian.Uint16(p) {
	case 3:
		block := t.number(binary.BigEndian.Uint16(p[2:]))
		if _, again := t.data[block]; !again {
			t.data[block] = f.At
		}
		if place&0x2000 != 0 {
			t.fragments[id] = block
		}
	case 4:
		block := t.number(binary.BigEndian.Uint16(p[2:]))
		if _, again := t.ack[block]; !again {
			t.ack[block] = f.At
			t.order = append(t.order, block)
		}
	}
}

// number is the block nearest to the last one that has this number on the wire.
func (t *trace) number(wire uint16) int64 {
	n := t.last + int64(int16(wire-uint16(t.last)))
	t.last = max(t.last, n)
	return n
}

// blockTime divides the time between ACKs, as the server sees them, by where it
// goes. Nil if the traces do not fit each other.
func blockTime(server, client *trace) *BlockTime {
	var b BlockTime
	var blocks int64
	for i := 1; i < len(server.order); i++ {
		from, to := server.order[i-1], server.order[i]
		asked, sent, came := server.ack[from], server.data[to], client.data[to]
		answered, heard := client.ack[to], server.ack[to]
		if to <= from || sent.IsZero() || came.IsZero() || answered.IsZero() {
			continue
		}
		b.Server += micros(sent.Sub(asked))
		b.Client += micros(answered.Sub(came))
		b.Wire += micros(came.Sub(sent)) + micros(heard.Sub(answered))
		blocks += to - from
	}
	if blocks == 0 {
		return nil
	}
	b.Server /= float64(blocks)
	b.Client /= float64(blocks)
	b.Wire /= float64(blocks)
	return &b
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
