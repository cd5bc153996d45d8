package tftp

import (
	"errors"
	"io"
)

// readAhead is how much of a file is held beyond the window, in bytes at
// least: reading more at once makes fewer system calls, and it is done while
// the client is busy with what was sent.
const readAhead = 16 << 10

// blocks are a piece of the file, cut into blocks: those that the client has
// not acknowledged yet, and some more. They are numbered from 1 and never come
// round; wire numbers do that.
type blocks struct {
	from     source
	mapped   *mapping // in place of from and buf
	size     int      // of a block
	buf      []byte
	capacity int64 // of buf, in blocks

	first  int64 // oldest that is held
	filled int64 // one beyond the newest that is held
	tail   int   // bytes in the block that is being filled
	// last is the number of the last block, 0 while it is not known. It is
	// shorter than the others, and may be empty (RFC 1350 section 6).
	last     int64
	lastSize int
}

func newBlocks(from source, blockSize, windowSize int) *blocks {
	ahead := max(readAhead/blockSize, windowSize, 1)
	n := windowSize + ahead
	return &blocks{
		from: from, size: blockSize, capacity: int64(n), buf: make([]byte, n*blockSize),
		first: 1, filled: 1,
	}
}

// release gives the room of all blocks before n back.
func (b *blocks) release(n int64) { b.first = max(b.first, n) }

// want reads until block n is held, or the last one is.
func (b *blocks) want(n int64) error {
	if b.mapped != nil {
		return b.mapped.want(int(min(n, b.last)) * b.size)
	}
	for b.filled <= n && b.last == 0 {
		if err := b.fill(); err != nil {
			return err
		}
	}
	return nil
}

// ahead reads what there is room for, if it is worth a system call.
func (b *blocks) ahead() error {
	if b.last != 0 || b.first+b.capacity-b.filled < b.capacity/2 {
		return nil
	}
	return b.fill()
}

// fill reads once, as much as there is room for without a break.
func (b *blocks) fill() error {
	slot := (b.filled - 1) % b.capacity
	room := min(b.capacity-slot, b.first+b.capacity-b.filled)
	if room <= 0 {
		return io.ErrShortBuffer
	}
	start := int(slot)*b.size + b.tail
	n, err := b.from.read(b.buf[start : int(slot+room)*b.size])
	b.tail += n
	b.filled += int64(b.tail / b.size)
	b.tail %= b.size
	switch {
	case errors.Is(err, io.EOF):
		b.last, b.lastSize = b.filled, b.tail
		b.filled++
		return nil
	case err == nil && n == 0:
		return io.ErrNoProgress
	}
	return err
}

// data is what is in block n, which must be held.
func (b *blocks) data(n int64) []byte {
	size := b.size
	if n == b.last {
		size = b.lastSize
	}
	if b.mapped != nil {
		start := int(n-1) * b.size
		return b.mapped.b[start : start+size]
	}
	start := int((n-1)%b.capacity) * b.size
	return b.buf[start : start+size]
}

// end is one beyond the last block that is held and below limit.
func (b *blocks) end(limit int64) int64 { return min(b.filled, limit) }

// wire is a block's number on the wire: after 65535 comes rollover, which is 0
// for all but a few clients that want 1.
func wire(n int64, rollover uint16) uint16 {
	if n <= 65535 {
		return uint16(n)
	}
	return uint16(int64(rollover) + (n-65536)%(65536-int64(rollover)))
}

// unwire finds which of the blocks from low to high has a number on the wire,
// the newest if several do.
func unwire(number, rollover uint16, low, high int64) (int64, bool) {
	for n := high; n >= low; n-- {
		if wire(n, rollover) == number {
			return n, true
		}
	}
	return 0, false
}
