package nfs_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cavaliergopher/cpio"
	"golang.org/x/sys/unix"

	"github.com/pxeproof/pxeproof/harness/assets"
	"github.com/pxeproof/pxeproof/harness/guest"
)

//go:embed testdata/linux.sh
var linuxPayload []byte

// linuxInitrd is the project's own initramfs with another payload: the kernel
// unpacks one archive over the other.
func linuxInitrd(t testing.TB, kernel assets.Kernel) string {
	t.Helper()
	base, err := guest.Build(t.Context(), new(assets.Store), guest.Spec{Kernel: kernel})
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(base)
	if err != nil {
		t.Fatal(err)
	}
	archive := bytes.NewBuffer(append(b, make([]byte, -len(b)&3)...))
	w := cpio.NewWriter(archive)
	h := &cpio.Header{Name: "payload", Mode: cpio.TypeReg | 0o644, Size: int64(len(linuxPayload)), Links: 1}
	if err := w.WriteHeader(h); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(linuxPayload); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	initrd := filepath.Join(t.TempDir(), "initrd")
	if err := os.WriteFile(initrd, archive.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return initrd
}

// linux boots a Linux client in l and gives the results that it prints.
func (l *lab) linux() []string {
	t := l.t
	t.Helper()
	kernel, err := new(assets.Store).Kernel(t.Context(), "kernel")
	if err != nil {
		missing(t, err)
	}
	program, err := exec.LookPath("qemu-system-x86_64")
	if err != nil {
		missing(t, err)
	}
	tap, err := l.network.AddTap("linux")
	if err != nil {
		t.Fatal(err)
	}
	defer tap.Close()
	qemu := exec.CommandContext(t.Context(), program, "-nodefaults", "-no-user-config", "-display", "none",
		"-machine", "pc,graphics=off,accel=tcg", "-m", "512", "-serial", "stdio", "-no-reboot",
		"-kernel", kernel.Path, "-initrd", linuxInitrd(t, kernel), "-append", "console=ttyS0 quiet panic=-1 cryptomgr.notests",
		"-netdev", "tap,id=n,fd=3", "-device", "virtio-net-pci,netdev=n,romfile=")
	qemu.ExtraFiles = []*os.File{tap}
	qemu.Stderr = os.Stderr
	console, err := qemu.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := qemu.Start(); err != nil {
		t.Fatal(err)
	}
	var results []string
	for lines := bufio.NewScanner(console); lines.Scan(); {
		line := strings.TrimRight(lines.Text(), "\r ")
		if result, ok := strings.CutPrefix(line, "= "); ok {
			results = append(results, result)
		} else {
			t.Log(line)
		}
	}
	if err := qemu.Wait(); err != nil {
		t.Error(err)
	}
	if len(results) == 0 || results[len(results)-1] != "done" {
		t.Fatalf("the client did not finish: %q", results)
	}
	return results
}

// TestLinux mounts from a Linux kernel, and sees the server's disk.
func TestLinux(t *testing.T) {
	root := t.TempDir()
	if err := unix.Mount("tmpfs", root, "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Unmount(root, unix.MNT_DETACH) })
	at := func(name string) string { return filepath.Join(root, "tree", name) }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	big := bytes.Repeat([]byte("0123456789abcdef"), 1<<20)
	write(t, at("big"), string(big))
	write(t, at("file"), "a file")
	write(t, at("secret"), "root's")
	must(os.Chmod(at("secret"), 0o600))
	write(t, at("suid"), "")
	must(unix.Chmod(at("suid"), 0o4755))
	write(t, at("sgid"), "")
	must(unix.Chmod(at("sgid"), 0o2711))
	must(os.Mkdir(at("closed"), 0o700))
	must(os.Mkdir(at("sticky"), 0))
	must(unix.Chmod(at("sticky"), 0o1777))
	must(os.Symlink("file", at("link")))
	must(os.Symlink("/etc/passwd", at("absolute")))
	must(os.Symlink("../../../..", at("up")))
	must(os.Link(at("file"), at("hard")))
	must(unix.Mkfifo(at("fifo"), 0o640))
	must(unix.Mknod(at("socket"), unix.S_IFSOCK|0o755, 0))
	for _, device := range []string{"null", "tty"} { // a user namespace makes no others
		write(t, at(device), "")
		must(unix.Mount("/dev/"+device, at(device), "", unix.MS_BIND, ""))
	}
	const many = 3000
	for i := range many {
		write(t, at(fmt.Sprintf("many/%04d", i)), "")
	}
	must(os.Mkdir(filepath.Join(root, "rw"), 0o755))
	must(os.Mkdir(filepath.Join(root, "elsewhere"), 0o755))
	l := newLab(t, root, "/tree 192.168.1.0/24(ro,sync)\n/rw 192.168.1.60(rw,no_root_squash)\n/elsewhere 192.168.1.61(ro)\n")

	want := onDisk(t, filepath.Join(root, "tree"))
	want = append(want,
		"touch new: Read-only file system", "chmod 777 file: Read-only file system", "rm -f file: Read-only file system",
		"cat secret: Permission denied", "ls closed: Permission denied",
		"link a file", fmt.Sprintf("sum %x  big", sha256.Sum256(big)), fmt.Sprint("many ", many),
		"mount /elsewhere: Permission denied", "mount /tree/nothere: No such file or directory",
		"cp /bin/busybox copy: ok", "chmod 4711 copy: ok", "ln copy hard: ok", "ln -s copy soft: ok", "mkdir folder: ok", "mkfifo pipe: ok",
		"chown -h 0:0 soft: ok", "mv soft folder/moved: ok", "touch -d 2001-02-03 04:05:06 copy: ok", "truncate -s 5 short: ok",
		"rmdir folder: Directory not empty", "done")
	got := l.linux()
	for i := range max(len(got), len(want)) {
		g, w := "", ""
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if g != w {
			t.Errorf("the client sees %q, want %q", g, w)
		}
	}
	var left []string
	for _, line := range onDisk(t, filepath.Join(root, "rw")) {
		f := strings.Fields(line)
		left = append(left, strings.Join(slices.Delete(f, 2, 3), " ")) // without sizes: folders' depend on the file system
	}
	mtime := fmt.Sprint(981173106)
	for _, w := range []string{"./copy 89c9 0 0 2 0:0 " + mtime, "./hard 89c9 0 0 2 0:0 " + mtime} {
		if !slices.Contains(left, w) {
			t.Errorf("no %q is left on disk: %q", w, left)
		}
	}
	if b, err := os.ReadFile(filepath.Join(root, "rw/log")); string(b) != "one\ntwo\n" {
		t.Errorf("log holds %q, %v", b, err)
	}
	if to, err := os.Readlink(filepath.Join(root, "rw/folder/moved")); to != "copy" {
		t.Errorf("the link says %q, %v", to, err)
	}
}

// onDisk lists a tree as the client does, without what is in many.
func onDisk(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.Walk(dir, func(path string, _ os.FileInfo, err error) error {
		if os.IsPermission(err) {
			return nil
		}
		rel, _ := filepath.Rel(dir, path)
		if filepath.Dir(rel) != "many" {
			names = append(names, rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range names {
		if n != "." {
			names[i] = "./" + n
		}
	}
	slices.Sort(names)
	var lines []string
	for _, n := range names {
		var st unix.Stat_t
		if err := unix.Lstat(filepath.Join(dir, n), &st); err != nil {
			t.Fatal(err)
		}
		to, _ := os.Readlink(filepath.Join(dir, n))
		line := fmt.Sprintf("%s %x %d %d %d %d %x:%x %d %s", n, st.Mode, st.Size, st.Uid, st.Gid, st.Nlink,
			unix.Major(st.Rdev), unix.Minor(st.Rdev), st.Mtim.Sec, to)
		lines = append(lines, strings.TrimRight(line, " "))
	}
	return lines
}
