package nfs_test

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pxeproof/pxeproof/harness/network"
	"github.com/pxeproof/pxeproof/harness/sandbox"
)

// NFS-Ganesha opens files by their handles, which the kernel allows to root of
// the machine alone. With this flag the tests run as that, in namespaces of
// their own as always:
//
//	go test -run '^$' -bench Ganesha -ganesha ./servers/nfs
var withGanesha = flag.Bool("ganesha", false, "compare with NFS-Ganesha; needs root of the machine")

func TestMain(m *testing.M) {
	flag.Parse()
	const inside = "PXEPROOF_NFS_BENCH"
	switch {
	case !*withGanesha:
		sandbox.Main(m)
	case os.Getenv(inside) != "":
		sandbox.Enter(nil)
		os.Exit(m.Run())
	default:
		sandbox.Enter(nil)
		cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
		cmd.Env = append(os.Environ(), inside+"=1")
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:   syscall.CLONE_NEWNET,
			Unshareflags: syscall.CLONE_NEWNS, // private, which a clone's would not be
		}
		if err := cmd.Run(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
}

// fileSize is that of the files that benchmarks read: more than fits into any
// socket's buffers.
const fileSize = 256 << 20

// readers are what an installer's kernel keeps under way: 32K a READ, 8 of them.
const (
	readSize  = 32 << 10
	readAhead = 8
)

// benchFile makes the file that is read, in the page cache.
func benchFile(b *testing.B, dir string) {
	b.Helper()
	write(b, filepath.Join(dir, "srv/big"), "")
	block := make([]byte, 1<<20)
	f, err := os.Create(filepath.Join(dir, "srv/big"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	for i := range fileSize / len(block) {
		block[i]++
		if _, err := f.Write(block); err != nil {
			b.Fatal(err)
		}
	}
}

// readOnce reads the whole file and gives the time it took.
func readOnce(b *testing.B, c *client, handle []byte) time.Duration {
	b.Helper()
	start := time.Now()
	n, err := c.readAll(handle, readSize, readAhead)
	if err != nil || n != fileSize {
		b.Fatalf("%d bytes, %v", n, err)
	}
	return time.Since(start)
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

// BenchmarkManyFiles reads in turn from a server whose client holds 100,000
// other files open and from one whose client holds none; the metric "of-none" is
// the first one's rate as a part of the second's.
func BenchmarkManyFiles(b *testing.B) {
	root := b.TempDir()
	benchFile(b, root)
	const folders, each = 100, 1000
	for i := range folders * each {
		name := filepath.Join(root, "srv", fmt.Sprint(i/each), fmt.Sprint(i%each))
		if i%each == 0 {
			write(b, name, "x")
		} else if err := os.WriteFile(name, []byte("x"), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	connect := func() (*client, []byte) {
		l := newLab(b, root, "/srv *(ro)\n")
		l.client = l.server
		c := l.dial()
		return c, c.find("/srv/big")
	}
	none, noneBig := connect()
	many, manyBig := connect()
	srv, _ := many.mount("/srv")
	for d := range folders {
		dir, _ := many.lookup(srv, fmt.Sprint(d))
		for f := range each {
			h, _ := many.lookup(dir, fmt.Sprint(f))
			if s := many.call(programNFS, 6, readArgs(h, 0, 1)).Uint32(); s != 0 {
				b.Fatalf("READ: status %d", s)
			}
		}
	}
	inTurn(b, "of-none", func() time.Duration { return readOnce(b, many, manyBig) }, func() time.Duration { return readOnce(b, none, noneBig) })
}

// inTurn times ours and theirs in turn, and reports the rate of ours as a part
// of that of theirs.
func inTurn(b *testing.B, metric string, ours, theirs func() time.Duration) {
	ours()
	theirs()
	var us, them []time.Duration
	b.SetBytes(fileSize)
	for b.Loop() {
		us = append(us, ours())
		b.StopTimer()
		them = append(them, theirs())
		b.StartTimer()
	}
	b.ReportMetric(median(them).Seconds()/median(us).Seconds(), metric)
}

// BenchmarkGanesha reads from this server and from NFS-Ganesha in turn, each over
// its own host's loopback interface, as the lab's bridge would be what is
// measured; the metric "of-ganesha" is this one's rate as a part of that one's.
func BenchmarkGanesha(b *testing.B) {
	if !*withGanesha {
		b.Skip("NFS-Ganesha needs root of the machine; run as root with -ganesha")
	}
	root := b.TempDir()
	benchFile(b, root)
	l := newLab(b, root, "/srv *(ro)\n")
	l.client = l.server
	ours := l.dial()
	big := ours.find("/srv/big")
	peer, peerBig := l.ganesha(b, filepath.Join(root, "srv"))
	inTurn(b, "of-ganesha", func() time.Duration { return readOnce(b, ours, big) }, func() time.Duration { return readOnce(b, peer, peerBig) })
}

// ganesha runs NFS-Ganesha on a host of its own and gives a connection to it
// and the handle of big.
func (l *lab) ganesha(b *testing.B, dir string) (*client, []byte) {
	b.Helper()
	for _, tmp := range []string{"/run", "/var/lib/nfs"} {
		if err := os.MkdirAll(tmp, 0o755); err != nil {
			b.Fatal(err)
		}
		if err := syscall.Mount("tmpfs", tmp, "tmpfs", 0, ""); err != nil {
			b.Fatal(err)
		}
	}
	for _, d := range []string{"/run/rpcbind", "/run/ganesha", "/var/lib/nfs/ganesha"} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			b.Fatal(err)
		}
	}
	// rpcbind changes to a user whom its package makes, and it is not installed here.
	users, err := os.ReadFile("/etc/passwd")
	if err != nil {
		b.Fatal(err)
	}
	passwd := filepath.Join(b.TempDir(), "passwd")
	write(b, passwd, string(users)+"_rpc:x:65533:65534::/run/rpcbind:/usr/sbin/nologin\n")
	if err := syscall.Mount(passwd, "/etc/passwd", "", syscall.MS_BIND, ""); err != nil {
		b.Fatal(err)
	}
	const addr = "192.168.1.104"
	host, err := l.network.AddHost(network.HostConfig{Name: "ganesha", Addr: netip.MustParsePrefix(addr + "/24")})
	if err != nil {
		b.Fatal(err)
	}
	start := func(name string, arg ...string) (ended <-chan struct{}) {
		path, env := program(b, name)
		cmd := host.Command(b.Context(), path, arg...)
		cmd.Env = append(cmd.Env, env...)
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = cmd.Wait() // the benchmark's context ends it
		}()
		b.Cleanup(func() { <-done })
		return done
	}
	awaitPort(b, host, addr+":111", start("rpcbind", "-w", "-f"))
	nfsd, _ := program(b, "ganesha.nfsd")
	plugins, _ := filepath.Glob(filepath.Join(strings.TrimSuffix(nfsd, "/usr/bin/ganesha.nfsd"), "usr/lib/*/ganesha"))
	if len(plugins) == 0 {
		b.Fatalf("no plug-ins beside %s", nfsd)
	}
	config := filepath.Join(b.TempDir(), "ganesha.conf")
	write(b, config, fmt.Sprintf(`
NFS_CORE_PARAM { Protocols = 3; Enable_NLM = false; Enable_RQUOTA = false; Enable_UDP = false; MNT_Port = 20048; Plugins_Dir = %q; }
NFSv4 { UseGetpwnam = true; } # else it wants libnfsidmap's plug-ins, of NFSv4 alone, installed
EXPORT { Export_Id = 1; Path = %q; Pseudo = "/srv"; Access_Type = RO; Squash = None; SecType = sys; Protocols = 3; Transports = TCP; FSAL { Name = VFS; } }
`, plugins[0], dir))
	log := filepath.Join(b.TempDir(), "log")
	b.Cleanup(func() {
		if said, err := os.ReadFile(log); err == nil && b.Failed() {
			b.Logf("NFS-Ganesha said:\n%s", said)
		}
	})
	ended := start("ganesha.nfsd", "-F", "-L", log, "-f", config, "-p", "/run/ganesha.pid")
	mount := newClient(b, awaitPort(b, host, addr+":20048", ended))
	handle, status := mount.mount(dir)
	if status != 0 {
		b.Fatalf("mounting %s: status %d", dir, status)
	}
	c := newClient(b, awaitPort(b, host, addr+":2049", ended))
	big, status := c.lookup(handle, "big")
	if status != 0 {
		b.Fatalf("looking up big: status %d", status)
	}
	return c, big
}

// awaitPort connects to a daemon that is about to listen. There is no better
// sign that it does.
func awaitPort(b *testing.B, on *network.Host, addr string, ended <-chan struct{}) net.Conn {
	b.Helper()
	for {
		var c net.Conn
		err := on.Do(func() (err error) {
			c, err = net.Dial("tcp4", addr)
			return err
		})
		if err == nil {
			return c
		}
		if !errors.Is(err, syscall.ECONNREFUSED) {
			b.Fatal(err)
		}
		select {
		case <-ended:
			b.Fatalf("the daemon that should listen at %s has ended", addr)
		default:
		}
	}
}
