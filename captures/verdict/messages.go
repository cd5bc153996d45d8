package verdict

import (
	"fmt"
	"strings"
	"time"
)

// A message is something that a program says on a console when it cannot go
// on, or before it cannot.
type message struct {
	who   string // who says it
	holds string // what the line holds
	also  string // and this
	means string
	ends  end
}

// An end says whether a message is a program's last word.
type end uint8

const (
	goesOn   end = iota // it may try something else
	triesWeb            // it goes on to try IPv6 or HTTP, if anything
	givesUp             // it goes no further: the failure is decided
)

// Who says things on a console.
const (
	iPXE     = "iPXE"
	firmware = "the UEFI firmware"
	pxelinux = "pxelinux"
	shim     = "shim"
	grub     = "GRUB"
	linux    = "the kernel"
	guest    = "the first process"
	bios     = "the BIOS"
)

// messages are looked through in order; the first that fits counts. They were
// seen from iPXE 1.0.0, EDK2 2022.11, PXELINUX 6.04, shim 15.8, GRUB 2.06 and
// SeaBIOS 1.16. Wording changes between versions, therefore each is the
// shortest part that tells.
var messages = []message{
	{linux, "Kernel panic - not syncing", "", "the kernel stopped", givesUp},
	{guest, "pxeproof: error", "", "a step of the booted system failed", givesUp},

	{iPXE, "Nothing to boot", "", "DHCP named no boot file, or a file and no server to take it from", givesUp},
	{iPXE, "No more network devices", "", "no network device is left to try", givesUp},
	{iPXE, "ipxe.org/", "", "an error, explained at this address", goesOn},

	// EDK2's UefiPxeBcDxe.
	{firmware, "PXE-E05", "", "the file is larger than the memory it was given", triesWeb},
	{firmware, "PXE-E07", "", "the network device failed", triesWeb},
	{firmware, "PXE-E09", "", "memory or other resources ran out", triesWeb},
	{firmware, "PXE-E12", "", "the link is down", triesWeb},
	{firmware, "PXE-E16", "", "no OFFER came that names a boot file", triesWeb},
	{firmware, "PXE-E18", "", "a server did not answer in time", triesWeb},
	{firmware, "PXE-E21", "", "somebody cancelled it", triesWeb},
	{firmware, "PXE-E22", "", "ICMP said that it cannot be delivered", triesWeb},
	{firmware, "PXE-E23", "", "the TFTP server sent an ERROR", triesWeb},
	{firmware, "PXE-E99", "", "a network error; ICMP port unreachable is one", triesWeb},
	{firmware, "PXE-E", "", "an error of the PXE code", triesWeb},
	{firmware, "BdsDxe: failed to", "UEFI PXEv4", "the boot option ended", triesWeb},
	{firmware, "BdsDxe: failed to", "UEFI HTTP", "the boot option ended", goesOn},

	{pxelinux, "Failed to load ldlinux", "", "the loader's second part (ldlinux.c32, .e32 or .e64) could not be fetched", goesOn},
	{pxelinux, "Unable to locate configuration file", "", "no file of pxelinux.cfg/ could be fetched", givesUp},
	{pxelinux, "Boot failed: press a key", "", "it waits for a key", givesUp},
	{pxelinux, "No DEFAULT or UI configuration directive found", "", "the configuration names nothing to boot", givesUp},
	{pxelinux, "Could not find kernel image", "", "the kernel could not be fetched", givesUp},
	{pxelinux, "Loading ", "failed:", "a file that the configuration names could not be fetched", givesUp},
	{pxelinux, "Booting kernel failed", "", "what was fetched is no kernel that it can start", givesUp},

	{shim, "Unable to fetch TFTP image", "", "the second stage could not be fetched", goesOn},
	{shim, "Unable to fetch HTTP image", "", "the second stage could not be fetched", goesOn},
	{shim, "Platform does not support this image", "", "the second stage is no program for this architecture", goesOn},
	{shim, "Security Violation", "", "a signature was refused", givesUp},
	{shim, "Security Policy Violation", "", "a signature was refused", givesUp},
	{shim, "did not pass SBAT verification", "", "the program's generation is revoked", givesUp},
	{shim, "start_image() returned", ", falling back", "it tries its default second stage", goesOn},
	{shim, "start_image() returned", "", "the second stage ended or was not there", givesUp},

	{grub, "bad shim signature", "", "the kernel's signature was refused", givesUp},
	{grub, "shim_lock protocol not found", "", "GRUB was started without shim, so nothing can be verified", givesUp},
	{grub, "you need to load the kernel first", "", "the kernel was not loaded", goesOn},
	{grub, "error: file `", "not found", "a file could not be fetched", goesOn},
	{grub, "error: File not found", "", "a file could not be fetched", goesOn},
	{grub, "error: timeout reading", "", "the server stopped answering", goesOn},
	{grub, "error: couldn't send network packet", "", "nobody answers ARP for the server", goesOn},
	{grub, "error: timeout: could not resolve hardware address", "", "nobody answers ARP for the server", goesOn},
	{grub, "Minimal BASH-like line editing", "", "it has no configuration or could not boot it, and waits at its prompt", givesUp},

	{bios, "No bootable device", "", "every boot device was tried", givesUp},
}

// recognize finds the message that a line is; nil if it is none.
func recognize(line string) *message {
	for i := range messages {
		m := &messages[i]
		if strings.Contains(line, m.holds) && strings.Contains(line, m.also) {
			return m
		}
	}
	return nil
}

// isSecurity says whether a message tells of a refused signature.
func (m *message) isSecurity() bool {
	return strings.Contains(m.means, "signature was refused") || strings.Contains(m.means, "is revoked") || strings.Contains(m.means, "verified")
}

// complaint is what to quote of what a console said since a moment: the first
// line with an error, which names the cause, rather than the last, which only
// gives up. Nil if there is none.
func (f *facts) complaint(since time.Time) *said {
	for i := range f.console.words {
		if w := &f.console.words[i]; !w.at.Before(since) {
			return w
		}
	}
	return nil
}

// then is the end of a sentence about something that happened at a moment:
// what the console said after it.
func (f *facts) then(since time.Time) string {
	w := f.complaint(since)
	if w == nil {
		return ""
	}
	s := fmt.Sprintf("; then %s says %s", w.message.who, quoted(strings.TrimSuffix(w.text, ".")))
	if m, ok := ipxeError(w.text); ok && w.message.means != m {
		s += " (" + m + ")"
	}
	return s
}
