package nfs

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/pxeproof/pxeproof/servers/conf/exports"
	"github.com/pxeproof/pxeproof/servers/rpc"
)

// A stream of the fuzzer's names files by these, as handles are not the same
// everywhere.
var (
	folderHandle = []byte("the-handle-of-the-folder")
	fileHandle   = []byte("the-handle-of-one-file--")
	linkHandle   = []byte("the-handle-of-a-link-out")
)

// hostileServer is what hostile streams are fed to: what it exports may be
// written to.
func hostileServer(t testing.TB) *Server {
	t.Helper()
	root := t.TempDir()
	dir := filepath.Join(root, "srv")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "f"), make([]byte, 10_000), 0o644); err != nil {
		t.Fatal(err)
	}
	tempting(t, root)
	file, _ := exports.Parse("exports", []byte("/srv *(rw,no_root_squash)\n"), nil)
	s := New(Config{Exports: file, Root: root})
	if err := s.open(); err != nil {
		t.Fatal(err)
	}
	quietGoNFS()
	t.Cleanup(s.close)
	return s
}

// feed gives a stream to a session, waits for its end and returns what it said.
func feed(t testing.TB, s *Server, stream []byte) []byte {
	t.Helper()
	for name, mark := range map[string][]byte{"": folderHandle, "f": fileHandle, "up": linkHandle} {
		root, err := s.exportRoot("/srv")
		if err != nil {
			t.Fatal(err)
		}
		i, err := lstat(root, name)
		if err != nil {
			continue // it was removed
		}
		h := s.handles.of(node{export: "/srv", path: name, dev: i.st.Dev, ino: i.st.Ino})
		stream = bytes.ReplaceAll(stream, mark, h[:])
	}
	ours, theirs := net.Pipe()
	said := make(chan []byte, 1)
	go func() {
		b, _ := io.ReadAll(ours) // until the session hangs up
		said <- b
	}()
	newSession(s, played{theirs, bytes.NewReader(stream)}).serve(context.Background())
	theirs.Close()
	b := <-said
	ours.Close()
	return b
}

// played is a client that has said all it will, and listens: a pipe cannot be
// closed in one direction, and the last record may promise more than there is.
type played struct {
	net.Conn
	stream io.Reader
}

func (p played) Read(b []byte) (int, error) { return p.stream.Read(b) }

// calls are well-formed calls of every procedure, as records.
func calls() [][]byte {
	word := func(vs ...uint32) []byte {
		var b []byte
		for _, v := range vs {
			b = binary.BigEndian.AppendUint32(b, v)
		}
		return b
	}
	cat := func(bs ...[]byte) []byte { return bytes.Join(bs, nil) }
	dir, f := rpc.AppendOpaque(nil, folderHandle), rpc.AppendOpaque(nil, fileHandle)
	name := func(s string) []byte { return rpc.AppendOpaque(nil, s) }
	attrs := word(1, 0o640, 1, 5, 1, 6, 0, 1, 2, 7, 8)
	sys := rpc.AppendOpaque(word(rpc.AuthSys), cat(word(1), name("client"), word(0, 0, 2, 1, 2)))
	var all [][]byte
	add := func(program, proc uint32, args ...[]byte) {
		msg := cat(make([]byte, rpc.MarkSize), word(uint32(len(all)), 0, 2, program, 3, proc), sys, word(0, 0), cat(args...))
		rpc.PutMark(msg)
		all = append(all, msg)
	}
	for proc := range uint32(7) {
		add(programMount, proc, name("/srv"))
	}
	for proc, args := range [][]byte{
		procNull: nil, procGetattr: dir, procSetattr: cat(f, attrs, word(1, 2, 3)), procLookup: cat(dir, name("f")),
		procAccess: cat(f, word(0x3f)), procReadlink: f, procRead: cat(f, word(0, 0, 100)),
		procWrite: cat(f, word(0, 5, 4, 2), name("data")), procCreate: cat(dir, name("g"), word(0), attrs),
		procMkdir: cat(dir, name("d"), attrs), procSymlink: cat(dir, name("l"), attrs, name("to")),
		procMknod: cat(dir, name("p"), word(7), attrs), procRemove: cat(dir, name("g")), procRmdir: cat(dir, name("d")),
		procRename: cat(dir, name("l"), dir, name("k")), procLink: cat(f, dir, name("h")),
		procReaddir: cat(dir, word(0, 0, 0, 0, 4096)), procReaddirplus: cat(dir, word(0, 0, 0, 0, 4096, 8192)),
		procFsstat: dir, procFsinfo: dir, procPathconf: dir, procCommit: cat(f, word(0, 0, 0)), 22: nil,
	} {
		add(programNFS, uint32(proc), args)
	}
	link := rpc.AppendOpaque(nil, linkHandle)
	for _, n := range []string{"up", "d", "..", "../outside", "/outside", "up/" + outsideName} {
		add(programNFS, procLookup, dir, name(n))
		if n != "up" {
			add(programNFS, procRemove, dir, name(n))
		}
	}
	add(programNFS, procReadlink, link)
	add(programNFS, procRead, link, word(0, 0, 100))
	add(programNFS, procLookup, link, name(outsideName))
	add(programNFS, procWrite, link, word(0, 5, 4, 2), name("data"))
	add(programNFS, procReaddir, link, word(0, 0, 0, 0, 4096))
	add(programNFS, procSetattr, link, attrs, word(0))
	add(programNFS, procCreate, dir, name("x"), word(createExclusive, 1, 2))
	add(programNFS, procMknod, dir, name("c"), word(typeCharacter), attrs, word(1, 3))
	return all
}

func FuzzSession(f *testing.F) {
	for _, c := range calls() {
		f.Add(c)
	}
	f.Add(bytes.Join(calls(), nil))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0})
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	s := hostileServer(f)
	f.Fuzz(func(t *testing.T, stream []byte) { feed(t, s, stream) })
}
