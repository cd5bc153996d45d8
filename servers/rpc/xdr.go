package rpc

import (
	"encoding/binary"
	"errors"
	"fmt"
)

var errShort = errors.New("the message ends too early")

// A Decoder takes XDR apart. The first error sticks, and everything after it is
// zero, so a structure can be read in one go and Err asked once.
type Decoder struct {
	b   []byte
	err error
}

// NewDecoder reads b, which must not change while it is read.
func NewDecoder(b []byte) *Decoder { return &Decoder{b: b} }

// Err is the first error, nil if all went well.
func (d *Decoder) Err() error { return d.err }

// Rest is what has not been read, nil after an error.
func (d *Decoder) Rest() []byte { return d.b }

func (d *Decoder) fail(err error) {
	if d.err == nil {
		d.err = err
	}
	d.b = nil
}

// Fixed reads n bytes of opaque data and their padding. The result aliases the
// input.
func (d *Decoder) Fixed(n int) []byte {
	padded := n + -n&3
	if n < 0 || padded > len(d.b) {
		d.fail(errShort)
		return nil
	}
	v := d.b[:n:n]
	d.b = d.b[padded:]
	return v
}

// Uint32 reads an unsigned int or an enum.
func (d *Decoder) Uint32() uint32 {
	if b := d.Fixed(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

// Uint64 reads an unsigned hyper.
func (d *Decoder) Uint64() uint64 {
	if b := d.Fixed(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// Bool reads a bool, for which RFC 4506 allows 0 and 1 alone.
func (d *Decoder) Bool() bool {
	v := d.Uint32()
	if v > 1 {
		d.fail(fmt.Errorf("%d where a bool was due", v))
	}
	return v == 1
}

// Opaque reads variable-length opaque data or a string of at most limit bytes.
// The result aliases the input.
func (d *Decoder) Opaque(limit int) []byte {
	n := d.Uint32()
	if uint64(n) > uint64(limit) {
		d.fail(fmt.Errorf("%d bytes where at most %d are allowed", n, limit))
		return nil
	}
	return d.Fixed(int(n))
}

// AppendOpaque appends variable-length opaque data with its length and padding.
func AppendOpaque[T []byte | string](b []byte, v T) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(v)))
	b = append(b, v...)
	return append(b, make([]byte, -len(v)&3)...)
}

// AppendBool appends a bool, which also says of optional data whether it
// follows.
func AppendBool(b []byte, v bool) []byte {
	if v {
		return binary.BigEndian.AppendUint32(b, 1)
	}
	return binary.BigEndian.AppendUint32(b, 0)
}
