package dhcpd

import (
	"bytes"
	"math"
)

// valueKind is the type of a value; isNull is that of none, which is not the
// same as empty.
type valueKind uint8

const (
	isNull valueKind = iota
	isData
	isNumber
	isBool
	isFunction
)

// A value is what an expression yields.
type value struct {
	kind valueKind
	data []byte
	n    uint64
	is   bool
	fn   *function
}

func (v value) null() bool { return v.kind == isNull }

// equal compares as = does: none equals none, and types never mix.
func (v value) equal(w value) bool {
	return v.kind == w.kind && v.n == w.n && v.is == w.is && v.fn == w.fn && bytes.Equal(v.data, w.data)
}

// An env is what statements and expressions are executed against.
type env struct {
	cfg   *Config
	q     *Query
	known bool
	lease *leased // nil while classes are matched
	out   *state  // nil while classes are matched
	vars  *vars   // may be nil

	classes    []*Class
	commit     []statement
	vendorIn   *Space // of parse-vendor-option
	echo       bool   // echo-client-id is on
	inFunction bool
	result     *value // of a return
	calls      int    // functions under way
	depth      int    // of the expression under way
	steps      int
}

// leased is what expressions know of the lease.
type leased struct {
	address []byte
	fixed   bool
	host    *Host
}

// Limits of an evaluation. dhcpd has none, and dies of a function that calls
// itself for ever.
const (
	maxCalls = 50
	maxSteps = 200_000
	maxData  = 64 << 10
)

// value evaluates an expression of any type.
func (e *env) value(x *expr) value {
	if e.steps++; e.steps > maxSteps || e.calls > maxCalls {
		return value{}
	}
	switch {
	case x.op == opVariable:
		return e.vars.get(x.name)
	case x.op == opCall:
		return e.call(x)
	case x.typ() == boolType:
		if is, ok := e.truth(x); ok {
			return value{kind: isBool, is: is}
		}
	case x.typ() == numberType:
		if n, ok := e.number(x); ok {
			return value{kind: isNumber, n: n}
		}
	default:
		if b, ok := e.data(x); ok {
			return value{kind: isData, data: b}
		}
	}
	return value{}
}

// call calls a function that define made.
func (e *env) call(x *expr) value {
	f := e.vars.get(x.name).fn
	if f == nil || len(f.args) != len(x.args) {
		return value{}
	}
	inner := &vars{outer: e.vars, m: make(map[string]value)}
	for i, a := range x.args {
		inner.m[lower(f.args[i])] = e.value(a)
	}
	outer, was := e.vars, e.inFunction
	e.vars, e.inFunction = inner, true
	e.calls++
	e.run(f.block)
	e.calls--
	e.vars, e.inFunction = outer, was
	r := e.result
	e.result = nil
	if r == nil {
		return value{}
	}
	return *r
}

// truth evaluates a boolean expression; ok is false if it has no value.
func (e *env) truth(x *expr) (is, ok bool) {
	switch x.op {
	case opEqual, opNotEqual:
		return e.value(x.args[0]).equal(e.value(x.args[1])) == (x.op == opEqual), true
	case opMatch, opMatchFold:
		return e.matches(x)
	case opAnd:
		if is, ok = e.truth(x.args[0]); !is || !ok {
			return false, false
		}
		return e.truth(x.args[1])
	case opOr:
		l, lok := e.truth(x.args[0])
		if l && lok {
			return true, true
		}
		r, rok := e.truth(x.args[1])
		return r && rok, lok || rok
	case opNot:
		is, ok = e.truth(x.args[0])
		return !is, ok
	case opExists:
		_, ok = e.sent(x.option)
		return ok, true
	case opKnown:
		return e.known, true
	case opStatic:
		return e.lease != nil && e.lease.fixed, true
	case opCheck:
		return e.classify(), true
	case opDefined:
		return !e.vars.get(x.name).null(), true
	case opVariable:
		v := e.vars.get(x.name)
		return v.is, v.kind == isBool
	}
	// dhcpd drops the result of a function that is called in this place.
	if x.op == opCall {
		e.value(x)
	}
	return false, false
}

func (e *env) matches(x *expr) (is, ok bool) {
	left, lok := e.data(x.args[0])
	right, rok := e.data(x.args[1])
	if !lok || !rok {
		return false, false
	}
	re := x.re
	if re == nil {
		var err error
		if re, err = compile(right, x.op == opMatchFold); err != nil {
			return false, true
		}
	}
	return re.MatchString(cString(left)), true
}

// number evaluates a numeric expression in dhcpd's 64 bits.
func (e *env) number(x *expr) (uint64, bool) {
	switch x.op {
	case opNumber:
		return x.n, true
	case opExtract:
		b, ok := e.data(x.args[0])
		if !ok || uint64(len(b)) < x.n {
			return 0, false
		}
		n := uint64(0)
		for _, c := range b[:x.n] {
			n = n<<8 | uint64(c)
		}
		return n, true
	case opVariable:
		v := e.vars.get(x.name)
		return v.n, v.kind == isNumber
	case opCall:
		e.value(x)
		return 0, false
	}
	if len(x.args) != 2 || x.typ() != numberType {
		return 0, false
	}
	l, lok := e.number(x.args[0])
	r, rok := e.number(x.args[1])
	if !lok || !rok {
		return 0, false
	}
	switch x.op {
	case opAdd:
		return l + r, true
	case opSubtract:
		return l - r, true
	case opMultiply:
		return l * r, true
	case opBitAnd:
		return l & r, true
	case opBitOr:
		return l | r, true
	case opBitXor:
		return l ^ r, true
	}
	if r == 0 {
		return 0, false
	}
	if x.op == opDivide {
		return l / r, true
	}
	return l % r, true
}

// size makes an int of an unsigned number, at most that of any data here.
func size(n uint64) int { return int(min(n, math.MaxInt32)) }
