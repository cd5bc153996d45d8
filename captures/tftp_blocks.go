package captures

import (
	"crypto/sha256"
	"hash"
)

// A tftpBlocks follows the DATA of one transfer: which blocks were seen, how
// many bytes they have, and, if wanted, their hash. Blocks are counted without
// end from 1, whatever the 16 bits on the wire do.
type tftpBlocks struct {
	next   int64 // the block after the highest seen; 1 before the first
	wrap   int64 // how far the wire's number goes on: 65536, or 65535 for servers that go from 65535 to 1
	gaps   ranges
	last   int64 // the short block; 0 until it was seen
	acked  int64 // the highest block acknowledged
	hash   hash.Hash
	hashed int64            // the block before which all is hashed
	ahead  map[int64][]byte // blocks that came before their turn
}

// maxAhead is how many blocks before their turn are held. A server whose
// window is larger sends what follows a lost block again anyway.
const maxAhead = 64

func newTFTPBlocks() tftpBlocks { return tftpBlocks{next: 1, wrap: 65536} }

// number is the block that the wire's number means: the one nearest to what
// comes next. It is 0 or less for block 0 of the wire at the start.
func (b *tftpBlocks) number(wire uint16) int64 {
	if b.wrap == 65536 {
		return b.next + int64(int16(wire-uint16(b.next)))
	}
	// Wire numbers run 1 to 65535 again and again.
	expect := (b.next-1)%65535 + 1
	diff := int64(wire) - expect
	if diff > 32767 {
		diff -= 65535
	} else if diff < -32767 {
		diff += 65535
	}
	return b.next + diff
}

// data adds a DATA block of n bytes and says whether it was new.
func (b *tftpBlocks) data(wire uint16, n, size int) (block int64, fresh bool) {
	// RFC 1350 says nothing about the number after 65535. Most go to 0; that
	// one goes to 1 shows when 1 follows 65535 at once.
	if wire == 1 && b.next == 65536 && b.wrap == 65536 {
		b.wrap = 65535
	}
	block = b.number(wire)
	switch {
	case block < 1:
		return block, false
	case block == b.next:
		b.next++
		fresh = true
	case block > b.next:
		b.gaps.add(b.next, block)
		b.next = block + 1
		fresh = true
	default:
		fresh = b.gaps.remove(block)
	}
	if n < size && fresh {
		b.last = block
	}
	return block, fresh
}

// startHash begins to hash.
func (b *tftpBlocks) startHash() {
	b.hash, b.hashed = sha256.New(), 1
}

// add hashes a block, or keeps it for later.
func (b *tftpBlocks) add(block int64, data []byte, room *budget) {
	switch {
	case block < b.hashed:
	case block > b.hashed:
		if b.ahead[block] == nil && len(b.ahead) < maxAhead && room.take(len(data)) {
			if b.ahead == nil {
				b.ahead = make(map[int64][]byte)
			}
			b.ahead[block] = append(make([]byte, 0, len(data)), data...)
		}
	default:
		b.hash.Write(data)
		b.hashed++
		for {
			next, ok := b.ahead[b.hashed]
			if !ok {
				break
			}
			b.hash.Write(next)
			room.free(len(next))
			delete(b.ahead, b.hashed)
			b.hashed++
		}
	}
}

// stopHash gives up what is held for the hash.
func (b *tftpBlocks) stopHash(room *budget) {
	for _, data := range b.ahead {
		room.free(len(data))
	}
	b.hash, b.ahead = nil, nil
}

// digest is the hash, if every block up to the short one was hashed.
func (b *tftpBlocks) digest() []byte {
	if b.hash == nil || b.last == 0 || b.hashed != b.last+1 {
		return nil
	}
	return b.hash.Sum(nil)
}
