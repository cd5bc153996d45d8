package nfs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/go-git/go-billy/v5"
	"golang.org/x/sys/unix"
)

var _ billy.Change = (*view)(nil)

// in runs f in the folder in which name ends.
func (v *view) in(op, name string, f func(dir int, base string) error) error {
	dir, base, err := v.parent(name)
	if err != nil {
		return err
	}
	defer unix.Close(dir)
	if err := f(dir, base); err != nil {
		return &fs.PathError{Op: op, Path: name, Err: err}
	}
	return nil
}

// make runs f, which makes name, and gives what it made to the caller: the
// server itself is root.
func (v *view) make(op, name string, f func(dir int, base string) error) error {
	return v.in(op, name, func(dir int, base string) error {
		if err := f(dir, base); err != nil {
			return err
		}
		uid, gid := int(v.session.cred.uid), int(v.session.cred.gid)
		var st unix.Stat_t
		if unix.Fstat(dir, &st) == nil && st.Mode&unix.S_ISGID != 0 {
			gid = -1 // it is the folder's already
		}
		err := unix.Fchownat(dir, base, uid, gid, unix.AT_SYMLINK_NOFOLLOW)
		if err != nil {
			// Without a range of user ids there is only one to give it to.
			_ = remove(dir, base)
		}
		return err
	})
}

// Create makes a regular file, or opens the one that is there: whether that is
// to be emptied, the attributes say that go-nfs sets next.
func (v *view) Create(name string) (billy.File, error) {
	err := v.make("create", name, func(dir int, base string) error {
		fd, err := unix.Openat(dir, base, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o666)
		if err == nil {
			unix.Close(fd)
		}
		return err
	})
	if err != nil && !errors.Is(err, unix.EEXIST) {
		return nil, err
	}
	return v.OpenFile(name, os.O_RDWR, 0)
}

// TempFile is not part of NFS.
func (v *view) TempFile(string, string) (billy.File, error) { return nil, billy.ErrNotSupported }

// Chroot is not part of NFS.
func (v *view) Chroot(string) (billy.Filesystem, error) { return nil, billy.ErrNotSupported }

// MkdirAll makes one folder: the ones above it have handles.
func (v *view) MkdirAll(name string, mode os.FileMode) error {
	return v.make("mkdir", name, func(dir int, base string) error {
		return unix.Mkdirat(dir, base, uint32(mode.Perm()))
	})
}

// Symlink makes a link with this text, whatever it says.
func (v *view) Symlink(text, name string) error {
	return v.make("symlink", name, func(dir int, base string) error {
		return unix.Symlinkat(text, dir, base)
	})
}

// mknod makes a device node, a FIFO or a socket.
func (v *view) mknod(name string, mode uint32, dev int) error {
	return v.make("mknod", name, func(dir int, base string) error {
		return unix.Mknodat(dir, base, mode, dev)
	})
}

// Link makes another name for a file.
func (v *view) Link(old, name string) error {
	fd, err := openBeneath(v.root, old, unix.O_PATH, 0)
	if err != nil {
		return &fs.PathError{Op: "link", Path: old, Err: err}
	}
	defer unix.Close(fd)
	oldDir, oldBase, err := v.parent(old)
	if err != nil {
		return err
	}
	defer unix.Close(oldDir)
	return v.in("link", name, func(dir int, base string) error {
		return unix.Linkat(oldDir, oldBase, dir, base, 0)
	})
}

// Rename moves a file within the export.
func (v *view) Rename(old, name string) error {
	return v.in("rename", old, func(from int, oldBase string) error {
		return v.in("rename", name, func(to int, base string) error {
			return unix.Renameat(from, oldBase, to, base)
		})
	})
}

// Remove removes a file or an empty folder.
func (v *view) Remove(name string) error {
	return v.in("remove", name, remove)
}

func remove(dir int, base string) error {
	err := unix.Unlinkat(dir, base, 0)
	if errors.Is(err, unix.EISDIR) {
		err = unix.Unlinkat(dir, base, unix.AT_REMOVEDIR)
	}
	return err
}

// Chmod changes the mode of what is no link; as in [info], the low twelve bits
// of mode are Unix's. It goes by way of the open file,
// as chmod(2) of a name would follow a link.
func (v *view) Chmod(name string, mode os.FileMode) error {
	fd, err := openBeneath(v.root, name, unix.O_PATH, 0)
	if err == nil {
		defer unix.Close(fd)
		err = unix.Chmod(fmt.Sprintf("/proc/self/fd/%d", fd), uint32(mode)&0o7777)
	}
	if err != nil {
		return &fs.PathError{Op: "chmod", Path: name, Err: err}
	}
	return nil
}

// Lchown and Chown change the owner.
func (v *view) Lchown(name string, uid, gid int) error { return v.Chown(name, uid, gid) }
func (v *view) Chown(name string, uid, gid int) error {
	return v.in("chown", name, func(dir int, base string) error {
		return unix.Fchownat(dir, base, uid, gid, unix.AT_SYMLINK_NOFOLLOW)
	})
}

// Chtimes changes the times.
func (v *view) Chtimes(name string, atime, mtime time.Time) error {
	return v.in("utimes", name, func(dir int, base string) error {
		ts := []unix.Timespec{unix.NsecToTimespec(atime.UnixNano()), unix.NsecToTimespec(mtime.UnixNano())}
		return unix.UtimesNanoAt(dir, base, ts, unix.AT_SYMLINK_NOFOLLOW)
	})
}
