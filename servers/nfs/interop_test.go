package nfs_test

import (
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
	if out := l.mustRun("showmount", "-e", "192.168.1.103"); !strings.Contains(out, "/root/inst 192.168.1.0/24") {
		t.Errorf("showmount -e says\n%s", out)
	}
	if out := l.mustRun("nfs-cat", "nfs://192.168.1.103/root/inst/ks"); out != ks {
		t.Errorf("nfs-cat says %q", out)
	}
}
