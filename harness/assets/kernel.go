package assets

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// A Kernel is a bootable image and the modules that fit it.
type Kernel struct {
	Asset
	Release string // as uname -r prints it: 6.1.0-56-amd64
	// Modules is the folder of the modules, .../lib/modules/RELEASE. It is
	// empty if there is none; then the kernel can do only what is built in.
	Modules string
}

// Kernel finds the kernel called name, "kernel" or "kernel-cloud", with its
// modules. It never downloads.
func (s *Store) Kernel(ctx context.Context, name string) (Kernel, error) {
	a, err := s.Find(ctx, name)
	if err != nil {
		return Kernel{}, err
	}
	return s.kernel(a)
}

// KernelAt describes a kernel that is not of the catalogue: a file of a
// scenario's.
func (s *Store) KernelAt(path string) (Kernel, error) {
	a := Asset{Name: filepath.Base(path), About: "a Linux kernel", Path: path, Source: Override}
	if err := a.read(&entry{check: CheckKernel}); err != nil {
		return Kernel{}, err
	}
	return s.kernel(a)
}

func (s *Store) kernel(a Asset) (Kernel, error) {
	release, err := KernelRelease(a.Path)
	if err != nil {
		return Kernel{}, err
	}
	k := Kernel{Asset: a, Release: release}
	// A package's modules are in the same tree as its image, which is in boot/
	// or in the modules' own folder; an image from elsewhere may be of a kernel
	// that is installed or in the cache.
	dirs := []string{
		filepath.Dir(a.Path),
		filepath.Join(filepath.Dir(a.Path), "../lib/modules", release),
		filepath.Join(filepath.Dir(a.Path), "../usr/lib/modules", release),
		filepath.Join(s.root(), "lib/modules", release),
		filepath.Join(s.root(), "usr/lib/modules", release),
	}
	for _, t := range s.trees(kernelMeta + release) {
		dirs = append(dirs, filepath.Join(t.dir, "lib/modules", release), filepath.Join(t.dir, "usr/lib/modules", release))
	}
	for _, dir := range dirs {
		if st, err := os.Stat(filepath.Join(dir, "kernel")); err == nil && st.IsDir() {
			k.Modules = dir
			break
		}
	}
	return k, nil
}

// The x86 boot protocol's header (Documentation/arch/x86/boot.rst in the
// kernel's source): where a loader finds its magic, and the pointer to the
// version string, which counts from the end of the boot sector.
const (
	headerMagic   = 0x202 // "HdrS"
	headerVersion = 0x20E // little-endian 16 bits; the string is at this + 0x200
	bootSector    = 0x200
)

// arm64Magic is at 0x38 of an arm64 Image (Documentation/arch/arm64/booting.rst).
const arm64Magic = 0x38

// CheckKernel says whether path is a Linux kernel image that loaders accept: an
// x86 bzImage, or an arm64 Image, as it is, in an EFI stub, or compressed with
// gzip. The error tells what is wrong.
func CheckKernel(path string) error {
	head, err := readHead(path, 0x300)
	if err != nil {
		return err
	}
	switch {
	case len(head) >= headerMagic+4 && string(head[headerMagic:headerMagic+4]) == "HdrS":
		return nil
	case len(head) >= arm64Magic+4 && string(head[arm64Magic:arm64Magic+4]) == "ARM\x64":
		return nil
	case bytes.HasPrefix(head, []byte("MZ\x00\x00zimg")): // the kernel's self-decompressing EFI image
		return nil
	}
	what := "it has no \"HdrS\" at offset 0x202"
	switch {
	case bytes.HasPrefix(head, []byte("\x7fELF")):
		what = "it is an ELF file (vmlinux?); a loader needs the bzImage"
	case bytes.HasPrefix(head, []byte("070701")), bytes.HasPrefix(head, []byte{0x1f, 0x8b}), bytes.HasPrefix(head, []byte("\xfd7zXZ")), bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		what = "it is an archive or compressed data (an initrd?)"
	case len(head) < headerMagic+4:
		what = fmt.Sprintf("it is only %d bytes long", len(head))
	}
	return fmt.Errorf("%s is no Linux kernel: %s", path, what)
}

// KernelRelease reads the release (uname -r) out of an x86 bzImage.
func KernelRelease(path string) (string, error) {
	if err := CheckKernel(path); err != nil {
		return "", err
	}
	// The offset is 16 bits, so this is more than any header can point to.
	head, err := readHead(path, bootSector+1<<16+256)
	if err != nil {
		return "", err
	}
	release, err := releaseIn(head)
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return release, nil
}

// releaseIn reads the release from the beginning of a bzImage.
func releaseIn(head []byte) (string, error) {
	if len(head) < headerVersion+2 || string(head[headerMagic:headerMagic+4]) != "HdrS" {
		return "", errors.New("the image does not carry its version (only x86 images do)")
	}
	at := int(binary.LittleEndian.Uint16(head[headerVersion:])) + bootSector
	if at == bootSector || at >= len(head) {
		return "", errors.New("the image does not carry its version")
	}
	text, _, ended := bytes.Cut(head[at:min(at+256, len(head))], []byte{0})
	release, _, _ := strings.Cut(string(text), " ")
	// It becomes a part of a path.
	if !ended || release == "" || strings.ContainsAny(release, "/\\") || strings.HasPrefix(release, ".") {
		return "", fmt.Errorf("the image's version %q is not one", text)
	}
	return release, nil
}

func readHead(path string, n int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, n))
}

// checkStatic refuses a program that needs a dynamic linker: an initramfs has none.
func checkStatic(path string) error {
	f, err := elf.Open(path)
	if err != nil {
		return fmt.Errorf("%s is no program: %w", path, err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return fmt.Errorf("%s is linked dynamically", path)
		}
	}
	return nil
}
