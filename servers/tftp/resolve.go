package tftp

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"github.com/pxeproof/pxeproof/servers/rootfs"
)

// open opens the directory that requests stay in.
func (c *Config) open() (*rootfs.Root, error) {
	root, err := rootfs.Open(c.Root)
	if err != nil || c.Chroot == "" {
		return root, err
	}
	defer root.Close()
	return root.Sub(c.Chroot)
}

// resolve finds the file that a read request names, or says what in.tftpd
// would.
func (s *Server) resolve(r *request) (*os.File, fs.FileInfo, *Error) {
	if r.op == opWRQ {
		return nil, nil, &Error{IllegalOperation, "This server is read-only"}
	}
	if r.mode != "octet" && r.mode != "netascii" {
		return nil, nil, &Error{IllegalOperation, "Unknown mode"}
	}
	if s.config.Absolute {
		if err := s.config.allow(r.name); err != nil {
			return nil, nil, err
		}
	}
	f, info, err := s.root.Open(r.name)
	if err != nil {
		return nil, nil, openError(err)
	}
	if !s.config.Permissive && info.Mode().Perm()&0o004 == 0 {
		f.Close()
		return nil, nil, &Error{AccessViolation, "File must have global read permissions"}
	}
	return f, info, nil
}

// allow is in.tftpd's check of names when it has not called chroot.
func (c *Config) allow(name string) *Error {
	if !strings.HasPrefix(name, "/") {
		return &Error{AccessViolation, "Only absolute filenames allowed"}
	}
	if strings.Contains(name, "/../") {
		return &Error{AccessViolation, "Reverse path not allowed"}
	}
	for _, dir := range c.Dirs {
		if strings.HasPrefix(name, dir) { // bytes, not path elements: so does in.tftpd
			return nil
		}
	}
	if len(c.Dirs) > 0 {
		return &Error{AccessViolation, "Forbidden directory"}
	}
	return nil
}

// openError is what in.tftpd tells a client of an open(2) that failed: a file
// that is not there has a code, everything else has only a text.
func openError(err error) *Error {
	if errors.Is(err, rootfs.ErrNotRegular) {
		// in.tftpd lets a directory be opened and fails at its first read.
		err = unix.EISDIR
	}
	errno, ok := errors.AsType[unix.Errno](err)
	switch {
	case !ok:
		return &Error{NotDefined, "Server error"}
	case errno == unix.ENOENT || errno == unix.ENOTDIR:
		return &Error{FileNotFound, "File not found"}
	}
	return &Error{NotDefined, sentence(errno.Error())}
}

// sentence writes an errno's text as libc does: "Permission denied".
func sentence(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}
