package nfs_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// getattr asks for a file's attributes.
func (c *client) getattr(h []byte) (fattr, uint32) {
	c.t.Helper()
	d := c.call(programNFS, 1, handleArg(h))
	if s := d.Uint32(); s != 0 {
		return fattr{}, s
	}
	return readAttr(d), 0
}

func TestAttributes(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "srv")
	write(t, filepath.Join(dir, "file"), "twelve bytes")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	write(t, at("suid"), "")
	must(unix.Chmod(at("suid"), 0o4755))
	write(t, at("sgid"), "")
	must(unix.Chmod(at("sgid"), 0o2711))
	must(unix.Mkdir(at("sticky"), 0))
	must(unix.Chmod(at("sticky"), 0o1777))
	must(os.Symlink("/etc/passwd", at("link")))
	must(unix.Mkfifo(at("fifo"), 0o640))
	must(unix.Mknod(at("socket"), unix.S_IFSOCK|0o755, 0))
	must(os.Link(at("file"), at("hard")))
	must(unix.Lchown(at("fifo"), 0, 0))

	c := newLab(t, root, "/srv *(ro)\n").dial()
	srv, status := c.mount("/srv")
	if status != 0 {
		t.Fatal(status)
	}
	for _, want := range []struct {
		name       string
		kind, mode uint32
	}{
		{"file", 1, 0o644}, {"suid", 1, 0o4755}, {"sgid", 1, 0o2711}, {"sticky", 2, 0o1777},
		{"link", 5, 0o777}, {"fifo", 7, 0o640}, {"socket", 6, 0o755}, {"hard", 1, 0o644},
	} {
		h, status := c.lookup(srv, want.name)
		if status != 0 {
			t.Fatalf("%s: LOOKUP: status %d", want.name, status)
		}
		got, status := c.getattr(h)
		if status != 0 {
			t.Fatalf("%s: GETATTR: status %d", want.name, status)
		}
		var st unix.Stat_t
		must(unix.Lstat(at(want.name), &st))
		// Behind the twelve bits of the mode clients expect nothing, and go by
		// the type.
		if got.Type != want.kind || got.Mode&0o7777 != want.mode || got.Nlink != uint32(st.Nlink) ||
			got.UID != st.Uid || got.GID != st.Gid || got.Size != uint64(st.Size) || got.Fileid != st.Ino ||
			got.Mtime != uint64(st.Mtim.Sec)<<32|uint64(st.Mtim.Nsec) {
			t.Errorf("%s: %+v, on disk %+v", want.name, got, st)
		}
	}
}

// Device nodes cannot be made without being root of the machine: /dev has some.
func TestDeviceNodes(t *testing.T) {
	l := newLab(t, "/", "/dev *(ro)\n")
	c := l.dial()
	got, status := c.getattr(c.find("/dev/null"))
	if status != 0 || got.Type != 4 || got.Rdev != [2]uint32{1, 3} {
		t.Errorf("/dev/null: status %d, %+v, want a character device 1,3", status, got)
	}
	if s := c.call(programNFS, 6, readArgs(c.find("/dev/zero"), 0, 10)).Uint32(); s != 22 {
		t.Errorf("READ of /dev/zero: status %d, want 22 (INVAL)", s)
	}
}

func readArgs(h []byte, offset uint64, count uint32) []byte {
	return u32(u64(handleArg(h), offset), count)
}

func TestRead(t *testing.T) {
	root := t.TempDir()
	text := strings.Repeat("0123456789", 10_000)
	write(t, filepath.Join(root, "srv/f"), text)
	write(t, filepath.Join(root, "srv/empty"), "")
	c := newLab(t, root, "/srv *(ro)\n").dial()
	h := c.find("/srv/f")
	for _, r := range []struct {
		offset uint64
		count  uint32
		want   string
		eof    bool
	}{
		{0, 10, "0123456789", false},
		{3, 2, "34", false},
		{0, 0, "", false},
		{99_990, 10, "0123456789", true},
		{99_991, 100, "123456789", true},
		{100_000, 10, "", true},
		{1 << 62, 10, "", true},
		{0, 1 << 20, text, true},
		{0, 0xffffffff, text, true},
		{7, 50_000, text[7:50_007], false},
	} {
		d := c.call(programNFS, 6, readArgs(h, r.offset, r.count))
		status, attr := d.Uint32(), postAttr(d)
		n, eof := d.Uint32(), d.Bool()
		data := d.Opaque(1 << 20)
		if status != 0 || attr == nil || attr.Size != 100_000 || int(n) != len(r.want) || eof != r.eof ||
			string(data) != r.want || d.Err() != nil || len(d.Rest()) != 0 {
			t.Errorf("READ of %d at %d: status %d, %d bytes, eof %v, data of %d, %v", r.count, r.offset, status, n, eof, len(data), d.Err())
		}
	}
	if s := c.call(programNFS, 6, readArgs(h, 1<<63, 1)).Uint32(); s != 22 {
		t.Errorf("READ beyond 2^63: status %d, want 22 (INVAL)", s)
	}
	srv, _ := c.mount("/srv")
	if s := c.call(programNFS, 6, readArgs(srv, 0, 1)).Uint32(); s != 21 {
		t.Errorf("READ of a folder: status %d, want 21 (ISDIR)", s)
	}
	d := c.call(programNFS, 6, readArgs(c.find("/srv/empty"), 0, 100))
	if s, _, n, eof := d.Uint32(), postAttr(d), d.Uint32(), d.Bool(); s != 0 || n != 0 || !eof {
		t.Errorf("READ of an empty file: status %d, %d bytes, eof %v", s, n, eof)
	}
}

func TestSymlinksAreTheClients(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "srv")
	write(t, filepath.Join(dir, "sub/f"), "inside")
	write(t, filepath.Join(root, "secret"), "outside")
	for link, to := range map[string]string{"abs": "/secret", "up": "../secret", "folder": "sub", "out": ".."} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	c := newLab(t, root, "/srv *(ro)\n").dial()
	srv, _ := c.mount("/srv")
	for link, to := range map[string]string{"abs": "/secret", "up": "../secret", "folder": "sub"} {
		h, _ := c.lookup(srv, link)
		d := c.call(programNFS, 5, handleArg(h))
		if s, _, text := d.Uint32(), postAttr(d), string(d.Opaque(1024)); s != 0 || text != to {
			t.Errorf("READLINK of %s: status %d, %q, want %q", link, s, text, to)
		}
		if s := c.call(programNFS, 6, readArgs(h, 0, 100)).Uint32(); s != 22 {
			t.Errorf("READ of the link %s: status %d, want 22 (INVAL)", link, s)
		}
	}
	for name, want := range map[string]uint32{"folder/f": notDir, "out/secret": notDir, "sub/f": 0} {
		if _, got := c.lookup(srv, name); got != want {
			t.Errorf("LOOKUP of %s: status %d, want %d", name, got, want)
		}
	}
	// A folder that was looked up and then became a link leads nowhere.
	sub, _ := c.lookup(srv, "sub")
	f, _ := c.lookup(sub, "f")
	if err := os.Rename(filepath.Join(dir, "sub"), filepath.Join(dir, "moved")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("moved", filepath.Join(dir, "sub")); err != nil {
		t.Fatal(err)
	}
	for _, h := range [][]byte{sub, f} {
		if _, s := c.getattr(h); s != 70 {
			t.Errorf("GETATTR behind a folder that became a link: status %d, want 70 (STALE)", s)
		}
	}
}

func TestLookupNames(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "srv/sub/f"), "x")
	write(t, filepath.Join(root, "srv/.hidden"), "x")
	write(t, filepath.Join(root, "secret"), "x")
	c := newLab(t, root, "/srv *(ro)\n").dial()
	srv, _ := c.mount("/srv")
	sub, _ := c.lookup(srv, "sub")
	for name, want := range map[string]uint32{
		"f": 0, "nothere": noEnt, "": acces, "a/b": acces, "../secret": acces, "..\x00": acces, "f\x00": acces,
		strings.Repeat("x", 255): noEnt, strings.Repeat("x", 256): 63, strings.Repeat("x", 4096): 63,
	} {
		d := c.call(programNFS, 3, dirop(sub, name))
		if got := d.Uint32(); got != want {
			t.Errorf("LOOKUP of %.20q: status %d, want %d", name, got, want)
		}
	}
	dots := func(dir []byte, name string) []byte {
		d := c.call(programNFS, 3, dirop(dir, name))
		if s := d.Uint32(); s != 0 {
			t.Errorf("LOOKUP of %q: status %d", name, s)
		}
		return d.Opaque(64)
	}
	if !bytes.Equal(dots(sub, "."), sub) || !bytes.Equal(dots(sub, ".."), srv) || !bytes.Equal(dots(srv, ".."), srv) {
		t.Error(`"." is not the folder, or ".." not the one above, or the export's root has one above`)
	}
	dots(srv, ".hidden")
}

// Another file at the same path is another file.
func TestHandles(t *testing.T) {
	root := t.TempDir()
	name := filepath.Join(root, "srv/f")
	write(t, name, "old")
	exportsFile := "/srv *(ro)\n"
	c := newLab(t, root, exportsFile).dial()
	h := c.find("/srv/f")
	if again := newLab(t, root, exportsFile).dial().find("/srv/f"); !bytes.Equal(h, again) {
		t.Errorf("another run gives the handle % x, this one % x", again, h)
	}
	c.call(programNFS, 6, readArgs(h, 0, 10)) // it is open now
	write(t, name+".new", "new")
	if err := os.Rename(name+".new", name); err != nil {
		t.Fatal(err)
	}
	if s := c.call(programNFS, 6, readArgs(h, 0, 10)).Uint32(); s != 70 {
		t.Errorf("READ of a file that was replaced: status %d, want 70 (STALE)", s)
	}
	d := c.call(programNFS, 6, readArgs(c.find("/srv/f"), 0, 10))
	d.Uint32()
	postAttr(d)
	d.Fixed(8)
	if got := string(d.Opaque(10)); got != "new" {
		t.Errorf("the new file holds %q", got)
	}
	if _, s := c.getattr(make([]byte, 24)); s != 70 {
		t.Errorf("a handle that was never given out: status %d, want 70", s)
	}
}

// list reads a folder with READDIR or READDIRPLUS, count bytes at a time.
func (c *client) list(dir []byte, plus bool, count uint32) []string {
	c.t.Helper()
	var names []string
	var cookie, verifier uint64
	for {
		args := u64(u64(handleArg(dir), cookie), verifier)
		proc := uint32(16)
		if plus {
			proc, args = 17, u32(args, count)
		}
		d := c.call(programNFS, proc, u32(args, count))
		if s := d.Uint32(); s != 0 {
			c.t.Fatalf("READDIR: status %d", s)
		}
		postAttr(d)
		verifier = d.Uint64()
		for d.Bool() {
			d.Uint64()
			names = append(names, string(d.Opaque(255)))
			cookie = d.Uint64()
			if plus {
				postAttr(d)
				if d.Bool() {
					d.Opaque(64)
				}
			}
		}
		if d.Bool() || d.Err() != nil {
			if d.Err() != nil {
				c.t.Fatal(d.Err())
			}
			return names
		}
	}
}

func TestLargeFolder(t *testing.T) {
	root := t.TempDir()
	if err := unix.Mount("tmpfs", root, "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	defer unix.Unmount(root, unix.MNT_DETACH)
	want := []string{".", ".."}
	if err := os.MkdirAll(filepath.Join(root, "srv"), 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range 100_000 {
		name := fmt.Sprintf("file-%06d", i)
		want = append(want, name)
		f, err := os.Create(filepath.Join(root, "srv", name))
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	c := newLab(t, root, "/srv *(ro)\n").dial()
	srv, _ := c.mount("/srv")
	for _, plus := range []bool{false, true} {
		got := c.list(srv, plus, 32<<10)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("plus %v: %d names, want %d, each once", plus, len(got), len(want))
		}
	}
}

func TestNoReadDirPlus(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "srv/f"), "x")
	c := newLab(t, root, "/srv *(ro,nordirplus)\n").dial()
	srv, _ := c.mount("/srv")
	if s := c.call(programNFS, 17, u32(u64(u64(handleArg(srv), 0), 0), 8192, 8192)).Uint32(); s != 10004 {
		t.Errorf("READDIRPLUS with nordirplus: status %d, want 10004 (NOTSUPP)", s)
	}
	if got := c.list(srv, false, 4096); !slices.Equal(got, []string{".", "..", "f"}) {
		t.Errorf("READDIR: %q", got)
	}
}

func TestFsinfo(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "srv/f"), "x")
	c := newLab(t, root, "/srv *(ro)\n").dial()
	srv, _ := c.mount("/srv")
	d := c.call(programNFS, 19, handleArg(srv))
	if s, _, rtmax := d.Uint32(), postAttr(d), d.Uint32(); s != 0 || rtmax != 1<<20 {
		t.Errorf("FSINFO: status %d, rtmax %d", s, rtmax)
	}
	d.Fixed(4 * 6)
	if size := d.Uint64(); size != 1<<63-1 {
		t.Errorf("FSINFO: maxfilesize %d", size)
	}
	d.Fixed(12)
	if d.Err() != nil || len(d.Rest()) != 0 {
		t.Errorf("FSINFO: %v, %d bytes too many", d.Err(), len(d.Rest()))
	}
	var st unix.Statfs_t
	if err := unix.Statfs(root, &st); err != nil {
		t.Fatal(err)
	}
	d = c.call(programNFS, 18, handleArg(srv))
	if s, _, total := d.Uint32(), postAttr(d), d.Uint64(); s != 0 || total != st.Blocks*uint64(st.Bsize) {
		t.Errorf("FSSTAT: status %d, %d bytes, on disk %d", s, total, st.Blocks*uint64(st.Bsize))
	}
}
