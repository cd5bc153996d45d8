package tftp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// A Transfer is what became of one read request.
type Transfer struct {
	Client netip.AddrPort
	// Name is the file's, as the client asked for it.
	Name string
	// BlockSize and WindowSize are those agreed on, in bytes and blocks.
	BlockSize, WindowSize int
	// Bytes is how much of the file the client has acknowledged.
	Bytes int64
	// Sent and Resent count DATA packets, the second those sent again.
	Sent, Resent int64
	// Took is the time from the request to the last acknowledgement.
	Took time.Duration
	// Err is nil if the client has all of it. [ErrAborted] wraps the client's
	// own ERROR.
	Err error
}

// Errors of a Transfer.
var (
	// ErrAborted is the client ending a transfer. EDK2 does so on purpose once
	// it has seen a file's size.
	ErrAborted = errors.New("the client ended it")
	// ErrSilent is a client that said nothing new for 30 s.
	ErrSilent = errors.New("the client fell silent")
)

// A transfer sends one file to one client.
type transfer struct {
	Transfer
	sock   *socket
	file   *os.File
	size   int64 // of file, as the client was told
	mode   string
	terms  terms
	faults *faults
	// turn is taken by the one transfer that may be eager, nil for those that
	// may not.
	turn *atomic.Bool
	// began is set with the client's first acknowledgement.
	began atomic.Bool

	blocks *blocks
	ready  [2]int64 // blocks that the socket holds if it is corked: from, up to
	timer  timer
	answer []byte // buffer for what the client says
	// heard is when the client last said something new.
	heard time.Time
}

// run is the whole transfer. It leaves socket and file to the caller.
func (t *transfer) run() error {
	defer func() {
		if t.sock.eager {
			t.hurry(false)
		}
	}()
	t.answer = make([]byte, 1024)
	t.timer.fixed = t.terms.timeout
	t.heard = time.Now()
	if t.terms.ack != nil {
		if err := t.agree(); err != nil {
			return err
		}
	}
	// Only now: a request with a forged source gets no memory.
	t.blocks = t.newBlocks()
	defer t.blocks.mapped.close()
	t.sock.prepare(t.terms.windowSize, t.terms.blockSize)
	return t.sendAll()
}

// newBlocks maps the file where a transfer has a thread to itself. For a crowd
// that would cost more than it gains: the tables of pages.
func (t *transfer) newBlocks() *blocks {
	if t.turn != nil && t.faults == nil && t.mode == "octet" {
		if b := mapBlocks(t.file, t.size, t.terms.blockSize); b != nil {
			return b
		}
	}
	return newBlocks(t.source(), t.terms.blockSize, t.terms.windowSize)
}

func (t *transfer) source() source {
	if t.mode == "netascii" {
		return newNetascii(t.file)
	}
	return t.faults.truncate(&octets{from: t.file, size: t.size})
}

// agree sends the OACK until the client acknowledges it with block 0.
func (t *transfer) agree() error {
	oack := appendOptions(binary.BigEndian.AppendUint16(nil, opOACK), t.terms.ack)
	for {
		sentAt := time.Now()
		if err := t.sock.send(oack); err != nil {
			return t.gone(err)
		}
		_, err := t.acknowledged(0, 0, 0, sentAt, new(int))
		switch {
		case err == nil:
			t.progress(sentAt, t.timer.tries == 0)
			return nil
		case err != errTimeout:
			return t.gone(err)
		}
		if err := t.expired(); err != nil {
			return err
		}
	}
}

// sendAll sends the file, a window at a time (RFC 7440), and in lock-step for a
// window of one.
func (t *transfer) sendAll() error {
	window := int64(t.terms.windowSize)
	var (
		base = int64(1) // oldest block that is not acknowledged
		next = base     // the one to send next
		top  = base     // one beyond the newest that was ever sent
		// How often the blocks from base on were sent again, and how many
		// echoes of base-1 may come for that reason.
		resends, echoes int
		sentAt          = time.Now()
	)
	for {
		// What fails here is the file: the client is told, and waits no longer.
		if err := t.blocks.want(base + window - 1); err != nil {
			return t.unreadable(err)
		}
		end := t.blocks.end(base + window)
		again := next < top
		if err := t.sendBlocks(next, end, top); errors.Is(err, unix.EFAULT) {
			return t.unreadable(err)
		} else if err != nil {
			return t.lost(err, base, end)
		}
		next, top = end, max(top, end)
		t.blocks.ahead() // an error shows again when the blocks are wanted
		if err := t.hold(next, next+window); err != nil {
			return t.lost(err, base, end)
		}

		// In lock-step an acknowledgement of nothing new is an echo of a block
		// sent twice. Answering it would send everything twice from here on:
		// the Sorcerer's Apprentice. With a window it is also how a client says
		// that the first block is missing, and it is heard once.
		low := base
		if window > 1 && resends == 0 {
			low = base - 1
		}
		acked, err := t.acknowledged(low, base, end-1, sentAt, &echoes)
		switch {
		case err == errTimeout:
			if err := t.expired(); err != nil {
				return err
			}
			next = base
			resends++
			sentAt = time.Now()
		case err != nil:
			return t.lost(err, base, end)
		case acked < base:
			next = base
			resends++
			sentAt = time.Now()
		default:
			t.Bytes += t.held(base, acked+1)
			t.progress(sentAt, !again)
			if acked == t.blocks.last {
				return nil
			}
			sentAt = t.heard
			base, echoes, resends = acked+1, resends, 0
			if next > base {
				// A gap: what follows it is sent again, and the client will
				// repeat itself until that arrives.
				next, resends = base, 1
			}
			t.blocks.release(base)
		}
	}
}

// unreadable is the end of a transfer by its file.
func (t *transfer) unreadable(err error) error {
	t.sock.send((&Error{NotDefined, "Error reading the file"}).packet())
	return fmt.Errorf("reading the file: %w", err)
}

// lost is the end of a transfer by an error of the socket.
func (t *transfer) lost(err error, base, end int64) error {
	if errors.Is(err, unix.ECONNREFUSED) && end-1 == t.blocks.last {
		// The client has closed its port when the last block was under way:
		// it has everything, and only its last word was lost.
		t.Bytes += t.held(base, end)
		return nil
	}
	return t.gone(err)
}

// held is how many bytes are in the blocks from low up to high.
func (t *transfer) held(low, high int64) int64 {
	n := (high - low) * int64(t.terms.blockSize)
	if t.blocks.last != 0 && high > t.blocks.last {
		n -= int64(t.terms.blockSize - t.blocks.lastSize)
	}
	return n
}

// sendBlocks sends the blocks from low up to high. Those below top have been
// sent before.
func (t *transfer) sendBlocks(low, high, top int64) error {
	t.Sent += high - low
	t.Resent += max(0, min(high, top)-low)
	if t.faults != nil {
		return t.faults.send(t, low, high)
	}
	if t.sock.corked && t.ready == [2]int64{low, high} {
		if ok, err := t.sock.uncork(); ok || err != nil {
			return err
		}
	}
	for low < high {
		n := int(min(high-low, int64(len(t.sock.messages))))
		t.fill(low, n)
		if err := t.sock.flush(n); err != nil {
			return err
		}
		low += int64(n)
	}
	return nil
}

// fill makes a batch of n blocks from low on.
func (t *transfer) fill(low int64, n int) {
	for i := range n {
		t.sock.set(i, wire(low+int64(i), t.terms.rollover), t.blocks.data(low+int64(i)))
	}
}

// hold has the kernel make ready, while the client is busy, what will be sent
// when it has acknowledged everything: blocks from low up to high.
func (t *transfer) hold(low, high int64) error {
	if !t.sock.eager || !t.sock.corks() || t.faults != nil || t.blocks.want(high-1) != nil {
		return nil
	}
	n := int(t.blocks.end(high) - low)
	if n <= 0 || n > max(t.sock.segments, 1) {
		return nil
	}
	t.ready = [2]int64{low, low + int64(n)}
	t.fill(low, n)
	return t.sock.cork(n)
}

// acknowledged waits until the client acknowledges one of the blocks from low to
// high, and returns the newest that it does. Those below base are old, and so
// many echoes of them are passed over. Nothing that comes makes the wait longer.
func (t *transfer) acknowledged(low, base, high int64, sentAt time.Time, echoes *int) (int64, error) {
	whole := t.timer.wait()
	for wait := whole; wait > 0; wait = whole - time.Since(sentAt) {
		n, err := t.sock.receive(t.answer, wait)
		if err != nil {
			return 0, err
		}
		acked, ok, err := t.read(t.answer[:n], low, high)
		switch {
		case err != nil:
			return 0, err
		case !ok:
		case acked == high:
			return acked, nil
		default:
			if acked, err = t.newest(acked, high); err != nil || acked >= base || *echoes == 0 {
				return acked, err
			}
			*echoes--
		}
	}
	return 0, errTimeout
}

// newest looks whether acknowledgements of more have come already: a client may
// answer within a window.
func (t *transfer) newest(acked, high int64) (int64, error) {
	for {
		n, err := t.sock.poll(t.answer)
		if err != nil {
			return acked, nil // whatever it is will show at the next receive
		}
		more, ok, err := t.read(t.answer[:n], acked, high)
		if err != nil {
			return 0, err
		}
		if ok {
			acked = more
		}
	}
}

// read understands one packet of the client.
func (t *transfer) read(b []byte, low, high int64) (acked int64, ok bool, err error) {
	if len(b) < 4 {
		return 0, false, nil
	}
	number := binary.BigEndian.Uint16(b[2:])
	switch binary.BigEndian.Uint16(b) {
	case opACK:
		acked, ok = unwire(number, t.terms.rollover, low, high)
		return acked, ok, nil
	case opERROR:
		text, _, _ := cutString(b[4:])
		return 0, false, fmt.Errorf("%w: error %d %.100q", ErrAborted, number, text)
	}
	return 0, false, nil
}

// progress notes that the client said something new, in answer to what was sent
// at sentAt, and only then if once is true.
func (t *transfer) progress(sentAt time.Time, once bool) {
	t.heard = time.Now()
	if !t.began.Load() {
		t.began.Store(true)
	}
	if once {
		t.timer.sample(t.heard.Sub(sentAt))
	}
	t.timer.answered()
	switch {
	case t.turn == nil || t.timer.srtt == 0:
	case t.sock.eager && t.timer.srtt > slowLink:
		t.hurry(false)
	case !t.sock.eager && t.timer.srtt < fastLink:
		t.hurry(true)
	}
}

// hurry has the socket wait eagerly, or no longer. One transfer may at a time:
// a processor waits with it.
func (t *transfer) hurry(on bool) {
	switch {
	case !on:
		t.sock.eager = false
		t.turn.Store(false)
	case t.turn.CompareAndSwap(false, true):
		t.sock.eager, t.sock.spinner = true, t.sock.newSpinner()
	}
}

// expired notes that a wait was in vain, and gives the client up in the end.
func (t *transfer) expired() error {
	t.timer.expired()
	if time.Since(t.heard) > max(patience, 6*t.terms.timeout) {
		return ErrSilent
	}
	return nil
}

// gone says what an error of the socket means.
func (t *transfer) gone(err error) error {
	switch {
	case errors.Is(err, net.ErrClosed), errors.Is(err, os.ErrClosed):
		return fmt.Errorf("the server stops: %w", net.ErrClosed)
	case errors.Is(err, unix.ECONNREFUSED):
		return fmt.Errorf("the client's port is closed: %w", err)
	}
	return err
}
