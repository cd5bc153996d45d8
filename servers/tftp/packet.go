package tftp

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
)

// Opcodes (RFC 1350 section 5, RFC 2347).
const (
	opRRQ   = 1
	opWRQ   = 2
	opDATA  = 3
	opACK   = 4
	opERROR = 5
	opOACK  = 6
)

// A Code is what an ERROR packet says went wrong.
type Code uint16

// Error codes (RFC 1350 appendix I, RFC 2347).
const (
	NotDefined       Code = 0
	FileNotFound     Code = 1
	AccessViolation  Code = 2
	DiskFull         Code = 3
	IllegalOperation Code = 4
	UnknownTransfer  Code = 5
	FileExists       Code = 6
	NoSuchUser       Code = 7
	OptionsRefused   Code = 8
)

// An Error is an ERROR packet. Its text is sent to whoever asked, so it never
// holds a path of the server.
type Error struct {
	Code Code
	Text string
}

func (e *Error) Error() string { return fmt.Sprintf("TFTP error %d: %s", e.Code, e.Text) }

func (e *Error) packet() []byte {
	b := binary.BigEndian.AppendUint16(nil, opERROR)
	b = binary.BigEndian.AppendUint16(b, uint16(e.Code))
	return append(append(b, e.Text...), 0)
}

// An Option is one name and value of a request or an OACK (RFC 2347), as it is
// written there.
type Option struct{ Name, Value string }

// A request is an RRQ or a WRQ.
type request struct {
	op      uint16
	name    string
	mode    string // in lower case
	options []Option
}

// parseRequest reads a packet that came to the server's well-known port. It
// returns nil and no error for what deserves no answer: a packet that is not a
// request at all, such as an ACK that was sent to the wrong port.
//
// It is as lenient as in.tftpd: what follows the last complete option is
// ignored, because PXE ROMs were seen that pad their requests.
func parseRequest(b []byte) (*request, *Error) {
	if len(b) < 2 {
		return nil, nil
	}
	r := &request{op: binary.BigEndian.Uint16(b)}
	if r.op != opRRQ && r.op != opWRQ {
		return nil, nil
	}
	b = b[2:]
	var ok bool
	if r.name, b, ok = cutString(b); !ok {
		return nil, &Error{IllegalOperation, "Request not null-terminated"}
	}
	if r.name == "" {
		return nil, &Error{IllegalOperation, "Missing file name"}
	}
	if r.mode, b, ok = cutString(b); !ok || r.mode == "" {
		return nil, &Error{IllegalOperation, "Missing mode"}
	}
	r.mode = strings.ToLower(r.mode)
	for {
		var o Option
		if o.Name, b, ok = cutString(b); !ok || o.Name == "" {
			return r, nil
		}
		if o.Value, b, ok = cutString(b); !ok {
			return r, nil
		}
		r.options = append(r.options, o)
	}
}

// cutString takes a NUL-terminated string off b.
func cutString(b []byte) (s string, rest []byte, ok bool) {
	i := bytes.IndexByte(b, 0)
	if i < 0 {
		return "", b, false
	}
	return string(b[:i]), b[i+1:], true
}

// packet is the request as it goes over the wire.
func (r *request) packet() []byte {
	b := binary.BigEndian.AppendUint16(nil, r.op)
	b = append(append(b, r.name...), 0)
	b = append(append(b, r.mode...), 0)
	return appendOptions(b, r.options)
}

func appendOptions(b []byte, options []Option) []byte {
	for _, o := range options {
		b = append(append(b, o.Name...), 0)
		b = append(append(b, o.Value...), 0)
	}
	return b
}
