# What kernel and boot programs are made of, in 32-bit protected mode with flat
# segments: the serial port, SHA-256 (FIPS 180-4), switching off.
#
# Words go to COM1 alone, which is where a lab reads them, by polling: there are
# no interrupts here.

	.set COM1, 0x3f8
	.set LSR, COM1 + 5		# line status
	.set LSR_THRE, 0x20		# it takes another byte
	.set LSR_TEMT, 0x40		# all of them have left

	.code32

# serial: 115200 baud, 8 bits, no parity, as the firmware had it.
serial:	mov	dx, COM1 + 3
	mov	al, 0x83		# the divisor, by DLAB
	out	dx, al
	mov	dx, COM1
	mov	al, 1
	out	dx, al
	inc	edx
	xor	al, al
	out	dx, al
	mov	dx, COM1 + 3
	mov	al, 3
	out	dx, al
	ret

# putc: sends AL. Keeps all registers.
putc:	push	edx
	push	eax
	mov	dx, LSR
1:	in	al, dx
	test	al, LSR_THRE
	jz	1b
	mov	dx, COM1
	pop	eax
	out	dx, al
	pop	edx
	ret

# puts: sends the string at ESI, which ends with 0. What could move a terminal's
# cursor becomes "?": a command line comes from outside.
puts:	lodsb
	test	al, al
	jz	2f
	cmp	al, ' '
	jae	1f
	cmp	al, '\n'
	je	1f
	cmp	al, '\r'
	je	1f
	mov	al, '?'
1:	call	putc
	jmp	puts
2:	ret

# putdec: sends EAX as a decimal number.
putdec:	xor	edx, edx
	mov	ebx, 10
	div	ebx
	push	edx
	test	eax, eax
	jz	1f
	call	putdec
1:	pop	eax
	add	al, '0'
	jmp	putc

# report: sends a line: the words at EDI, the size and the SHA-256 of the ECX
# bytes at ESI. It sends nothing before it knows all of it: who reads the port takes a
# line that stays unfinished for a prompt.
report:	push	edi
	call	sha256
	pop	esi
	call	puts
	mov	esi, offset size_is
	call	puts
	mov	eax, [length]
	call	putdec
	mov	esi, offset sum_is
	call	puts
	mov	esi, offset digest
	mov	ecx, 8
1:	lodsd
	mov	ebx, 8			# digits
2:	rol	eax, 4
	push	eax
	and	al, 15
	add	al, '0'
	cmp	al, '9'
	jbe	3f
	add	al, 'a' - '9' - 1
3:	call	putc
	pop	eax
	dec	ebx
	jnz	2b
	loop	1b
	mov	esi, offset newline
	jmp	puts

# off: waits until the port has sent everything, and switches the machine off. It
# does not return.
off:	mov	dx, LSR
1:	in	al, dx
	test	al, LSR_TEMT
	jz	1b
	# S5 by PM1a_CNT, where QEMU's firmware puts it on both of its boards, and
	# where Bochs and QEMU before 1.3 had it.
	mov	ax, 0x2000		# SLP_EN, SLP_TYP 0
	mov	dx, 0x604
	out	dx, ax
	mov	dx, 0xb004
	out	dx, ax
	mov	al, 0xfe		# the keyboard controller's reset line
	out	0x64, al
2:	cli
	hlt
	jmp	2b

# sha256: leaves the digest of the ECX bytes at ESI in digest.
sha256:	mov	[length], ecx
	push	esi
	push	ecx
	mov	esi, offset initial
	mov	edi, offset digest
	mov	ecx, 8
	rep movsd
	pop	ecx
	pop	esi
1:	cmp	ecx, 64
	jb	2f
	call	block
	sub	ecx, 64
	jmp	1b
2:	push	ecx			# what is left, a one bit, zeros, the length in bits
	mov	edi, offset padded
	rep movsb
	mov	al, 0x80
	stosb
	mov	ecx, offset padded + 128
	sub	ecx, edi
	xor	al, al
	rep stosb
	pop	ecx
	mov	eax, [length]
	mov	edx, eax
	shl	eax, 3
	shr	edx, 29
	bswap	eax
	bswap	edx
	mov	edi, offset padded + 56
	cmp	ecx, 56
	jb	3f
	mov	edi, offset padded + 120
3:	mov	[edi], edx
	mov	[edi + 4], eax
	mov	esi, offset padded
4:	call	block
	cmp	esi, edi
	jb	4b
	ret

# block: takes the 64 bytes at ESI into the digest, and moves ESI behind them.
# Keeps ECX and EDI.
block:	push	ecx
	push	edi
	mov	edi, offset words
	mov	ecx, 16
1:	lodsd
	bswap	eax
	stosd
	loop	1b
	mov	ecx, 48
2:	mov	eax, [edi - 4 * 15]
	mov	edx, eax
	mov	ebx, eax
	ror	eax, 7
	ror	edx, 18
	shr	ebx, 3
	xor	eax, edx
	xor	eax, ebx
	mov	edx, [edi - 4 * 2]
	mov	ebx, edx
	mov	ebp, edx
	ror	edx, 17
	ror	ebx, 19
	shr	ebp, 10
	xor	edx, ebx
	xor	edx, ebp
	add	eax, edx
	add	eax, [edi - 4 * 16]
	add	eax, [edi - 4 * 7]
	stosd
	loop	2b
	push	esi
	mov	esi, offset digest
	mov	edi, offset vars + 4 * 64
	mov	ecx, 8
	rep movsd
	sub	edi, 4 * 8
	# a to h are at EDI. A round writes the new a before them and the new e over
	# d, so that all of them have moved by one.
3:	mov	eax, [edi + 16]
	mov	edx, eax
	mov	ebx, eax
	ror	eax, 6
	ror	edx, 11
	xor	eax, edx
	ror	edx, 14			# 25 in all
	xor	eax, edx
	mov	edx, [edi + 20]
	xor	edx, [edi + 24]
	and	edx, ebx
	xor	edx, [edi + 24]
	add	eax, edx
	add	eax, [edi + 28]
	add	eax, [ecx * 4 + constants]
	add	eax, [ecx * 4 + words]
	add	[edi + 12], eax
	mov	edx, [edi]
	mov	ebx, edx
	mov	ebp, edx
	ror	edx, 2
	ror	ebx, 13
	xor	edx, ebx
	ror	ebx, 9			# 22 in all
	xor	edx, ebx
	add	eax, edx
	mov	edx, ebp
	or	edx, [edi + 4]
	and	edx, [edi + 8]
	and	ebp, [edi + 4]
	or	edx, ebp
	add	eax, edx
	sub	edi, 4
	mov	[edi], eax
	inc	ecx
	cmp	ecx, 64
	jb	3b
	mov	esi, edi
	mov	edi, offset digest
	mov	ecx, 8
4:	lodsd
	add	[edi], eax
	add	edi, 4
	loop	4b
	pop	esi
	pop	edi
	pop	ecx
	ret

size_is:
	.asciz	" size="
sum_is:	.asciz	" sha256="
newline:
	.asciz	"\r\n"

	.balign	4
initial:
	.long	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19
constants:
	.long	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5
	.long	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174
	.long	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da
	.long	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967
	.long	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85
	.long	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070
	.long	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3
	.long	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2

# Memory at scratch, in pages that never had code: an emulator looks at every
# write to one that had. Hashing 2 MB takes 0.1 s, and took 45 where PXELINUX's
# modules had been.
	.set	digest, scratch
	.set	length, digest + 32
	.set	padded, length + 4
	.set	words, padded + 128
	.set	vars, words + 4 * 64
	.set	stack, vars + 4 * 72 + 512
