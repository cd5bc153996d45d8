package check

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/pxeproof/pxeproof/scenarios"
	"github.com/pxeproof/pxeproof/servers/rootfs"
)

// maxConfig is the size in bytes up to which a file is taken for a
// configuration.
const maxConfig = 4 << 20

// A tree is a folder that stands for / of the servers. Names in it are
// absolute.
type tree struct {
	// root opens files as a server would that is confined to the folder. It is
	// nil for a file system that is no folder of this machine's; names are then
	// looked up in fsys, and no link is followed.
	root *rootfs.Root
	// fsys lists folders, and is what is in root.
	fsys fs.FS
	// assets are files that are not in the folder but will be, by their names.
	assets map[string]scenarios.Asset
}

// newTree takes a folder; dir is its name on this machine, or empty.
func newTree(fsys fs.FS, dir string) (*tree, error) {
	t := &tree{fsys: fsys, assets: map[string]scenarios.Asset{}}
	if dir == "" {
		return t, nil
	}
	root, err := rootfs.Open(dir)
	if err != nil {
		return nil, err
	}
	confined, err := os.OpenRoot(dir)
	if err != nil {
		root.Close()
		return nil, err
	}
	t.root, t.fsys = root, closingFS{confined.FS(), confined}
	return t, nil
}

// A closingFS is a file system with something to close behind it.
type closingFS struct {
	fs.FS
	io.Closer
}

func (t *tree) close() {
	if t.root != nil {
		t.root.Close()
	}
	if c, ok := t.fsys.(io.Closer); ok {
		c.Close()
	}
}

// local is a name in fsys.
func local(name string) string {
	name = strings.TrimPrefix(path.Join("/", name), "/")
	if name == "" {
		return "."
	}
	return name
}

// open opens a regular file.
func (t *tree) open(name string) (fs.File, fs.FileInfo, error) {
	if t.root != nil {
		return t.root.Open(name)
	}
	f, err := t.fsys.Open(local(name))
	if err != nil {
		return nil, nil, err
	}
	fi, err := f.Stat()
	if err == nil && !fi.Mode().IsRegular() {
		err = rootfs.ErrNotRegular
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, fi, nil
}

// head reads the first bytes of a file.
func (t *tree) head(name string, most int64) ([]byte, error) {
	f, _, err := t.open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, most))
}

// read reads a configuration file.
func (t *tree) read(name string) ([]byte, error) {
	b, err := t.head(name, maxConfig+1)
	if err == nil && len(b) > maxConfig {
		err = fmt.Errorf("%s is larger than %d MiB, and so no configuration", name, maxConfig>>20)
	}
	return b, err
}

// has says whether a regular file is there, and its size. An asset counts as
// one of a single byte.
func (t *tree) has(name string) (size int64, ok bool) {
	if _, ok := t.assets[path.Join("/", name)]; ok {
		return 1, true
	}
	f, fi, err := t.open(name)
	if err != nil {
		return 0, false
	}
	f.Close()
	return fi.Size(), true
}

// hasDir says whether a folder is there, or will be with the assets.
func (t *tree) hasDir(name string) bool {
	name = path.Join("/", name)
	for a := range t.assets {
		if name == "/" || strings.HasPrefix(a, name+"/") {
			return true
		}
	}
	if t.root != nil {
		sub, err := t.root.Sub(name)
		if err != nil {
			return false
		}
		sub.Close()
		return true
	}
	fi, err := fs.Stat(t.fsys, local(name))
	return err == nil && fi.IsDir()
}

// list are the names in a folder, with those of assets. A folder that cannot be
// read has none.
func (t *tree) list(dir string) []string {
	var names []string
	entries, err := fs.ReadDir(t.fsys, local(dir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		entries = nil
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	for a := range t.assets {
		if path.Dir(a) == path.Join("/", dir) {
			names = append(names, path.Base(a))
		}
	}
	return names
}

// otherCase is the name, in the tree, of a file that differs from name only in
// the case of its letters; empty if there is none.
func (t *tree) otherCase(name string) string {
	found := "/"
	for part := range strings.SplitSeq(strings.Trim(path.Join("/", name), "/"), "/") {
		next := ""
		for _, n := range t.list(found) {
			if n == part {
				next = n
				break
			}
			if strings.EqualFold(n, part) {
				next = n
			}
		}
		if next == "" {
			return ""
		}
		found = path.Join(found, next)
	}
	if _, ok := t.has(found); !ok || found == path.Join("/", name) {
		return ""
	}
	return found
}

// FS gives the tree to readers of included files.
func (t *tree) asFS() fs.FS { return treeFS{t} }

type treeFS struct{ *tree }

// ReadDir implements [fs.ReadDirFS].
func (t treeFS) ReadDir(name string) ([]fs.DirEntry, error) {
	if t.root != nil {
		return t.root.ReadDir("/" + name)
	}
	return fs.ReadDir(t.fsys, name)
}

// Open implements [fs.FS].
func (t treeFS) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	f, _, err := t.open("/" + name)
	return f, err
}
