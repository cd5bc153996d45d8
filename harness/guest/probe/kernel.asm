# A kernel for the x86 Linux boot protocol (Documentation/arch/x86/boot.rst in
# Linux's source), version 2.06, that says on the serial port
#
#	pxeproof: probe
#	pxeproof: cmdline <its command line>
#	pxeproof: initrd size=<bytes> sha256=<hex>     or "pxeproof: initrd none"
#
# and switches the machine off. It is entered in either way: in real mode at
# 0x200 (PXELINUX, GRUB's linux16), and in protected mode at code32_start with the
# header's copy at ESI (GRUB's linux, syslinux.efi). The one leads to the other.

	.intel_syntax noprefix
	.text
	.code16
	.globl	_start
_start:	.set	BASE, 0x100000		# code32_start: where a loader puts all after the setup
	.set	SETUP, 1024		# bytes before that: the boot sector and one more

	.org	0x1f1
	.byte	SETUP / 512 - 1		# setup_sects
	.word	0			# root_flags
	.long	(end - main + 15) / 16	# syssize
	.word	0			# ram_size
	.word	0xffff			# vid_mode: normal
	.word	0			# root_dev
	.word	0xaa55			# boot_flag
	.byte	0xeb, setup - 1f	# jump
1:	.ascii	"HdrS"
	.word	0x0206			# version
	.long	0			# realmode_swtch
	.word	0x1000			# start_sys_seg
	.word	name - _start - 0x200	# kernel_version
	.byte	0			# type_of_loader
	.byte	1			# loadflags: LOADED_HIGH
	.word	0x8000			# setup_move_size
	.long	BASE			# code32_start
	.long	0			# ramdisk_image
	.long	0			# ramdisk_size
	.long	0			# bootsect_kludge
	.word	0			# heap_end_ptr
	.byte	0, 0			# ext_loader_ver, ext_loader_type
	.long	0			# cmd_line_ptr
	.long	0x37ffffff		# initrd_addr_max
	.long	0x1000			# kernel_alignment
	.byte	0, 0			# relocatable_kernel, min_alignment
	.word	0			# xloadflags
	.long	2047			# cmdline_size

# Real mode. DS is where the boot sector was loaded, CS is 0x200 bytes further.
setup:	cli
	cld
	xor	ebx, ebx
	mov	bx, ds
	shl	ebx, 4
	lea	eax, [ebx + gdt - _start]
	mov	[gdtr - _start + 2], eax
	lgdt	[gdtr - _start]
	mov	esi, ebx
	mov	edx, [0x214]		# code32_start, which a loader may have moved
	mov	eax, cr0
	or	al, 1
	mov	cr0, eax
	push	dword ptr 0x10
	push	edx
	.byte	0x66, 0xcb		# far return to 32 bits

	.balign	8
gdt:	.quad	0, 0			# the protocol has code at 0x10 and data at 0x18
	.quad	0x00cf9b000000ffff
	.quad	0x00cf93000000ffff
gdtr:	.word	gdtr - gdt - 1
	.long	0
name:	.asciz	"probe (pxeproof)"

	.org	SETUP
	.code32
main:	cli
	cld
	mov	eax, 0x18
	mov	ds, eax
	mov	es, eax
	mov	ss, eax
	mov	esp, offset stack
	mov	ebp, esi		# the header is at 0x1f1 from here
	call	serial
	mov	esi, offset hello
	call	puts
	mov	esi, [ebp + 0x228]	# cmd_line_ptr
	test	esi, esi
	jz	1f
	call	puts
1:	mov	esi, offset newline
	call	puts
	mov	ecx, [ebp + 0x21c]	# ramdisk_size
	jecxz	2f
	mov	edi, offset initrd
	mov	esi, [ebp + 0x218]	# ramdisk_image
	call	report
	jmp	off
2:	mov	esi, offset none
	call	puts
	jmp	off

# Firmware may have left the cursor in the middle of a line.
hello:	.asciz	"\r\npxeproof: probe\r\npxeproof: cmdline "
none:	.asciz	"pxeproof: initrd none\r\n"
initrd:	.asciz	"pxeproof: initrd"

	.include "common.asm"

	.balign	16
end:	.set	scratch, 0x1000000	# 16 MiB, below any initrd and above any loader
