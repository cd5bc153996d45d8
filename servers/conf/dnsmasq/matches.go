package dnsmasq

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"github.com/pxeproof/pxeproof/servers/conf"
)

// tagged takes the tag of "tag:T", or "net:T" as it was once.
func tagged(t text) (Value, bool) {
	for _, prefix := range []string{"tag:", "net:"} {
		if rest, ok := t.after(prefix); ok {
			return rest.value(), true
		}
	}
	return Value{}, false
}

// set takes the tag of "set:T". The bare word of old is taken too, and said.
func (r *reader) set(t text) string {
	rest, ok := t.after("set:")
	if !ok {
		r.report(conf.Warning, t.pos, idOldTag, "write set:"+t.String(),
			"%q is taken for the name of a tag, an old form that is easily misread", t)
	}
	return rest.String()
}

// leadingTags takes the tags off the front of an argument.
func leadingTags(arg text) (Tags, text, bool) {
	var tags Tags
	for {
		word, rest, more := arg.cut(',')
		tag, ok := tagged(word)
		if !ok {
			return tags, arg, true
		}
		tags = append(tags, tag)
		if !more {
			return tags, rest, false
		}
		arg = rest
	}
}

// conditions reads `DIRECTIVE=tag:T[,tag:T]...`. Several such lines are
// alternatives; one without a tag is met by all.
func conditions(of func(c *Config) *[]Tags) func(r *reader, at conf.Pos, arg text) {
	return func(r *reader, _ conf.Pos, arg text) {
		var tags Tags
		if len(arg.chars) > 0 {
			for _, w := range arg.fields() {
				tag, ok := tagged(w)
				if !ok {
					tag = w.value()
				}
				tags = append(tags, tag)
			}
		}
		*of(r.c) = append(*of(r.c), tags)
	}
}

// tagIf is `tag-if=set:T[,set:T]...[,tag:T]...`.
func (r *reader) tagIf(at conf.Pos, arg text) {
	c := Condition{Pos: at}
	for _, w := range arg.fields() {
		if set, ok := w.after("set:"); ok && len(set.chars) > 0 {
			c.Set = append(c.Set, set.String())
		} else if tag, ok := tagged(w); ok && tag.Text != "" {
			c.Tags = append(c.Tags, tag)
		} else {
			r.refuse(w.pos, idValue, "tag-if takes set:TAG and tag:TAG, and %q is neither: dnsmasq does not start", w)
			return
		}
	}
	if len(c.Set) == 0 {
		r.refuse(at, idValue, "tag-if sets no tag, and dnsmasq does not start")
		return
	}
	r.c.Conditions = append(r.c.Conditions, c)
}

// pair splits "set:T,VALUE".
func (r *reader) pair(at conf.Pos, arg text, directive string) (set string, value text, ok bool) {
	first, rest, found := arg.cut(',')
	if !found || len(rest.chars) == 0 {
		r.refuse(at, idValue, "%s needs set:TAG and then what is to be matched, and dnsmasq does not start", directive)
		return "", text{}, false
	}
	return r.set(first), rest, true
}

func (r *reader) match(at conf.Pos, set string, is func(q *Query) bool) {
	r.c.Matches = append(r.c.Matches, Match{Pos: at, Set: set, is: is})
}

// dhcpClass is `dhcp-vendorclass=set:T,TEXT` and `dhcp-userclass`: the tag is set
// for clients whose option holds the text somewhere.
func (r *reader) dhcpClass(at conf.Pos, arg text, code uint8) {
	name := "dhcp-vendorclass"
	if code == 77 {
		name = "dhcp-userclass"
	}
	set, value, ok := r.pair(at, arg, name)
	if !ok {
		return
	}
	if first, rest, more := value.cut(','); more {
		if _, enterprise := first.after("enterprise:"); !enterprise || code != 60 {
			r.refuse(value.pos, idValue, "%s takes one text; put it in quotes if it has a comma: dnsmasq does not start", name)
			return
		}
		value = rest // the enterprise is DHCPv6's
	}
	want := []byte(value.String())
	r.match(at, set, func(q *Query) bool {
		have := q.option(code)
		if code == 77 {
			have = userClasses(have)
		}
		return len(have) > 0 && bytes.Contains(have, want)
	})
}

// userClasses is option 77 with the lengths of RFC 3004 made zeros, if that is
// what it holds: many clients send a plain text.
func userClasses(b []byte) []byte {
	n := 0
	for n < len(b) {
		n += int(b[n]) + 1
	}
	if n != len(b) {
		return b
	}
	b = slices.Clone(b)
	for n = 0; n < len(b); {
		next := n + int(b[n]) + 1
		b[n] = 0
		n = next
	}
	return b
}

// dhcpMAC is `dhcp-mac=set:T,01:23:45:*:*:*`.
func (r *reader) dhcpMAC(at conf.Pos, arg text) {
	set, value, ok := r.pair(at, arg, "dhcp-mac")
	if !ok {
		return
	}
	hw, ok := parseHardware(value.String())
	if !ok {
		r.refuse(value.pos, idValue, "%q is no MAC address such as 52:54:00:*:*:*, and dnsmasq does not start", value)
		return
	}
	r.match(at, set, func(q *Query) bool { return hw.matches(q.MAC) > 0 })
}

// parseHardware reads bytes in hexadecimal with ":" between them, or "-", or a
// blank; "06-" in front is the type of the hardware, and "*" any byte.
func parseHardware(s string) (h Hardware, ok bool) {
	for len(h.Addr) < 16 {
		end := strings.IndexAny(s, ":- ")
		word, more := s, end >= 0
		if more {
			word = s[:end]
		}
		switch {
		case word == "":
		case word == "*":
			h.Addr, h.Any = append(h.Addr, 0), append(h.Any, true)
		case more && s[end] == '-' && len(h.Addr) == 0 && h.Type == 0 && len(word) <= 2 && strings.Contains(s[end:], ":"):
			n, err := strconv.ParseUint(word, 16, 8)
			if err != nil {
				return h, false
			}
			h.Type = byte(n)
		default:
			if len(word)%2 != 0 {
				// strtol takes two digits at a time, and the odd one last.
				word = word[:len(word)-1] + "0" + word[len(word)-1:]
			}
			b, err := hex.DecodeString(word)
			if err != nil {
				return h, false
			}
			h.Addr, h.Any = append(h.Addr, b...), append(h.Any, make([]bool, len(b))...)
		}
		if !more {
			return h, true
		}
		s = s[end+1:]
	}
	return h, true
}

// matches is 0 for another's address, and more the more bytes are not any.
func (h Hardware) matches(mac []byte) int {
	if len(mac) != len(h.Addr) || h.Type > 1 {
		return 0
	}
	n := 1
	for i, b := range h.Addr {
		switch {
		case h.Any[i]:
		case b != mac[i]:
			return 0
		default:
			n++
		}
	}
	return n
}

func (h Hardware) wild() bool { return slices.Contains(h.Any, true) }

// dhcpNameMatch is `dhcp-name-match=set:T,NAME[*]`.
func (r *reader) dhcpNameMatch(at conf.Pos, arg text) {
	set, value, ok := r.pair(at, arg, "dhcp-name-match")
	if !ok {
		return
	}
	name, wild := strings.CutSuffix(value.String(), "*")
	r.match(at, set, func(q *Query) bool {
		have := q.hostName()
		return have != "" && len(have) >= len(name) && strings.EqualFold(have[:len(name)], name) && (wild || len(have) == len(name))
	})
}

// dhcpMatch is `dhcp-match=set:T,OPTION[,VALUE]`.
func (r *reader) dhcpMatch(at conf.Pos, arg text) {
	o, ok := r.option(at, arg, matching)
	if !ok {
		return
	}
	if o.Vendor != nil || o.Encap != 0 || len(o.Tags) != 1 {
		r.refuse(at, idValue, "dhcp-match takes set:TAG and an option, with a value or without: dnsmasq does not start")
		return
	}
	code, enterprise := o.Code, o.Enterprise
	r.match(at, o.Tags[0].Text, func(q *Query) bool {
		if enterprise == 0 {
			have := q.option(uint8(code))
			return len(have) > 0 && o.holds(have)
		}
		return o.holdsEnterprise(q.option(124))
	})
}

// holds says whether a client's option is what dhcp-match wants: bytes at its
// beginning, a text anywhere, or an element of a list.
func (o *Option) holds(have []byte) bool {
	n := len(o.Value)
	if n > len(have) {
		return false
	}
	if n == 0 {
		return true
	}
	if o.hex {
		for i, b := range o.Value {
			if b != have[i] && !o.any[i] {
				return false
			}
		}
		return true
	}
	step := n
	if o.text {
		step = 1
	}
	for i := 0; i <= len(have)-n; i += step {
		if bytes.Equal(have[i:i+n], o.Value) {
			return true
		}
	}
	return false
}

// holdsEnterprise looks into option 124 (RFC 3925, section 3).
func (o *Option) holdsEnterprise(b []byte) bool {
	for len(b) >= 5 {
		n := int(b[4])
		if len(b) < 5+n {
			return false
		}
		if e := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3]); e == o.Enterprise {
			for data := b[5 : 5+n]; len(data) > 0 && len(data) > int(data[0]); data = data[1+int(data[0]):] {
				if o.holds(data[1 : 1+int(data[0])]) {
					return true
				}
			}
		}
		b = b[5+n:]
	}
	return false
}
