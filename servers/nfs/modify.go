package nfs

import (
	"encoding/binary"
	"os"
	"time"

	gonfs "github.com/willscott/go-nfs"
	"golang.org/x/sys/unix"

	"github.com/pxeproof/pxeproof/servers/rpc"
)

// What is here go-nfs gets wrong: SETATTR loses setuid, setgid and sticky bits
// there, MKNOD forgets character devices, LINK takes other arguments than RFC
// 1813 gives it, REMOVE and RMDIR are one, and a folder that is not empty is an
// I/O error.

// appendWcc appends a wcc_data for what is at a path now. What it was before is
// not told: others may change it meanwhile, and a client must not think that
// only it did.
func (v *view) appendWcc(b []byte, name string) []byte {
	b = rpc.AppendBool(b, false)
	i, err := lstat(v.root, name)
	if err != nil {
		return rpc.AppendBool(b, false)
	}
	return appendAttr(b, i)
}

// setattr is SETATTR.
func (s *session) setattr(xid uint32, a *arguments, t target, _ *credential) []byte {
	if a.guard != nil {
		now := gonfs.ToFileAttribute(t.info, "").Ctime
		if *a.guard != (nfstime{now.Seconds, now.Nseconds}) {
			return failed(xid, procSetattr, errNotSync)
		}
	}
	if err := t.view.set(t.path, t.info, &a.attrs); err != nil {
		return failed(xid, procSetattr, statusOf(err))
	}
	return t.view.appendWcc(succeeded(xid), t.path)
}

// set sets attributes of the file that i is about. Owner before mode: a new
// owner takes the setuid bit away.
func (v *view) set(name string, i *info, a *sattr) error {
	if a.size != nil {
		f, err := v.open(name, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		err = f.Truncate(int64(*a.size))
		f.Close()
		if err != nil {
			return err
		}
	}
	if a.uid != nil || a.gid != nil {
		uid, gid := -1, -1
		if a.uid != nil {
			uid = int(*a.uid)
		}
		if a.gid != nil {
			gid = int(*a.gid)
		}
		if err := v.Chown(name, uid, gid); err != nil {
			return err
		}
	}
	if a.mode != nil {
		if err := v.Chmod(name, os.FileMode(*a.mode&0o7777)); err != nil {
			return err
		}
	}
	if a.atime.how == dontChange && a.mtime.how == dontChange {
		return nil
	}
	return v.Chtimes(name, a.atime.time(i.st.Atim), a.mtime.time(i.st.Mtim))
}

// time is the time to set, which is the old one if it is to stay.
func (t setTime) time(old unix.Timespec) time.Time {
	switch t.how {
	case setToServerTime:
		return time.Now()
	case setToClientTime:
		return time.Unix(int64(t.to.sec), int64(t.to.nsec))
	}
	return time.Unix(old.Unix())
}

// mknod is MKNOD.
func (s *session) mknod(xid uint32, a *arguments, t target, c *credential) []byte {
	kind, known := map[uint32]uint32{
		typeBlock: unix.S_IFBLK, typeCharacter: unix.S_IFCHR, typeSocket: unix.S_IFSOCK, typeFIFO: unix.S_IFIFO,
	}[a.kind]
	if !known {
		return failed(xid, procMknod, errBadType)
	}
	if (kind == unix.S_IFBLK || kind == unix.S_IFCHR) && c.uid != 0 {
		return failed(xid, procMknod, errPerm)
	}
	mode := kind | 0o600
	if a.attrs.mode != nil {
		mode = kind | *a.attrs.mode&0o7777
	}
	s.cred = *c
	name := child(t.path, a.name)
	if err := t.view.mknod(name, mode, int(unix.Mkdev(a.device[0], a.device[1]))); err != nil {
		return failed(xid, procMknod, statusOf(err))
	}
	return s.made(xid, t, name)
}

// made is the reply to what made a file: its handle, its attributes, and those
// of the folder.
func (s *session) made(xid uint32, dir target, name string) []byte {
	b := succeeded(xid)
	if i, err := lstat(dir.view.root, name); err == nil {
		h := s.server.handles.of(node{export: dir.export, path: name, dev: i.st.Dev, ino: i.st.Ino})
		b = rpc.AppendOpaque(rpc.AppendBool(b, true), h[:])
		b = appendAttr(b, i)
	} else { // somebody was quick to remove it
		b = rpc.AppendBool(rpc.AppendBool(b, false), false)
	}
	return dir.view.appendWcc(b, dir.path)
}

// remove is REMOVE and RMDIR; removable has told them apart.
func (s *session) remove(xid uint32, a *arguments, t target, _ *credential) []byte {
	if err := t.view.Remove(child(t.path, a.name)); err != nil {
		return failed(xid, procRemove, statusOf(err))
	}
	return t.view.appendWcc(succeeded(xid), t.path)
}

// rename is RENAME.
func (s *session) rename(xid uint32, a *arguments, t target, _ *credential) []byte {
	to, st := s.target(a.handle2)
	if st != ok {
		return failed(xid, procRename, st)
	}
	if err := t.view.Rename(child(t.path, a.name), child(to.path, a.name2)); err != nil {
		return failed(xid, procRename, statusOf(err))
	}
	return t.view.appendWcc(t.view.appendWcc(succeeded(xid), t.path), to.path)
}

// link is LINK.
func (s *session) link(xid uint32, a *arguments, t target, _ *credential) []byte {
	dir, st := s.target(a.handle2)
	if st != ok {
		return failed(xid, procLink, st)
	}
	if err := t.view.Link(t.path, child(dir.path, a.name2)); err != nil {
		return failed(xid, procLink, statusOf(err))
	}
	b := succeeded(xid)
	if i, err := lstat(t.view.root, t.path); err == nil {
		b = appendAttr(b, i)
	} else {
		b = binary.BigEndian.AppendUint32(b, 0)
	}
	return t.view.appendWcc(b, dir.path)
}

// child is the path of a name in a folder.
func child(dir, name string) string {
	if dir == "" {
		return name
	}
	return dir + "/" + name
}
