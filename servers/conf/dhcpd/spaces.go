package dhcpd

import (
	"strconv"
	"strings"

	"github.com/pxeproof/pxeproof/servers/conf"
)

// An Option is the definition of an option: a name and type for a code in a
// space.
type Option struct {
	Space *Space
	Name  string
	Code  uint32
	// Pos is where the file defines it, zero if dhcpd does.
	Pos conf.Pos
	// format is the type, one letter an element:
	//
	//	I  IPv4 address       6  IPv6 address
	//	B  8 bits  S  16 bits  L  32 bits; lower case: signed
	//	T  32 bits, seconds, or "infinite"
	//	f  boolean            t  text             X  text or bytes
	//	d  domain name        D  domain list      c  (after D) compressed
	//	E  encapsulated space, its name, a dot    N  enumeration, likewise
	//	U  name of a space    k  name of a key    Z  nothing
	//	A  all before it, repeated    a  the one before it, repeated
	//	o  the one before it may be missing
	format string
}

// forSystem says whether an option names servers that only a running operating
// system talks to: time, logs, mail, names. No address of a boot file comes from
// these (RFC 2132, sections 3.6 to 3.13 and 8). Debian's own dhcpd.conf has
// "domain-name-servers ns1.example.org".
func (o *Option) forSystem() bool {
	c := o.Code
	return o.Space != nil && o.Space.Name == "dhcp" && (c >= 4 && c <= 11 || c == 41 || c == 42 || c == 44 || c == 45 ||
		c == 48 || c == 49 || c >= 69 && c <= 76)
}

// String is the option's name as a file writes it.
func (o *Option) String() string {
	if o.Space == nil || o.Space.Name == "dhcp" {
		return o.Name
	}
	return o.Space.Name + "." + o.Name
}

// isText says whether the value is a text: dhcpd then ignores NULs at its end.
func (o *Option) isText() bool {
	f := o.format
	for i := 0; i < len(f); i++ {
		switch f[i] {
		case 't', 'k':
			return true
		case 'A', 'a', 'X', 'D', 'd':
			return false
		case 'E', 'N':
			i += strings.IndexByte(f[i:], '.')
		}
	}
	return false
}

// fixedLength is how many bytes come before the text of a text option.
func (o *Option) fixedLength() int {
	n := 0
	for _, c := range o.format {
		switch c {
		case '6':
			n += 16
		case 'I', 'l', 'L', 'T':
			n += 4
		case 's', 'S':
			n += 2
		case 'b', 'B', 'f':
			n++
		default:
			return n
		}
	}
	return n
}

// encapsulates is the name of the space that the option's value holds, with
// ok false if the option does not start with one. "" is the vendor's.
func (o *Option) encapsulates() (space string, ok bool) {
	rest, ok := strings.CutPrefix(o.format, "E")
	return strings.TrimSuffix(rest, "."), ok
}

// A Space is an option space: a numbering of options of its own.
type Space struct {
	Name string
	Pos  conf.Pos // where the file defines it, zero if dhcpd does
	// Options inside an encapsulation have a code of codeWidth bytes and a
	// length of lengthWidth.
	codeWidth, lengthWidth int
	// holder is the option that carries the space, nil if none does.
	holder *Option
	byName map[string]*Option
	byCode map[uint32]*Option
}

func newSpace(name string) *Space {
	return &Space{Name: name, codeWidth: 1, lengthWidth: 1,
		byName: make(map[string]*Option), byCode: make(map[uint32]*Option)}
}

func (s *Space) define(name, format string, code uint32, pos conf.Pos) *Option {
	o := &Option{Space: s, Name: name, Code: code, Pos: pos, format: format}
	s.byName[strings.ToLower(name)] = o
	s.byCode[code] = o
	return o
}

// named finds an option by its name, or by unknown-N, which needs no
// definition.
func (s *Space) named(name string) *Option {
	lower := strings.ToLower(name)
	if o := s.byName[lower]; o != nil {
		return o
	}
	digits, ok := strings.CutPrefix(lower, "unknown-")
	if !ok {
		return nil
	}
	code, err := strconv.ParseUint(digits, 10, 32)
	if err != nil || code == 0 || code == 255 && s.Name == "dhcp" {
		return nil
	}
	return s.coded(uint32(code))
}

// coded finds an option by its code; one that nobody defined is bytes.
func (s *Space) coded(code uint32) *Option {
	if o := s.byCode[code]; o != nil {
		return o
	}
	return &Option{Space: s, Name: "unknown-" + strconv.FormatUint(uint64(code), 10), Code: code, format: "X"}
}

// spaces are all spaces of a file, in the order in which dhcpd knows them: its
// own first. The order decides the order of encapsulations in a reply.
type spaces struct {
	all                 []*Space
	dhcp, agent, server *Space
}

func (s *spaces) add(name string) *Space {
	sp := newSpace(name)
	s.all = append(s.all, sp)
	return sp
}

// named finds a space by its name, whose case does not matter.
func (s *spaces) named(name string) *Space {
	for i := len(s.all) - 1; i >= 0; i-- {
		if strings.EqualFold(s.all[i].Name, name) {
			return s.all[i]
		}
	}
	return nil
}

// newSpaces makes the spaces that dhcpd has before it reads a file.
func newSpaces() *spaces {
	s := &spaces{}
	s.dhcp = s.add("dhcp")
	for _, d := range standardOptions {
		s.dhcp.define(d.name, d.format, d.code, conf.Pos{})
	}
	inside := func(name string, holder uint32, defs []definition) *Space {
		sp := s.add(name)
		sp.holder = s.dhcp.byCode[holder]
		for _, d := range defs {
			sp.define(d.name, d.format, d.code, conf.Pos{})
		}
		return sp
	}
	inside("nwip", 63, nwipOptions)
	inside("fqdn", 81, fqdnOptions)
	inside("vendor-class", 124, []definition{{2495, "isc", "X"}}).codeWidth = 4
	vendor := inside("vendor", 125, []definition{{2495, "isc", "Eisc."}})
	vendor.codeWidth = 4
	isc := s.add("isc")
	isc.holder = vendor.byCode[2495]
	isc.codeWidth, isc.lengthWidth = 2, 2
	isc.define("media", "t", 1, conf.Pos{})
	isc.define("update-assist", "X", 2, conf.Pos{})
	s.agent = inside("agent", 82, agentOptions)
	s.server = s.add("server")
	for i, p := range parameters {
		s.server.define(p.name, p.format, uint32(i+1), conf.Pos{})
	}
	return s
}
