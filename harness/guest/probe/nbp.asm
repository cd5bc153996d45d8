# A network boot program for PXE on a BIOS (PXE 2.1, 4.4.5: loaded at 0000:7C00,
# and called), that says on the serial port
#
#	pxeproof: nbp size=<bytes> sha256=<hex>
#
# of itself as it lies in memory, and switches the machine off.

	.intel_syntax noprefix
	.text
	.code16
	.globl	_start
_start:	ljmp	0, offset 1f		# some ROMs call 07C0:0000
1:	cli
	cld
	xor	eax, eax
	mov	ds, ax
	lgdt	[gdtr]
	mov	eax, cr0
	or	al, 1
	mov	cr0, eax
	.byte	0x66, 0xea		# far jump to 32 bits
	.long	main
	.word	0x10

	.balign	4
gdtr:	.word	gdt_end - gdt - 1
	.long	gdt

	.include "self.asm"
	.include "common.asm"

	.balign	16
end:	.set	scratch, _start + 0x1400	# 0x9000
