package kea

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/pxeproof/pxeproof/servers/conf"
	"github.com/pxeproof/pxeproof/servers/conf/spell"
)

// space4 is the space of DHCP's own options.
const space4 = "dhcp4"

// definition finds an option by its name or code; nil if there is none.
func (r *reader) definition(space, name string, code int) *definition {
	for _, d := range r.defs[space] {
		if name != "" && d.name == name || name == "" && d.code == code {
			return &d
		}
	}
	if space != space4 {
		return nil
	}
	for i := range standard {
		if d := &standard[i]; name != "" && d.name == name || name == "" && d.code == code {
			return d
		}
	}
	return nil
}

// optionDefs reads option-def.
func (r *reader) optionDefs(n *node) {
	for _, m := range r.maps(n, "option-def", "name code type space array record-types encapsulate") {
		d := definition{name: r.text(m, "name").Text, inner: r.text(m, "encapsulate").Text}
		d.code, _ = r.integer(m, "code", 255)
		kind := r.text(m, "type").Text
		d.types = []string{kind}
		if kind == "record" {
			d.types = nil
			for f := range strings.SplitSeq(r.text(m, "record-types").Text, ",") {
				d.types = append(d.types, strings.TrimSpace(f))
			}
		}
		d.array = r.truth(m, "array", false)
		space := r.text(m, "space").Text
		if space == "" {
			space = space4
		}
		r.defs[space] = append(r.defs[space], d)
	}
}

// optionData reads option-data.
func (r *reader) optionData(n *node) []Option {
	var all []Option
	for _, m := range r.maps(n, "option-data", "name code data space csv-format always-send never-send client-classes") {
		o := Option{Pos: m.pos, Name: r.text(m, "name").Text, Space: r.text(m, "space").Text,
			Force: r.truth(m, "always-send", false), Never: r.truth(m, "never-send", false)}
		if o.Space == "" {
			o.Space = space4
		}
		o.Code, _ = r.integer(m, "code", 255)
		if c := m.get("client-classes"); c != nil && len(c.list) > 0 {
			r.doubt(c.pos, idUnplayed, "options for some classes alone are not told apart here")
		}
		d := r.definition(o.Space, o.Name, o.Code)
		if d == nil && o.Name != "" && o.Code == 0 {
			r.unknownOption(m.get("name"), o)
			continue
		}
		if d != nil {
			o.Code, o.Name = d.code, d.name
		}
		data := m.get("data")
		csv := r.truth(m, "csv-format", true)
		if d == nil && csv {
			r.report(conf.Refusal, o.Pos, idOption, "define it with option-def, or set csv-format to false and give its bytes",
				"option %d of space %.40q has no definition, and Kea does not start", o.Code, o.Space)
			continue
		}
		if data != nil {
			o.Pos = data.pos
			b, err := encode(d, data.text, csv)
			if err != nil {
				r.refuse(data.pos, idValue, "option %s (%d): %v", o.Name, o.Code, err)
				continue
			}
			o.Value = b
		}
		all = append(all, o)
	}
	return all
}

func (r *reader) unknownOption(at *node, o Option) {
	var known []string
	for _, d := range slices.Concat(r.defs[o.Space], standard) {
		known = append(known, d.name)
	}
	hint := "define it with option-def"
	if near := spell.Nearest(o.Name, known...); near != "" {
		hint = "did you mean " + near + "?"
	}
	r.report(conf.Refusal, at.pos, idOption, hint, "there is no option %.60q in space %.40q, and Kea does not start", o.Name, o.Space)
}

// encode makes an option's bytes of its text.
func encode(d *definition, data string, csv bool) ([]byte, error) {
	if !csv || d == nil {
		return hexBytes(data)
	}
	fields := splitCSV(data)
	if len(d.types) == 1 && !d.array {
		switch d.types[0] {
		case "string", "fqdn", "binary", "internal":
			fields = []string{strings.ReplaceAll(strings.TrimSpace(data), `\,`, ",")}
		case "empty":
			if strings.TrimSpace(data) != "" {
				return nil, fmt.Errorf("it takes no data but other options, and %q is some (or set csv-format to false for bytes)", data)
			}
			return nil, nil
		}
	}
	var b []byte
	for i, f := range fields {
		t := d.types[min(i, len(d.types)-1)]
		if i >= len(d.types) && !d.array {
			return nil, fmt.Errorf("it takes %d values, and %q is one more", len(d.types), f)
		}
		v, err := encodeField(t, f)
		if err != nil {
			return nil, err
		}
		b = append(b, v...)
	}
	if len(fields) < len(d.types) {
		return nil, fmt.Errorf("it takes %d values, and there are %d", len(d.types), len(fields))
	}
	return b, nil
}

// splitCSV splits at commas that have no backslash before them.
func splitCSV(s string) []string {
	var all []string
	for f := range strings.SplitSeq(strings.ReplaceAll(s, `\,`, "\x00"), ",") {
		all = append(all, strings.TrimSpace(strings.ReplaceAll(f, "\x00", ",")))
	}
	return all
}

func encodeField(kind, s string) ([]byte, error) {
	number := func(bits int) ([]byte, error) {
		n, err := strconv.ParseInt(s, 0, 64)
		if err != nil || n >= 1<<bits || n < -1<<(bits-1) {
			return nil, fmt.Errorf("%q is no number of %d bits", s, bits)
		}
		return binary.BigEndian.AppendUint64(nil, uint64(n))[8-bits/8:], nil
	}
	switch kind {
	case "uint8", "int8":
		return number(8)
	case "uint16", "int16":
		return number(16)
	case "uint32", "int32":
		return number(32)
	case "boolean":
		switch strings.ToLower(s) {
		case "true", "1":
			return []byte{1}, nil
		case "false", "0":
			return []byte{0}, nil
		}
		return nil, fmt.Errorf("%q is neither true nor false", s)
	case "ipv4-address":
		a, err := netip.ParseAddr(s)
		if err != nil || !a.Is4() {
			return nil, fmt.Errorf("%q is no IPv4 address", s)
		}
		return a.AsSlice(), nil
	case "string":
		return []byte(s), nil
	case "fqdn":
		return domain(s)
	case "binary":
		return hexBytes(s)
	}
	return nil, fmt.Errorf("values of type %q are not known here", kind)
}

// domain is a name in the form of RFC 1035.
func domain(s string) ([]byte, error) {
	var b []byte
	for label := range strings.SplitSeq(strings.TrimSuffix(s, "."), ".") {
		if label == "" || len(label) > 63 {
			return nil, fmt.Errorf("%q is no domain's name", s)
		}
		b = append(append(b, byte(len(label))), label...)
	}
	return append(b, 0), nil
}

// hexBytes reads bytes in hexadecimal, with blanks or colons or nothing between
// them, or a text in single quotes.
func hexBytes(s string) ([]byte, error) {
	t := strings.TrimSpace(s)
	if len(t) >= 2 && t[0] == '\'' && t[len(t)-1] == '\'' {
		return []byte(t[1 : len(t)-1]), nil
	}
	t = strings.TrimPrefix(strings.TrimPrefix(t, "0x"), "0X")
	var b []byte
	for part := range strings.FieldsFuncSeq(t, func(c rune) bool { return c == ':' || c == ' ' }) {
		if len(part)%2 != 0 {
			part = "0" + part
		}
		v, err := hex.DecodeString(part)
		if err != nil {
			return nil, fmt.Errorf("%q is not made of bytes in hexadecimal", s)
		}
		b = append(b, v...)
	}
	return b, nil
}
