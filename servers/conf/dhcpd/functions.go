package dhcpd

import "strconv"

// A signature says how a function is called.
type signature struct {
	op   op
	args []typ
	more bool // the last argument may be repeated
}

var functions = map[string]signature{
	"substring":        {opSubstring, []typ{dataType, numberType, numberType}, false},
	"suffix":           {opSuffix, []typ{dataType, numberType}, false},
	"lcase":            {opLower, []typ{dataType}, false},
	"ucase":            {opUpper, []typ{dataType}, false},
	"concat":           {opConcat, []typ{dataType, dataType}, true},
	"binary-to-ascii":  {opToASCII, []typ{numberType, numberType, dataType, dataType}, false},
	"reverse":          {opReverse, []typ{numberType, dataType}, false},
	"pick":             {opPick, []typ{dataType}, true},
	"pick-first-value": {opPick, []typ{dataType}, true},
	"packet":           {opPacket, []typ{numberType, numberType}, false},
}

// plain are the expressions that are one word.
var plain = map[string]op{
	"static":         opStatic,
	"known":          opKnown,
	"hardware":       opHardware,
	"leased-address": opLeased,
	"filename":       opFilename,
	"server-name":    opSName,
	"lease-time":     opLeaseTime,
	"null":           opNull,
	"host-decl-name": opHostDecl,
}

// function reads an expression that begins with a keyword.
func (c *cursor) function(want typ, depth int) *expr {
	t := c.peek()
	e := &expr{pos: t.pos}
	if o, ok := plain[t.word]; ok {
		c.i++
		e.op = o
		return e
	}
	if sig, ok := functions[t.word]; ok {
		c.i++
		return c.call(e, sig)
	}
	switch t.word {
	case "not":
		c.i++
		arg := c.nested(boolType, depth)
		if arg == nil {
			return nil
		}
		e.op, e.args = opNot, []*expr{arg}
	case "exists", "option", "config-option":
		c.i++
		e.op = map[string]op{"exists": opExists, "option": opOption, "config-option": opConfig}[t.word]
		if e.option = c.optionName(); e.option == nil {
			return nil
		}
	case "check":
		c.i++
		// The one collection there is holds all classes.
		if name := c.next(); name.kind != quoted || name.text != "default" {
			c.failAt(name, idReference, `"default" expected after check, the only collection of classes`)
			return nil
		}
		e.op = opCheck
	case "extract-int", "encode-int":
		c.i++
		return c.integer(e, t.word == "extract-int")
	case "defined":
		c.i++
		if !c.expect("(") {
			return nil
		}
		v := c.next()
		if v.kind != name && v.kind != hexOrName {
			c.failAt(v, idSyntax, "%s cannot be the name of a variable", v.describe())
			return nil
		}
		e.op, e.name = opDefined, v.text
		c.expect(")")
	case "gethostname", "gethostbyname", "v6relay", "client-state":
		c.skipCall()
		e.op = opUnplayed
		c.p.doubt(t.pos, idUnplayed, "`%s` is not known here, and dhcpd would have a value for it", t.word)
	default:
		return nil
	}
	if c.failed {
		return nil
	}
	return e
}

// nested reads the operand of a unary operator.
func (c *cursor) nested(want typ, depth int) *expr {
	if depth > maxExpression {
		c.fail(idTooLarge, "this expression is nested too deep to be read")
		return nil
	}
	e := c.operand(want, depth+1)
	if e == nil {
		c.fail(idSyntax, "%s expected before %s", want, c.peek().describe())
		return nil
	}
	if e.typ() != want {
		c.failed = true
		c.p.refuse(e.pos, idSyntax, "%s expected", want)
		return nil
	}
	return e
}

func (c *cursor) call(e *expr, sig signature) *expr {
	if c.depth++; c.depth > maxExpression {
		c.fail(idTooLarge, "this expression is nested too deep to be read")
		return nil
	}
	defer func() { c.depth-- }()
	e.op = sig.op
	if !c.expect("(") {
		return nil
	}
	for i := 0; ; i++ {
		arg := c.expression(sig.args[min(i, len(sig.args)-1)])
		if arg == nil {
			return nil
		}
		e.args = append(e.args, arg)
		if i+1 < len(sig.args) {
			if !c.expect(",") {
				return nil
			}
		} else if !sig.more || !c.accept(",") {
			break
		}
	}
	if !c.expect(")") {
		return nil
	}
	return e
}

// integer reads extract-int (data, width) and encode-int (number, width).
func (c *cursor) integer(e *expr, extract bool) *expr {
	if c.depth++; c.depth > maxExpression {
		c.fail(idTooLarge, "this expression is nested too deep to be read")
		return nil
	}
	defer func() { c.depth-- }()
	want := numberType
	e.op = opEncode
	if extract {
		e.op, want = opExtract, dataType
	}
	if !c.expect("(") {
		return nil
	}
	arg := c.expression(want)
	if arg == nil || !c.expect(",") {
		return nil
	}
	width := c.next()
	bits, _ := strconv.Atoi(width.text)
	if width.kind != number || bits != 8 && bits != 16 && bits != 32 {
		c.failAt(width, idSyntax, "a width of 8, 16 or 32 expected, not %s", width.describe())
		return nil
	}
	e.args, e.n = []*expr{arg}, uint64(bits/8)
	if !c.expect(")") {
		return nil
	}
	return e
}

// skipCall passes over a word and what it has in parentheses.
func (c *cursor) skipCall() {
	c.i++
	depth := 0
	for !c.atEnd() {
		t := c.peek()
		switch {
		case t.is("("):
			depth++
		case t.is(")") && depth > 0:
			depth--
		case depth == 0:
			return
		}
		c.i++
	}
}
