package bench

import (
	"encoding/binary"
	"math"
	"testing"
	"time"

	"github.com/pxeproof/pxeproof/captures/ring"
)

func emptyTrace() *trace {
	return &trace{data: map[int64]time.Time{}, ack: map[int64]time.Time{}, fragments: map[uint16]int64{}}
}

// A wire is a link with both of its traces, and a clock in microseconds.
type wire struct {
	server, client *trace
	now            int
	id             uint16
}

func (w *wire) see(t *trace, outgoing bool, frame []byte) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(w.now) * time.Microsecond)
	t.frame(&ring.Frame{Outgoing: outgoing, At: at, Data: frame, Length: len(frame)})
}

// datagram is a frame with a TFTP packet, or with a later fragment of one.
func datagram(op, block uint16, id uint16, place uint16) []byte {
	b := make([]byte, 14+20+8+4)
	binary.BigEndian.PutUint16(b[12:], 0x0800)
	b[14], b[14+9] = 0x45, 17
	binary.BigEndian.PutUint16(b[14+4:], id)
	binary.BigEndian.PutUint16(b[14+6:], place)
	binary.BigEndian.PutUint16(b[42:], op)
	binary.BigEndian.PutUint16(b[44:], block)
	return b
}

// move has a packet leave, and come after so many microseconds.
func (w *wire) move(from, to *trace, frame []byte, takes int) {
	w.see(from, true, frame)
	w.now += takes
	w.see(to, false, frame)
}

func (w *wire) ack(block int) { w.move(w.client, w.server, datagram(4, uint16(block), 0, 0), 3) }
func (w *wire) data(block int) {
	w.id++
	w.move(w.server, w.client, datagram(3, uint16(block), w.id, 0), 5)
}

func near(t *testing.T, b *BlockTime, server, wire, client float64) {
	t.Helper()
	if b == nil {
		t.Fatal("no block times")
	}
	for _, x := range [][2]float64{{b.Server, server}, {b.Wire, wire}, {b.Client, client}} {
		if math.Abs(x[0]-x[1]) > 1e-9 {
			t.Fatalf("%+v, want server %v, wire %v, client %v", *b, server, wire, client)
		}
	}
}

// Lock-step over more than 65,536 blocks, whose numbers come again.
func TestBlockTimeLockStep(t *testing.T) {
	w := &wire{server: emptyTrace(), client: emptyTrace()}
	w.ack(0)
	for n := 1; n <= 70000; n++ {
		w.now += 20 // the server thinks
		w.data(n)
		w.now += 7 // the client does
		w.ack(n)
		w.see(w.server, false, []byte("not a frame"))
	}
	near(t, blockTime(w.server, w.client), 20, 8, 7)
}

func TestBlockTimeOfWindows(t *testing.T) {
	w := &wire{server: emptyTrace(), client: emptyTrace()}
	w.ack(0)
	for n := 4; n <= 40; n += 4 {
		for k := n - 3; k <= n; k++ {
			w.now += 10
			w.data(k)
		}
		w.now += 8
		w.ack(n)
	}
	// Four times ten and three times five that earlier blocks were under way.
	near(t, blockTime(w.server, w.client), 55.0/4, 8.0/4, 8.0/4)
}

// DATA in fragments has left with the first and has come with the last.
func TestBlockTimeOfFragments(t *testing.T) {
	w := &wire{server: emptyTrace(), client: emptyTrace()}
	w.ack(0)
	for n := 1; n <= 10; n++ {
		w.now += 20
		id := uint16(1000 + n)
		w.move(w.server, w.client, datagram(3, uint16(n), id, 0x2000), 5)
		w.move(w.server, w.client, datagram(0, 0, id, 0x2000|185), 5)
		w.move(w.server, w.client, datagram(0, 0, id, 370), 5)
		w.now += 7
		w.ack(n)
	}
	near(t, blockTime(w.server, w.client), 20, 18, 7)
}

func TestBlockTimeOfNothing(t *testing.T) {
	if b := blockTime(emptyTrace(), emptyTrace()); b != nil {
		t.Errorf("%+v out of nothing", *b)
	}
}
