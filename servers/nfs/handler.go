package nfs

import (
	"context"
	"io/fs"
	"net"
	"strings"

	"github.com/go-git/go-billy/v5"
	gonfs "github.com/willscott/go-nfs"
	"golang.org/x/sys/unix"
)

// handler is what go-nfs asks about files and handles. There is one a session.
type handler struct{ *session }

var (
	_ gonfs.Handler        = (*handler)(nil)
	_ gonfs.CachingHandler = (*handler)(nil)
)

// Mount is never asked: the guard answers MNT.
func (h *handler) Mount(context.Context, net.Conn, gonfs.MountRequest) (gonfs.MountStatus, billy.Filesystem, []gonfs.AuthFlavor) {
	return gonfs.MountStatusErrServerFault, nil, nil
}

// Change gives the way to change files, nil for a read-only export.
func (h *handler) Change(f billy.Filesystem) billy.Change {
	if v := f.(*view); !v.readOnly {
		return v
	}
	return nil
}

// FSStat fills in the room on the disk.
func (h *handler) FSStat(_ context.Context, f billy.Filesystem, s *gonfs.FSStat) error {
	var st unix.Statfs_t
	if err := unix.Fstatfs(int(f.(*view).root.Fd()), &st); err != nil {
		return err
	}
	size := uint64(st.Bsize)
	*s = gonfs.FSStat{
		TotalSize: st.Blocks * size, FreeSize: st.Bfree * size, AvailableSize: st.Bavail * size,
		TotalFiles: st.Files, FreeFiles: st.Ffree, AvailableFiles: st.Ffree,
	}
	return nil
}

// ToHandle gives the handle of what is at a path now.
func (h *handler) ToHandle(f billy.Filesystem, path []string) []byte {
	v := f.(*view)
	name := v.Join(path...)
	i, err := lstat(v.root, name)
	if err != nil {
		// It went away since go-nfs saw it. A handle that was never given out
		// is one that is stale.
		return make([]byte, len(handle{}))
	}
	key := h.server.handles.of(node{export: v.export, path: name, dev: i.st.Dev, ino: i.st.Ino})
	return key[:]
}

// FromHandle finds what a handle stands for. The guard has seen that it is
// still there.
func (h *handler) FromHandle(b []byte) (billy.Filesystem, []string, error) {
	n := h.server.handles.find(b)
	if n == nil {
		return nil, nil, unix.ESTALE
	}
	v := h.views[n.export]
	if v == nil {
		return nil, nil, unix.ESTALE
	}
	names := []string{"."} // see Join
	if n.path != "" {
		names = append(names, strings.Split(n.path, "/")...)
	}
	return v, names, nil
}

// InvalidateHandle has nothing to do: a handle is stale when its file is not
// at its path any more.
func (h *handler) InvalidateHandle(billy.Filesystem, []byte) error { return nil }

// HandleLimit is by what go-nfs limits the entries of one READDIR. There is no
// limit.
func (h *handler) HandleLimit() int { return 1 << 30 }

// VerifierFor remembers a folder's listing for the calls that read on in it.
func (h *handler) VerifierFor(path string, contents []fs.FileInfo) uint64 {
	return h.server.listings.add(h.current.export, path, contents)
}

// DataForVerifier gives that listing again, nil if it is forgotten.
func (h *handler) DataForVerifier(_ string, verifier uint64) []fs.FileInfo {
	return h.server.listings.get(verifier)
}
