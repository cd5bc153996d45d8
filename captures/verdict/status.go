package verdict

import (
	"fmt"
	"slices"
)

// A Status says how something ended.
type Status uint8

const (
	Pending      Status = iota // nothing decided yet
	Pass                       // seen, and as expected
	Fail                       // seen and wrong, or not seen when it should have been
	Blocked                    // not seen, because a step before it failed
	Inconclusive               // cannot be known: frames lost, the lab broke, a config in doubt
	Skipped                    // nothing to prove here: n/a for this loader, or optional and not seen
)

var statusNames = []string{"pending", "pass", "fail", "blocked", "inconclusive", "n/a"}

func (s Status) String() string { return nameOf(statusNames, s) }

// MarshalText gives the name, as in verdict.json.
func (s Status) MarshalText() ([]byte, error) { return marshalName(statusNames, s, "status") }

// UnmarshalText reads what MarshalText wrote.
func (s *Status) UnmarshalText(b []byte) error { return unmarshalName(statusNames, b, s, "status") }

// A Stage is one rung of a boot's ladder.
type Stage uint8

const (
	NoStage Stage = iota // none reached
	Power                // first frame from the machine's MAC
	DHCP                 // ACK (over IPv6: Reply)
	NBP                  // boot program transferred to its last ACK
	Config               // a configuration file found; n/a for loaders that have none
	Kernel               // kernel and initrd transferred to the last byte
	OS                   // the kernel's or first process's own words on the console, or its own traffic
	Files                // what the command line asked for was read
)

var stageNames = []string{"", "power", "dhcp", "nbp", "config", "kernel", "os", "files"}

// Stages are the rungs in order, Power to Files.
func Stages() []Stage { return []Stage{Power, DHCP, NBP, Config, Kernel, OS, Files} }

func (s Stage) String() string {
	if s == NoStage {
		return "none"
	}
	return nameOf(stageNames, s)
}

// MarshalText gives the name, as in verdict.json; NoStage is empty.
func (s Stage) MarshalText() ([]byte, error) { return marshalName(stageNames, s, "stage") }

// UnmarshalText reads what MarshalText wrote.
func (s *Stage) UnmarshalText(b []byte) error { return unmarshalName(stageNames, b, s, "stage") }

// A Severity says what a Finding did to the boot.
type Severity uint8

const (
	Note    Severity = iota // true, and it did no harm
	Warning                 // did no harm here, and will stop some other kind of client
	Error                   // stopped this boot
)

var severityNames = []string{"note", "warning", "error"}

func (s Severity) String() string { return nameOf(severityNames, s) }

// MarshalText gives the name, as in verdict.json.
func (s Severity) MarshalText() ([]byte, error) { return marshalName(severityNames, s, "severity") }

// UnmarshalText reads what MarshalText wrote.
func (s *Severity) UnmarshalText(b []byte) error {
	return unmarshalName(severityNames, b, s, "severity")
}

func nameOf[T ~uint8](names []string, v T) string {
	if int(v) < len(names) {
		return names[v]
	}
	return fmt.Sprintf("%d", v)
}

func marshalName[T ~uint8](names []string, v T, what string) ([]byte, error) {
	if int(v) >= len(names) {
		return nil, fmt.Errorf("no %s has the number %d", what, v)
	}
	return []byte(names[v]), nil
}

func unmarshalName[T ~uint8](names []string, b []byte, v *T, what string) error {
	i := slices.Index(names, string(b))
	if i < 0 {
		return fmt.Errorf("%q is no %s: want one of %q", b, what, names)
	}
	*v = T(i)
	return nil
}
