// Package rpc is the part of ONC RPC (RFC 5531) and XDR (RFC 4506) that the
// portmapper and the NFS server share: calls are taken apart and answered
// byte by byte, and nothing is believed. It has no dispatcher and no client.
//
// A server reads a message ([ReadRecord] for TCP, a datagram for UDP), takes it
// apart with [ParseCall], asks [Refuse] whether RPC itself already has the
// answer, and else appends its results to [AppendAccepted].
package rpc

import (
	"encoding/binary"
	"errors"
)

// version is the one version of RPC (RFC 5531, section 8.1).
const version = 2

// MaxAuth is the largest body of a credential or verifier in bytes (RFC 5531,
// section 8.2).
const MaxAuth = 400

// The flavors of authentication that a boot sees (RFC 5531, section 8.2).
const (
	AuthNone = 0
	AuthSys  = 1 // "AUTH_UNIX" of old: ids that the client simply states
)

// Auth is an opaque_auth: a credential or a verifier.
type Auth struct {
	Flavor uint32
	Body   []byte // aliases the message
}

// A Call is one RPC call.
type Call struct {
	XID     uint32
	Program uint32
	Version uint32
	Proc    uint32
	Cred    Auth
	Verf    Auth
	Args    []byte // what the procedure is given; aliases the message

	rpcVersion uint32
}

const (
	msgCall  = 0
	msgReply = 1
)

// errNotACall is given for what deserves no answer.
var errNotACall = errors.New("not an RPC call")

// ParseCall takes a message apart. The error says that it is not a call, or one
// that ends before its arguments begin; nothing is to be answered then, and the
// only cure on a stream is to close it. A call of another version of RPC than 2
// is no error: [Refuse] has the answer for it.
func ParseCall(msg []byte) (Call, error) {
	d := NewDecoder(msg)
	c := Call{XID: d.Uint32()}
	kind := d.Uint32()
	c.rpcVersion = d.Uint32()
	if d.Err() != nil || kind != msgCall {
		return Call{}, errNotACall
	}
	if c.rpcVersion != version {
		return c, nil // the rest is laid out as that version likes
	}
	c.Program = d.Uint32()
	c.Version = d.Uint32()
	c.Proc = d.Uint32()
	c.Cred = Auth{d.Uint32(), d.Opaque(MaxAuth)}
	c.Verf = Auth{d.Uint32(), d.Opaque(MaxAuth)}
	c.Args = d.Rest()
	if d.Err() != nil {
		return Call{}, errNotACall
	}
	return c, nil
}

// Sys is the body of an AuthSys credential (RFC 5531, appendix A): who the
// client says the caller is.
type Sys struct {
	Machine  string
	UID, GID uint32
	GIDs     []uint32 // at most 16
}

// Sys takes an AuthSys credential apart. It reports false for a malformed one
// and for every other flavor.
func (a Auth) Sys() (Sys, bool) {
	if a.Flavor != AuthSys {
		return Sys{}, false
	}
	d := NewDecoder(a.Body)
	d.Uint32() // stamp
	s := Sys{Machine: string(d.Opaque(255)), UID: d.Uint32(), GID: d.Uint32()}
	n := d.Uint32()
	if n > 16 {
		return Sys{}, false
	}
	for range n {
		s.GIDs = append(s.GIDs, d.Uint32())
	}
	return s, d.Err() == nil
}

// Status is the accept_stat of a reply (RFC 5531, section 9).
type Status uint32

// The ways in which an accepted call can go.
const (
	Success          Status = 0
	ProgUnavailable  Status = 1
	ProgMismatch     Status = 2
	ProcUnavailable  Status = 3
	GarbageArguments Status = 4
	SystemError      Status = 5
)

// AppendAccepted appends the head of a reply to the call xid: accepted, with
// this status and no verifier. Results follow a Success, nothing the others
// (ProgMismatch excepted, which [Refuse] makes).
func AppendAccepted(b []byte, xid uint32, s Status) []byte {
	b = binary.BigEndian.AppendUint32(b, xid)
	b = binary.BigEndian.AppendUint32(b, msgReply)
	b = binary.BigEndian.AppendUint32(b, 0) // MSG_ACCEPTED
	b = binary.BigEndian.AppendUint32(b, AuthNone)
	b = binary.BigEndian.AppendUint32(b, 0)
	return binary.BigEndian.AppendUint32(b, uint32(s))
}

// AuthStatus is an auth_stat: why a credential is not taken (RFC 5531, section 9).
type AuthStatus uint32

// BadCredential says that a credential is malformed or of an unknown flavor.
const BadCredential AuthStatus = 1

// AppendDenied appends the whole reply to a call whose caller is not believed.
func AppendDenied(b []byte, xid uint32, why AuthStatus) []byte {
	b = binary.BigEndian.AppendUint32(b, xid)
	b = binary.BigEndian.AppendUint32(b, msgReply)
	b = binary.BigEndian.AppendUint32(b, 1) // MSG_DENIED
	b = binary.BigEndian.AppendUint32(b, 1) // AUTH_ERROR
	return binary.BigEndian.AppendUint32(b, uint32(why))
}

// A Program is the number of a program and the range of its versions.
type Program struct {
	Number    uint32
	Low, High uint32
}

// Refuse gives the whole reply to a call that none of these programs can
// answer: another RPC version, another program, another version of a program.
// It returns nil for a call that is for one of them.
func Refuse(c Call, programs ...Program) []byte {
	if c.rpcVersion != version {
		b := binary.BigEndian.AppendUint32(nil, c.XID)
		b = binary.BigEndian.AppendUint32(b, msgReply)
		b = binary.BigEndian.AppendUint32(b, 1) // MSG_DENIED
		b = binary.BigEndian.AppendUint32(b, 0) // RPC_MISMATCH
		b = binary.BigEndian.AppendUint32(b, version)
		return binary.BigEndian.AppendUint32(b, version)
	}
	for _, p := range programs {
		if p.Number != c.Program {
			continue
		}
		if p.Low <= c.Version && c.Version <= p.High {
			return nil
		}
		b := AppendAccepted(nil, c.XID, ProgMismatch)
		b = binary.BigEndian.AppendUint32(b, p.Low)
		return binary.BigEndian.AppendUint32(b, p.High)
	}
	return AppendAccepted(nil, c.XID, ProgUnavailable)
}
