package dhcpd

import (
	"slices"
	"strings"
)

// optionData reads the value of an option by the option's type.
func (c *cursor) optionData(o *Option) *expr {
	var parts []*expr
	f := o.format
	for i := 0; ; {
		for i < len(f) && f[i] != 'A' && f[i] != 'a' {
			if f[i] == 'o' {
				i++
				continue
			}
			after := i + 1
			if f[i] == 'E' || f[i] == 'N' {
				after = i + strings.IndexByte(f[i:], '.') + 1
			} else if f[i] == 'D' && after < len(f) && f[after] == 'c' {
				after++
			}
			optional := after < len(f) && f[after] == 'o'
			if optional && c.atEnd() {
				i = after
				continue
			}
			part := c.element(o, f[i:after])
			if part == nil {
				return nil
			}
			parts = append(parts, part)
			i = after
		}
		if i >= len(f) {
			break
		}
		if c.accept(",") {
			// The array goes on: with its one element, or with all of them.
			if f[i] == 'a' {
				i--
			} else {
				i = 0
			}
			continue
		}
		if f[i] == 'A' || i+1 == len(f) {
			break
		}
		i++
	}
	return join(parts)
}

// join makes one value of several, a constant if they are.
func join(parts []*expr) *expr {
	if len(parts) == 0 {
		return nil
	}
	if slices.ContainsFunc(parts, func(e *expr) bool { return e.op != opConst }) {
		return &expr{op: opConcat, pos: parts[0].pos, args: parts}
	}
	all := []byte{}
	for _, p := range parts {
		all = append(all, p.data...)
	}
	return constant(all, parts[0].pos)
}

// element reads one element of a type of an option's value. It returns nil after
// it has complained.
func (c *cursor) element(o *Option, f string) *expr {
	t := c.peek()
	fixed := func(b []byte, ok bool) *expr {
		if !ok || b == nil {
			return nil
		}
		return constant(b, t.pos)
	}
	switch f[0] {
	case 'U', 't':
		if t.kind == quoted && f[0] == 't' || t.isIdentifier() {
			c.i++
			return constant([]byte(t.text), t.pos)
		}
		c.fail(idValue, "a string in quotation marks expected before %s", t.describe())
		return nil
	case 'k':
		if t.kind == quoted {
			c.i++
			return constant([]byte(t.text), t.pos)
		}
		key := c.hostName()
		if key == "" {
			c.fail(idValue, "the name of a key expected before %s", t.describe())
			return nil
		}
		return constant([]byte(key), t.pos)
	case 'X', 'E':
		if t.kind == quoted {
			c.i++
			return constant([]byte(t.text), t.pos)
		}
		if !t.isHex() {
			c.fail(idValue, "a string or hexadecimal data expected before %s", t.describe())
			return nil
		}
		b := c.hexList()
		return fixed(b, b != nil)
	case 'D':
		b := c.domainList(strings.HasSuffix(f, "c"))
		return fixed(b, b != nil)
	case 'd':
		return fixed(c.domainName(t, c.hostName()))
	case 'N':
		return c.enumeration(f[1 : len(f)-1])
	case 'I':
		return c.addressOrName(o)
	case '6':
		a, ok := c.address6()
		return fixed(a.AsSlice(), ok)
	case 'T', 'L', 'l', 'S', 's', 'B', 'b':
		return c.number(f[0])
	case 'f':
		return c.boolean()
	case 'Z':
		if !c.atEnd() {
			c.fail(idSemicolon, "this option has no value; a semicolon expected before %s", t.describe())
			return nil
		}
		return constant([]byte{}, t.pos)
	}
	c.fail(idValue, "dhcpd cannot read a value of this option's type")
	return nil
}

func (c *cursor) number(f byte) *expr {
	t := c.next()
	if f == 'T' && t.is("infinite") {
		return constant([]byte{255, 255, 255, 255}, t.pos)
	}
	if !t.isHex() {
		c.failAt(t, idValue, "a number expected before %s", t.describe())
		return nil
	}
	bits := map[byte]uint{'B': 8, 'b': 8, 'S': 16, 's': 16}[f]
	if bits == 0 {
		bits = 32
	}
	v, ok := c.integerOf(t, 0, bits)
	if !ok {
		return nil
	}
	b := []byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)}
	return constant(b[4-bits/8:], t.pos)
}

func (c *cursor) boolean() *expr {
	t := c.next()
	if t.isIdentifier() {
		switch strings.ToLower(t.text) {
		case "true", "on":
			return constant([]byte{1}, t.pos)
		case "false", "off":
			return constant([]byte{0}, t.pos)
		case "ignore":
			return constant([]byte{2}, t.pos)
		}
	}
	c.failAt(t, idValue, "true, false, on or off expected, not %s", t.describe())
	return nil
}

func (c *cursor) enumeration(of string) *expr {
	t := c.next()
	words := enumerations[of]
	i := slices.Index(words, t.text)
	if !t.isIdentifier() || i < 0 {
		c.failAt(t, idValue, "one of %s expected, not %s", strings.Join(words, ", "), t.describe())
		return nil
	}
	return constant([]byte{byte(i)}, t.pos)
}
