package captures

import "encoding/binary"

// An xdr reads XDR (RFC 4506). After the end of the data it reads zeros, and
// short tells of it.
type xdr struct {
	b     []byte
	short bool
}

func (x *xdr) uint32() uint32 {
	if len(x.b) < 4 {
		x.b, x.short = nil, true
		return 0
	}
	v := binary.BigEndian.Uint32(x.b)
	x.b = x.b[4:]
	return v
}

func (x *xdr) uint64() uint64 { return uint64(x.uint32())<<32 | uint64(x.uint32()) }

// fixed reads n bytes and their padding.
func (x *xdr) fixed(n int) []byte {
	padded := (n + 3) &^ 3
	if n < 0 || n > len(x.b) {
		x.b, x.short = nil, true
		return nil
	}
	v := x.b[:n]
	x.b = x.b[min(padded, len(x.b)):]
	return v
}

// opaque reads a length and as many bytes, at most limit.
func (x *xdr) opaque(limit int) []byte {
	n := x.uint32()
	if int64(n) > int64(limit) {
		x.b, x.short = nil, true
		return nil
	}
	return x.fixed(int(n))
}

func (x *xdr) string(limit int) string { return string(x.opaque(limit)) }

func (x *xdr) skip(n int) { x.fixed(n) }
