package nfs

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/pxeproof/pxeproof/servers/conf/exports"
	"github.com/pxeproof/pxeproof/servers/rpc"
)

// The procedures of MOUNT version 3 (RFC 1813, section 5.2).
const (
	mountNull = iota
	mountMnt
	mountDump
	mountUmnt
	mountUmntall
	mountExport
)

// maxPath is the longest path of a mount request, MNTPATHLEN, in bytes.
const maxPath = 1024

// mount answers a call of the MOUNT program.
func (s *session) mount(c rpc.Call) []byte {
	b := accepted(c.XID, rpc.Success)
	d := rpc.NewDecoder(c.Args)
	switch c.Proc {
	case mountNull:
	case mountMnt:
		path := string(d.Opaque(maxPath))
		if d.Err() != nil {
			return accepted(c.XID, rpc.GarbageArguments)
		}
		h, flavors, st := s.mnt(path)
		b = binary.BigEndian.AppendUint32(b, uint32(st))
		if st == ok {
			b = rpc.AppendOpaque(b, h[:])
			b = binary.BigEndian.AppendUint32(b, uint32(len(flavors)))
			for _, f := range flavors {
				b = binary.BigEndian.AppendUint32(b, f)
			}
		}
	case mountDump:
		b = s.server.mounts.appendTo(b)
	case mountUmnt:
		path := string(d.Opaque(maxPath))
		if d.Err() != nil {
			return accepted(c.XID, rpc.GarbageArguments)
		}
		s.server.mounts.remove(s.peer.Addr(), path)
	case mountUmntall:
		s.server.mounts.removeAll(s.peer.Addr())
	case mountExport:
		b = appendExports(b, s.server.exports)
	default:
		return accepted(c.XID, rpc.ProcUnavailable)
	}
	return b
}

// mnt decides about a mount as rpc.mountd does, and in its order: the path's
// links are resolved, the client is judged, and only one that may mount here
// learns whether there is anything.
func (s *session) mnt(path string) (h handle, flavors []uint32, st status) {
	if path == "" {
		path = "/"
	}
	if path[0] != '/' {
		s.server.log(fmt.Sprintf("nfs: bad path in mount request from %v: %q", s.peer.Addr(), path))
		return h, nil, errAcces
	}
	real, there := s.server.realpath(path)
	d := s.server.exports.Access(real, s.peer.Addr())
	if !d.Allowed() {
		s.server.log(fmt.Sprintf("nfs: refused mount request from %v for %s: %v", s.peer.Addr(), path, d.Reason))
		return h, nil, errAcces
	}
	if !d.Client.Options.Insecure && !privileged(s.peer) {
		s.server.log(fmt.Sprintf("nfs: refused mount request from %v for %s: illegal port %d", s.peer.Addr(), path, s.peer.Port()))
		return h, nil, errAcces
	}
	v := s.view(d.Export.Path)
	if !there || v == nil {
		s.server.log(fmt.Sprintf("nfs: mount request from %v: no such folder: %s", s.peer.Addr(), path))
		return h, nil, errNoEnt
	}
	i, err := lstat(v.root, d.Sub)
	if err != nil {
		return h, nil, statusOf(err)
	}
	if !i.IsDir() && i.kind() != unix.S_IFREG {
		return h, nil, errNotDir
	}
	s.server.log(fmt.Sprintf("nfs: authenticated mount request from %v for %s (%s)", s.peer, path, d.Export.Path))
	s.server.mounts.add(s.peer.Addr(), path)
	h = s.server.handles.of(node{export: d.Export.Path, path: d.Sub, dev: i.st.Dev, ino: i.st.Ino})
	for _, f := range v.options.Security {
		if n, known := flavorNumbers[f]; known {
			flavors = append(flavors, n)
		}
	}
	return h, flavors, ok
}

var flavorNumbers = map[string]uint32{"sys": rpc.AuthSys, "none": rpc.AuthNone, "krb5": 390003, "krb5i": 390004, "krb5p": 390005}

// privileged says whether a port is one that only root can send from.
func privileged(p netip.AddrPort) bool { return p.Port() < 1024 }

// appendExports appends an exports list (RFC 1813, section 5.2.5).
func appendExports(b []byte, f *exports.File) []byte {
	for _, e := range f.Exports {
		b = rpc.AppendBool(b, true)
		b = rpc.AppendOpaque(b, e.Path)
		for _, c := range e.Clients {
			b = rpc.AppendBool(b, true)
			b = rpc.AppendOpaque(b, c.Spec)
		}
		b = rpc.AppendBool(b, false)
	}
	return rpc.AppendBool(b, false)
}

// A mountList is what DUMP tells: who has mounted what, as far as is known. It
// has no bearing on anything.
type mountList struct {
	mu      sync.Mutex
	entries []mountEntry
}

type mountEntry struct {
	client netip.Addr
	path   string
}

// maxMounts bounds the list: clients that crash never say that they are gone.
const maxMounts = 4096

func (l *mountList) add(client netip.Addr, path string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := mountEntry{client, path}
	for _, known := range l.entries {
		if known == e {
			return
		}
	}
	if len(l.entries) == maxMounts {
		l.entries = append(l.entries[:0], l.entries[1:]...)
	}
	l.entries = append(l.entries, e)
}

func (l *mountList) remove(client netip.Addr, path string) {
	l.keep(func(e mountEntry) bool { return e != mountEntry{client, path} })
}

func (l *mountList) removeAll(client netip.Addr) {
	l.keep(func(e mountEntry) bool { return e.client != client })
}

func (l *mountList) keep(f func(mountEntry) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	kept := l.entries[:0]
	for _, e := range l.entries {
		if f(e) {
			kept = append(kept, e)
		}
	}
	l.entries = kept
}

// appendTo appends a mountlist (RFC 1813, section 5.2.2).
func (l *mountList) appendTo(b []byte) []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.entries {
		b = rpc.AppendBool(b, true)
		b = rpc.AppendOpaque(b, e.client.String())
		b = rpc.AppendOpaque(b, e.path)
	}
	return rpc.AppendBool(b, false)
}
