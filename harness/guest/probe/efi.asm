# A network boot program for UEFI on x86-64 (UEFI 2.10, 2.1.2: an application),
# that says on the serial port
#
#	pxeproof: nbp size=<bytes> sha256=<hex>
#
# of itself as it lies in memory, and switches the machine off. Its sections lie
# there as in the file, and it takes no relocations.
#
# It leaves the firmware behind for 32-bit segments that begin where it is itself:
# all addresses count from its first byte.

	.intel_syntax noprefix
	.text
	.code64
	.globl	_start
	.set	PAGES, 2		# these and one to write to
	.set	ALIGNMENT, 32

_start:	.ascii	"MZ"
	.org	0x3c
	.long	pe
pe:	.ascii	"PE\0\0"
	.word	0x8664			# Machine: x86-64
	.word	1			# NumberOfSections
	.long	0, 0, 0			# TimeDateStamp, and no symbols
	.word	section - optional	# SizeOfOptionalHeader
	.word	0x22e			# Characteristics: executable, nothing to debug it with
optional:
	.word	0x20b			# Magic: PE32+
	.byte	0, 0			# linker's version
	.long	end - code		# SizeOfCode
	.long	0, 0			# no other data
	.long	entry			# AddressOfEntryPoint
	.long	code			# BaseOfCode
base:	.quad	0			# ImageBase; firmware writes here where it is
	.long	ALIGNMENT		# SectionAlignment
	.long	ALIGNMENT		# FileAlignment
	.word	0, 0, 0, 0, 0, 0	# versions
	.long	0
	.long	end			# SizeOfImage
	.long	code			# SizeOfHeaders
	.long	0			# CheckSum
	.word	10			# Subsystem: EFI application
	.word	0			# DllCharacteristics
	.quad	0, 0, 0, 0		# stack and heap are the firmware's
	.long	0
	.long	16			# NumberOfRvaAndSizes
	.fill	16, 8, 0
section:
	.ascii	".text\0\0\0"
	.long	end - code, code	# in memory
	.long	end - code, code	# in the file
	.long	0, 0, 0
	.long	0x60000020		# code, to be executed and read

	.balign	ALIGNMENT
code:
# The firmware may have put the image above 4 GiB, where no segment reaches.
entry:	sub	rsp, 56
	mov	rax, [rdx + 96]		# SystemTable.BootServices
	mov	ecx, 1			# AllocateMaxAddress
	mov	edx, 1			# EfiLoaderCode
	mov	r8d, PAGES
	lea	r9, [rsp + 40]
	mov	r10d, 0xffffffff
	mov	[r9], r10
	call	[rax + 40]		# AllocatePages
	test	rax, rax
	jz	1f
	add	rsp, 56
	ret
1:	cli
	cld
	mov	rbx, [rsp + 40]
	lea	rsi, [rip + _start]
	mov	rdi, rbx
	mov	ecx, offset end - _start
	rep movsb
	mov	qword ptr [rbx + base], 0
	lea	rsi, [rip + gdt]
	lea	rdi, [rbx + table]
	mov	rax, rdi
	mov	ecx, offset gdt_end - gdt
	mov	[rbx + gdtr], cx
	dec	word ptr [rbx + gdtr]
	mov	[rbx + gdtr + 2], rax
	rep movsb
	mov	eax, ebx		# a descriptor has its base in three parts
	mov	[rbx + table + 0x10 + 2], ax
	mov	[rbx + table + 0x18 + 2], ax
	shr	eax, 16
	mov	[rbx + table + 0x10 + 4], al
	mov	[rbx + table + 0x18 + 4], al
	mov	[rbx + table + 0x10 + 7], ah
	mov	[rbx + table + 0x18 + 7], ah
	lgdt	[rbx + gdtr]
	push	0x10
	push	offset main
	.byte	0x48, 0xcb		# far return to 32 bits

	.include "self.asm"
	.include "common.asm"

	.balign	ALIGNMENT
end:	.set	scratch, 0x1000
	.set	table, scratch + 0x800
	.set	gdtr, scratch + 0x900
