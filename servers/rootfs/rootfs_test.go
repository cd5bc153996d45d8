package rootfs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// lay makes a directory "outside" with a secret beside the root, and the root.
func lay(t *testing.T) (root string) {
	t.Helper()
	base := t.TempDir()
	root = filepath.Join(base, "root")
	write := func(name, text string) {
		t.Helper()
		name = filepath.Join(base, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	link := func(target, name string) {
		t.Helper()
		if err := os.Symlink(target, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	write("secret", "outside")
	write("root/secret", "inside")
	write("root/dir/file", "a file")
	write(`root/back\slash`, "odd")
	link("/dir/file", "absolute")
	link("dir/file", "relative")
	link("../../../secret", "dir/climb")
	link(filepath.Join(base, "secret"), "host")
	link("loop", "loop")
	link("/proc/self/root/etc/passwd", "magic")
	if err := unix.Mkfifo(filepath.Join(root, "fifo"), 0o644); err != nil {
		t.Fatal(err)
	}
	return root
}

func TestOpen(t *testing.T) {
	dir := lay(t)
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, tt := range []struct {
		name string
		text string // of the file; empty if it must not open
		err  error
	}{
		{"dir/file", "a file", nil},
		{"/dir/file", "a file", nil},
		{"//dir//file", "a file", nil},
		{"./dir/../dir/file", "a file", nil},
		{"../secret", "inside", nil},
		{"/../../../../secret", "inside", nil},
		{"absolute", "a file", nil},
		{"relative", "a file", nil},
		{"dir/climb", "inside", nil},
		{`back\slash`, "odd", nil},
		{`..\secret`, "", fs.ErrNotExist},
		{"host", "", fs.ErrNotExist},
		{"magic", "", fs.ErrNotExist},
		{dir + "/secret", "", fs.ErrNotExist},
		{"", "", fs.ErrNotExist},
		{"DIR/FILE", "", fs.ErrNotExist},
		{"dir", "", ErrNotRegular},
		{"/", "", ErrNotRegular},
		{"fifo", "", ErrNotRegular},
		{"dir/file/", "", unix.ENOTDIR},
		{"loop", "", unix.ELOOP},
		{"dir/file\x00.txt", "", unix.EINVAL},
		{strings.Repeat("a/", 4000), "", unix.ENAMETOOLONG},
		{strings.Repeat("a", 300), "", unix.ENAMETOOLONG},
	} {
		f, info, err := r.Open(tt.name)
		if tt.err != nil {
			if !errors.Is(err, tt.err) {
				t.Errorf("Open(%.40q): error %v, want %v", tt.name, err, tt.err)
			}
			if err != nil && !strings.Contains(tt.name, dir) && strings.Contains(err.Error(), dir) {
				t.Errorf("Open(%.40q) gives the root away: %v", tt.name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("Open(%q): %v", tt.name, err)
			continue
		}
		b, err := io.ReadAll(f)
		if err != nil || string(b) != tt.text || info.Size() != int64(len(b)) {
			t.Errorf("Open(%q) reads %q (size %d), %v; want %q", tt.name, b, info.Size(), err, tt.text)
		}
		f.Close()
	}
}

func TestOpenFollowsTheDirectory(t *testing.T) {
	dir := lay(t)
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := os.Rename(dir, dir+".moved"); err != nil {
		t.Fatal(err)
	}
	f, _, err := r.Open("dir/file")
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
}

func TestOpenAfterClose(t *testing.T) {
	r, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	if _, _, err := r.Open("x"); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("got %v, want %v", err, fs.ErrClosed)
	}
}

func TestSub(t *testing.T) {
	r, err := Open(lay(t))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	sub, err := r.Sub("/../dir")
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	f, _, err := sub.Open("/../file")
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if _, _, err := sub.Open("climb"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a link out of the directory: %v", err)
	}
	if _, err := r.Sub("secret"); !errors.Is(err, unix.ENOTDIR) {
		t.Errorf("a file as a root: %v", err)
	}
	if _, err := r.Sub("host"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a link to the host as a root: %v", err)
	}
}

func TestRootMustBeADirectory(t *testing.T) {
	if _, err := Open(filepath.Join(t.TempDir(), "nothing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if _, err := Open("/etc/passwd"); !errors.Is(err, unix.ENOTDIR) {
		t.Errorf("got %v", err)
	}
}
