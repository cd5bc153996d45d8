package dhcpd

import (
	"net/netip"
	"slices"
	"strings"
)

// optionName reads the name of an option that must exist: name or space.name.
func (c *cursor) optionName() *Option {
	space, nm, ok := c.optionWords()
	if !ok {
		return nil
	}
	o := space.named(nm.text)
	if o == nil {
		c.unknownOption(space, nm)
	}
	return o
}

// optionWords reads the words of an option's name, and finds its space.
func (c *cursor) optionWords() (space *Space, nm token, ok bool) {
	space = c.p.cfg.spaces.dhcp
	nm = c.next()
	if !nm.isIdentifier() {
		c.failAt(nm, idSyntax, "the name of an option expected before %s", nm.describe())
		return nil, nm, false
	}
	if !c.accept(".") {
		return space, nm, true
	}
	if space = c.p.cfg.spaces.named(nm.text); space == nil {
		c.failAt(nm, idReference, "there is no option space called %s", nm.text)
		return nil, nm, false
	}
	if nm = c.next(); !nm.isIdentifier() {
		c.failAt(nm, idSyntax, "the name of an option expected after the dot, not %s", nm.describe())
		return nil, nm, false
	}
	return space, nm, true
}

func (c *cursor) unknownOption(space *Space, nm token) {
	if c.failed {
		return
	}
	c.failed = true
	hint := "define it with `option " + nm.text + " code N = TYPE;` before it is used"
	names := func(yield func(string) bool) {
		for n := range space.byName {
			if !yield(n) {
				return
			}
		}
	}
	if near := c.p.near(nm.text, names); near != "" {
		hint = "did you mean `" + near + "`?"
	}
	c.p.refuseHint(nm.pos, idOption, "there is no option called "+nm.text+" in the space "+space.Name, hint)
}

// hexList reads aa:bb:cc. It returns nil after it has complained.
func (c *cursor) hexList() []byte {
	b := []byte{}
	for {
		t := c.next()
		if !t.isHex() {
			c.failAt(t, idValue, "a hexadecimal number expected before %s", t.describe())
			return nil
		}
		v, ok := c.integerOf(t, 16, 8)
		if !ok {
			return nil
		}
		b = append(b, byte(v))
		if !c.accept(":") {
			return b
		}
	}
}

// integerOf converts a number as dhcpd does, base 0 meaning that 0x and a
// leading 0 count. Unsigned types take negative numbers, and the other way
// round; what does not fit the width is refused.
func (c *cursor) integerOf(t token, base uint32, bits uint) (uint32, bool) {
	s, negative := strings.CutPrefix(t.text, "-")
	if base == 0 {
		switch {
		case strings.HasPrefix(s, "0x"):
			base, s = 16, s[2:]
		case len(s) > 1 && s[0] == '0' && isDigit(s[1]):
			base, s = 8, s[1:]
		default:
			base = 10
		}
	}
	var v uint64
	for i := range len(s) {
		if !isHexDigit(s[i]) || uint32(hexValue(s[i])) >= base {
			c.failAt(t, idValue, "%s is not a number to the base %d", t.describe(), base)
			return 0, false
		}
		if v = v*uint64(base) + uint64(hexValue(s[i])); v > 1<<32 {
			v = 1 << 32 // too large for any width
		}
	}
	limit := uint64(1)<<bits - 1
	if negative {
		limit = 1 << (bits - 1)
	}
	if len(s) == 0 || v > limit {
		c.failAt(t, idValue, "%s does not fit into %d bits", t.describe(), bits)
		return 0, false
	}
	if negative {
		return -uint32(v), true
	}
	return uint32(v), true
}

// address reads an IPv4 address, and nothing else: no host names.
func (c *cursor) address() (netip.Addr, bool) {
	var b [4]byte
	for i := range b {
		if i > 0 && !c.accept(".") {
			c.fail(idValue, "an IPv4 address has four numbers; `.` expected before %s", c.peek().describe())
			return netip.Addr{}, false
		}
		t := c.next()
		if t.kind != number {
			c.failAt(t, idValue, "an IPv4 address expected before %s", t.describe())
			return netip.Addr{}, false
		}
		v, ok := c.integerOf(t, 10, 8)
		if !ok {
			return netip.Addr{}, false
		}
		b[i] = byte(v)
	}
	return netip.AddrFrom4(b), true
}

// addressOrName reads an IPv4 address, or a host name, which dhcpd would look
// up each time it needs it. o is the option whose value it is, nil if of none.
func (c *cursor) addressOrName(o *Option) *expr {
	t := c.peek()
	if t.kind == number && c.wordAt(1).is(".") && c.wordAt(2).kind == number {
		a, ok := c.address()
		if !ok {
			return nil
		}
		return constant(a.AsSlice(), t.pos)
	}
	if !t.isIdentifier() && t.kind != number {
		c.fail(idValue, "an IPv4 address or host name expected before %s", t.describe())
		return nil
	}
	host := c.hostName()
	const text = "dhcpd would ask the DNS for %s; here there is none, and the value stays empty"
	if o != nil && o.forSystem() {
		c.p.note(t.pos, idHostName, text, host)
	} else {
		c.p.doubt(t.pos, idHostName, text, host)
	}
	return &expr{op: opUnplayed, pos: t.pos}
}

func (c *cursor) wordAt(i int) token {
	if c.i+i < len(c.n.words) {
		return c.n.words[c.i+i]
	}
	return c.n.end
}

// hostName reads a.b.c; "" if there is none.
func (c *cursor) hostName() string {
	var b strings.Builder
	for {
		t := c.peek()
		if c.atEnd() || !t.isIdentifier() && t.kind != number {
			return b.String()
		}
		b.WriteString(t.text)
		c.i++
		if !c.accept(".") {
			return b.String()
		}
		b.WriteByte('.')
	}
}

// address6 reads an IPv6 address, whose pieces are words, dots and colons
// without space between them.
func (c *cursor) address6() (netip.Addr, bool) {
	start := c.peek()
	var b strings.Builder
	for end := start.pos; !c.atEnd(); c.i++ {
		t := c.peek()
		if t.pos != end || !t.isHex() && !t.is(".") && !t.is(":") && t.kind != name && !t.is("add") {
			break
		}
		b.WriteString(t.text)
		end = t.end
	}
	a, err := netip.ParseAddr(b.String())
	if err != nil || !a.Is6() || a.Zone() != "" {
		c.failAt(start, idValue, "%s is not an IPv6 address", start.describe())
		return a, false
	}
	return a, true
}

// domainName encodes a name as RFC 1035 (section 3.1) does.
func (c *cursor) domainName(t token, text string) ([]byte, bool) {
	var b []byte
	text = strings.TrimSuffix(text, ".")
	if text != "" {
		for label := range strings.SplitSeq(text, ".") {
			if label == "" || len(label) > 63 {
				c.failAt(t, idValue, "%s is not a domain name", t.describe())
				return nil, false
			}
			b = append(append(b, byte(len(label))), label...)
		}
	}
	if b = append(b, 0); len(b) > 255 {
		c.failAt(t, idValue, "%s is longer than a domain name can be", t.describe())
		return nil, false
	}
	return b, true
}

// domainList reads "a.example", "b.example".
func (c *cursor) domainList(compressed bool) []byte {
	list := []byte{}
	for {
		t := c.next()
		if t.kind != quoted {
			c.failAt(t, idValue, "a domain name in quotation marks expected before %s", t.describe())
			return nil
		}
		b, ok := c.domainName(t, t.text)
		if !ok {
			return nil
		}
		if compressed {
			list = appendCompressed(list, b)
		} else {
			list = append(list, b...)
		}
		if !c.accept(",") {
			return list
		}
	}
}

// appendCompressed appends an encoded name to a list of names, its tail as a
// pointer to where the list has it already (RFC 1035, section 4.1.4).
func appendCompressed(list, nm []byte) []byte {
	have := len(list)
	for len(nm) > 1 {
		if at := indexName(list[:have], nm); at >= 0 {
			return append(list, 0xc0|byte(at>>8), byte(at))
		}
		n := int(nm[0]) + 1
		list = append(list, nm[:n]...)
		nm = nm[n:]
	}
	return append(list, 0)
}

// indexName finds an encoded name at a label's start in a list of names.
func indexName(list, nm []byte) int {
	for at := 0; at < len(list) && at < 0x3fff; {
		switch n := int(list[at]); {
		case n >= 0xc0:
			at += 2
		case n == 0:
			at++
		default:
			if strings.EqualFold(string(expandName(list, at)), string(nm)) {
				return at
			}
			at += n + 1
		}
	}
	return -1
}

// expandName is the name at a place of a list, without compression; nil if it
// is malformed.
func expandName(list []byte, at int) []byte {
	var b []byte
	for range 128 {
		if at >= len(list) {
			return nil
		}
		n := int(list[at])
		switch {
		case n >= 0xc0:
			if at+1 >= len(list) {
				return nil
			}
			at = (n&0x3f)<<8 | int(list[at+1])
			continue
		case at+1+n > len(list):
			return nil
		}
		b = append(b, list[at:at+1+n]...)
		if n == 0 {
			return b
		}
		at += 1 + n
	}
	return nil
}

// joinDomains makes one compressed list of two.
func joinDomains(a, b []byte) []byte {
	var out []byte
	for _, list := range [][]byte{a, b} {
		for at := 0; at < len(list); {
			nm := expandName(list, at)
			if nm == nil {
				break
			}
			out = appendCompressed(out, nm)
			for at < len(list) && list[at] != 0 && list[at] < 0xc0 {
				at += int(list[at]) + 1
			}
			if at < len(list) && list[at] >= 0xc0 {
				at++
			}
			at++
		}
	}
	return slices.Clip(out)
}
