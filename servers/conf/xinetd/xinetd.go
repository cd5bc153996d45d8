// Package xinetd reads xinetd's configuration as xinetd 2.3.15 does: service
// and defaults entries, include and includedir. It says which services would
// run and what a service's attributes are, each with its place. Whether the
// server program does anything with its arguments is for that program's own
// reader (package intftpd).
//
// Start with [Parse].
package xinetd

import (
	"net/netip"

	"github.com/pxeproof/pxeproof/servers/conf"
)

// A Value is one word and where it stands.
type Value struct {
	Text string
	Pos  conf.Pos
}

// IsSet says whether there is such a word at all.
func (v Value) IsSet() bool { return v.Pos.IsValid() }

// An Attribute is a line of an entry that counts: "name = value value".
type Attribute struct {
	Name   Value
	Op     string // "=", "+=" or "-="
	Values []Value
}

// A Service is one service entry, with what it takes from the defaults.
type Service struct {
	Name Value
	ID   string // the name, unless it has an id

	// Off is where the configuration keeps the service from running, and Why
	// the reason in a sentence. Off is zero for a service that runs.
	Off conf.Pos
	Why string

	// Attributes are those that the entry itself sets, in order. A second
	// setting of the same, and one with the wrong number of values, is not
	// among them: xinetd passes over it.
	Attributes []Attribute

	SocketType Value // stream, dgram, …
	Protocol   Value // tcp or udp; follows from SocketType if unset
	Wait       Value // yes or no
	User       Value
	Server     Value   // the program
	Args       []Value // its arguments, without its name
	Flags      []Value
	Type       []Value
	Port       Value // unset: the one that /etc/services has for the name
	Bind       Value

	// OnlyFrom and NoAccess say who is served, see Allows.
	OnlyFrom, NoAccess *Hosts
	// AccessTimes, PerSource, Instances, CPS: limits. They count servers that
	// are started: one that waits (wait = yes) and stays to serve the next
	// request counts once.
	AccessTimes []Value
	PerSource   Value
	Instances   Value
	CPS         []Value
}

// Runs says whether xinetd would offer the service.
func (s *Service) Runs() bool { return !s.Off.IsValid() }

// HasFlag says whether the service has a flag such as IPv6 or NAMEINARGS.
func (s *Service) HasFlag(name string) bool {
	for _, f := range s.Flags {
		if f.Text == name {
			return true
		}
	}
	return false
}

// Hosts are the addresses of only_from or no_access.
type Hosts struct {
	Pos      conf.Pos
	Prefixes []netip.Prefix
	// Names are hosts and networks by name, which xinetd looks up. They match
	// nothing here.
	Names []Value
}

// Allows says whether the service answers a client. Where both only_from and
// no_access match, the longer prefix decides, and no_access if they are equal.
func (s *Service) Allows(client netip.Addr) bool {
	only, no := s.OnlyFrom.match(client), s.NoAccess.match(client)
	switch {
	case s.OnlyFrom != nil && s.NoAccess != nil:
		return only > no
	case s.OnlyFrom != nil:
		return only >= 0
	case s.NoAccess != nil:
		return no < 0
	}
	return true
}

// match is the length of the longest prefix that a is in, -1 for none.
func (h *Hosts) match(a netip.Addr) int {
	best := -1
	if h == nil {
		return best
	}
	for _, p := range h.Prefixes {
		if p.Contains(a.Unmap()) {
			best = max(best, p.Bits())
		}
	}
	return best
}

// A Config is what a configuration file and those that it includes say.
type Config struct {
	Services []*Service
	Defaults []Attribute
}

// Service returns the service of that name which runs, or else the first that
// does not, or nil.
func (c *Config) Service(name string) *Service {
	var found *Service
	for _, s := range c.Services {
		if s.Name.Text == name && (found == nil || s.Runs() && !found.Runs()) {
			found = s
		}
	}
	return found
}
