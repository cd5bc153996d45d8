# A first process for Linux on x86-64, the whole of an initramfs, that says on
# the console
#
#	pxeproof: init
#
# and powers the machine off.

	.intel_syntax noprefix
	.text
	.globl	_start
_start:	# Kernel messages would break into the line half written: the serial port is
	# fed a character at a time. Panics still come through.
	mov	eax, 103		# syslog
	mov	edi, 8			# SYSLOG_ACTION_CONSOLE_LEVEL
	xor	esi, esi
	mov	edx, 1
	syscall
	mov	eax, 1			# write
	mov	edi, 1
	lea	rsi, [rip + words]
	mov	edx, offset words_end - words
	syscall
	mov	eax, 16			# ioctl: wait until the port has sent everything,
	mov	edi, 1			# which powering off does not
	mov	esi, 0x5409		# TCSBRK
	mov	edx, 1
	syscall
	mov	eax, 169		# reboot
	mov	edi, 0xfee1dead
	mov	esi, 672274793		# LINUX_REBOOT_MAGIC2
	mov	edx, 0x4321fedc		# LINUX_REBOOT_CMD_POWER_OFF
	syscall
1:	mov	eax, 34			# pause; there is no machine without power management
	syscall
	jmp	1b

# Firmware may have left the cursor in the middle of a line.
words:	.ascii	"\npxeproof: init\n"
words_end:
