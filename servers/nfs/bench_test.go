package nfs_test

import (
	"net"
	"net/url"
	"os"
	"testing"
)

// BenchmarkPeer reads a file of somebody else's server, 32K a READ and 8 at a
// time: PXEPROOF_NFS_PEER=nfs://ADDRESS:PORT/EXPORT/FILE.
func BenchmarkPeer(b *testing.B) {
	u, err := url.Parse(os.Getenv("PXEPROOF_NFS_PEER"))
	if err != nil || u.Host == "" {
		b.Skip("PXEPROOF_NFS_PEER=nfs://ADDRESS:PORT/EXPORT/FILE is not set")
	}
	mountHost := u.Host
	if m := os.Getenv("PXEPROOF_NFS_PEER_MOUNT"); m != "" {
		mountHost = m
	}
	mc, err := net.Dial("tcp", mountHost)
	if err != nil {
		b.Fatal(err)
	}
	root, status := newClient(b, mc).mount(u.Path[:len(u.Path)-len("/big")])
	if status != 0 {
		b.Fatalf("mount: %d", status)
	}
	nc, err := net.Dial("tcp", u.Host)
	if err != nil {
		b.Fatal(err)
	}
	c := newClient(b, nc)
	h, status := c.lookup(root, "big")
	if status != 0 {
		b.Fatalf("lookup: %d", status)
	}
	for b.Loop() {
		n, err := c.readAll(h, 32<<10, 8)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(n)
	}
}
