package dhcpd

import (
	"regexp"
	"strconv"
	"strings"
)

// maxExpression is how deep an expression may nest.
const maxExpression = 500

// expression reads an expression of the wanted type. It returns nil after it
// has complained.
func (c *cursor) expression(want typ) *expr {
	e := c.binary(want, nil, 0, 0)
	if e == nil {
		c.fail(idSyntax, "%s expected before %s", want, c.peek().describe())
		return nil
	}
	if !e.is(want) {
		c.failed = true
		c.p.refuse(e.pos, idSyntax, "%s expected", want)
		return nil
	}
	return e
}

// binary reads operands and operators. left and operator are what has been read
// already, nil and 0 at the start. It returns nil with nothing reported if there is no
// expression here.
func (c *cursor) binary(want typ, left *expr, operator op, depth int) *expr {
	if depth > maxExpression {
		c.fail(idTooLarge, "this expression is nested too deep to be read")
		return nil
	}
	for {
		right := c.operand(want, depth)
		if right == nil {
			if left != nil {
				c.fail(idSyntax, "the right side of the expression is missing before %s", c.peek().describe())
			}
			return nil
		}
		following := c.operator()
		if c.failed {
			return nil
		}
		if following != 0 {
			want = right.typ()
		}
		if left == nil {
			if following == 0 {
				return right
			}
			left, operator = right, following
			continue
		}
		if following != 0 && operator.rank() < following.rank() {
			right = c.binary(following.operand(), right, following, depth+1)
			if right == nil {
				return nil
			}
			following = 0
		}
		if !c.combine(left, right, operator) {
			return nil
		}
		left = c.made(&expr{op: operator, pos: left.pos, args: []*expr{left, right}})
		if following == 0 {
			return left
		}
		operator = following
	}
}

// operator takes the next operator, or nothing and returns 0. (0 is opConst,
// which is no operator.)
func (c *cursor) operator() op {
	if c.atEnd() {
		return 0
	}
	switch {
	case c.accept("="):
		return opEqual
	case c.accept("!"):
		if c.expect("=") {
			return opNotEqual
		}
	case c.accept("~"):
		if c.accept("~") {
			return opMatchFold
		}
		if c.expect("=") {
			return opMatch
		}
	case c.accept("and"):
		return opAnd
	case c.accept("or"):
		return opOr
	case c.accept("+"):
		return opAdd
	case c.accept("-"):
		return opSubtract
	case c.accept("/"):
		return opDivide
	case c.accept("*"):
		return opMultiply
	case c.accept("%"):
		return opRemainder
	case c.accept("&"):
		return opBitAnd
	case c.accept("|"):
		return opBitOr
	case c.accept("^"):
		return opBitXor
	}
	return 0
}

// combine checks the types of an operator's sides.
func (c *cursor) combine(left, right *expr, o op) bool {
	l, r := left.typ(), right.typ()
	bad := func(text string) bool {
		if !c.failed {
			c.failed = true
			c.p.refuse(right.pos, idSyntax, "%s", text)
		}
		return false
	}
	if l != anyType && r != anyType && l != r {
		return bad("the two sides of the expression are of different types")
	}
	switch o {
	case opEqual, opNotEqual:
		if r == boolType {
			return bad("data or numbers can be compared, truth values cannot")
		}
	case opMatch:
		if r != dataType {
			return bad("a data expression expected after ~=")
		}
	case opAnd, opOr:
		if r != boolType && r != anyType {
			return bad("a boolean expression expected")
		}
	case opAdd, opSubtract, opMultiply, opDivide, opRemainder, opBitAnd, opBitOr, opBitXor:
		if r != numberType && r != anyType {
			return bad("a numeric expression expected")
		}
	}
	return true
}

// made compiles what can be compiled of a new expression.
func (c *cursor) made(e *expr) *expr {
	if e.op != opMatch && e.op != opMatchFold || e.args[1].op != opConst {
		return e
	}
	var err error
	if e.re, err = compile(e.args[1].data, e.op == opMatchFold); err != nil {
		c.p.doubt(e.args[1].pos, idUnplayed, "this regular expression is not understood: %v", err)
	}
	return e
}

// compile makes a POSIX extended regular expression. dhcpd's strings end at a
// NUL for this purpose.
func compile(pattern []byte, fold bool) (*regexp.Regexp, error) {
	s := cString(pattern)
	if fold {
		return regexp.Compile("(?i)" + s)
	}
	return regexp.CompilePOSIX(s)
}

func cString(b []byte) string {
	s := string(b)
	if i := strings.IndexByte(s, 0); i >= 0 {
		return s[:i]
	}
	return s
}

// operand reads an expression without binary operators. A nil without a
// complaint means that there is none.
func (c *cursor) operand(want typ, depth int) *expr {
	if c.atEnd() || c.failed {
		return nil
	}
	t := c.peek()
	e := &expr{pos: t.pos}
	switch {
	case t.kind == quoted:
		c.i++
		e.op, e.data = opConst, []byte(t.text)
	case t.kind == number && (want == numberType || want == dataOrNumber):
		c.i++
		n, _ := strconv.ParseInt(t.text, 10, 64)
		e.op, e.n = opNumber, uint64(int64(int32(n)))
	case t.isHex():
		// A word that could be either is hexadecimal, never a variable.
		e.op, e.data = opConst, c.hexList()
	case t.kind == name:
		return c.variable(depth)
	case t.kind == keyword:
		return c.function(want, depth)
	case c.accept("("):
		e = c.binary(want, nil, 0, depth+1)
		if e == nil {
			c.fail(idSyntax, "an expression expected before %s", c.peek().describe())
			return nil
		}
		c.expect(")")
	default:
		return nil
	}
	if c.failed {
		return nil
	}
	return e
}

// variable reads a variable, or the call of a function.
func (c *cursor) variable(depth int) *expr {
	t := c.next()
	e := &expr{op: opVariable, pos: t.pos, name: t.text}
	if !c.accept("(") {
		c.p.reads = append(c.p.reads, e)
		return e
	}
	e.op = opCall
	for {
		arg := c.binary(anyType, nil, 0, depth+1)
		if arg == nil {
			c.fail(idSyntax, "an expression expected before %s", c.peek().describe())
			return nil
		}
		e.args = append(e.args, arg)
		if !c.accept(",") {
			break
		}
	}
	if !c.expect(")") {
		return nil
	}
	return e
}
