package guest_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pxeproof/pxeproof/harness/assets"
	"github.com/pxeproof/pxeproof/harness/guest"
	"github.com/pxeproof/pxeproof/harness/network"
	"github.com/pxeproof/pxeproof/harness/sandbox"
	"github.com/pxeproof/pxeproof/servers"
	"github.com/pxeproof/pxeproof/servers/conf/exports"
	"github.com/pxeproof/pxeproof/servers/nfs"
	"github.com/pxeproof/pxeproof/servers/portmap"
)

// A boot takes some five seconds of a core under TCG, so by default a few stand
// for all.
var all = flag.Bool("all", false, "boot with every command line, and every network card that QEMU has")

func TestMain(m *testing.M) {
	flag.Parse()
	sandbox.Main(m)
}

// need finds what a test cannot do without, or skips it; with CI=true, where
// everything is to be there, it fails it.
func need[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil && os.Getenv("CI") == "true" {
			t.Fatalf("%v; make setup provides it", err)
		}
		if err != nil {
			t.Skipf("%v; make setup provides it", err)
		}
		return v
	}
}

// lab is a network with a server of addresses and files.
type lab struct {
	net    *network.Network
	server *network.Host
	store  *assets.Store
	kernel assets.Kernel
	taps   atomic.Uint32
}

const (
	serverAddr = "192.168.1.103"
	kickstart  = "install\nurl --url http://192.168.1.103/centos5\n"
)

func newLab(t *testing.T) *lab {
	t.Helper()
	need[string](t)(exec.LookPath("qemu-system-x86_64"))
	need[string](t)(exec.LookPath("dnsmasq"))
	l := &lab{store: new(assets.Store)}
	l.kernel = need[assets.Kernel](t)(l.store.Kernel(t.Context(), "kernel"))
	var err error
	if l.net, err = network.New("br0"); err != nil {
		t.Fatal(err)
	}
	l.server, err = l.net.AddHost(network.HostConfig{Name: "server", Addr: netip.MustParsePrefix(serverAddr + "/24")})
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "root/inst"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "root/inst/ks"), []byte(kickstart), 0o644); err != nil {
		t.Fatal(err)
	}
	// The address server is one that this project does not contain. The NFS
	// server cannot be: those in user space need rights that a user namespace
	// does not give.
	file, problems := exports.Parse("exports", []byte("/root/inst 192.168.1.0/24(ro,sync)\n"), nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	l.serve(t, portmap.New(portmap.Config{Mappings: nfs.Mappings()}))
	l.serve(t, nfs.New(nfs.Config{Exports: file, Root: root}))
	own := t.TempDir()
	// As a debugging daemon it stays root: there may be no other user.
	dhcp := l.server.Command(t.Context(), "dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--port=0",
		"--no-ping", "--dhcp-range=192.168.1.100,192.168.1.199", "--quiet-dhcp", "--log-facility=-",
		"--dhcp-leasefile="+filepath.Join(own, "leases"), "--pid-file="+filepath.Join(own, "pid"))
	dhcp.Stderr = os.Stderr
	if err := dhcp.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dhcp.Wait() }) // the test's context has ended it
	return l
}

func (l *lab) serve(t *testing.T, s servers.Server) {
	t.Helper()
	if err := s.Listen(t.Context(), l.server); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(t.Context()) }()
	t.Cleanup(func() {
		if err := <-done; err != nil {
			t.Errorf("%s: %v", s.Name(), err)
		}
	})
}

// boot runs a machine until it powers itself off, and returns its facts.
func (l *lab) boot(t *testing.T, nic, initrd, cmdline string) []string {
	t.Helper()
	n := l.taps.Add(1)
	tap, err := l.net.AddTap(fmt.Sprintf("tap%d", n))
	if err != nil {
		t.Fatal(err)
	}
	defer tap.Close()
	qemu := exec.CommandContext(t.Context(), "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none",
		"-machine", "pc,graphics=off,accel=tcg", "-m", "512", "-serial", "stdio", "-no-reboot",
		"-kernel", l.kernel.Path, "-initrd", initrd, "-append", "console=ttyS0 panic=-1 cryptomgr.notests "+cmdline,
		"-netdev", "tap,id=n,fd=3", "-device", fmt.Sprintf("%s,netdev=n,romfile=,mac=52:54:00:12:34:%02x", nic, n))
	qemu.ExtraFiles = []*os.File{tap}
	qemu.Stderr = os.Stderr
	console, err := qemu.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := qemu.Start(); err != nil {
		t.Fatal(err)
	}
	var facts, last []string
	for lines := bufio.NewScanner(console); lines.Scan(); {
		line := strings.TrimRight(lines.Text(), "\r")
		if fact, ok := strings.CutPrefix(line, "pxeproof: "); ok {
			facts = append(facts, fact)
		}
		last = append(last, line)
	}
	if err := qemu.Wait(); err != nil {
		t.Errorf("QEMU: %v", err)
	}
	if t.Failed() || len(facts) == 0 || strings.HasPrefix(facts[len(facts)-1], "error") {
		t.Logf("the console's last lines:\n%s", strings.Join(last[max(0, len(last)-20):], "\n"))
	}
	return facts
}

func TestBoot(t *testing.T) {
	l := newLab(t)
	ks := fmt.Sprintf("file nfs:%s:/root/inst/ks sha256=%x size=%d", serverAddr, sha256.Sum256([]byte(kickstart)), len(kickstart))
	const address = "address 192.168.1."
	for _, tt := range []struct {
		name, cmdline string
		always        bool
		want          []string // each fact's beginning
	}{
		{"kickstart", "ks=nfs:192.168.1.103:/root/inst/ks ksdevice=eth0", true, []string{"init", address, ks}},
		{"anaconda's words", "inst.ks=nfs:nolock,vers=3:192.168.1.103:/root/inst/ks BOOTIF=01-52-54-00-aa-bb-cc", true, []string{"init", address, ks}},
		{"no such file", "ks=nfs:192.168.1.103:/root/inst/none", true, []string{"init", address, "error reading nfs:192.168.1.103:/root/inst/none: No such file"}},
		{"no such export", "ks=nfs:192.168.1.103:/root/other/ks", false, []string{"init", address, "error mounting nfs:192.168.1.103:/root/other: "}},
		{"root", "nfsroot=192.168.1.103:/root/inst,ro", false, []string{"init", address, "mount nfs:192.168.1.103:/root/inst"}},
		{"nothing asked for", "", false, []string{"init", address, "error the kernel's command line names no file"}},
	} {
		if !tt.always && !*all {
			continue
		}
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			initrd, err := guest.Build(t.Context(), l.store, guest.Spec{Kernel: l.kernel})
			if err != nil {
				t.Fatal(err)
			}
			checkFacts(t, l.boot(t, "virtio-net-pci", initrd, tt.cmdline), tt.want)
		})
	}
	t.Run("first process", func(t *testing.T) {
		t.Parallel()
		initrd, err := guest.Build(t.Context(), l.store, guest.Spec{Payload: guest.FirstProcess})
		if err != nil {
			t.Fatal(err)
		}
		checkFacts(t, l.boot(t, "virtio-net-pci", initrd, ""), []string{"init"})
	})
	models := []string{"e1000"}
	if *all {
		models = guest.NICs()
	}
	for _, nic := range models {
		t.Run(nic, func(t *testing.T) {
			t.Parallel()
			if !qemuHas(t.Context(), nic) {
				if os.Getenv("CI") == "true" {
					t.Fatalf("this QEMU has no %s", nic)
				}
				t.Skipf("this QEMU has no %s", nic)
			}
			initrd, err := guest.Build(t.Context(), l.store, guest.Spec{NIC: nic, Kernel: l.kernel})
			if err != nil {
				t.Fatal(err)
			}
			checkFacts(t, l.boot(t, nic, initrd, "ks=nfs:192.168.1.103:/root/inst/ks"), []string{"init", address, ks})
		})
	}
}

// checkFacts compares what a console said with how each fact should begin.
func checkFacts(t *testing.T, got, want []string) {
	t.Helper()
	if !slices.EqualFunc(got, want, strings.HasPrefix) {
		t.Errorf("the console said\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

func qemuHas(ctx context.Context, device string) bool {
	out, err := exec.CommandContext(ctx, "qemu-system-x86_64", "-device", "help").Output()
	return err == nil && strings.Contains(string(out), `name "`+device+`"`)
}
