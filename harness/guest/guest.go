// Package guest builds the initramfs that a lab's machines boot: BusyBox, a
// script as /init, and the kernel modules of the machine's network card; or, if
// it is only to be seen that a first process runs, half a KiB that says so
// (package probe). What it does, it says on the console, one line a fact, each beginning with "pxeproof: ":
//
//	pxeproof: init                     the first process runs
//	pxeproof: address 192.168.1.100    DHCP gave this address
//	pxeproof: file nfs:192.168.1.103:/root/inst/ks sha256=<hex> size=<bytes>
//	pxeproof: mount nfs:192.168.1.103:/srv/root
//	pxeproof: installed
//	pxeproof: error <what went wrong>
//
// Then the machine is powered off, or after "installed" started again.
//
// # Kernel command line
//
// The console is ttyS0. Do without "quiet": it saves 0.1 s of some 4 under TCG,
// and takes the line "Linux version" away, which is the first evidence of a
// running kernel. Worth having are cryptomgr.notests (0.25 s of self-tests),
// noreplace-smp (0.2 s, in which a kernel with one processor takes thousands of
// lock prefixes out of its own code) and nolapic_timer (0.1 s of waiting for
// ticks, to measure a timer with); edd=off, nokaslr, mitigations=off, nosmp,
// tsc_early_khz= and the like were measured and differ by less than two runs of
// the same line do.
package guest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/pxeproof/pxeproof/harness/assets"
	"github.com/pxeproof/pxeproof/harness/guest/probe"
)

// A Payload is what the machine does once its kernel runs.
type Payload string

const (
	// NFS does what an installer does with ks=nfs:SERVER:/path/file (or
	// inst.ks=nfs:, or nfsroot=SERVER:/path, which is only mounted): it loads
	// the network card's and NFS's modules, takes an address by DHCP, mounts
	// the file's folder by NFSv3 with the portmapper's help, and reads the file.
	NFS Payload = "nfs"
	// FirstProcess says that it runs. It is all there is in the archive, so it
	// starts with any kernel for x86-64, and nothing of a boot's time is its own:
	// with BusyBox it was 0.3 s.
	FirstProcess Payload = "first-process"
	// Reboot does what an installer does that has done its work: it says so, and
	// starts the machine again. It needs no modules.
	Reboot Payload = "reboot"
)

// Payloads lists them all.
var Payloads = []Payload{NFS, FirstProcess, Reboot}

// A Spec says what to build.
type Spec struct {
	// Payload defaults to NFS.
	Payload Payload
	// NIC is the machine's network card, by QEMU's name for the model. It
	// defaults to virtio-net-pci. FirstProcess does not use it.
	NIC string
	// Kernel is the kernel that will boot it, whose modules are put in. Without
	// a Path it is the asset called kernel. FirstProcess does not use it.
	Kernel assets.Kernel
}

// drivers are the modules of the NIC models that QEMU has. What they depend on
// is read from the modules themselves.
var drivers = map[string][]string{
	"virtio-net-pci":                  {"virtio_pci", "virtio_net"},
	"virtio-net-pci-transitional":     {"virtio_pci", "virtio_net"},
	"virtio-net-pci-non-transitional": {"virtio_pci", "virtio_net"},
	"e1000":                           {"e1000"},
	"e1000-82544gc":                   {"e1000"},
	"e1000-82545em":                   {"e1000"},
	"e1000e":                          {"e1000e"},
	"igb":                             {"igb"},
	"rtl8139":                         {"8139cp"}, // QEMU's is an RTL8139C+
	"pcnet":                           {"pcnet32"},
	"vmxnet3":                         {"vmxnet3"},
	"ne2k_pci":                        {"ne2k-pci"},
	"tulip":                           {"tulip"},
	// Not the i82550 and i82551, which do not start without firmware that is
	// not free.
	"i82557b":  {"e100"},
	"i82558b":  {"e100"},
	"i82559c":  {"e100"},
	"i82559er": {"e100"},
}

// NICs lists the models that there is a driver for, sorted.
func NICs() []string { return slices.Sorted(maps.Keys(drivers)) }

// Build makes the initramfs, or finds the one that it made of the same parts
// before, and returns its path in the store's cache. The same parts give the
// same bytes.
func Build(ctx context.Context, store *assets.Store, s Spec) (string, error) {
	path, err := build(ctx, store, s)
	if err != nil {
		return "", fmt.Errorf("building the initramfs: %w", err)
	}
	return path, nil
}

func build(ctx context.Context, store *assets.Store, s Spec) (string, error) {
	files, err := s.files(ctx, store)
	if err != nil {
		return "", err
	}
	var archive bytes.Buffer
	if err := writeArchive(&archive, files); err != nil {
		return "", err
	}
	sum := sha256.Sum256(archive.Bytes())
	return store.Made(hex.EncodeToString(sum[:])+suffix, func(path string) error {
		return compress(path, archive.Bytes())
	})
}

// files collects what goes into the archive.
func (s Spec) files(ctx context.Context, store *assets.Store) ([]file, error) {
	switch s.Payload {
	case "":
		s.Payload = NFS
	case NFS, FirstProcess, Reboot:
	default:
		return nil, fmt.Errorf("there is no payload %q; there are %v", s.Payload, Payloads)
	}
	if s.Payload == FirstProcess {
		// The kernel brings /dev/console itself.
		return []file{{name: "init", mode: 0o755, data: probe.Init}}, nil
	}
	busybox, err := store.Find(ctx, "busybox")
	if err != nil {
		return nil, err
	}
	program, err := os.ReadFile(busybox.Path)
	if err != nil {
		return nil, err
	}
	files := base(program)
	text, err := scripts.ReadFile("root/" + string(s.Payload))
	if err != nil {
		return nil, err
	}
	files = append(files, file{name: "payload", mode: 0o755, data: text})
	if s.Payload == Reboot {
		return files, nil
	}
	if text, err = scripts.ReadFile("root/lease"); err != nil {
		return nil, err
	}
	files = append(files, file{name: "lease", mode: 0o755, data: text})
	modules, err := s.modules(ctx, store)
	if err != nil {
		return nil, err
	}
	files = append(files, file{name: "modules", mode: fs.ModeDir | 0o755})
	for i, m := range modules {
		files = append(files, file{name: fmt.Sprintf("modules/%02d-%s", i, m.name), mode: 0o644, data: m.data})
	}
	return files, nil
}

// modules loads the modules that the payload needs, in the order of insertion.
func (s Spec) modules(ctx context.Context, store *assets.Store) ([]module, error) {
	if s.NIC == "" {
		s.NIC = "virtio-net-pci"
	}
	nic, ok := drivers[s.NIC]
	if !ok {
		return nil, fmt.Errorf("no driver is known for the network card %q; there are ones for %s", s.NIC, strings.Join(NICs(), ", "))
	}
	kernel := s.Kernel
	if kernel.Path == "" {
		var err error
		if kernel, err = store.Kernel(ctx, "kernel"); err != nil {
			return nil, err
		}
	}
	if kernel.Modules == "" {
		return nil, fmt.Errorf("the modules of kernel %s (release %s) are not on this machine; "+
			"keep them beside the kernel as lib/modules/%[2]s, or use the asset kernel", kernel.Path, kernel.Release)
	}
	return loadModules(kernel.Modules, append(slices.Clone(nic), "nfsv3"))
}
