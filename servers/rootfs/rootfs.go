// Package rootfs opens files beneath a directory and nowhere else, as a daemon
// does that has called chroot(2): "..", absolute names and absolute symbolic
// links all count from that directory. Package os's Root is stricter than
// that: it refuses a link such as /tftpboot/default → /images/default, which
// in.tftpd -s follows.
//
// The kernel does the confining (openat2(2) with RESOLVE_IN_ROOT, Linux 5.6),
// so there is no moment between a check and an open.
package rootfs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// maxName is the longest name that is looked up, in bytes: PATH_MAX less the
// final NUL.
const maxName = 4095

// A Root is a directory to open files under. It is safe for use by several
// goroutines at once.
type Root struct {
	dir *os.File
}

// Open takes the directory that will be the root. The Root follows the
// directory itself: renaming it does not redirect anything.
func Open(dir string) (*Root, error) {
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: dir, Err: err}
	}
	return &Root{dir: os.NewFile(uintptr(fd), dir)}, nil
}

// Sub is the root that a directory beneath this one would be, found as a file's
// name is.
func (r *Root) Sub(name string) (*Root, error) {
	fd, err := r.openat2(name, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return &Root{dir: os.NewFile(uintptr(fd), name)}, nil
}

// Close gives the directory back. Files that were opened stay open.
func (r *Root) Close() error { return r.dir.Close() }

// ErrNotRegular is what opening a directory, a device, a FIFO or a socket
// gives.
var ErrNotRegular = errors.New("not a regular file")

// Open opens a regular file for reading. The name is looked up from the root
// whether or not it begins with a slash, and bytes other than slash and NUL
// have no meaning, the backslash among them. Devices and FIFOs are not waited
// for. An error is a [*fs.PathError] that holds the name as it was asked for
// and not where the root is, so that it may be shown to a stranger; it wraps
// the errno, or [ErrNotRegular].
func (r *Root) Open(name string) (*os.File, fs.FileInfo, error) {
	f, info, err := r.open(name)
	if err != nil {
		return nil, nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return f, info, nil
}

// ReadDir lists a folder, in no order. Its name is looked up as a file's is.
func (r *Root) ReadDir(name string) ([]fs.DirEntry, error) {
	fd, err := r.openat2(name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	f := os.NewFile(uintptr(fd), name)
	defer f.Close()
	return f.ReadDir(-1)
}

func (r *Root) open(name string) (*os.File, fs.FileInfo, error) {
	// Without O_NONBLOCK, opening a FIFO waits for a writer.
	fd, err := r.openat2(name, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK|unix.O_NOCTTY)
	if err != nil {
		return nil, nil, err
	}
	f := os.NewFile(uintptr(fd), name)
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = ErrNotRegular
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

func (r *Root) openat2(name string, flags uint64) (fd int, err error) {
	switch {
	case name == "":
		return -1, unix.ENOENT
	case strings.IndexByte(name, 0) >= 0:
		return -1, unix.EINVAL
	case len(name) > maxName:
		return -1, unix.ENAMETOOLONG
	}
	how := &unix.OpenHow{Flags: flags, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS}
	conn, err := r.dir.SyscallConn()
	if err != nil {
		return -1, err
	}
	// Control keeps Close from pulling the descriptor away.
	ctlErr := conn.Control(func(dir uintptr) {
		// EAGAIN: somebody renamed a directory while ".." was being resolved,
		// and the kernel could not tell whether it stayed inside.
		for range 128 {
			fd, err = unix.Openat2(int(dir), name, how)
			if err != unix.EAGAIN && err != unix.EINTR {
				return
			}
		}
	})
	if ctlErr != nil {
		return -1, fs.ErrClosed
	}
	if errors.Is(err, unix.ENOSYS) {
		return -1, fmt.Errorf("this kernel has no openat2 (Linux 5.6), or a container forbids it: %w", err)
	}
	return fd, err
}
