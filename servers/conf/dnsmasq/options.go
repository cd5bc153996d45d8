package dnsmasq

import (
	"encoding/binary"
	"net/netip"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/pxeproof/pxeproof/servers/conf"
	"github.com/pxeproof/pxeproof/servers/conf/spell"
)

// An Option is a dhcp-option or dhcp-option-force, or the option of a
// dhcp-match, or a pxe-prompt.
type Option struct {
	Pos  conf.Pos
	Tags Tags
	Code int
	// Value is what is sent, without the NUL that some texts get; ValuePos is
	// where it stands.
	Value    []byte
	ValuePos conf.Pos
	Force    bool // also to clients that do not ask for it
	// Encap is the option that this one is inside of, 0 for none; Vendor is the
	// vendor class for which it goes into option 43, nil for none, and
	// Enterprise the number for which it goes into option 125 (RFC 3925).
	Encap      int
	Vendor     *string
	Enterprise uint32

	addresses bool // 0.0.0.0 stands for the server
	text      bool
	hex       bool
	any       []bool // of hex: bytes that may be any
	anyPXE    bool   // Vendor is any of dhcp-pxe-vendor
}

// outer says whether the option stands by itself.
func (o *Option) outer() bool { return o.Encap == 0 && o.Vendor == nil && o.Enterprise == 0 }

// How an option is used.
const (
	sending = iota
	matching
)

// dhcpOption is `dhcp-option=[tag:T,]...[encap:N,|vi-encap:N,|vendor:CLASS,]N|option:NAME[,VALUE]`.
func (r *reader) dhcpOption(at conf.Pos, arg text, force bool) {
	o, ok := r.option(at, arg, sending)
	if !ok {
		return
	}
	o.Force = force
	r.c.Options = append(r.c.Options, o)
}

// option reads an option and its value.
func (r *reader) option(at conf.Pos, arg text, use int) (o Option, ok bool) {
	o.Pos = at
	kind, found := 0, false
	rest := arg
	var value text
	hasValue := false
	for more := true; more && !found; {
		var word text
		word, rest, more = rest.cut(',')
		s := word.String()
		name, named := word.after("option:")
		switch {
		case isNumber(s):
			n, err := strconv.Atoi(s)
			if err != nil || n > 255 {
				r.report(conf.Warning, word.pos, idOption, "", "there is no DHCP option %.20s; they end at 254", s)
				return o, false
			}
			o.Code, found = n, true
		case named:
			var known optionName
			known, found = r.optionName(name, use)
			if !found {
				return o, false
			}
			o.Code, kind = int(known.code), known.kind
		case strings.HasPrefix(s, "option6:"):
			return o, false // DHCPv6
		default:
			if !r.optionPart(&o, word, use) {
				return o, false
			}
			found = use == matching && o.Enterprise != 0
		}
		if found {
			value, hasValue = rest, more
		}
	}
	if !found {
		r.refuse(at, idValue, "no option is named by its number or as option:NAME, and dnsmasq does not start")
		return o, false
	}
	if kind == 0 && o.outer() {
		kind = kindOf(o.Code)
	}
	o.ValuePos = at
	if hasValue {
		o.ValuePos = value.pos
		if !r.optionValue(&o, value, kind, use) {
			return o, false
		}
	}
	if limit := 255 - 2*btoi(o.Vendor != nil || o.Encap != 0) - 5*btoi(o.Enterprise != 0); len(o.Value) > limit {
		r.refuse(value.pos, idValue, "the option's value has %d bytes, and %d is the most: dnsmasq does not start", len(o.Value), limit)
		return o, false
	}
	return o, true
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func isNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// optionName looks a name up.
func (r *reader) optionName(name text, use int) (optionName, bool) {
	var known []string
	for _, n := range optionNames {
		if n.kind&internal != 0 && use == sending {
			continue
		}
		if strings.EqualFold(n.name, name.String()) {
			return n, true
		}
		known = append(known, n.name)
	}
	hint := "dnsmasq --help dhcp lists the names"
	if near := spell.Nearest(name.String(), known...); near != "" {
		hint = "did you mean " + near + "?"
	}
	r.report(conf.Refusal, name.pos, idOption, hint, "dnsmasq has no DHCP option %.40q to be set, and does not start", name.String())
	return optionName{}, false
}

// optionPart is what stands before an option's number or name.
func (r *reader) optionPart(o *Option, word text, use int) bool {
	if v, ok := word.after("vendor:"); ok {
		class := v.String()
		o.Vendor = &class
	} else if v, ok := word.after("encap:"); ok {
		n, err := strconv.ParseUint(v.String(), 10, 8)
		if err != nil || n == 0 {
			r.refuse(v.pos, idValue, "%q is no option to put others into", v)
			return false
		}
		o.Encap = int(n)
	} else if v, ok := word.after("vi-encap:"); ok {
		n, err := strconv.ParseUint(v.String(), 10, 32)
		if err != nil || n == 0 {
			r.refuse(v.pos, idValue, "%q is no enterprise's number", v)
			return false
		}
		o.Enterprise = uint32(n)
	} else if tag, ok := tagged(word); ok {
		o.Tags = append(o.Tags, tag)
	} else {
		v, set := word.after("set:")
		if !set {
			r.report(conf.Warning, word.pos, idOldTag, "write tag:"+word.String()+", or option:"+word.String()+" if it is an option's name",
				"%q is taken for the name of a tag, an old form that is easily misread", word)
		}
		o.Tags = append(o.Tags, v.value())
	}
	if o.Vendor != nil && o.Encap != 0 || use == matching && (o.Vendor != nil || o.Encap != 0) {
		r.refuse(word.pos, idValue, "%q does not go here, and dnsmasq does not start", word)
		return false
	}
	return true
}

// A shape is what dnsmasq guesses a value to be, by its characters.
type shape struct {
	address, hex, decimal bool
	dots, digits, colons  int
	pieces                int
	suffix                byte // b, s or i behind a decimal number: its length
}

// hidden says whether a character counts as nothing but text: it is quoted, and
// would have a meaning without.
func (c char) hidden() bool {
	return c.quoted && strings.IndexByte("0123456789abcdefABCDEF:,. ", c.b) >= 0
}

func shapeOf(v text, use int) shape {
	s := shape{address: true, hex: true, decimal: true, pieces: 1}
	for i, c := range v.chars {
		b := c.b
		if c.hidden() {
			b = 1
		}
		switch {
		case b == ',':
			s.pieces++
			s.decimal, s.hex = false, false
		case b == ':':
			s.colons++
			s.decimal, s.address = false, false
		case b == '/':
			s.decimal, s.hex = false, false
			s.address = s.address && i > 0 // a slash in front makes it a path
		case b == '.':
			s.decimal, s.hex = false, false
			s.dots++
		case b == '-':
			s.hex, s.address = false, false
		case b == ' ':
			s.decimal, s.hex = false, false
		case '0' <= b && b <= '9':
			s.digits++
		default:
			s.address = false
			if i == len(v.chars)-1 && s.decimal && (b == 'b' || b == 's' || b == 'i') {
				s.suffix = b
			} else {
				s.decimal = false
			}
			if !(b >= 'A' && b <= 'F' || b >= 'a' && b <= 'f' || b == '*' && use == matching) {
				s.hex = false
			}
		}
	}
	if s.digits == 0 {
		s.decimal, s.address = false, false
	}
	return s
}

// optionValue reads a value as dnsmasq guesses it to be meant.
func (r *reader) optionValue(o *Option, v text, kind, use int) bool {
	s := shapeOf(v, use)
	switch {
	case kind&ofAddresses != 0:
		if !s.address || s.dots == 0 {
			r.refuse(v.pos, idValue, "option %d takes IPv4 addresses, and %q is none: dnsmasq does not start", o.Code, v)
			return false
		}
		s.decimal, s.hex = false, false
	case kind&ofName != 0:
		s.address, s.decimal, s.hex = false, false, false
	}
	switch {
	case s.digits > 0 && kind&ofTime != 0:
		d, ok := duration(v.String())
		if !ok {
			d = 0
		}
		o.Value = binary.BigEndian.AppendUint32(nil, uint32(d/time.Second))
	case s.hex && s.colons > 0:
		h, ok := parseHex(v.String())
		if !ok {
			r.refuse(v.pos, idValue, "%q is not made of bytes in hexadecimal, and dnsmasq does not start", v)
			return false
		}
		o.Value, o.any, o.hex = h.Addr, h.Any, true
	case s.decimal:
		o.Value = number(strings.TrimRight(v.String(), "bsi"), kind&0xff, s.suffix)
	case s.address:
		return r.optionAddresses(o, v)
	case o.outer() && (o.Code == 119 || o.Code == 120) && len(v.chars) > 0:
		r.domains(o, v)
	default:
		o.Value, o.text = []byte(v.String()), true
	}
	return true
}

// parseHex reads bytes of any number.
func parseHex(s string) (h Hardware, ok bool) {
	for part := range strings.SplitSeq(s, ":") {
		b, ok := parseHardware(part)
		if !ok {
			return h, false
		}
		h.Addr, h.Any = append(h.Addr, b.Addr...), append(h.Any, b.Any...)
	}
	return h, true
}

// number is a decimal number in as many bytes as the option has, or else as few
// as it needs.
func number(s string, size int, suffix byte) []byte {
	n, _ := strconv.ParseInt(s, 10, 64)
	switch {
	case suffix == 'b':
		size = 1
	case suffix == 's':
		size = 2
	case suffix == 'i':
		size = 4
	case size != 0:
	case uint32(n)&0xffff0000 != 0:
		size = 4
	case n&0xff00 != 0:
		size = 2
	default:
		size = 1
	}
	return binary.BigEndian.AppendUint32(nil, uint32(n))[4-size:]
}

// optionAddresses reads addresses, or networks for option 121.
func (r *reader) optionAddresses(o *Option, v text) bool {
	o.addresses = true
	if o.outer() && o.Code == 120 {
		o.Value, o.addresses = []byte{1}, false // RFC 3361, section 3.2
	}
	for _, w := range v.fields() {
		s, bits, network := strings.Cut(w.String(), "/")
		a, err := netip.ParseAddr(s)
		if err != nil || !a.Is4() {
			r.refuse(w.pos, idValue, "%q is no IPv4 address, and dnsmasq does not start", w)
			return false
		}
		b := a.AsSlice()
		if network {
			n, _ := strconv.Atoi(bits) // as atoi: 0 for what is no number
			o.addresses = false
			b = append([]byte{byte(n)}, b[:max(0, min(4, (n+7)/8))]...) // RFC 3442
		}
		o.Value = append(o.Value, b...)
	}
	return true
}

// domains puts names in the form of RFC 1035, later ones' ends as pointers
// (RFC 3397).
func (r *reader) domains(o *Option, v text) {
	known := map[string]int{}
	if o.Code == 120 {
		o.Value = []byte{0}
	}
	base := len(o.Value)
	for _, w := range v.fields() {
		name := strings.Trim(w.String(), ".")
		for name != "" {
			if at, ok := known[name]; ok {
				o.Value = binary.BigEndian.AppendUint16(o.Value, uint16(0xc000|at))
				break
			}
			known[name] = len(o.Value) - base
			label, rest, _ := strings.Cut(name, ".")
			o.Value = append(append(o.Value, byte(len(label))), label...)
			name = rest
		}
		if name == "" {
			o.Value = append(o.Value, 0)
		}
	}
}

// optsFile is `dhcp-optsfile`, a file of what stands behind "dhcp-option=".
func (r *reader) optsFile(at conf.Pos, arg text) {
	r.lines(at, arg.String(), func(t text) { r.dhcpOption(t.pos, t, false) })
}

// optsDir is `dhcp-optsdir`.
func (r *reader) optsDir(at conf.Pos, arg text) {
	for _, f := range r.folder(at, arg) {
		r.lines(at, f, func(t text) { r.dhcpOption(t.pos, t, false) })
	}
}

// lines reads a file of arguments.
func (r *reader) lines(at conf.Pos, name string, do func(t text)) {
	src, ok := r.open(name, at)
	if !ok {
		return
	}
	eachLine(path.Join("/", name), src, func(t text, unfinished bool) {
		if !unfinished {
			do(t)
		}
	})
}
