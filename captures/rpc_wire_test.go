package captures_test

import "encoding/binary"

// An xdr builds XDR, for tests.
type xdr []byte

func (x xdr) num(vs ...uint32) xdr {
	for _, v := range vs {
		x = binary.BigEndian.AppendUint32(x, v)
	}
	return x
}

func (x xdr) num64(v uint64) xdr { return binary.BigEndian.AppendUint64(x, v) }

func (x xdr) opaque(b []byte) xdr {
	x = append(x.num(uint32(len(b))), b...)
	for len(x)%4 != 0 {
		x = append(x, 0)
	}
	return x
}

func (x xdr) text(s string) xdr { return x.opaque([]byte(s)) }

// attributes are a post_op_attr of a file of some size.
func (x xdr) attributes(size uint64) xdr {
	x = x.num(1, 1, 0o644, 1, 0, 0).num64(size).num64(size)
	return append(x, make([]byte, 84-36)...)
}

// call and reply are RPC messages with no credentials.
func call(xid, prog, vers, proc uint32, args xdr) []byte {
	return append(xdr{}.num(xid, 0, 2, prog, vers, proc, 0, 0, 0, 0), args...)
}

func reply(xid uint32, result xdr) []byte {
	return append(xdr{}.num(xid, 1, 0, 0, 0, 0), result...)
}

// refused is a reply with an accept_stat other than success.
func refused(xid, stat uint32) []byte { return xdr{}.num(xid, 1, 0, 0, 0, stat, 2, 3) }

// record puts the record mark before a message.
func marked(m []byte) []byte {
	return append(xdr{}.num(1<<31|uint32(len(m))), m...)
}

const (
	portmapper = 100000
	nfs        = 100003
	mountd     = 100005
)

func lookupCall(xid uint32, dir []byte, name string) []byte {
	return call(xid, nfs, 3, 3, xdr{}.opaque(dir).text(name))
}

func lookupReply(xid uint32, handle []byte) []byte {
	return reply(xid, xdr{}.num(0).opaque(handle).num(0, 0))
}

func readCall(xid uint32, file []byte, offset uint64, count uint32) []byte {
	return call(xid, nfs, 3, 6, xdr{}.opaque(file).num64(offset).num(count))
}

func readReply(xid uint32, size uint64, eof bool, content []byte) []byte {
	end := uint32(0)
	if eof {
		end = 1
	}
	return reply(xid, xdr{}.num(0).attributes(size).num(uint32(len(content)), end).opaque(content))
}
