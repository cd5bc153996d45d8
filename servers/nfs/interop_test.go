package nfs_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestArticle(t *testing.T) {
	root := t.TempDir()
	const ks = "install\nnfs --server=192.168.1.103 --dir=/root/inst\n"
	write(t, filepath.Join(root, "root/inst/ks"), ks)
	l := newLab(t, root, "/root/inst 192.168.1.0/24(ro,sync)\n")

	out := l.mustRun("rpcinfo", "-p", "192.168.1.103")
	for _, want := range []string{"100000    2   udp    111", "100003    3   tcp   2049", "100005    3   tcp   2049"} {
		if !strings.Contains(out, want) {
			t.Errorf("rpcinfo -p does not say %q:\n%s", want, out)
		}
	}
	if out := l.mustRun("nfs-cat", "nfs://192.168.1.103/root/inst/ks"); out != ks {
		t.Errorf("nfs-cat says %q", out)
	}
	if out := l.mustRun("showmount", "-e", "192.168.1.103"); !strings.Contains(out, "/root/inst 192.168.1.0/24") {
		t.Errorf("showmount -e says\n%s", out)
	}
}

func TestLibnfs(t *testing.T) {
	root := t.TempDir()
	data := make([]byte, 5<<20+123)
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range data {
		data[i] = byte(rng.Uint32())
	}
	write(t, filepath.Join(root, "srv/big"), string(data))
	write(t, filepath.Join(root, "srv/sub/deep/leaf"), "x")
	write(t, filepath.Join(root, "srv/secret"), "root's")
	write(t, filepath.Join(root, "hidden/f"), "x")
	if err := os.Chmod(filepath.Join(root, "srv/secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(root, "in"), 0o777); err != nil {
		t.Fatal(err)
	}
	l := newLab(t, root, "/srv 192.168.1.0/24(ro,sync)\n/in 192.168.1.50(rw,no_root_squash)\n/hidden 192.168.1.51(ro)\n")

	if out := l.mustRun("nfs-cat", "nfs://192.168.1.103/srv/big"); !bytes.Equal([]byte(out), data) {
		t.Errorf("nfs-cat gives %d bytes, which are not the file's %d", len(out), len(data))
	}
	out := l.mustRun("nfs-ls", "-R", "nfs://192.168.1.103/srv")
	for _, want := range []string{"big", "sub", "leaf", "-rw-------"} {
		if !strings.Contains(out, want) {
			t.Errorf("nfs-ls -R does not say %q:\n%s", want, out)
		}
	}
	local := filepath.Join(t.TempDir(), "copy")
	if err := os.WriteFile(local, data, 0o600); err != nil {
		t.Fatal(err)
	}
	l.mustRun("nfs-cp", local, "nfs://192.168.1.103/in/copy")
	if b, err := os.ReadFile(filepath.Join(root, "in/copy")); err != nil || !bytes.Equal(b, data) {
		t.Errorf("nfs-cp left %d bytes of %d, %v", len(b), len(data), err)
	}
	for name, want := range map[string]string{
		"nfs://192.168.1.103/srv/nothere": "NOENT",
		"nfs://192.168.1.103/srv/secret":  "ACCES",
		"nfs://192.168.1.103/hidden/f":    "ACCES",
	} {
		if out, err := l.run("nfs-cat", name); err == nil || !strings.Contains(out, want) {
			t.Errorf("nfs-cat %s: %v, want %s:\n%s", name, err, want, out)
		}
	}
	if out, err := l.run("nfs-cp", local, "nfs://192.168.1.103/srv/copy"); err == nil || !strings.Contains(out, "ROFS") {
		t.Errorf("nfs-cp to a read-only export: %v\n%s", err, out)
	}
}
