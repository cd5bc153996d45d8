package doctor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pxeproof/pxeproof/harness/assets"
	"github.com/pxeproof/pxeproof/harness/qemu"
	"github.com/pxeproof/pxeproof/harness/sandbox"
)

var qemuPackage = assets.Package{Debian: "qemu-system-x86", Fedora: "qemu-system-x86", Arch: "qemu-system-x86", SUSE: "qemu-x86"}

// Packages with the firmware that QEMU loads by itself.
var firmwarePackages = []assets.Package{
	{Debian: "seabios", Fedora: "seabios-bin", Arch: "seabios", SUSE: "qemu-seabios"},
	{Debian: "ipxe-qemu", Fedora: "ipxe-roms-qemu", Arch: "qemu-system-x86-firmware", SUSE: "qemu-ipxe"},
}

// startTime is how long QEMU may take to say its version or to load firmware;
// on an idle machine both take a tenth of a second.
const startTime = 20 * time.Second

func checkQEMU(ctx context.Context, x *examination) Result {
	r := Result{Name: "QEMU"}
	path, err := qemu.LookProgram(x.QEMU)
	if err != nil {
		r.State, r.Text = Missing, "no "+programName(x.QEMU)+" in PATH"
		r.Cure = x.Store.InstallCommand(append([]assets.Package{qemuPackage}, firmwarePackages...)...)
		return r
	}
	version, err := QEMUVersion(ctx, path)
	if err != nil {
		r.State, r.Text, r.Cure = Missing, path+" does not run: "+err.Error(), x.Store.InstallCommand(qemuPackage)
		return r
	}
	r.State, r.Text = OK, version+", "+path
	return r
}

func programName(name string) string {
	if name == "" {
		return qemu.DefaultProgram
	}
	return name
}

// QEMUVersion is what a QEMU says of itself: "7.2.22".
func QEMUVersion(ctx context.Context, program string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	out, err := exec.CommandContext(ctx, program, "--version").Output()
	if err != nil {
		return "", err
	}
	line, _, _ := strings.Cut(string(out), "\n")
	_, version, ok := strings.Cut(line, "version ")
	if !ok {
		return "", fmt.Errorf("its --version says %q", line)
	}
	version, _, _ = strings.Cut(version, " ")
	return version, nil
}

// checkFirmware has QEMU load its firmware and the card's ROM, and end before
// the first instruction.
func checkFirmware(ctx context.Context, x *examination) Result {
	r := Result{Name: "BIOS and ROM"}
	path, err := qemu.LookProgram(x.QEMU)
	if err != nil {
		r.State, r.Text = Missing, "cannot be tried without QEMU"
		return r
	}
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "-machine", "pc,accel=tcg", "-nodefaults", "-display", "none", "-S",
		"-netdev", "hubport,id=n,hubid=0", "-device", x.NIC+",netdev=n", "-qmp", "stdio")
	cmd.Stdin = strings.NewReader(`{"execute":"qmp_capabilities"}{"execute":"quit"}`)
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Run(); err != nil {
		r.State, r.Text, r.Cure = Missing, "QEMU does not start a machine: "+lastLine(said.String(), err), x.Store.InstallCommand(firmwarePackages...)
		return r
	}
	r.State, r.Text = OK, "QEMU starts a machine with a "+x.NIC
	return r
}

// lastLine is what a program ended with.
func lastLine(said string, err error) string {
	said = strings.TrimSpace(said)
	if said == "" {
		return err.Error()
	}
	return said[strings.LastIndexByte(said, '\n')+1:]
}

func checkNamespaces(_ context.Context, x *examination) Result {
	r := Result{Name: "namespaces", State: OK, Text: "user, network, mount and PID namespaces can be made"}
	if x.sandbox.Start == "" {
		return r
	}
	r.State, r.Text = Missing, x.sandbox.Start
	if x.sandbox.Allow != "" {
		r.Text = "the kernel forbids them to ordinary users"
		r.Cure = "sudo sysctl -w " + x.sandbox.Allow
	}
	return r
}

func checkNetwork(_ context.Context, x *examination) Result {
	r := Result{Name: "bridge", State: OK, Text: "a bridge can be made in the sandbox"}
	switch {
	case x.sandbox.Start != "":
		r.State, r.Text = Missing, "cannot be tried without namespaces"
	case x.sandbox.Bridge != "":
		r.State, r.Text, r.Cure = Missing, x.sandbox.Bridge, "sudo modprobe -a bridge veth"
	}
	return r
}

// checkTun is never fatal: sockets take the taps' place.
func checkTun(_ context.Context, x *examination) Result {
	r := Result{Name: "/dev/net/tun", State: OK, Text: "can be opened; machines get taps"}
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err == nil {
		unix.Close(fd)
	}
	switch {
	case err == nil && x.sandbox.Tap == "":
		return r
	case err == unix.ENOENT || err == unix.ENODEV || err == unix.ENXIO:
		r.Cure = "sudo modprobe tun"
	case err != nil:
		r.Cure = "sudo chmod 0666 /dev/net/tun"
	default:
		err = fmt.Errorf("%s", x.sandbox.Tap)
	}
	r.State, r.Text = Optional, fmt.Sprintf("%v; relays over QEMU's stream sockets take the taps' place", err)
	return r
}

// checkUsers looks whether daemons can change to users of their own, which only
// those need that are not pxeproof's. What the sandbox got is what counts.
func checkUsers(_ context.Context, x *examination) Result {
	r := Result{Name: "user ids", State: OK}
	n := mapped(x.sandbox.UIDMap)
	if n > 1 {
		r.Text = "a lab has " + strconv.FormatUint(n, 10) + " of them"
		if n == 1<<32-1 {
			r.Text = "a lab has all of them"
		}
		return r
	}
	r.State = Optional
	switch why := x.sandbox.OneID; {
	case x.sandbox.Start != "":
		r.Text = "cannot be tried without namespaces"
		return r
	case errors.Is(why, sandbox.ErrNoTool):
		r.Cure = x.Store.InstallCommand(assets.Package{Debian: "uidmap", Fedora: "shadow-utils", Arch: "shadow", SUSE: "shadow"})
		r.Text = why.Error()
	case errors.Is(why, sandbox.ErrNoRange):
		r.Cure = "sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 " + userName()
		r.Text = fmt.Sprintf("%v for %s", why, userName())
	case why != nil:
		r.Text = why.Error()
	default:
		r.Text = "this machine has one"
	}
	r.Text += "; daemons that change their user cannot run in the lab, pxeproof's own servers can"
	return r
}

// mapped counts the ids of a uid_map(5): inside, outside, length on each line.
func mapped(uidMap string) (n uint64) {
	for line := range strings.Lines(uidMap) {
		if f := strings.Fields(line); len(f) == 3 {
			length, err := strconv.ParseUint(f[2], 10, 32)
			if err == nil {
				n += length
			}
		}
	}
	return n
}

func userName() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return strconv.Itoa(os.Getuid())
}

// checkKVM says how fast machines will be; a lab runs without it.
func checkKVM(ctx context.Context, x *examination) Result {
	cache, err := x.Store.CacheDir()
	if err != nil {
		cache = "" // the answer is not remembered, that is all
	}
	r := Result{Name: "KVM", State: OK}
	if _, err := qemu.LookProgram(x.QEMU); err != nil {
		r.State, r.Text = Optional, "cannot be tried without QEMU"
		return r
	}
	a := qemu.ProbeKVM(ctx, x.QEMU, cache)
	r.Text = a.Why
	if a.Name == "kvm" {
		return r
	}
	r.State, r.Text = Optional, a.Why+"; QEMU's own translator (TCG) takes its place, at a fraction of the speed"
	if _, err := os.Stat("/dev/kvm"); err == nil && unix.Access("/dev/kvm", unix.R_OK|unix.W_OK) != nil {
		r.Cure = "sudo usermod --append --groups kvm " + userName() // from the next login on
	}
	return r
}
