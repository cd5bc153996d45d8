package nfs_test

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// modifying are the modifying procedures and arguments with which they would
// do something, in a folder that holds f, l, sub and empty.
func modifying(srv, f []byte) map[string]struct {
	proc uint32
	args []byte
} {
	noAttrs := make([]byte, 24)
	type call = struct {
		proc uint32
		args []byte
	}
	cat := func(bs ...[]byte) []byte {
		var all []byte
		for _, b := range bs {
			all = append(all, b...)
		}
		return all
	}
	return map[string]call{
		"SETATTR":          {2, cat(handleArg(f), u32(nil, 1, 0o777, 0, 0, 0, 0, 0, 0))},
		"WRITE":            {7, cat(u32(u64(handleArg(f), 0), 1, 2), u32(nil, 1), []byte("x\x00\x00\x00"))},
		"CREATE":           {8, cat(dirop(srv, "new"), u32(nil, 0), noAttrs)},
		"CREATE exclusive": {8, cat(dirop(srv, "new"), u32(nil, 2), make([]byte, 8))},
		"MKDIR":            {9, cat(dirop(srv, "new"), noAttrs)},
		"SYMLINK":          {10, cat(dirop(srv, "new"), noAttrs, handleArg([]byte("text")))},
		"MKNOD":            {11, cat(dirop(srv, "new"), u32(nil, 7), noAttrs)},
		"REMOVE":           {12, dirop(srv, "f")},
		"RMDIR":            {13, dirop(srv, "empty")},
		"RENAME":           {14, cat(dirop(srv, "f"), dirop(srv, "new"))},
		"LINK":             {15, cat(handleArg(f), dirop(srv, "new"))},
		"COMMIT":           {21, u32(u64(handleArg(f), 0), 0)},
	}
}

func modifiable(t *testing.T) (root string) {
	t.Helper()
	root = t.TempDir()
	write(t, filepath.Join(root, "srv/f"), "as it was")
	write(t, filepath.Join(root, "srv/sub/g"), "x")
	if err := os.Mkdir(filepath.Join(root, "srv/empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	return root
}

func TestReadOnly(t *testing.T) {
	root := modifiable(t)
	// Squashing is off, so that nothing but "ro" is in the way.
	c := newLab(t, root, "/srv *(ro,no_root_squash)\n").dial()
	srv, _ := c.mount("/srv")
	for name, call := range modifying(srv, c.find("/srv/f")) {
		if s := c.call(programNFS, call.proc, call.args).Uint32(); s != 30 {
			t.Errorf("%s: status %d, want 30 (ROFS)", name, s)
		}
	}
	if b, err := os.ReadFile(filepath.Join(root, "srv/f")); err != nil || string(b) != "as it was" {
		t.Errorf("f holds %q, %v", b, err)
	}
	if list, _ := os.ReadDir(filepath.Join(root, "srv")); len(list) != 3 {
		t.Errorf("%d files in a read-only folder that had 3", len(list))
	}
}

// access asks for every right.
func (c *client) access(h []byte) uint32 {
	c.t.Helper()
	d := c.call(programNFS, 4, u32(handleArg(h), 0x3f))
	if s := d.Uint32(); s != 0 {
		c.t.Fatalf("ACCESS: status %d", s)
	}
	postAttr(d)
	return d.Uint32()
}

// Rights are those of the caller as the export takes it, and not of the server.
func TestSquash(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "srv")
	write(t, filepath.Join(dir, "closed/f"), "x")
	for name, mode := range map[string]uint32{"secret": 0o600, "open": 0o644, "run": 0o711, "group": 0o640, "anon": 0o400} {
		write(t, filepath.Join(dir, name), "x")
		if err := unix.Chmod(filepath.Join(dir, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Skipf("this sandbox has one user only: %v", err)
		}
	}
	if err := unix.Chmod(filepath.Join(dir, "closed"), 0o700); err != nil {
		t.Fatal(err)
	}
	must(unix.Chown(filepath.Join(dir, "group"), 0, 100))
	must(unix.Chown(filepath.Join(dir, "anon"), 1234, 0))
	tests := []struct {
		options string
		cred    []byte
		read    map[string]uint32 // status of READ
		closed  uint32            // status of a LOOKUP in a folder of root's alone
	}{
		{"ro", authSys(0, 0), map[string]uint32{"secret": acces, "open": 0, "run": 0, "group": acces, "anon": acces}, acces},
		{"ro,no_root_squash", authSys(0, 0), map[string]uint32{"secret": 0, "open": 0, "run": 0, "group": 0, "anon": 0}, 0},
		{"ro,no_root_squash,all_squash", authSys(0, 0), map[string]uint32{"secret": acces, "open": 0, "run": 0, "group": acces, "anon": acces}, acces},
		{"ro,anonuid=1234", authSys(0, 0), map[string]uint32{"secret": acces, "open": 0, "anon": 0}, acces},
		{"ro,anongid=100", authSys(0, 0), map[string]uint32{"secret": acces, "open": 0, "group": 0}, acces},
		{"ro", authSys(1234, 5), map[string]uint32{"secret": acces, "open": 0, "group": acces, "anon": 0}, acces},
		{"ro", authSys(77, 5, 6, 100), map[string]uint32{"secret": acces, "open": 0, "group": 0, "anon": acces}, acces},
		{"ro", authSys(77, 5, 0), map[string]uint32{"secret": acces, "group": acces}, acces},
	}
	for _, test := range tests {
		c := newLab(t, root, "/srv *("+test.options+")\n").dial()
		c.cred = test.cred
		srv, _ := c.mount("/srv")
		for name, want := range test.read {
			h, _ := c.lookup(srv, name)
			if got := c.call(programNFS, 6, readArgs(h, 0, 10)).Uint32(); got != want {
				t.Errorf("%s, credential % x: READ of %s: status %d, want %d", test.options, test.cred, name, got, want)
			}
			// Execute-only files are read, but not said to be readable.
			if readable := c.access(h)&1 != 0; readable != (want == 0) && name != "run" {
				t.Errorf("%s, credential % x: ACCESS of %s says readable %v", test.options, test.cred, name, readable)
			}
		}
		closed, _ := c.lookup(srv, "closed")
		if _, got := c.lookup(closed, "f"); got != test.closed {
			t.Errorf("%s, credential % x: LOOKUP in a closed folder: status %d, want %d", test.options, test.cred, got, test.closed)
		}
		if got := c.call(programNFS, 16, u32(u64(u64(handleArg(closed), 0), 0), 4096)).Uint32(); got != test.closed {
			t.Errorf("%s, credential % x: READDIR of a closed folder: status %d, want %d", test.options, test.cred, got, test.closed)
		}
	}
}

func TestAccess(t *testing.T) {
	root := modifiable(t)
	const (
		read    = 0x01
		lookup  = 0x02
		modify  = 0x04
		extend  = 0x08
		remove  = 0x10
		execute = 0x20
	)
	for options, want := range map[string]struct{ file, dir uint32 }{
		"ro":                {read, read | lookup},
		"rw":                {read, read | lookup},
		"ro,no_root_squash": {read, read | lookup},
		"rw,no_root_squash": {read | modify | extend, read | lookup | modify | extend | remove},
	} {
		c := newLab(t, root, "/srv *("+options+")\n").dial()
		srv, _ := c.mount("/srv")
		if got := c.access(c.find("/srv/f")); got != want.file {
			t.Errorf("%s: a file's rights are %#x, want %#x", options, got, want.file)
		}
		if got := c.access(srv); got != want.dir {
			t.Errorf("%s: a folder's rights are %#x, want %#x", options, got, want.dir)
		}
	}
}

func TestWriting(t *testing.T) {
	root := modifiable(t)
	c := newLab(t, root, "/srv *(rw,no_root_squash)\n").dial()
	srv, _ := c.mount("/srv")
	at := func(name string) string { return filepath.Join(root, "srv", name) }
	calls := modifying(srv, c.find("/srv/f"))
	do := func(name string, want uint32) {
		t.Helper()
		call := calls[name]
		if s := c.call(programNFS, call.proc, call.args).Uint32(); s != want {
			t.Fatalf("%s: status %d, want %d", name, s, want)
		}
	}
	stat := func(name string) unix.Stat_t {
		t.Helper()
		var st unix.Stat_t
		if err := unix.Lstat(at(name), &st); err != nil {
			t.Fatal(err)
		}
		return st
	}
	gone := func(name string) {
		t.Helper()
		if err := os.Remove(at(name)); err != nil {
			t.Fatal(err)
		}
	}
	do("SETATTR", 0)
	if m := stat("f").Mode; m != unix.S_IFREG|0o777 {
		t.Errorf("mode %o after SETATTR", m)
	}
	d := c.call(programNFS, 2, u32(handleArg(c.find("/srv/f")), 1, 0o6755, 0, 0, 1, 0, 4, 0, 2, 1_000_000_000, 5, 0))
	if st := stat("f"); d.Uint32() != 0 || st.Mode != unix.S_IFREG|0o6755 || st.Size != 4 || st.Mtim != (unix.Timespec{Sec: 1_000_000_000, Nsec: 5}) {
		t.Errorf("after SETATTR: %+v", st)
	}
	if s := c.call(programNFS, 2, u32(handleArg(c.find("/srv/f")), 0, 0, 0, 0, 0, 0, 1, 7, 7)).Uint32(); s != 10002 {
		t.Errorf("SETATTR with another ctime than the file's: status %d, want 10002 (NOT_SYNC)", s)
	}
	do("WRITE", 0)
	if b, _ := os.ReadFile(at("f")); string(b) != "xs i" {
		t.Errorf("f holds %q after WRITE", b)
	}
	do("COMMIT", 0)
	do("CREATE", 0)
	gone("new")
	do("MKDIR", 0)
	do("MKDIR", 17)
	gone("new")
	do("SYMLINK", 0)
	if text, _ := os.Readlink(at("new")); text != "text" {
		t.Errorf("the link says %q", text)
	}
	do("SYMLINK", 17)
	gone("new")
	do("MKNOD", 0)
	if stat("new").Mode&unix.S_IFMT != unix.S_IFIFO {
		t.Error("MKNOD made no FIFO")
	}
	gone("new")
	do("LINK", 0)
	if stat("new").Ino != stat("f").Ino {
		t.Error("LINK made another file")
	}
	do("LINK", 17)
	if s := c.call(programNFS, 12, dirop(srv, "empty")).Uint32(); s != 21 {
		t.Errorf("REMOVE of a folder: status %d, want 21 (ISDIR)", s)
	}
	if s := c.call(programNFS, 13, dirop(srv, "new")).Uint32(); s != 20 {
		t.Errorf("RMDIR of a file: status %d, want 20 (NOTDIR)", s)
	}
	if s := c.call(programNFS, 13, dirop(srv, "sub")).Uint32(); s != 66 {
		t.Errorf("RMDIR of a folder with something in it: status %d, want 66 (NOTEMPTY)", s)
	}
	gone("new")
	do("RENAME", 0)
	do("RENAME", 2)
	do("REMOVE", 2)
	do("RMDIR", 0)
	if list, _ := os.ReadDir(at("")); len(list) != 2 {
		t.Errorf("%d files are left, want new and sub", len(list))
	}
}

// What a squashed caller makes is the squashed user's.
func TestOwnerOfNewFiles(t *testing.T) {
	root := modifiable(t)
	srvDir := filepath.Join(root, "srv")
	if err := os.Chmod(srvDir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := unix.Chown(filepath.Join(srvDir, "sub"), 1234, 1234); err != nil {
		t.Skipf("this sandbox has one user only: %v", err)
	}
	c := newLab(t, root, "/srv *(rw,anonuid=1234,anongid=4321)\n").dial()
	srv, _ := c.mount("/srv")
	for name, call := range modifying(srv, c.find("/srv/f")) {
		switch name {
		case "CREATE", "MKDIR", "SYMLINK", "MKNOD":
			if s := c.call(programNFS, call.proc, call.args).Uint32(); s != 0 {
				t.Fatalf("%s: status %d", name, s)
			}
			var st unix.Stat_t
			if err := unix.Lstat(filepath.Join(srvDir, "new"), &st); err != nil || st.Uid != 1234 || st.Gid != 4321 {
				t.Errorf("%s: made by %d:%d, %v", name, st.Uid, st.Gid, err)
			}
			os.Remove(filepath.Join(srvDir, "new"))
		case "SETATTR", "WRITE": // f is root's
			if s := c.call(programNFS, call.proc, call.args).Uint32(); s != 1 && s != acces {
				t.Errorf("%s of root's file by user 1234: status %d", name, s)
			}
		}
	}
}
