package probe_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pxeproof/pxeproof/harness/assets"
	"github.com/pxeproof/pxeproof/harness/guest/probe"
)

// need skips a test for want of a program; with CI=true, where everything is to
// be there, it fails it.
func need(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%v; make setup provides it", err)
		}
		t.Skipf("%v; make setup provides it", err)
	}
}

func TestAsTheSourcesSay(t *testing.T) {
	need(t, "as")
	need(t, "ld")
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "./build.sh", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for name, have := range map[string][]byte{"kernel": probe.Kernel, "nbp": probe.NBP, "efi": probe.EFI, "init": probe.Init} {
		made, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(made, have) {
			t.Errorf("%s is not what its source makes (%d bytes, %d made); run go generate here", name, len(have), len(made))
		}
	}
}

func TestHeader(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vmlinuz")
	if err := os.WriteFile(path, probe.Kernel, 0o644); err != nil {
		t.Fatal(err)
	}
	if r, err := assets.KernelRelease(path); err != nil || r != "probe" {
		t.Errorf("its release is %q, %v", r, err)
	}
	// There the NBP has its memory.
	if len(probe.NBP) > 0x1400 {
		t.Errorf("the NBP has outgrown its pages: %d bytes", len(probe.NBP))
	}
	// setup_sects and syssize are all of the file.
	setup := 512 * (int(probe.Kernel[0x1f1]) + 1)
	if body := int(binary.LittleEndian.Uint32(probe.Kernel[0x1f4:])) * 16; setup+body != len(probe.Kernel) {
		t.Errorf("%d bytes of setup and %d of the rest make no %d", setup, body, len(probe.Kernel))
	}
}

// bootTime bounds a boot that takes half a second; what hangs ends with it.
const bootTime = time.Minute

// TestKernel has QEMU's own loader boot it. The sizes are those at which
// SHA-256's last block is filled in different ways.
func TestKernel(t *testing.T) {
	need(t, "qemu-system-x86_64")
	for _, machine := range []string{"pc", "q35"} {
		for _, size := range []int{0, 1, 55, 56, 64, 119, 1<<20 + 63} {
			if machine == "q35" && size != 1 {
				continue // it is there for its power switch
			}
			t.Run(fmt.Sprintf("%s %d", machine, size), func(t *testing.T) {
				initrd := make([]byte, size)
				rand.NewChaCha8([32]byte{}).Read(initrd)
				want := fmt.Sprintf("pxeproof: initrd size=%d sha256=%s\r\n", size, probe.Digest(initrd))
				args := []string{"-append", "initrd=x\x1b[2J console=ttyS0"}
				if size == 0 {
					want = "pxeproof: initrd none\r\n"
				} else {
					args = append(args, "-initrd", file(t, initrd))
				}
				out := boot(t, append([]string{"-machine", machine + ",accel=tcg", "-m", "64", "-kernel", file(t, probe.Kernel)}, args...)...)
				for _, w := range []string{want, "pxeproof: probe\r\n", "pxeproof: cmdline initrd=x?[2J console=ttyS0\r\n"} {
					if !strings.Contains(out, w) {
						t.Errorf("no %q in %q", w, out)
					}
				}
			})
		}
	}
}

func file(t *testing.T, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestEFI has OVMF start it as it would any program on a disk.
func TestEFI(t *testing.T) {
	need(t, "qemu-system-x86_64")
	var store assets.Store
	code, err := store.Find(t.Context(), "OVMF_CODE.fd")
	vars, verr := store.Find(t.Context(), "OVMF_VARS.fd")
	if err = errors.Join(err, verr); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	ours, err := os.ReadFile(vars.Path)
	if err != nil {
		t.Fatal(err)
	}
	disk := t.TempDir()
	boots := filepath.Join(disk, "EFI", "BOOT")
	if err := errors.Join(os.MkdirAll(boots, 0o755), os.WriteFile(filepath.Join(boots, "BOOTX64.EFI"), probe.EFI, 0o644)); err != nil {
		t.Fatal(err)
	}
	out := boot(t, "-machine", "q35,accel=tcg", "-m", "256",
		"-drive", "if=pflash,unit=0,format=raw,readonly=on,file="+code.Path,
		"-drive", "if=pflash,unit=1,format=raw,file="+file(t, ours),
		"-drive", "if=virtio,format=raw,readonly=on,file=fat:"+disk)
	if want := fmt.Sprintf("pxeproof: nbp size=%d sha256=%s\r\n", len(probe.EFI), probe.Digest(probe.EFI)); !strings.Contains(out, want) {
		t.Errorf("no %q in %q", want, out)
	}
}

// boot returns what a machine says until it is off. That it does go off is part
// of the test.
func boot(t *testing.T, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), bootTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, "qemu-system-x86_64", append([]string{"-nodefaults", "-display", "none",
		"-net", "none", "-serial", "stdio", "-no-reboot"}, args...)...)
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("%v after %q", err, out)
	}
	return string(out)
}
