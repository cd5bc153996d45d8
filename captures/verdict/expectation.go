package verdict

import (
	"net/netip"

	"github.com/pxeproof/pxeproof/captures"
)

// ExpectationsSchema is the version of expectations.json.
const ExpectationsSchema = "pxeproof.expectations/1"

// Expectations is what a run must show. It is data through and through:
// expectations.json holds it, and together with the events gives the verdict
// again.
type Expectations struct {
	Schema   string    `json:"schema"` // ExpectationsSchema
	Machines []Machine `json:"machines"`
	// Doubts make the verdict Inconclusive, whatever is seen.
	Doubts []Doubt `json:"doubts,omitempty"`
}

// A Machine is one client that is to boot, and what proves that it did.
type Machine struct {
	Name string `json:"name"` // for people
	MAC  string `json:"mac"`  // as captures.Event.Host: lower case, with colons
	// Firmware, ROM and Loader say what kind of client it is, for the wording
	// of findings and for what each is known to tolerate. Empty is unknown.
	Firmware string `json:"firmware,omitempty"` // "bios", "uefi"
	ROM      string `json:"rom,omitempty"`      // who speaks DHCP first: "ipxe", "edk2"
	Loader   string `json:"loader,omitempty"`   // the NBP: "pxelinux", "syslinux-efi", "shim", "grub", "ipxe"

	Expect []Expectation `json:"expect"` // in the order of the boot

	// Waits: its loader is going to wait for somebody to type; nil: it is not,
	// or nobody knows.
	Waits *Wait `json:"waits,omitempty"`
}

// A Wait is a loader's prompt at which it stays for ever, as its configuration
// has it.
type Wait struct {
	Prompt string `json:"prompt"` // the whole of its last line: "boot:"
	Why    string `json:"why,omitempty"`
	Origin Origin `json:"origin,omitzero"`
}

// An Expectation is one thing that must be seen, or with Absent must not be.
// Exactly one of Kinds, Transfer, Console and NotApplicable says what.
type Expectation struct {
	// ID names it within its machine, for After: "ack", "kernel".
	ID    string `json:"id"`
	Stage Stage  `json:"stage"`
	// Title says for people what must be seen: "DHCPACK with the file
	// /pxelinux.0". Empty: one is made.
	Title string `json:"title,omitempty"`
	// Origin is the line of a config from which this follows, and Related are
	// others that a finding should show: the line where something is missing.
	Origin  Origin   `json:"origin,omitzero"`
	Related []Origin `json:"related,omitempty"`

	// Kinds: an event of one of these kinds. Match then narrows it.
	Kinds []captures.Kind `json:"kinds,omitempty"`
	// Match holds for every form: the fields of the event.
	Match []Match `json:"match,omitempty"`
	// Transfer: a whole file went over the wire.
	Transfer *Transfer `json:"transfer,omitempty"`
	// Console: a line on the serial console.
	Console *Console `json:"console,omitempty"`
	// NotApplicable: this stage has nothing to prove here, and why ("iPXE's
	// embedded script names the kernel").
	NotApplicable string `json:"not_applicable,omitempty"`

	// After names expectations that must have been met before; what was seen
	// earlier does not count.
	After []string `json:"after,omitempty"`
	// Within is the longest time from power-on, 0 for no limit.
	Within Seconds `json:"within,omitempty"`
	// Absent: it must not be seen before the machine is decided. Checks of
	// Match that fail then mean that something else was seen, which is well.
	Absent bool `json:"absent,omitempty"`
	// Optional: not seeing it is no failure; seeing it wrong is.
	Optional bool `json:"optional,omitempty"`
}

// An Op compares a field with a value.
type Op string

const (
	Equal    Op = "="        // the zero Op means this too
	NotEqual Op = "!="       // or the field is absent
	OneOf    Op = "oneof"    // one of Values
	Prefix   Op = "prefix"   // begins with Value
	Contains Op = "contains" // Value is part of it
	Regexp   Op = "regexp"   // Value is an RE2 expression, not anchored
	AtLeast  Op = ">="       // numbers
	AtMost   Op = "<="
	Present  Op = "present"
	Missing  Op = "absent"
)

// BootFile is a field that no packet has: dhcp.file, or option 67 where the
// header's is empty (RFC 2132, 9.5). Match may name it.
const BootFile = "dhcp.bootfile"

// A Match is one condition on a field of an event.
type Match struct {
	// Field is an event's field as captures names it, or BootFile.
	Field string `json:"field"`
	Op    Op     `json:"op,omitempty"`
	// Value is the value as text: an address, a decimal number, "true", and for
	// raw bytes hexadecimal pairs with colons.
	Value  string   `json:"value,omitempty"`
	Values []string `json:"values,omitempty"` // for OneOf
	// Select: an event that does not match is another one, not a wrong one.
	// Without it the first event that all selecting matches choose must match,
	// or the expectation fails, and a finding points at Origin.
	Select bool   `json:"select,omitempty"`
	Origin Origin `json:"origin,omitzero"`
}

// A Transfer that must be seen to its last byte.
type Transfer struct {
	Protocol string `json:"protocol,omitempty"` // "tftp", "nfs", "http"; empty: any
	// Role says what the file is: "nbp", "config", "kernel", "initrd" or any
	// other word. Findings speak of it so.
	Role string `json:"role,omitempty"`
	// Name is the file as the client asks for it; doubled and leading slashes
	// and case of the drive do not count. With Names any one will do. For nfs
	// it is the path on the server, export and all.
	Name  string   `json:"name,omitempty"`
	Names []string `json:"names,omitempty"`
	// Format is what kind of program an NBP is, by its first bytes: "efi" (PE)
	// or "bios". Empty: findings guess from the name.
	Format string `json:"format,omitempty"`
	// What follows is checked; zero means unchecked.
	Server    netip.Addr `json:"server,omitzero"`      // who sends it
	Size      int64      `json:"size,omitempty"`       // bytes on disk
	SHA256    string     `json:"sha256,omitempty"`     // of the file on disk, hexadecimal; captures hashes TFTP alone
	MinRate   float64    `json:"min_rate,omitempty"`   // bytes per second
	MaxResent *int       `json:"max_resent,omitempty"` // blocks sent again; tftp alone
	Disk      Origin     `json:"disk,omitzero"`        // the file served, for findings
}

// A Console line that must be seen.
type Console struct {
	Contains string `json:"contains,omitempty"`
	Regexp   string `json:"regexp,omitempty"` // RE2, not anchored
	// SHA256: the line must also hold "sha256=" and this, hexadecimal.
	SHA256 string `json:"sha256,omitempty"`
}
