package nfs

import (
	"encoding/binary"
	"errors"

	"golang.org/x/sys/unix"

	"github.com/pxeproof/pxeproof/servers/rpc"
)

// A status is an nfsstat3 (RFC 1813, section 2.6) or a mountstat3 (section
// 5.1.5), whose numbers are the same where they mean the same.
type status uint32

const (
	ok             status = 0
	errPerm        status = 1
	errNoEnt       status = 2
	errIO          status = 5
	errAcces       status = 13
	errExist       status = 17
	errXDev        status = 18
	errNotDir      status = 20
	errIsDir       status = 21
	errInval       status = 22
	errNoSpace     status = 28
	errROFS        status = 30
	errNameTooLong status = 63
	errNotEmpty    status = 66
	errStale       status = 70
	errNotSync     status = 10002
	errNotSupp     status = 10004
	errTooSmall    status = 10005
	errServerFault status = 10006
	errBadType     status = 10007
)

// statusOf translates the kernel's errors.
func statusOf(err error) status {
	var errno unix.Errno
	if !errors.As(err, &errno) {
		return errServerFault
	}
	switch errno {
	case unix.EPERM:
		return errPerm
	case unix.ENOENT:
		return errNoEnt
	case unix.EACCES:
		return errAcces
	case unix.EEXIST:
		return errExist
	case unix.EXDEV:
		return errXDev
	case unix.ENOTDIR:
		return errNotDir
	case unix.EISDIR:
		return errIsDir
	case unix.EINVAL:
		return errInval
	case unix.ENOSPC:
		return errNoSpace
	case unix.EROFS:
		return errROFS
	case unix.ENAMETOOLONG:
		return errNameTooLong
	case unix.ENOTEMPTY:
		return errNotEmpty
	case unix.ELOOP:
		return errStale // a link where none was
	}
	return errIO
}

// accepted begins a reply, with room for its record mark.
func accepted(xid uint32, s rpc.Status) []byte {
	return rpc.AppendAccepted(make([]byte, rpc.MarkSize, 512), xid, s)
}

// failed is the whole reply of an NFS procedure that failed. Behind the status
// stand as many attributes as the procedure has, none of them given.
func failed(xid uint32, proc uint32, s status) []byte {
	b := binary.BigEndian.AppendUint32(accepted(xid, rpc.Success), uint32(s))
	return append(b, make([]byte, 4*procedures[proc].absent)...)
}
