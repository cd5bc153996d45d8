package dnsmasq

import (
	"bytes"
	"net"
	"net/netip"
	"strings"
)

// A MessageType is DHCP's option 53 (RFC 2132, section 9.6).
type MessageType uint8

// The message types that are answered here.
const (
	Discover MessageType = 1
	Request  MessageType = 3
	Inform   MessageType = 8
)

// A Query is what is known of a client's message. It came in on an interface of
// the server's, and not by a relay.
type Query struct {
	Type MessageType
	MAC  net.HardwareAddr
	// Options are the client's, by code. Without option 55 it asks for
	// everything.
	Options map[uint8][]byte
	// CIAddr is the client's address if it has one already.
	CIAddr netip.Addr
	// Server is the interface's address and network.
	Server netip.Prefix
	// Interface is its name, by which tags are set. If it is empty, dnsmasq is
	// taken to serve it whatever it is called.
	Interface string
	// Port4011 says that it came to the port of PXE's boot servers.
	Port4011 bool
	// Taken says which addresses are leased to others; nil is none.
	Taken func(netip.Addr) bool
}

// option is one of the client's, nil if it is missing or empty.
func (q *Query) option(code uint8) []byte {
	if v := q.Options[code]; len(v) > 0 {
		return v
	}
	return nil
}

// wants says whether the client asks for an option.
func (q *Query) wants(code int) bool {
	list, ok := q.Options[55]
	return !ok || bytes.IndexByte(list, byte(code)) >= 0
}

// hostName is what the client calls itself, up to the first dot.
func (q *Query) hostName() string {
	name := string(bytes.TrimRight(q.option(12), "\x00"))
	if strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" {
		return ""
	}
	return hostPart(name)
}

// endsNames says whether the client ends its name with a NUL: dnsmasq then ends
// all texts so.
func (q *Query) endsNames() bool {
	name := q.option(12)
	return len(name) > 0 && name[len(name)-1] == 0
}

// requested is the address that the client asks for (option 50).
func (q *Query) requested() netip.Addr {
	if b := q.option(50); len(b) == 4 {
		return netip.AddrFrom4([4]byte(b))
	}
	return netip.Addr{}
}

// clientID is the client's identifier, unless it is to be ignored.
func (c *Config) clientID(q *Query) []byte {
	if c.IgnoreID.IsSet() {
		return nil
	}
	return q.option(61)
}

// A tagSet is the tags that are set for a client.
type tagSet map[string]bool

// meet says whether a condition is met. Without any tag it is, if untagged
// conditions are wanted.
func (s tagSet) meet(tags Tags, untagged bool) bool {
	if len(tags) == 0 {
		return untagged
	}
	for _, t := range tags {
		name, not := negated(t.Text)
		if s[name] == not {
			return false
		}
	}
	return true
}

// negated takes the sign off a tag that must not be set.
func negated(tag string) (name string, not bool) {
	if tag != "" && (tag[0] == '!' || tag[0] == '#') {
		return tag[1:], true
	}
	return tag, false
}

// meetWild is meet for tag-if, where a tag may end in "*".
func (s tagSet) meetWild(tags Tags) bool {
	for _, t := range tags {
		name, not := negated(t.Text)
		has := s[name]
		if prefix, wild := strings.CutSuffix(name, "*"); wild {
			has = false
			for tag := range s {
				has = has || strings.HasPrefix(tag, prefix)
			}
		}
		if has == not {
			return false
		}
	}
	return true
}

// runTagIf is a set with what tag-if adds to it, each line once and in order.
func (c *Config) runTagIf(s tagSet, more ...string) tagSet {
	out := tagSet{}
	for t := range s {
		out[t] = true
	}
	for _, t := range more {
		if t != "" {
			out[t] = true
		}
	}
	for _, cond := range c.Conditions {
		if out.meetWild(cond.Tags) {
			for _, t := range cond.Set {
				out[t] = true
			}
		}
	}
	return out
}
