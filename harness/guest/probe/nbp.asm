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

	.code32
main:	mov	eax, 0x18
	mov	ds, eax
	mov	es, eax
	mov	ss, eax
	mov	esp, offset stack
	call	serial
	mov	edi, offset hello
	mov	esi, offset _start
	mov	ecx, offset end - _start
	call	report
	jmp	off

	.balign	8
gdt:	.quad	0, 0
	.quad	0x00cf9b000000ffff	# "accessed" already, so that nothing writes here
	.quad	0x00cf93000000ffff
gdtr:	.word	gdtr - gdt - 1
	.long	gdt
hello:	.asciz	"\r\npxeproof: nbp"

	.include "common.asm"

	.balign	16
end:	.set	scratch, _start + 0x1400	# 0x9000
