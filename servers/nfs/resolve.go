package nfs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// beneath opens a path that is a handle's: every name in it was looked up by
// the client and was no symbolic link then. If one has become a link since, the
// file that was meant is gone, and nothing else may be opened in its place.
const beneath = unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS

// openBeneath opens a path below dir, "" for dir itself.
func openBeneath(dir *os.File, name string, flags int, mode uint32) (int, error) {
	if name == "" {
		name = "."
	}
	for {
		fd, err := unix.Openat2(int(dir.Fd()), name, &unix.OpenHow{
			Flags: uint64(flags | unix.O_CLOEXEC | unix.O_NOFOLLOW), Mode: uint64(mode), Resolve: beneath,
		})
		if errors.Is(err, unix.EINTR) || errors.Is(err, unix.EAGAIN) {
			continue // EAGAIN: something was renamed meanwhile
		}
		return fd, err
	}
}

// openInRoot opens a path of the server's host, symbolic links followed as
// after a chroot into its root.
func (s *Server) openInRoot(name string) (*os.File, error) {
	for {
		fd, err := unix.Openat2(int(s.root.Fd()), name, &unix.OpenHow{
			Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
		})
		if errors.Is(err, unix.EINTR) || errors.Is(err, unix.EAGAIN) {
			continue
		}
		if err != nil {
			return nil, &os.PathError{Op: "open", Path: name, Err: err}
		}
		return os.NewFile(uintptr(fd), name), nil
	}
}

// realpath resolves the symbolic links in a path of the server's host. It
// reports false if there is nothing there.
func (s *Server) realpath(name string) (string, bool) {
	f, err := s.openInRoot(name)
	if err != nil {
		return name, false
	}
	defer f.Close()
	base, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", s.root.Fd()))
	if err != nil {
		return name, false
	}
	full, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", f.Fd()))
	if err != nil {
		return name, false
	}
	rel, ok := strings.CutPrefix(full, strings.TrimSuffix(base, "/"))
	if !ok || rel != "" && rel[0] != '/' {
		return name, false
	}
	return path.Clean("/" + rel), true
}

// exportRoot is the folder of an export, opened once.
func (s *Server) exportRoot(name string) (*os.File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.roots[name]; f != nil {
		return f, nil
	}
	f, err := s.openInRoot(name)
	if err != nil {
		return nil, err
	}
	s.roots[name] = f
	return f, nil
}

// lstat is what is at a path below an export's root.
func lstat(root *os.File, name string) (*info, error) {
	fd, err := openBeneath(root, name, unix.O_PATH, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "lstat", Path: name, Err: err}
	}
	defer unix.Close(fd)
	i := &info{name: path.Base("/" + name)}
	if err := unix.Fstat(fd, &i.st); err != nil {
		return nil, &fs.PathError{Op: "lstat", Path: name, Err: err}
	}
	return i, nil
}
