# What both boot programs do once they are in 32 bits, by the descriptors below.

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
gdt_end:
hello:	.asciz	"\r\npxeproof: nbp"
