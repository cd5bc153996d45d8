package rpc

import (
	"encoding/binary"
	"fmt"
	"io"
)

// lastFragment marks the last fragment of a record (RFC 5531, section 11).
const lastFragment = 1 << 31

// maxFragments bounds how finely a record may be cut. Clients send one; without
// a bound a stream of empty fragments would keep a server busy for nothing.
const maxFragments = 64

// growth is how much of a claimed length is believed at a time, in bytes:
// memory is spent on what has arrived, not on what was announced.
const growth = 64 << 10

// ReadRecord reads one record, fragments joined, and appends it to buf, which
// may be nil. A record of more than limit bytes is an error, given before it is
// read. At the end of the stream the error is io.EOF if no record had begun.
func ReadRecord(r io.Reader, buf []byte, limit int) ([]byte, error) {
	start := len(buf)
	for fragment := 0; ; fragment++ {
		var mark [4]byte
		if _, err := io.ReadFull(r, mark[:]); err != nil {
			if fragment > 0 && err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		m := binary.BigEndian.Uint32(mark[:])
		n := int64(m &^ lastFragment)
		if int64(len(buf)-start)+n > int64(limit) {
			return nil, fmt.Errorf("an RPC record of more than %d bytes", limit)
		}
		for n > 0 {
			step := int(min(n, growth))
			at := len(buf)
			buf = append(buf, make([]byte, step)...)
			if _, err := io.ReadFull(r, buf[at:]); err != nil {
				if err == io.EOF {
					err = io.ErrUnexpectedEOF
				}
				return nil, err
			}
			n -= int64(step)
		}
		if m&lastFragment != 0 {
			return buf, nil
		}
		if fragment == maxFragments {
			return nil, fmt.Errorf("an RPC record of more than %d fragments", maxFragments)
		}
	}
}

// MarkSize is the room that PutMark needs in front of a message.
const MarkSize = 4

// PutMark fills in the record mark at the head of b, the rest of which is one
// message: build replies with MarkSize bytes in front, and they leave in one
// write.
func PutMark(b []byte) {
	binary.BigEndian.PutUint32(b, lastFragment|uint32(len(b)-MarkSize))
}

// MarkedSize is the size of the message that the record mark at the head of b
// tells of, in bytes.
func MarkedSize(b []byte) int {
	return int(binary.BigEndian.Uint32(b) &^ lastFragment)
}
