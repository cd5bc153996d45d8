package scenarios

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"

	"github.com/pxeproof/pxeproof/servers/rootfs"
)

// rootFS is a rootfs.Root as an fs.FS, for readers of included files.
type rootFS struct{ root *rootfs.Root }

// Open implements [fs.FS].
func (r rootFS) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	f, _, err := r.root.Open(name)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// ReadDir implements [fs.ReadDirFS].
func (r rootFS) ReadDir(name string) ([]fs.DirEntry, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	return r.root.ReadDir(name)
}

// digest is the size and the SHA-256, in hexadecimal, of one of the servers'
// files.
func digest(root *rootfs.Root, name string) (size int64, sum string, err error) {
	f, _, err := root.Open(name)
	if err != nil {
		return 0, "", err
	}
	defer f.Close()
	h := sha256.New()
	size, err = io.Copy(h, f)
	return size, hex.EncodeToString(h.Sum(nil)), err
}
