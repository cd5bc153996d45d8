package nfs_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/pxeproof/pxeproof/servers/rpc"
)

const (
	noEnt  = 2
	acces  = 13
	notDir = 20
)

func TestMount(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "root/inst/sub/ks"), "x")
	write(t, filepath.Join(root, "other/f"), "x")
	write(t, filepath.Join(root, "data/real/f"), "x")
	write(t, filepath.Join(root, "root/unlisted"), "x")
	if err := unix.Mkfifo(filepath.Join(root, "root/inst/fifo"), 0o644); err != nil {
		t.Fatal(err)
	}
	// Absolute links count from the server's root, as they would on the server.
	for link, to := range map[string]string{
		"linked": "/data/real", "root/inst/up": "../../other", "root/inst/out": "/root/unlisted",
	} {
		if err := os.Symlink(to, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	l := newLab(t, root, `
/root/inst 192.168.1.0/24(ro,sync)
/other 10.0.0.0/8(ro) 192.168.1.51(ro)
/linked 192.168.1.50(ro)
/gone *(ro)
/root/inst/sub 192.168.1.51(ro)
`)
	c := l.dial()
	for path, want := range map[string]uint32{
		"/root/inst":         0,
		"/root/inst/":        0,
		"//root//inst":       0,
		"/root/./inst":       0,
		"/root/inst/sub":     0, // more specifically exported, but not to this client
		"/root/inst/sub/ks":  0, // mountd mounts files too
		"/root/inst/nothere": noEnt,
		"/root/inst/fifo":    notDir,
		"/root":              acces,
		"/":                  acces,
		"":                   acces,
		"root/inst":          acces,
		"/root/instant":      acces,
		"/nothere":           acces,
		"/other":             acces,
		"/root/inst/..":      acces,
		"/root/inst/up":      acces,
		"/root/inst/out":     acces,
		"/linked":            0,
		"/linked/f":          0,
		"/data/real":         0, // what /linked is
		"/data":              acces,
		"/gone":              noEnt,
		"/root/inst/\x00":    noEnt,
	} {
		if _, got := c.mount(path); got != want {
			t.Errorf("mounting %q: status %d, want %d", path, got, want)
		}
	}
	if _, got := l.dialFrom(1024).mount("/root/inst"); got != acces {
		t.Errorf("mounting from port 1024: status %d, want %d", got, acces)
	}
}

// What one client may do says nothing of what another may, even with its handle.
func TestHandleOfAnother(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "srv/f"), "x")
	l := newLab(t, root, "/srv 192.168.1.50(ro)\n")
	h := l.dial().find("/srv/f")

	l.client = l.host(l.network, "xlient", "192.168.1.51/24")
	stranger := l.dial()
	if _, got := stranger.mount("/srv"); got != acces {
		t.Errorf("MNT by a client that is not listed: status %d, want %d", got, acces)
	}
	if got := stranger.call(programNFS, 1, handleArg(h)).Uint32(); got != 70 {
		t.Errorf("GETATTR by a client that is not listed: status %d, want 70 (STALE)", got)
	}
}

func TestSecurePort(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "secure/f"), "x")
	write(t, filepath.Join(root, "insecure/f"), "x")
	l := newLab(t, root, "/secure *(ro)\n/insecure *(ro,insecure)\n")
	h := l.dial().find("/secure/f")
	high := l.dialFrom(2000)
	if got := high.call(programNFS, 1, handleArg(h)).Uint32(); got != 1 {
		t.Errorf("GETATTR from port 2000: status %d, want 1 (PERM)", got)
	}
	high.find("/insecure/f")
}

func TestDumpAndExport(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "a/f"), "x")
	write(t, filepath.Join(root, "b/f"), "x")
	l := newLab(t, root, "/a 192.168.1.0/24(ro) 10.0.0.1(rw)\n/b *(ro)\n")
	c := l.dial()
	d := c.call(programMount, 5, nil)
	var got []string
	for d.Bool() {
		line := string(d.Opaque(1024))
		for d.Bool() {
			line += " " + string(d.Opaque(255))
		}
		got = append(got, line)
	}
	if s := strings.Join(got, ", "); d.Err() != nil || s != "/a 192.168.1.0/24 10.0.0.1, /b *" {
		t.Errorf("EXPORT: %q, %v", s, d.Err())
	}
	mounts := func() string {
		d := c.call(programMount, 2, nil)
		var got []string
		for d.Bool() {
			got = append(got, string(d.Opaque(255))+":"+string(d.Opaque(1024)))
		}
		if d.Err() != nil {
			t.Fatal(d.Err())
		}
		return strings.Join(got, " ")
	}
	for _, step := range []struct {
		proc uint32
		path string
		want string
	}{
		{1, "/a", "192.168.1.50:/a"},
		{1, "/b", "192.168.1.50:/a 192.168.1.50:/b"},
		{1, "/b", "192.168.1.50:/a 192.168.1.50:/b"},
		{1, "/c", "192.168.1.50:/a 192.168.1.50:/b"},
		{3, "/a", "192.168.1.50:/b"},
		{4, "", ""},
	} {
		var args []byte
		if step.path != "" {
			args = rpc.AppendOpaque(nil, step.path)
		}
		c.call(programMount, step.proc, args)
		if got := mounts(); got != step.want {
			t.Errorf("after MOUNT procedure %d of %q DUMP says %q, want %q", step.proc, step.path, got, step.want)
		}
	}
}
