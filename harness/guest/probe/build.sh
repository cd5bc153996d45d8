#!/bin/sh
# build.sh DIR: assembles the programs into DIR, as kernel, nbp, efi and init.
set -eu
cd "$(dirname "$0")"
# build NAME BITS LD-OPTION...
build() {
	name=$1 bits=$2
	shift 2
	as "--$bits" -o "$out/$name.o" "$name.asm"
	ld "$@" -o "$out/$name" "$out/$name.o"
	rm "$out/$name.o"
	chmod 644 "$out/$name" # a machine runs it, and not this one
}
out=$1
# The kernel's setup, before its 1 MiB, is linked as if it began right below.
build kernel 32 -m elf_i386 -Ttext 0xffc00 --oformat binary
build nbp 32 -m elf_i386 -Ttext 0x7c00 --oformat binary
# In the file as in memory, wherever that is.
build efi 64 -m elf_x86_64 -Ttext 0 --oformat binary
build init 64 -m elf_x86_64 -n -s -z noseparate-code
