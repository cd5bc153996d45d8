# What a person needs is two of these: make demo, make test.
#
#   make setup   install what is missing (Debian and Ubuntu), fetch boot files
#   make build   bin/pxeproof
#   make test    every test, those with virtual machines included
#   make test-all    the library's long scenarios: UEFI, Secure Boot, an install loop
#   make check   format, vet, staticcheck
#   make demo    boot the kickstart scenario and print its verdict
#   make soak    a million malformed packets against each built-in server
#   make fuzz    every fuzz target, FUZZTIME=1m each
#   make bench-boot  boots against the same in a bare lab, side by side
#   make bench-judge  a capture of a million frames, judged, and printed by tshark
#   make bench-tftp  TFTP servers side by side, block and window sizes, good links and bad
#   make bench-nfs   sequential reads against NFS-Ganesha's, and with 100,000 files held open
#   make man     manual pages, bin/man
#   make clean   remove what was built here; the cache of boot files stays
#
# CI=true makes a test fail that is skipped elsewhere because a tool is missing.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := build
.ONESHELL:
.PHONY: setup packages tun build test test-all soak fuzz check demo man clean
.PHONY: bench-boot bench-judge bench-tftp bench-nfs

GO ?= go
CI ?=
export CI

SUDO := $(if $(filter 0,$(shell id -u)),,sudo)

# None of these starts a daemon. Those that would (nfs-common, isc-dhcp-server,
# tftpd-hpa …) are fetched into the cache below, and not installed. The C compiler
# is for the race detector, the assembler for what harness/guest/probe is made of.
PACKAGES := qemu-system-x86 ipxe-qemu seabios ovmf pxelinux syslinux-common syslinux-efi \
	busybox-static tshark nftables iproute2 uidmap tftp-hpa atftp curl libnfs-utils \
	dnsmasq-base python3 ca-certificates binutils gcc libc6-dev

# Boot files, and the servers that tests compare with.
ASSETS := kernel kernel-cloud busybox pxelinux.0 ldlinux.c32 syslinux.efi ldlinux.e64 pxe-virtio.rom \
	OVMF_CODE.fd OVMF_VARS.fd OVMF_CODE.ms.fd OVMF_VARS.ms.fd \
	shimx64.efi mmx64.efi grubnetx64.efi.signed ipxe.efi snponly.efi undionly.kpxe ipxe.lkrn
TOOLS := dhcpd kea-dhcp4 in.tftpd atftpd xinetd ganesha.nfsd rpcbind rpcinfo showmount

setup: packages tun build
	@bin/pxeproof assets --fetch $(ASSETS) $(TOOLS) >/dev/null

# Where apt is not, pxeproof itself says what is missing and how to get it.
packages:
	@command -v apt-get >/dev/null || exit 0
	missing=$$(comm -23 <(printf '%s\n' $(PACKAGES) | sort) \
		<(dpkg-query -W -f '$${Package} $${db:Status-Status}\n' | sed -n 's/ installed$$//p' | sort))
	if [ -n "$$missing" ] && [ -n "$(SUDO)" ] && ! command -v sudo >/dev/null; then
		echo "setup: run this as root: apt-get install --no-install-recommends" $$missing >&2
		exit 1
	fi
	if [ -n "$$missing" ] || [ -z "$$(apt-cache madison busybox-static)" ]; then
		$(SUDO) apt-get update -q
	fi
	if [ -n "$$missing" ]; then
		$(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $$missing
	fi

# A lab of an ordinary user has its own taps, but has to open this device. udev
# makes it so on most systems.
tun:
	@if [ "$$(id -u)" = 0 ] && [ -c /dev/net/tun ] && [ "$$(stat -c %a /dev/net/tun)" = 600 ]; then
		echo "setup: letting every user open /dev/net/tun (chmod 0666)"
		chmod 0666 /dev/net/tun
	fi

build:
	@$(GO) build -o bin/pxeproof ./cmd/pxeproof

# A pass from the cache would say nothing about this machine, hence -count=1. It
# takes eight or nine minutes on two processors; the limits are there for a hang.
test: setup
	$(GO) vet ./...
	timeout --kill-after=10s 25m $(GO) test -race -count=1 -timeout=20m ./...

# What make test leaves out for its length.
test-all: setup
	PXEPROOF_LONG=1 timeout --kill-after=10s 30m $(GO) test -count=1 -timeout=30m -run '^TestLibrary$$' ./scenarios

# Some targets need no more than the compiler, others the namespaces of a lab.
fuzz: setup
	@GO="$(GO)" .ci/fuzz

# make test has a fraction of them, under the race detector.
soak:
	PXEPROOF_NOISE=1000000 $(GO) test -count=1 -timeout=30m -run '^(TestMillion|TestNoise|TestMalformedCalls)$$' ./servers/...

check:
	@unformatted=$$(gofmt -l .)
	if [ -n "$$unformatted" ]; then echo "not formatted: $$unformatted" >&2; exit 1; fi
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

demo: setup
	@bin/pxeproof run kickstart-nfs

bench-boot: setup
	@bin/pxeproof bench boot

bench-tftp: setup
	@bin/pxeproof bench tftp

bench-judge: setup
	@bin/pxeproof bench judge

# NFS-Ganesha opens files by handle, which the kernel lets root of the machine
# alone do. 32K a READ, 8 under way; of-ganesha and of-none are parts of the
# other's rate, measured in turn.
bench-nfs: setup
	@$(GO) test -c -o bin/nfs.test ./servers/nfs
	cd servers/nfs
	$(SUDO) env PXEPROOF_CACHE="$${PXEPROOF_CACHE:-$${XDG_CACHE_HOME:-$$HOME/.cache}/pxeproof}" \
		../../bin/nfs.test -test.run '^$$' -test.bench 'Ganesha|ManyFiles' -test.benchtime 5x -ganesha

man: build
	@bin/pxeproof man bin/man

clean:
	rm -rf bin runs bench
