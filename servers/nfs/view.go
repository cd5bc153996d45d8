package nfs

import (
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/go-git/go-billy/v5"
	"golang.org/x/sys/unix"

	"github.com/pxeproof/pxeproof/servers/conf/exports"
)

// A view is an export as one client sees it: a file system for go-nfs that
// follows no symbolic link and never leaves the export. Its paths come from
// handles and checked names: no empty ones, no "." and "..", no slashes within.
type view struct {
	session  *session
	export   string
	root     *os.File
	options  *exports.Options
	readOnly bool
}

var (
	_ billy.Filesystem = (*view)(nil)
	_ billy.Capable    = (*view)(nil)
)

// Capabilities say whether the export may be written to.
func (v *view) Capabilities() billy.Capability {
	if v.readOnly {
		return billy.ReadCapability | billy.SeekCapability
	}
	return billy.DefaultCapabilities
}

// Join makes a path of names. The export's root is "." as a name and "" as a
// path: go-nfs takes the folder above one without a name for nothing, and it is
// the root itself.
func (v *view) Join(elem ...string) string {
	if len(elem) > 0 && elem[0] == "." {
		elem = elem[1:]
	}
	return strings.Join(elem, "/")
}

// Root is the export's path.
func (v *view) Root() string { return v.export }

// Lstat and Stat are the same: the client follows links, not the server.
func (v *view) Lstat(name string) (os.FileInfo, error) { return v.Stat(name) }
func (v *view) Stat(name string) (os.FileInfo, error) {
	i, err := lstat(v.root, name)
	if err != nil {
		return nil, err
	}
	return i, nil
}

// Open and OpenFile open a regular file.
func (v *view) Open(name string) (billy.File, error) { return v.OpenFile(name, os.O_RDONLY, 0) }
func (v *view) OpenFile(name string, flags int, mode os.FileMode) (billy.File, error) {
	f, err := v.open(name, flags, mode)
	if err != nil {
		return nil, err
	}
	return &file{f}, nil
}

// open opens a regular file. Nothing else is opened: a FIFO or a device of the
// client's is a name to the server and not a thing to touch.
func (v *view) open(name string, flags int, mode os.FileMode) (*os.File, error) {
	if flags&os.O_CREATE == 0 {
		// openat2 wants no mode then; and O_EXCL, with which go-nfs opens to
		// truncate, means nothing.
		flags, mode = flags&^os.O_EXCL, 0
	}
	fd, err := openBeneath(v.root, name, flags|unix.O_NONBLOCK, uint32(mode.Perm()))
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
		unix.Close(fd)
		return nil, &fs.PathError{Op: "open", Path: name, Err: unix.EINVAL}
	}
	return os.NewFile(uintptr(fd), name), nil
}

// file is a regular file. NFS locks are none of this protocol's.
type file struct{ *os.File }

func (f *file) Lock() error   { return nil }
func (f *file) Unlock() error { return nil }

// Readlink gives a link's text as it is on disk.
func (v *view) Readlink(name string) (string, error) {
	fd, err := openBeneath(v.root, name, unix.O_PATH, 0)
	if err != nil {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: err}
	}
	defer unix.Close(fd)
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(fd, "", buf)
	if err != nil {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: err}
	}
	return string(buf[:n]), nil
}

// ReadDir lists a folder, without "." and "..".
func (v *view) ReadDir(name string) ([]os.FileInfo, error) {
	fd, err := openBeneath(v.root, name, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: err}
	}
	dir := os.NewFile(uintptr(fd), name)
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	list := make([]os.FileInfo, 0, len(names))
	for _, n := range names {
		i := &info{name: n}
		if unix.Fstatat(fd, n, &i.st, unix.AT_SYMLINK_NOFOLLOW) == nil {
			list = append(list, i) // else it is gone already
		}
	}
	return list, nil
}

// parent opens the folder in which a path ends, for changing what is in it. The
// export's own root is "." in itself.
func (v *view) parent(name string) (dir int, base string, err error) {
	up, base := path.Split(name)
	if base == "" {
		base = "."
	}
	dir, err = openBeneath(v.root, strings.TrimSuffix(up, "/"), unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		err = &fs.PathError{Op: "open", Path: up, Err: err}
	}
	return dir, base, err
}
