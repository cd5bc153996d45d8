package nfs

import (
	"io/fs"
	"time"

	gofile "github.com/willscott/go-nfs/file"
	"golang.org/x/sys/unix"
)

// info is a file's attributes, in the shape from which go-nfs makes an fattr3.
type info struct {
	name string
	st   unix.Stat_t
}

func (i *info) Name() string       { return i.name }
func (i *info) Size() int64        { return i.st.Size }
func (i *info) ModTime() time.Time { return time.Unix(i.st.Mtim.Unix()) }
func (i *info) IsDir() bool        { return i.kind() == unix.S_IFDIR }
func (i *info) kind() uint32       { return i.st.Mode & unix.S_IFMT }

// Mode is not quite an [fs.FileMode]: go-nfs copies it to the wire as it is. So
// its low twelve bits are Unix's, setuid, setgid and sticky included, and of
// Go's bits there are only those by which go-nfs tells a file's type; a folder
// it tells by IsDir.
func (i *info) Mode() fs.FileMode {
	m := fs.FileMode(i.st.Mode & 0o7777)
	switch i.kind() {
	case unix.S_IFLNK:
		m |= fs.ModeSymlink
	case unix.S_IFCHR:
		m |= fs.ModeCharDevice
	case unix.S_IFBLK:
		m |= fs.ModeDevice
	case unix.S_IFSOCK:
		m |= fs.ModeSocket
	case unix.S_IFIFO:
		m |= fs.ModeNamedPipe
	}
	return m
}

// Sys is the rest that go-nfs asks for.
func (i *info) Sys() any {
	return &gofile.FileInfo{
		Nlink: uint32(i.st.Nlink), UID: i.st.Uid, GID: i.st.Gid, Fileid: i.st.Ino,
		Major: unix.Major(i.st.Rdev), Minor: unix.Minor(i.st.Rdev),
	}
}
