package nfs

import (
	"encoding/binary"

	gonfs "github.com/willscott/go-nfs"

	"github.com/pxeproof/pxeproof/servers/rpc"
)

// answers are the procedures that the guard answers itself, because go-nfs
// cannot know the caller or gets them wrong. Each makes the whole reply; t is
// there and c may do it.
var answers = [len(procedures)]func(s *session, xid uint32, a *arguments, t target, c *credential) []byte{
	procSetattr: (*session).setattr,
	procAccess:  (*session).access,
	procRead:    (*session).read,
	procMknod:   (*session).mknod,
	procRemove:  (*session).remove,
	procRmdir:   (*session).remove,
	procRename:  (*session).rename,
	procLink:    (*session).link,
	procFsinfo:  (*session).fsinfo,
}

// succeeded begins the reply of a procedure that went well.
func succeeded(xid uint32) []byte {
	return binary.BigEndian.AppendUint32(accepted(xid, rpc.Success), uint32(ok))
}

// appendAttr appends a post_op_attr, with the same numbers as go-nfs gives.
func appendAttr(b []byte, i *info) []byte {
	f := gonfs.ToFileAttribute(i, "")
	b = rpc.AppendBool(b, true)
	for _, v := range []uint32{uint32(f.Type), f.FileMode, f.Nlink, f.UID, f.GID} {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	b = binary.BigEndian.AppendUint64(b, f.Filesize)
	b = binary.BigEndian.AppendUint64(b, f.Used)
	b = binary.BigEndian.AppendUint32(b, f.SpecData[0])
	b = binary.BigEndian.AppendUint32(b, f.SpecData[1])
	b = binary.BigEndian.AppendUint64(b, f.FSID)
	b = binary.BigEndian.AppendUint64(b, f.Fileid)
	for _, t := range []gonfs.FileTime{f.Atime, f.Mtime, f.Ctime} {
		b = binary.BigEndian.AppendUint32(b, t.Seconds)
		b = binary.BigEndian.AppendUint32(b, t.Nseconds)
	}
	return b
}

// The bits of ACCESS (RFC 1813, section 3.3.4).
const (
	accessRead    = 0x01
	accessLookup  = 0x02
	accessModify  = 0x04
	accessExtend  = 0x08
	accessDelete  = 0x10
	accessExecute = 0x20
)

// access tells the caller's rights.
func (s *session) access(xid uint32, a *arguments, t target, c *credential) []byte {
	rights := map[uint32]uint32{accessRead: mayRead, accessExecute: mayExec, accessModify: mayWrite, accessExtend: mayWrite}
	if t.info.IsDir() {
		rights = map[uint32]uint32{
			accessRead: mayRead, accessLookup: mayExec,
			accessModify: mayWrite | mayExec, accessExtend: mayWrite | mayExec, accessDelete: mayWrite | mayExec,
		}
	}
	var granted uint32
	for bit, want := range rights {
		if a.mask&bit != 0 && !(want&mayWrite != 0 && t.view.readOnly) && c.may(t.info, want) {
			granted |= bit
		}
	}
	return binary.BigEndian.AppendUint32(appendAttr(succeeded(xid), t.info), granted)
}

// fsinfo tells the limits: go-nfs promises a gigabyte at a time.
func (s *session) fsinfo(xid uint32, _ *arguments, t target, _ *credential) []byte {
	b := appendAttr(succeeded(xid), t.info)
	for _, v := range []uint32{
		maxData, maxData, 4096, // rtmax, rtpref, rtmult
		maxData, maxData, 4096, // wtmax, wtpref, wtmult
		64 << 10, // dtpref
	} {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	b = binary.BigEndian.AppendUint64(b, 1<<63-1) // maxfilesize
	b = binary.BigEndian.AppendUint64(b, 1)       // time_delta: a nanosecond
	const (
		link        = 0x01
		symlink     = 0x02
		homogeneous = 0x08
		canSetTime  = 0x10
	)
	return binary.BigEndian.AppendUint32(b, link|symlink|homogeneous|canSetTime)
}
