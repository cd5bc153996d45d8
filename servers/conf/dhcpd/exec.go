package dhcpd

import (
	"bytes"
	"slices"
	"strings"

	"github.com/pxeproof/pxeproof/servers/conf"
)

// Scopes are executed from the outermost to the innermost, along three chains
// that dhcpd walks one after the other: that of the subnet, that of the pool,
// then those of the classes (the last that matched first), and at last that of
// the host. Each chain stops where it meets one that has been executed, so that a
// host's options win although a host may stand outside of every subnet.

// A statement is something that is executed for each client.
type statement interface {
	// exec returns false if the statements after it are not to be executed.
	exec(e *env) bool
}

func (e *env) run(block []statement) {
	for _, st := range block {
		if e.result != nil || !st.exec(e) {
			return
		}
	}
}

// scope executes a scope after those around it, up to the limit: no scope
// that encloses limit is executed.
func (e *env) scope(s, limit *Scope) {
	var chain []*Scope
	for ; s != nil && (limit == nil || !s.encloses(limit)); s = s.Outer {
		chain = append(chain, s)
	}
	for _, s := range slices.Backward(chain) {
		e.run(s.statements)
	}
}

// how says how a value meets one that is there already.
type how uint8

const (
	supersede how = iota
	byDefault
	prepend
	appended
)

// set is an option or parameter.
type set struct {
	option *Option
	how    how
	value  *expr
	pos    conf.Pos
}

func (s *set) exec(e *env) bool {
	if e.out == nil {
		return true
	}
	old := e.out.find(s.option.Space, s.option.Code)
	h := &held{option: s.option, value: s.value, pos: s.pos}
	if old != nil {
		switch s.how {
		case byDefault:
			return true
		case prepend:
			h.option, h.value = old.option, both(s.option, s.value, old.value)
		case appended:
			h.option, h.value = old.option, both(s.option, old.value, s.value)
		}
	}
	e.out.put(h)
	return true
}

func both(o *Option, a, b *expr) *expr {
	joined := &expr{op: opConcat, pos: a.pos, args: []*expr{a, b}}
	if strings.HasPrefix(o.format, "Dc") {
		joined.op = opDomains
	}
	return joined
}

// branch is an if; elsif is a branch that stands alone in no.
type branch struct {
	cond    *expr
	yes, no []statement
	pos     conf.Pos
}

func (b *branch) exec(e *env) bool {
	for {
		// A condition without a value is not true.
		if is, ok := e.truth(b.cond); ok && is {
			e.run(b.yes)
			return true
		}
		var elsif *branch
		if len(b.no) == 1 {
			elsif, _ = b.no[0].(*branch)
		}
		if elsif == nil {
			e.run(b.no)
			return true
		}
		b = elsif // not by recursion: there may be thousands
	}
}

type switchOn struct {
	value  *expr
	labels []label
	block  []statement
}

// A label is case value: or, with a nil value, default:. at is the index of the
// statement after it.
type label struct {
	value *expr
	at    int
}

func (s *switchOn) exec(e *env) bool {
	for _, l := range s.labels {
		if l.value != nil && s.matches(e, l.value) {
			e.run(s.block[l.at:])
			return true
		}
	}
	for _, l := range s.labels {
		if l.value == nil {
			e.run(s.block[l.at:])
			break
		}
	}
	return true
}

// matches compares data with data, or else numbers with numbers. To dhcpd a
// variable is none of the data expressions, so that a switch on one that holds
// a text matches nothing.
func (s *switchOn) matches(e *env, label *expr) bool {
	if s.value.typ() == dataType {
		v, ok := e.data(s.value)
		l, ok2 := e.data(label)
		return ok && ok2 && bytes.Equal(v, l)
	}
	v, ok := e.number(s.value)
	l, ok2 := e.number(label)
	return ok && ok2 && v == l
}

// assign is set, unset (neither value nor fn) or define.
type assign struct {
	name  string
	value *expr
	fn    *function
}

// A function is what define made.
type function struct {
	args  []string
	block []statement
}

func (a *assign) exec(e *env) bool {
	switch {
	case a.value != nil:
		e.vars.set(a.name, e.value(a.value))
	case a.fn != nil:
		e.vars.set(a.name, value{kind: isFunction, fn: a.fn})
	default:
		e.vars.set(a.name, value{})
	}
	return true
}

type evaluate struct{ value *expr }

func (s *evaluate) exec(e *env) bool {
	e.value(s.value)
	return true
}

type returned struct{ value *expr }

func (s *returned) exec(e *env) bool {
	if v := e.value(s.value); e.inFunction && !v.null() {
		e.result = &v
	}
	return true
}

type breakOut struct{}

func (breakOut) exec(*env) bool { return false }

type addTo struct{ class *Class }

func (s *addTo) exec(e *env) bool {
	e.join(s.class)
	return true
}

// onCommit is executed when a lease is committed, which is before the reply.
type onCommit struct{ block []statement }

func (s *onCommit) exec(e *env) bool {
	e.commit = s.block
	return true
}

// parseVendor makes the client's option 43 readable as options of the space
// that vendor-option-space names.
type parseVendor struct{}

func (parseVendor) exec(e *env) bool {
	if b, ok := e.parameter("vendor-option-space"); ok {
		e.vendorIn = e.cfg.spaces.named(string(b))
	}
	return true
}

// Variables are what set statements left with a lease. dhcpd keeps them as long
// as the lease, so that one message's can be read when the next is answered.
type Variables struct{ m map[string]value }

// vars are the variables of a scope of dhcpd's other kind: those of a lease, or
// of a function's call.
type vars struct {
	outer *vars
	m     map[string]value
}

func (v *vars) find(name string) *vars {
	for ; v != nil; v = v.outer {
		if _, ok := v.m[name]; ok {
			return v
		}
	}
	return nil
}

func (v *vars) get(name string) value {
	name = strings.ToLower(name)
	if in := v.find(name); in != nil {
		return in.m[name]
	}
	return value{}
}

func (v *vars) set(name string, to value) {
	name = strings.ToLower(name)
	in := v.find(name)
	if in == nil {
		in = v
	}
	if in.m == nil {
		in.m = make(map[string]value)
	}
	in.m[name] = to
}
