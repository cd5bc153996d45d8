package kea

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/pxeproof/pxeproof/servers/conf"
)

// An expr gives bytes, and a truth is "true" or "false" as Kea has it.
type expr func(a *answering) []byte

var yes, no = []byte("true"), []byte("false")

func truthOf(b bool) []byte {
	if b {
		return yes
	}
	return no
}

func isTrue(b []byte) bool { return bytes.Equal(b, yes) }

// A testError is why a test is not understood here.
type testError struct {
	at  int
	why string
}

// expression reads a class's test. What is not understood is a doubt, and then
// never true.
func (r *reader) expression(v Value) (test expr, known bool) {
	p := &testParser{r: r, src: v.Text, pos: v.Pos}
	defer func() {
		if e, ok := recover().(testError); ok {
			at := v.Pos
			at.Col += 1 + e.at // behind the quote
			r.doubt(at, idTest, "the test is not understood here: %s", e.why)
			test = func(*answering) []byte { return no }
		}
	}()
	test = p.or(0)
	if p.peek() != "" {
		p.fail("%q stands behind its end", p.peek())
	}
	return test, p.known
}

type testParser struct {
	r     *reader
	src   string
	pos   conf.Pos
	at    int
	known bool
}

func (p *testParser) fail(format string, args ...any) {
	panic(testError{p.at, fmt.Sprintf(format, args...)})
}

// peek is the next word, or sign, or text in quotes; "" at the end.
func (p *testParser) peek() string {
	for p.at < len(p.src) && strings.IndexByte(" \t\r\n", p.src[p.at]) >= 0 {
		p.at++
	}
	rest := p.src[p.at:]
	switch {
	case rest == "":
		return ""
	case rest[0] == '\'':
		if i := strings.IndexByte(rest[1:], '\''); i >= 0 {
			return rest[:i+2]
		}
		p.fail("a quote has no end")
	case strings.HasPrefix(rest, "=="):
		return "=="
	}
	n := 0
	for n < len(rest) && (rest[n] >= 0x80 || strings.IndexByte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", rest[n]) >= 0) {
		n++
	}
	// An address is one word.
	if n > 0 && rest[0] >= '0' && rest[0] <= '9' {
		for n < len(rest) && strings.IndexByte("0123456789.", rest[n]) >= 0 {
			n++
		}
	}
	return rest[:max(n, 1)]
}

func (p *testParser) word() string {
	w := p.peek()
	p.at += len(w)
	return w
}

func (p *testParser) take(want string) {
	if w := p.peek(); w != want {
		p.fail("%q has to stand before %q", want, w)
	}
	p.at += len(want)
}

func (p *testParser) deeper(depth int) int {
	if depth > maxDepth {
		p.fail("it is nested more than %d deep", maxDepth)
	}
	return depth + 1
}

func (p *testParser) or(depth int) expr {
	e := p.and(p.deeper(depth))
	for p.peek() == "or" {
		p.word()
		a, b := e, p.and(depth)
		e = func(x *answering) []byte { return truthOf(isTrue(a(x)) || isTrue(b(x))) }
	}
	return e
}

func (p *testParser) and(depth int) expr {
	e := p.not(p.deeper(depth))
	for p.peek() == "and" {
		p.word()
		a, b := e, p.not(depth)
		e = func(x *answering) []byte { return truthOf(isTrue(a(x)) && isTrue(b(x))) }
	}
	return e
}

func (p *testParser) not(depth int) expr {
	depth = p.deeper(depth)
	switch p.peek() {
	case "not":
		p.word()
		e := p.not(depth)
		return func(x *answering) []byte { return truthOf(!isTrue(e(x))) }
	case "(":
		p.word()
		e := p.or(depth)
		p.take(")")
		return e
	case "member":
		p.word()
		p.take("(")
		name := p.quoted()
		p.take(")")
		p.known = p.known || name == "KNOWN" || name == "UNKNOWN" || p.r.asksKnown(name)
		return func(x *answering) []byte { return truthOf(x.member(name)) }
	case "known", "unknown":
		is := p.word() == "known"
		p.known = true
		return func(x *answering) []byte { return truthOf(x.member("KNOWN") == is) }
	}
	left, truth := p.data(depth)
	if truth {
		return left
	}
	p.take("==")
	right, _ := p.data(depth)
	return func(x *answering) []byte { return truthOf(bytes.Equal(left(x), right(x))) }
}

// asksKnown says whether a class before this one depends on the client's being
// known.
func (r *reader) asksKnown(name string) bool {
	for _, c := range r.c.Classes {
		if c.Name.Text == name {
			return c.known
		}
	}
	return false
}

func (p *testParser) quoted() string {
	w := p.word()
	if len(w) < 2 || w[0] != '\'' {
		p.fail("a text in single quotes has to stand here, not %q", w)
	}
	return w[1 : len(w)-1]
}

// data is an expression that gives bytes, or (truth) one that is true or not.
func (p *testParser) data(depth int) (e expr, truth bool) {
	depth = p.deeper(depth)
	w := p.peek()
	constant := func(b []byte) expr { return func(*answering) []byte { return b } }
	switch {
	case w == "":
		p.fail("it ends too early")
	case w[0] == '\'':
		return constant([]byte(p.quoted())), false
	case strings.HasPrefix(w, "0x"):
		p.word()
		h := w[2:]
		if len(h)%2 != 0 {
			h = "0" + h
		}
		b, err := hex.DecodeString(h)
		if err != nil {
			p.fail("%q is no number in hexadecimal", w)
		}
		return constant(b), false
	case w[0] >= '0' && w[0] <= '9':
		p.word()
		if a, err := netip.ParseAddr(w); err == nil {
			return constant(a.AsSlice()), false
		}
		n, err := strconv.ParseUint(w, 10, 32)
		if err != nil {
			p.fail("%q is no number", w)
		}
		return constant(binary.BigEndian.AppendUint32(nil, uint32(n))), false
	}
	p.word()
	switch w {
	case "option":
		return p.option()
	case "pkt4":
		return p.packet(), false
	case "pkt":
		p.take(".")
		if f := p.word(); f != "iface" {
			p.fail("pkt.%s is not known here", f)
		}
		return func(x *answering) []byte { return []byte(x.q.Interface) }, false
	case "substring":
		return p.substring(depth), false
	case "concat":
		p.take("(")
		a, _ := p.data(depth)
		p.take(",")
		b, _ := p.data(depth)
		p.take(")")
		return func(x *answering) []byte { return append(bytes.Clone(a(x)), b(x)...) }, false
	case "ifelse":
		p.take("(")
		c := p.or(depth)
		p.take(",")
		a, _ := p.data(depth)
		p.take(",")
		b, _ := p.data(depth)
		p.take(")")
		return func(x *answering) []byte {
			if isTrue(c(x)) {
				return a(x)
			}
			return b(x)
		}, false
	case "hexstring":
		p.take("(")
		a, _ := p.data(depth)
		p.take(",")
		sep := p.quoted()
		p.take(")")
		return func(x *answering) []byte {
			var parts []string
			for _, b := range a(x) {
				parts = append(parts, fmt.Sprintf("%02x", b))
			}
			return []byte(strings.Join(parts, sep))
		}, false
	}
	p.at -= len(w)
	p.fail("%q is not known here", w)
	return nil, false
}

// option is option[N].hex, .text or .exists.
func (p *testParser) option() (e expr, truth bool) {
	p.take("[")
	w := p.word()
	code, err := strconv.Atoi(w)
	if err != nil {
		d := p.r.definition(space4, w, 0)
		if d == nil {
			p.fail("there is no option %q", w)
		}
		code = d.code
	}
	if code < 0 || code > 255 {
		p.fail("there is no option %d", code)
	}
	p.take("]")
	p.take(".")
	of := func(x *answering) []byte { return x.q.Options[uint8(code)] }
	switch form := p.word(); form {
	case "hex":
		return of, false
	case "exists":
		return func(x *answering) []byte { _, ok := x.q.Options[uint8(code)]; return truthOf(ok) }, true
	case "text":
		if d := p.r.definition(space4, "", code); d == nil || d.array || len(d.types) != 1 || d.types[0] != "string" {
			p.fail("how Kea writes option %d as a text is not known here; use .hex", code)
		}
		return of, false
	default:
		p.fail("an option's %q is not known here", form)
	}
	return nil, false
}

// packet is pkt4.FIELD.
func (p *testParser) packet() expr {
	p.take(".")
	switch f := p.word(); f {
	case "mac":
		return func(x *answering) []byte { return x.q.MAC }
	case "hlen":
		return func(x *answering) []byte { return []byte{0, 0, 0, byte(len(x.q.MAC))} }
	case "htype":
		return func(*answering) []byte { return []byte{0, 0, 0, 1} }
	case "msgtype":
		return func(x *answering) []byte { return []byte{0, 0, 0, byte(x.q.Type)} }
	case "giaddr", "yiaddr", "siaddr", "ciaddr":
		return func(*answering) []byte { return []byte{0, 0, 0, 0} }
	default:
		p.fail("pkt4.%s is not known here", f)
	}
	return nil
}

// substring is substring(DATA, START, LENGTH|all).
func (p *testParser) substring(depth int) expr {
	p.take("(")
	a, _ := p.data(depth)
	p.take(",")
	start := p.integer()
	p.take(",")
	all := p.peek() == "all"
	length := 0
	if all {
		p.word()
	} else {
		length = p.integer()
	}
	p.take(")")
	return func(x *answering) []byte {
		b := a(x)
		from, n := start, length
		if from < 0 {
			from += len(b)
		}
		if all {
			n = len(b) - from
		}
		to := from + n
		if n < 0 {
			from, to = to, from
		}
		if start >= len(b) || start < -len(b) {
			return nil
		}
		return b[max(0, from):max(0, min(to, len(b)))]
	}
}

func (p *testParser) integer() int {
	w := p.word()
	if w == "-" {
		w += p.word()
	}
	n, err := strconv.ParseInt(w, 10, 32)
	if err != nil {
		p.fail("%q is no number", w)
	}
	return int(n)
}
