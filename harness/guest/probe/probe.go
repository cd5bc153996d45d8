// Package probe has small programs for machines that boot in tests. Two are for
// tests of the wire alone: they say on the serial port what came over it and
// switch the machine off, and save a boot the megabytes of a kernel and the
// seconds of its start.
//
// [Kernel] is a kernel by the Linux boot protocol, to be loaded by anything that
// loads Linux on a PC:
//
//	pxeproof: probe
//	pxeproof: cmdline <its command line>
//	pxeproof: initrd size=<bytes> sha256=<hex>     or "pxeproof: initrd none"
//
// [NBP] is a boot program for a BIOS's PXE, small enough for a first transfer to
// prove that there can be one:
//
//	pxeproof: nbp size=<bytes> sha256=<hex>        of itself, as it came
//
// [EFI] is the same for UEFI's PXE on x86-64. It is not signed.
//
// [Init] is a first process, for a real kernel:
//
//	pxeproof: init
//
// They are assembled from the sources in this folder, and kept here as they come
// out, so that building pxeproof needs no assembler. A test assembles them again.
package probe

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
)

//go:generate ./build.sh .

// Kernel is a bzImage of 2 KiB. It wants 17 MiB of memory, and an initrd that lies
// above them.
//
//go:embed kernel
var Kernel []byte

// NBP is a boot program of 1 KiB.
//
//go:embed nbp
var NBP []byte

// EFI is a boot program of 1.5 KiB.
//
//go:embed efi
var EFI []byte

// Init is an executable of Linux on x86-64, of half a KiB.
//
//go:embed init
var Init []byte

// Digest is the SHA-256 of a program, in hexadecimal.
func Digest(program []byte) string {
	sum := sha256.Sum256(program)
	return hex.EncodeToString(sum[:])
}
