package dhcpd

import (
	"slices"
	"strconv"
	"strings"
)

// option reads a statement that begins with option outside of conditionals: a
// space, a definition, or a value.
func (p *parser) option(s *Scope, into *[]statement, c *cursor) {
	if c.peek().is("space") && !c.wordAt(1).is(".") {
		c.i++
		p.optionSpace(s, into, c)
		return
	}
	space, nm, ok := c.optionWords()
	if !ok {
		return
	}
	o := space.named(nm.text)
	if c.accept("code") {
		if s.Kind != RootScope {
			p.refuse(c.pos(), idMisplaced, "an option is defined outside of every declaration, not in a %s", s.Kind)
			return
		}
		p.readDefinition(s, into, c, space, nm)
		return
	}
	if o == nil {
		c.unknownOption(space, nm)
		return
	}
	st := p.setOption(s, into, c, o, supersede, c.pos())
	if st == nil {
		return
	}
	*into = append(*into, st)
	if space == p.cfg.spaces.server {
		p.aboutParameter(nm, o)
	}
}

// optionSpace reads option space NAME code width N length width N hash size N.
func (p *parser) optionSpace(s *Scope, into *[]statement, c *cursor) {
	if s.Kind != RootScope {
		p.refuse(c.pos(), idMisplaced, "an option space is defined outside of every declaration, not in a %s", s.Kind)
		return
	}
	t := c.next()
	if !t.isIdentifier() {
		c.failAt(t, idSyntax, "the name of an option space expected before %s", t.describe())
		return
	}
	sp := newSpace(t.text)
	sp.Pos = t.pos
	for !c.atEnd() && !c.failed {
		switch {
		case c.accept("code"):
			sp.codeWidth = c.width("width", 1, 2, 4)
		case c.accept("length"):
			sp.lengthWidth = c.width("width", 1, 2)
		case c.accept("hash"):
			c.width("size")
		default:
			c.fail(idSyntax, "code width, length width or a semicolon expected before %s", c.peek().describe())
		}
	}
	if c.semicolon(s, into) && len(p.cfg.spaces.all) < maxSpaces {
		p.cfg.spaces.all = append(p.cfg.spaces.all, sp)
	}
}

// width reads a word and a number, which must be one of those given, if any are.
func (c *cursor) width(word string, of ...int) int {
	if !c.expect(word) {
		return 1
	}
	t := c.next()
	n, err := strconv.Atoi(t.text)
	if t.kind != number || err != nil || len(of) > 0 && !slices.Contains(of, n) {
		c.failAt(t, idValue, "%s cannot be the %s", t.describe(), word)
		return 1
	}
	return n
}

// readDefinition reads N = TYPE of an option's definition.
func (p *parser) readDefinition(s *Scope, into *[]statement, c *cursor, space *Space, nm token) {
	t := c.next()
	code, err := strconv.ParseUint(t.text, 10, 32)
	if t.kind != number || err != nil {
		c.failAt(t, idValue, "the number of the option expected before %s", t.describe())
		return
	}
	if limit := uint64(1)<<(8*space.codeWidth) - 1; code > limit || code == 0 || code == 255 && space.Name == "dhcp" {
		p.doubt(t.pos, idValue, "the option code %d cannot be sent in the space %s", code, space.Name)
		return
	}
	if !c.expect("=") {
		return
	}
	format, inside := c.format()
	if format == "" || !c.semicolon(s, into) {
		return
	}
	if old := space.byName[strings.ToLower(nm.text)]; old != nil && space.byCode[old.Code] == old {
		delete(space.byCode, old.Code)
	}
	o := space.define(nm.text, format, uint32(code), c.pos())
	if inside != nil {
		inside.holder = o
	}
}

// format reads the type of an option's definition, and the space that it
// encapsulates, if it does. It returns "" after it has complained.
func (c *cursor) format() (format string, inside *Space) {
	array := 0 // 1: of everything, 2: of the last element of a record
	if c.accept("array") {
		if !c.expect("of") {
			return "", nil
		}
		array = 1
	}
	record := c.accept("{")
	last := false // nothing may come after this element
	for {
		elementArray := false
		if c.accept("array") {
			if array != 0 {
				c.fail(idSyntax, "arrays cannot be nested")
				return "", nil
			}
			if !c.expect("of") {
				return "", nil
			}
			elementArray = true
		}
		if last {
			c.fail(idSyntax, "texts and spaces have to be the last of a record")
			return "", nil
		}
		var f string
		if f, inside, last = c.simpleType(); f == "" {
			return "", nil
		}
		if last && (array != 0 || elementArray) {
			c.fail(idSyntax, "arrays of texts, strings and spaces are not possible")
			return "", nil
		}
		format += f
		switch {
		case elementArray && record:
			format += "a"
		case elementArray:
			array = 1
		}
		if !record || !c.accept(",") {
			break
		}
	}
	if record && !c.expect("}") {
		return "", nil
	}
	if array == 1 {
		format += "A"
	}
	return format, inside
}

// simpleType reads one type. last says that nothing may follow it.
func (c *cursor) simpleType() (f string, inside *Space, last bool) {
	t := c.next()
	sign := func(signed bool) (string, *Space, bool) {
		w := c.next()
		f := map[string]string{"8": "B", "16": "S", "32": "L"}[w.text]
		if w.kind != number || f == "" {
			c.failAt(w, idValue, "integers have 8, 16 or 32 bits, not %s", w.describe())
			return "", nil, false
		}
		if signed {
			f = strings.ToLower(f)
		}
		return f, nil, false
	}
	switch t.word {
	case "boolean":
		return "f", nil, false
	case "integer":
		return sign(true)
	case "signed", "unsigned":
		if !c.expect("integer") {
			return "", nil, false
		}
		return sign(t.word == "signed")
	case "ip-address":
		return "I", nil, false
	case "ip6-address":
		return "6", nil, false
	case "text":
		return "t", nil, true
	case "string":
		return "X", nil, true
	case "zerolen":
		return "Z", nil, true
	case "domain-name":
		return "d", nil, true
	case "domain-list":
		if c.accept("compressed") {
			return "Dc", nil, true
		}
		return "D", nil, true
	case "encapsulate":
		nm := c.next()
		inside = c.p.cfg.spaces.named(nm.text)
		if !nm.isIdentifier() || inside == nil {
			c.failAt(nm, idReference, "there is no option space called %s above this line", nm.text)
			return "", nil, false
		}
		return "E" + nm.text + ".", inside, true
	}
	c.failAt(t, idValue, "dhcpd has no type %s", t.describe())
	return "", nil, false
}
