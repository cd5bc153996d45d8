package assets

import (
	"path/filepath"
	"slices"
	"strings"
)

// entry describes one asset.
type entry struct {
	name  string
	about string
	// paths are where packages put the file, without the leading slash, as
	// patterns of path.Match: of each distribution, the better place first.
	paths []string
	pkg   packages
	// with are Debian packages to be unpacked into the same tree.
	with []string
	// not drops matches of paths whose base name contains one of these.
	not []string
	// check refuses a file that is not what it should be.
	check func(path string) error
}

// packages names the package that has an asset, in each family of
// distributions. Empty means that the family has none.
type packages struct{ debian, ubuntu, fedora, arch, suse string }

// same is for a package that Debian and Ubuntu both call by the same name.
func same(debian, fedora, arch, suse string) packages {
	return packages{debian, debian, fedora, arch, suse}
}

func (p packages) of(f family) string {
	switch f {
	case debian:
		return p.debian
	case ubuntu:
		return p.ubuntu
	case fedora:
		return p.fedora
	case arch:
		return p.arch
	case suse:
		return p.suse
	}
	return ""
}

// wants says whether a path that matched is really one of the asset.
func (e *entry) wants(path string) bool {
	base := filepath.Base(path)
	return !slices.ContainsFunc(e.not, func(part string) bool { return strings.Contains(base, part) })
}

// inTrees is the pattern of the names under which the cache may have the
// asset's package. A kernel's carries the kernel's release.
func (e *entry) inTrees(f family) string {
	p := e.pkg.of(f)
	if flavour, ok := strings.CutPrefix(p, kernelMeta); ok {
		return kernelMeta + "*-" + flavour
	}
	return p
}

// kernelMeta begins the names of the Debian and Ubuntu packages that contain
// nothing and depend on the current kernel: linux-image-amd64 depends on, say,
// linux-image-6.1.0-56-amd64.
const kernelMeta = "linux-image-"

var (
	syslinuxPkg    = same("syslinux-common", "syslinux-nonlinux", "syslinux", "syslinux")
	syslinuxEFIPkg = same("syslinux-efi", "syslinux-efi64", "syslinux", "syslinux")
	pxelinuxPkg    = same("pxelinux", "syslinux-nonlinux", "syslinux", "syslinux")
	ovmfPkg        = same("ovmf", "edk2-ovmf", "edk2-ovmf", "qemu-ovmf-x86_64")
	aavmfPkg       = same("qemu-efi-aarch64", "edk2-aarch64", "edk2-aarch64", "qemu-uefi-aarch64")
	ipxePkg        = same("ipxe", "ipxe-bootimgs-x86", "ipxe", "ipxe-bootimgs")
	romPkg         = same("ipxe-qemu", "ipxe-roms-qemu", "qemu-system-x86-firmware", "qemu-ipxe")
)

// catalogue is every asset there is.
var catalogue = slices.Concat([]entry{
	{name: "pxelinux.0", about: "PXELINUX, for BIOS", pkg: pxelinuxPkg,
		paths: []string{"usr/lib/PXELINUX/pxelinux.0", "usr/share/syslinux/pxelinux.0", "usr/lib/syslinux/bios/pxelinux.0"}},
	{name: "lpxelinux.0", about: "PXELINUX with HTTP and FTP, for BIOS", pkg: pxelinuxPkg,
		paths: []string{"usr/lib/PXELINUX/lpxelinux.0", "usr/share/syslinux/lpxelinux.0", "usr/lib/syslinux/bios/lpxelinux.0"}},
	{name: "memdisk", about: "Syslinux's disk image loader, for BIOS", pkg: syslinuxPkg,
		paths: []string{"usr/lib/syslinux/memdisk", "usr/share/syslinux/memdisk", "usr/lib/syslinux/bios/memdisk"}},
	{name: "syslinux.efi", about: "SYSLINUX, for 64-bit UEFI", pkg: syslinuxEFIPkg,
		paths: []string{"usr/lib/SYSLINUX.EFI/efi64/syslinux.efi", "usr/share/syslinux/efi64/syslinux.efi", "usr/lib/syslinux/efi64/syslinux.efi"}},
	{name: "ldlinux.e64", about: "Syslinux's core module, for 64-bit UEFI",
		pkg:   packages{"syslinux-common", "syslinux-common", "syslinux-efi64", "syslinux", "syslinux"},
		paths: []string{"usr/lib/syslinux/modules/efi64/ldlinux.e64", "usr/share/syslinux/efi64/ldlinux.e64", "usr/lib/syslinux/efi64/ldlinux.e64"}},

	{name: "ipxe.lkrn", about: "iPXE as a Linux kernel, for BIOS", pkg: ipxePkg,
		paths: []string{"usr/lib/ipxe/ipxe.lkrn", "boot/ipxe.lkrn", "usr/share/ipxe/ipxe.lkrn"}},
	{name: "undionly.kpxe", about: "iPXE over the card's own UNDI driver, for BIOS", pkg: ipxePkg,
		paths: []string{"usr/lib/ipxe/undionly.kpxe", "usr/share/ipxe/undionly.kpxe"}},
	{name: "ipxe.efi", about: "iPXE with its own drivers, for 64-bit UEFI", pkg: ipxePkg,
		paths: []string{"usr/lib/ipxe/ipxe.efi", "boot/ipxe.efi", "usr/share/ipxe/ipxe-x86_64.efi", "usr/share/ipxe/x86_64/ipxe.efi"}},
	{name: "snponly.efi", about: "iPXE over the firmware's driver, for 64-bit UEFI", pkg: ipxePkg,
		paths: []string{"usr/lib/ipxe/snponly.efi", "usr/share/ipxe/ipxe-snponly-x86_64.efi", "usr/share/ipxe/snponly-x86_64.efi", "usr/share/ipxe/x86_64/snponly.efi"}},

	// Code and variables must be of one build: the lists are in one order.
	{name: "OVMF_CODE.fd", about: "UEFI firmware for x86-64", pkg: ovmfPkg,
		paths: []string{"usr/share/OVMF/OVMF_CODE_4M.fd", "usr/share/OVMF/OVMF_CODE.fd", "usr/share/edk2/ovmf/OVMF_CODE.fd",
			"usr/share/edk2/x64/OVMF_CODE.4m.fd", "usr/share/edk2-ovmf/x64/OVMF_CODE.fd", "usr/share/qemu/ovmf-x86_64-code.bin"}},
	{name: "OVMF_VARS.fd", about: "its variables, to be copied for each machine", pkg: ovmfPkg,
		paths: []string{"usr/share/OVMF/OVMF_VARS_4M.fd", "usr/share/OVMF/OVMF_VARS.fd", "usr/share/edk2/ovmf/OVMF_VARS.fd",
			"usr/share/edk2/x64/OVMF_VARS.4m.fd", "usr/share/edk2-ovmf/x64/OVMF_VARS.fd", "usr/share/qemu/ovmf-x86_64-vars.bin"}},
	{name: "OVMF_CODE.ms.fd", about: "UEFI firmware for x86-64 with Secure Boot", pkg: ovmfPkg,
		paths: []string{"usr/share/OVMF/OVMF_CODE_4M.ms.fd", "usr/share/OVMF/OVMF_CODE.ms.fd", "usr/share/edk2/ovmf/OVMF_CODE.secboot.fd",
			"usr/share/qemu/ovmf-x86_64-smm-ms-code.bin"}},
	{name: "OVMF_VARS.ms.fd", about: "its variables with Microsoft's keys enrolled", pkg: ovmfPkg,
		paths: []string{"usr/share/OVMF/OVMF_VARS_4M.ms.fd", "usr/share/OVMF/OVMF_VARS.ms.fd", "usr/share/edk2/ovmf/OVMF_VARS.secboot.fd",
			"usr/share/qemu/ovmf-x86_64-smm-ms-vars.bin"}},
	{name: "AAVMF_CODE.fd", about: "UEFI firmware for arm64", pkg: aavmfPkg,
		paths: []string{"usr/share/AAVMF/AAVMF_CODE.no-secboot.fd", "usr/share/AAVMF/AAVMF_CODE.fd", "usr/share/edk2/aarch64/QEMU_EFI-pflash.raw",
			"usr/share/edk2/aarch64/QEMU_CODE.fd", "usr/share/qemu/aavmf-aarch64-code.bin"}},
	{name: "AAVMF_VARS.fd", about: "its variables, to be copied for each machine", pkg: aavmfPkg,
		paths: []string{"usr/share/AAVMF/AAVMF_VARS.fd", "usr/share/edk2/aarch64/vars-template-pflash.raw",
			"usr/share/edk2/aarch64/QEMU_VARS.fd", "usr/share/qemu/aavmf-aarch64-vars.bin"}},

	// The loaders of a Secure Boot chain must be signed by one vendor.
	{name: "shimx64.efi", about: "shim, signed by Microsoft", pkg: packages{"shim-signed", "shim-signed", "shim-x64", "", "shim"},
		paths: []string{"usr/lib/shim/shimx64.efi.signed", "usr/lib/shim/shimx64.efi.signed.latest", "usr/share/efi/x86_64/shim.efi", "boot/efi/EFI/*/shimx64.efi"}},
	{name: "mmx64.efi", about: "shim's key manager, signed", pkg: packages{"shim-helpers-amd64-signed", "shim-signed", "shim-x64", "", "shim"},
		paths: []string{"usr/lib/shim/mmx64.efi.signed", "usr/lib/shim/mmx64.efi", "usr/share/efi/x86_64/MokManager.efi", "boot/efi/EFI/*/mmx64.efi"}},
	{name: "grubnetx64.efi.signed", about: "GRUB with its network modules, signed", pkg: packages{"grub-efi-amd64-signed", "grub-efi-amd64-signed", "grub2-efi-x64", "", "grub2-x86_64-efi"},
		paths: []string{"usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed", "usr/share/efi/x86_64/grub.efi", "boot/efi/EFI/*/grubx64.efi"}},

	{name: "kernel", about: "a Linux kernel with modules for all NICs", check: CheckKernel,
		pkg:   packages{"linux-image-amd64", "linux-image-generic", "kernel-core", "linux", "kernel-default"},
		paths: []string{"boot/vmlinuz-*-amd64", "boot/vmlinuz-*-generic", "usr/lib/modules/*/vmlinuz"},
		not:   []string{"-cloud-amd64", "-rt-amd64"}},
	// Twice the bytes of Debian's other, but in LZ4 and not in XZ: without
	// hardware virtualization it reaches its first process 2 s earlier.
	{name: "kernel-cloud", about: "a Linux kernel for virtual machines alone, where there is one", check: CheckKernel,
		pkg:   packages{"linux-image-cloud-amd64", "linux-image-generic", "kernel-core", "linux", "kernel-default-base"},
		paths: []string{"boot/vmlinuz-*-cloud-amd64", "boot/vmlinuz-*-generic", "boot/vmlinuz-*-default", "usr/lib/modules/*/vmlinuz"}},
	{name: "busybox", about: "BusyBox, linked statically", check: checkStatic,
		pkg:   same("busybox-static", "busybox", "busybox", "busybox-static"),
		paths: []string{"bin/busybox", "usr/bin/busybox", "usr/sbin/busybox", "sbin/busybox", "usr/bin/busybox-static"}},
}, syslinuxModules("bios", ""), syslinuxModules("efi64", "efi64/"), optionROMs())

// syslinuxModules are the c32 modules of Syslinux that configurations name. BIOS
// ones go by their plain name, as in configurations; those for UEFI, called the
// same but different files, by efi64/NAME.
func syslinuxModules(platform, prefix string) []entry {
	names := []string{"cat", "chain", "cmd", "cpuid", "dir", "disk", "dmi", "elf", "hdt", "host", "ifcpu64", "libcom32", "libgpl",
		"liblua", "libmenu", "libutil", "linux", "ls", "lua", "mboot", "meminfo", "menu", "pci", "poweroff", "reboot", "sysdump",
		"vesamenu", "whichsys"}
	pkg := syslinuxPkg
	if platform == "bios" {
		names = append(names, "ldlinux", "pxechn")
	} else {
		pkg.fedora = "syslinux-efi64"
		names = slices.DeleteFunc(names, func(n string) bool { return n == "disk" || n == "elf" || n == "poweroff" })
	}
	var entries []entry
	for _, n := range names {
		fedora := "usr/share/syslinux/"
		if platform == "efi64" {
			fedora += "efi64/"
		}
		entries = append(entries, entry{
			name: prefix + n + ".c32", about: "Syslinux module, for " + platform, pkg: pkg,
			paths: []string{"usr/lib/syslinux/modules/" + platform + "/" + n + ".c32", fedora + n + ".c32", "usr/lib/syslinux/" + platform + "/" + n + ".c32"},
		})
	}
	return entries
}

// optionROMs are iPXE's, as QEMU's NIC models load them.
func optionROMs() []entry {
	var entries []entry
	for _, kind := range []string{"pxe", "efi"} {
		for _, nic := range []string{"e1000", "e1000e", "eepro100", "ne2k_pci", "pcnet", "rtl8139", "virtio", "vmxnet3"} {
			rom := kind + "-" + nic + ".rom"
			about := "iPXE option ROM for BIOS"
			if kind == "efi" {
				about = "iPXE option ROM for BIOS and UEFI"
			}
			entries = append(entries, entry{name: rom, about: about, pkg: romPkg,
				paths: []string{"usr/lib/ipxe/qemu/" + rom, "usr/share/ipxe/qemu/" + rom, "usr/share/qemu/" + rom}})
		}
	}
	return entries
}
