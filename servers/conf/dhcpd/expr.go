package dhcpd

import (
	"regexp"

	"github.com/pxeproof/pxeproof/servers/conf"
)

// An op is what an expression computes.
type op uint8

const (
	opConst    op = iota // data
	opNumber             // n
	opOption             // option: what the client sent
	opConfig             // option: what the reply holds so far
	opHardware           // type and address
	opPacket             // args: offset, length
	opFilename           // the client's file field
	opSName              // the client's sname field
	opLeased             // the address
	opHostDecl           // name of the host declaration
	opNull
	opUnplayed  // gethostname(), a DNS name: dhcpd would know, we do not
	opSubstring // args: data, offset, length
	opSuffix    // args: data, length
	opLower
	opUpper
	opConcat // args
	opReverse
	opToASCII // args: base, width, separator, data
	opPick    // args
	opEncode  // args: number; n is the width in bytes
	opDomains // args: two compressed domain lists, to be made one

	opExtract // args: data; n is the width in bytes
	opLeaseTime
	opAdd
	opSubtract
	opMultiply
	opDivide
	opRemainder
	opBitAnd
	opBitOr
	opBitXor

	opEqual
	opNotEqual
	opMatch     // ~=
	opMatchFold // ~~
	opAnd
	opOr
	opNot
	opExists // option
	opKnown
	opStatic
	opCheck
	opDefined // name

	opVariable // name
	opCall     // name, args
)

// An expr is an expression of the language.
type expr struct {
	op     op
	pos    conf.Pos
	args   []*expr
	data   []byte
	n      uint64
	option *Option
	name   string
	re     *regexp.Regexp // of opMatch with a constant right side
}

// A typ is the type of an expression, as far as the parser knows it.
type typ uint8

const (
	anyType typ = iota
	dataType
	numberType
	boolType
	dataOrNumber
)

func (t typ) String() string {
	return [...]string{"an expression", "a data expression", "a numeric expression", "a boolean expression",
		"a data or numeric expression"}[t]
}

func (e *expr) typ() typ {
	switch {
	case e.op == opDomains:
		return anyType
	case e.op <= opDomains:
		if e.op == opNumber {
			return numberType
		}
		return dataType
	case e.op <= opBitXor:
		return numberType
	case e.op <= opDefined:
		return boolType
	}
	return anyType
}

// is says whether the expression can stand where a t is wanted: a variable and
// a function's result can always.
func (e *expr) is(t typ) bool {
	return t == anyType || e.op == opVariable || e.op == opCall || e.typ() == t ||
		t == dataOrNumber && (e.typ() == dataType || e.typ() == numberType)
}

// rank is dhcpd's precedence: the higher binds tighter. It is unusual. "and"
// and "or" rank the same, so that a and b or c is a and (b or c); sums rank
// above products.
func (o op) rank() int {
	switch o {
	case opEqual, opNotEqual, opMatch, opMatchFold:
		return 4
	case opAnd, opOr:
		return 3
	case opAdd, opSubtract:
		return 2
	case opMultiply, opDivide, opRemainder:
		return 1
	}
	return 100
}

// operand is the type that dhcpd takes a bare number for on the right of an
// operator that it has met while reading the right side of another.
func (o op) operand() typ {
	switch o {
	case opEqual, opNotEqual, opMatch, opMatchFold:
		return dataType
	case opAnd, opOr:
		return boolType
	}
	return numberType
}

func constant(b []byte, pos conf.Pos) *expr { return &expr{op: opConst, data: b, pos: pos} }
