// Package truth_test boots the real pxelinux.0 and holds what it asks for
// against what package pxelinux predicts.
package truth_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/pxeproof/pxeproof/harness/network"
	"github.com/pxeproof/pxeproof/harness/sandbox"
	"github.com/pxeproof/pxeproof/servers/conf/pxelinux"
	"github.com/pxeproof/pxeproof/servers/tftp"
)

func TestMain(m *testing.M) { sandbox.Main(m) }

// Where Debian has the programs.
const (
	loader  = "/usr/lib/PXELINUX/pxelinux.0"
	ldlinux = "/usr/lib/syslinux/modules/bios/ldlinux.c32"
)

var client = pxelinux.Client{
	MAC:     net.HardwareAddr{0x52, 0x54, 0, 0x12, 0x34, 0x56},
	Addr:    netip.MustParseAddr("192.168.1.50"),
	Server:  netip.MustParseAddr("192.168.1.103"),
	Gateway: netip.MustParseAddr("192.168.1.1"),
	Mask:    netip.MustParseAddr("255.255.255.0"),
}

// A boot is what a TFTP server has, and what DHCP says.
type boot struct {
	name    string
	uuid    string // of the machine
	raw     [16]byte
	options pxelinux.Options
	files   map[string]string // "@name" is a copy of what the system has
	outcome pxelinux.Outcome
	// last is the file that is asked for at the end.
	last string
}

const kernel = "this is no kernel, but PXELINUX finds out only when it has all of it"

var boots = []boot{
	{
		name:    "article",
		options: pxelinux.Options{BootFile: "/pxelinux.0"},
		files: map[string]string{
			"pxelinux.0": loader, "ldlinux.c32": ldlinux, "vmlinuz": kernel, "initrd.img": "x",
			"pxelinux.cfg/default": "default centos5\nprompt 1\ntimeout 10\nlabel centos5\n  kernel vmlinuz\n" +
				"  append ks=nfs:192.168.1.103:/root/inst/ks initrd=initrd.img devfs=nomount ramdisk_size=9216\n",
		},
		outcome: pxelinux.Boots,
		last:    "/initrd.img",
	},
	{
		name:    "directory, includes and a label chosen by time",
		uuid:    "11223344-5566-4788-99aa-bbccddeeff00",
		raw:     [16]byte{0x44, 0x33, 0x22, 0x11, 0x66, 0x55, 0x88, 0x47, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 0},
		options: pxelinux.Options{BootFile: "x86/pxelinux.0"},
		files: map[string]string{
			"x86/pxelinux.0": loader, "ldlinux.c32": ldlinux, "x86/syslinux/ldlinux.c32": ldlinux,
			"x86//vmlinuz": kernel, "a.img": "x", "x86/b.img": "x", "x86/empty": "",
			"x86/pxelinux.cfg/C0A8": "include more.cfg extra\ndisplay msg.txt\ninclude empty\nMENU INCLUDE ::sub.cfg Sub\n" +
				"default nothing\nprompt 1\ntimeout 5\nontimeout later more\nappend global\n",
			"x86/more.cfg": "label later\nlinux /vmlinuz\ninitrd ::a.img,b.img\n",
			"sub.cfg":      "label later\nlinux wrong\n",
		},
		outcome: pxelinux.Boots,
		last:    "x86/b.img",
	},
	{
		name:    "option 209 and 210, a kernel by name, and ONERROR",
		options: pxelinux.Options{BootFile: "pxelinux.0", PathPrefix: "boot/", ConfigFile: "my.cfg"},
		files: map[string]string{
			"pxelinux.0": loader, "boot/ldlinux.c32": ldlinux, "boot/my.cfg": "default gone\npath /p:q\nonerror fallback\nlabel fallback\nkernel other\nappend initrd=none\n",
			"boot/other": kernel,
		},
		outcome: pxelinux.Stops,
		last:    "boot/none",
	},
	{
		name:    "CONFIG, and an extension that is not written",
		options: pxelinux.Options{BootFile: "/a/pxelinux.0"},
		files: map[string]string{
			"a/pxelinux.0": loader, "a/ldlinux.c32": ldlinux,
			"a/pxelinux.cfg/default": "default next\nlabel next\nconfig ::sub/next.cfg sub/\n",
			"sub/next.cfg":           "default prog arg\ntimeout 1\n",
			"a/sub/prog.bss":         kernel,
			"a/sub/ldlinux.c32":      ldlinux,
		},
		outcome: pxelinux.Boots,
		last:    "/a/sub/prog.bss",
	},
}

func TestPrediction(t *testing.T) {
	for _, program := range []string{"qemu-system-x86_64", "dnsmasq", loader, ldlinux} {
		if _, err := exec.LookPath(program); err != nil && !errors.Is(err, os.ErrPermission) {
			if os.Getenv("CI") == "true" {
				t.Fatalf("%v: install it with 'make setup'", err)
			}
			t.Skipf("%v: install it with 'make setup'", err)
		}
	}
	for _, b := range boots {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			b.test(t)
		})
	}
}

func (b boot) test(t *testing.T) {
	root := t.TempDir()
	for name, text := range b.files {
		if text == loader || text == ldlinux {
			src, err := os.ReadFile(text)
			if err != nil {
				t.Fatal(err)
			}
			text = string(src)
		}
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c := client
	c.UUID = b.raw
	prediction := pxelinux.Predict(c, b.options, dir(root))
	if prediction.Boot.Outcome != b.outcome {
		t.Errorf("predicted: %+v", prediction.Boot)
	}
	var want []string
	for _, l := range prediction.Lookups {
		want = append(want, l.Name)
	}
	got := b.run(t, root, len(want))
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("requests (-predicted +real):\n%s", d)
	}
}

// dir is a directory as in.tftpd -s shows it.
type dir string

func (d dir) Size(name string) (int64, bool) {
	info, err := os.Stat(filepath.Join(string(d), filepath.Join("/", name)))
	if err != nil || info.IsDir() {
		return 0, false
	}
	return info.Size(), true
}

func (d dir) Read(name string) (string, []byte, error) {
	b, err := os.ReadFile(filepath.Join(string(d), filepath.Join("/", name)))
	return name, b, err
}

// labs numbers the networks, whose names may not meet.
var labs atomic.Int32

// run boots a machine and returns the first n names that PXELINUX asks for, or
// those until the machine's time is up: it needs 4 s, and this is for machines
// that have other things to do.
func (b boot) run(t *testing.T, root string, n int) []string {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	i := labs.Add(1)
	net, err := network.New(fmt.Sprintf("br%d", i))
	if err != nil {
		t.Fatal(err)
	}
	host, err := net.AddHost(network.HostConfig{Name: fmt.Sprintf("server%d", i), Addr: netip.MustParsePrefix("192.168.1.103/24")})
	if err != nil {
		t.Fatal(err)
	}
	tap, err := net.AddTap(fmt.Sprintf("tap%d", i))
	if err != nil {
		t.Fatal(err)
	}
	defer tap.Close()

	names := make(chan string, 1000)
	var last string
	server := tftp.New(tftp.Config{Network: "udp4", Root: root, Log: func(line string) {
		var name string
		if _, err := fmt.Sscanf(line, "RRQ %q", &name); err == nil && line != last {
			last = line // the same name from the same port is a request repeated
			names <- name
		}
	}})
	if err := server.Listen(ctx, host); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	dnsmasq := b.dhcp(ctx, t, host)
	defer dnsmasq()

	console := filepath.Join(t.TempDir(), "console")
	args := []string{
		"-machine", "pc,graphics=off", "-m", "128", "-display", "none", "-serial", "file:" + console,
		"-monitor", "none", "-boot", "n,reboot-timeout=500", // iPXE may give up on a busy machine
		"-netdev", "tap,id=n,fd=3", "-device", "virtio-net-pci,netdev=n,mac=" + client.MAC.String(),
	}
	if b.uuid != "" {
		args = append(args, "-uuid", b.uuid)
	}
	qemu := exec.CommandContext(ctx, "qemu-system-x86_64", args...)
	qemu.ExtraFiles = []*os.File{tap}
	qemu.Stderr = os.Stderr
	if err := qemu.Start(); err != nil {
		t.Fatal(err)
	}
	defer qemu.Wait()
	defer qemu.Process.Kill()

	var got []string
	for len(got) < n {
		select {
		case name := <-names:
			// The firmware's own request, and a tsize probe before it.
			if len(got) > 0 || !strings.HasSuffix(name, "pxelinux.0") {
				got = append(got, name)
			}
		case <-ctx.Done():
			text, err := os.ReadFile(console)
			t.Errorf("PXELINUX asked for %d of %d files. On the console (%v):\n%s", len(got), n, err, text)
			return got
		}
	}
	return got
}

// dhcp runs dnsmasq as DHCP server alone, with a router advertisement so that
// iPXE does not wait for one.
func (b boot) dhcp(ctx context.Context, t *testing.T, host *network.Host) (stop func()) {
	// An advertisement needs a prefix to advertise.
	err := host.Do(func() error {
		link, err := netlink.LinkByName(host.Interface())
		if err != nil {
			return err
		}
		addr, err := netlink.ParseAddr("fd00::1/64")
		if err != nil {
			return err
		}
		addr.Flags = unix.IFA_F_NODAD
		return netlink.AddrAdd(link, addr)
	})
	if err != nil {
		t.Fatal(err)
	}
	config := []string{
		"port=0", "bind-interfaces", "interface=" + host.Interface(), "leasefile-ro", "log-facility=-", "keep-in-foreground", "user=root",
		"pid-file", // none: two that write one at once end one of them
		"dhcp-range=192.168.1.50,192.168.1.50", "dhcp-option=option:router,192.168.1.1", "no-ping",
		"dhcp-boot=" + b.options.BootFile + ",,192.168.1.103",
		"dhcp-option=encap:175,176,1b",
		"dhcp-range=fd00::,ra-only", "enable-ra",
	}
	for code, value := range map[int]string{209: b.options.ConfigFile, 210: b.options.PathPrefix} {
		if value != "" {
			config = append(config, fmt.Sprintf("dhcp-option-force=%d,%s", code, value))
		}
	}
	file := filepath.Join(t.TempDir(), "dnsmasq.conf")
	if err := os.WriteFile(file, []byte(strings.Join(config, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := host.Command(ctx, "dnsmasq", "--conf-file="+file)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = w
	err = cmd.Start()
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	bound := false
	for lines := bufio.NewScanner(r); !bound && lines.Scan(); {
		fmt.Fprintln(&out, lines.Text())
		bound = strings.Contains(lines.Text(), "sockets bound")
	}
	if !bound {
		t.Fatalf("dnsmasq ended (%v):\n%s", cmd.Wait(), out.String())
	}
	rest := make(chan struct{})
	go func() {
		defer close(rest)
		io.Copy(&out, r)
	}()
	return func() {
		cmd.Process.Kill()
		cmd.Wait()
		<-rest
		r.Close()
		if t.Failed() {
			t.Logf("dnsmasq:\n%s", out.String())
		}
	}
}
