package verdict

import "strings"

// A message is something that a program says on a console when it cannot go
// on, or before it cannot.
type message struct {
	who   string // "iPXE", "UEFI firmware", "pxelinux", "shim", "GRUB", "Linux", "BIOS"
	holds string // what the line holds
	means string
	ends  end
}

// An end says whether a message is a program's last word.
type end uint8

const (
	goesOn   end = iota // it may try something else
	triesWeb            // it goes on to try HTTP, if anything
	givesUp             // it goes no further: the failure is decided
)

// messages are looked through in order; the first that fits counts. Lines were
// seen from the versions that FACTS of the project name; wording changes
// between versions, therefore the shortest part that tells is given.
var messages = []message{
	{"Linux", "Kernel panic - not syncing", "the kernel stopped", givesUp},
	{"pxeproof's first process", "pxeproof: error", "a step of the guest failed", givesUp},

	{"iPXE", "Nothing to boot", "DHCP named no boot file, or a file and no server to take it from", givesUp},
	{"iPXE", "No more network devices", "no network device is left to try", givesUp},
	{"iPXE", "No configuration methods succeeded", "neither DHCP nor SLAAC gave an address", goesOn},
	{"iPXE", "ipxe.org/", "an error, explained at this address", goesOn},

	{"UEFI firmware", "PXE-E", "an error of the PXE code", triesWeb},

	{"pxelinux", "Unable to locate configuration file", "no file of pxelinux.cfg/ could be fetched", givesUp},
	{"pxelinux", "No DEFAULT or UI configuration directive found", "the configuration names nothing to boot", givesUp},
	{"pxelinux", "Could not find kernel image", "the kernel that the configuration names could not be fetched", givesUp},
	{"pxelinux", "Failed to load ldlinux", "the second part of the loader, ldlinux.c32 or ldlinux.e32/e64, could not be fetched", givesUp},

	{"shim", "Unable to fetch TFTP image", "the second stage could not be fetched", givesUp},
	{"shim", "Security Violation", "a signature was refused", givesUp},

	{"BIOS", "No bootable device", "every boot device was tried", givesUp},
}

// recognize finds the message that a line is; nil if it is none.
func recognize(line string) *message {
	for i := range messages {
		if strings.Contains(line, messages[i].holds) {
			return &messages[i]
		}
	}
	return nil
}
