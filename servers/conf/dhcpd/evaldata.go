package dhcpd

import (
	"bytes"
	"encoding/binary"
	"strings"
)

func lower(s string) string { return strings.ToLower(s) }

// data evaluates a data expression; ok is false if it has no value.
func (e *env) data(x *expr) (b []byte, ok bool) {
	if e.steps++; e.steps > maxSteps {
		return nil, false
	}
	e.depth++
	defer func() {
		e.depth--
		if len(b) > maxData {
			b, ok = nil, false
		}
	}()
	if e.depth > 4*maxExpression {
		return nil, false
	}
	switch x.op {
	case opConst:
		return x.data, true
	case opOption:
		return e.sent(x.option)
	case opConfig:
		return e.held(x.option.Space, x.option.Code)
	case opHardware:
		return e.q.hardware(), true
	case opFilename:
		return untilNUL(e.q.File)
	case opSName:
		return untilNUL(e.q.SName)
	case opLeased:
		if e.lease != nil {
			return e.lease.address, true
		}
	case opHostDecl:
		if e.lease != nil && e.lease.host != nil {
			return []byte(e.lease.host.Name), true
		}
	case opVariable:
		v := e.vars.get(x.name)
		return v.data, v.kind == isData
	case opCall:
		// dhcpd calls the function and drops its result in this place.
		e.value(x)
	case opPick:
		for _, a := range x.args {
			if b, ok := e.data(a); ok {
				return b, true
			}
		}
	case opConcat:
		return e.concat(x.args)
	case opEncode:
		n, ok := e.number(x.args[0])
		if !ok {
			return nil, false
		}
		return binary.BigEndian.AppendUint64(nil, n)[8-x.n:], true
	case opPacket:
		return e.fromPacket(x)
	case opDomains:
		l, lok := e.data(x.args[0])
		r, rok := e.data(x.args[1])
		return joinDomains(l, r), lok && rok
	default:
		return e.transform(x)
	}
	return nil, false
}

func (e *env) concat(args []*expr) ([]byte, bool) {
	all := []byte{}
	for _, a := range args {
		b, ok := e.data(a)
		if !ok || len(all)+len(b) > maxData {
			return nil, false
		}
		all = append(all, b...)
	}
	return all, true
}

func (e *env) fromPacket(x *expr) ([]byte, bool) {
	offset, ok := e.number(x.args[0])
	length, ok2 := e.number(x.args[1])
	raw := e.q.message()
	if !ok || !ok2 || offset >= uint64(len(raw)) {
		return nil, false
	}
	return head(raw[offset:], length), true
}

// transform evaluates what makes data of other data.
func (e *env) transform(x *expr) ([]byte, bool) {
	switch x.op {
	case opSubstring:
		b, ok := e.data(x.args[0])
		offset, ok2 := e.number(x.args[1])
		length, ok3 := e.number(x.args[2])
		if !ok || !ok2 || !ok3 {
			return nil, false
		}
		if offset >= uint64(len(b)) {
			return []byte{}, true
		}
		return head(b[offset:], length), true
	case opSuffix:
		b, ok := e.data(x.args[0])
		n, ok2 := e.number(x.args[1])
		if !ok || !ok2 {
			return nil, false
		}
		return b[len(b)-min(len(b), size(n)):], true
	case opLower, opUpper:
		b, ok := e.data(x.args[0])
		return changeCase(b, x.op == opUpper), ok
	case opReverse:
		width, ok := e.number(x.args[0])
		b, ok2 := e.data(x.args[1])
		if !ok || !ok2 || width == 0 || uint64(len(b))%width != 0 {
			return nil, false
		}
		out := make([]byte, 0, len(b))
		for end := len(b); end > 0; end -= size(width) {
			out = append(out, b[end-size(width):end]...)
		}
		return out, true
	case opToASCII:
		return e.toASCII(x)
	}
	return nil, false
}

// toASCII is binary-to-ascii (base, width, separator, data).
func (e *env) toASCII(x *expr) ([]byte, bool) {
	base, ok := e.number(x.args[0])
	bits, ok2 := e.number(x.args[1])
	separator, ok3 := e.data(x.args[2])
	b, ok4 := e.data(x.args[3])
	width := size(bits / 8)
	if !ok || !ok2 || !ok3 || !ok4 || base < 2 || bits != 8 && bits != 16 && bits != 32 || len(b)%width != 0 {
		return nil, false
	}
	out := []byte{}
	for i := 0; i < len(b); i += width {
		if i > 0 {
			out = append(out, separator...)
		}
		var n uint32
		for _, c := range b[i : i+width] {
			n = n<<8 | uint32(c)
		}
		out = append(out, digits(n, base)...)
		if len(out) > maxData {
			return nil, false
		}
	}
	return out, true
}

// digits writes a number as dhcpd does: in lower case, nothing at all for bases
// over 16, and with a leading zero where counting the digits overflowed.
func digits(n uint32, base uint64) []byte {
	if base > 16 {
		return nil
	}
	count, column := 1, uint32(base)
	for n >= column {
		count++
		following := column * uint32(base)
		if following <= column {
			break
		}
		column = following
	}
	out := make([]byte, count)
	for i := count - 1; i >= 0; i-- {
		out[i] = "0123456789abcdef"[n%uint32(base)]
		n /= uint32(base)
	}
	return out
}

func head(b []byte, n uint64) []byte { return b[:min(len(b), size(n))] }

// changeCase changes the ASCII letters alone.
func changeCase(b []byte, up bool) []byte {
	out := bytes.Clone(b)
	for i, c := range out {
		if isAlpha(c) {
			out[i] = c | 0x20
			if up {
				out[i] = c &^ 0x20
			}
		}
	}
	return out
}

func untilNUL(b []byte) ([]byte, bool) {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return b, len(b) > 0
}

// held evaluates an option that the reply holds so far.
func (e *env) held(space *Space, code uint32) ([]byte, bool) {
	h := e.out.find(space, code)
	if h == nil {
		return nil, false
	}
	return e.data(h.value)
}

// parameter evaluates a parameter of the space "server".
func (e *env) parameter(name string) ([]byte, bool) {
	return e.held(e.cfg.spaces.server, e.cfg.spaces.server.byName[name].Code)
}

// flag is a boolean parameter: is says whether it is on, ok whether it is set
// at all.
func (e *env) flag(name string) (is, ok bool) {
	o := e.cfg.spaces.server.byName[name]
	if e.out.find(e.cfg.spaces.server, o.Code) == nil {
		return false, false
	}
	b, has := e.parameter(name)
	return has && len(b) > 0 && b[0] == 1, true
}
