package xinetd

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/pxeproof/pxeproof/servers/conf"
	"github.com/pxeproof/pxeproof/servers/conf/spell"
)

// Limits of how deep files may include each other, and of how many are read.
const (
	maxDepth = 16
	maxFiles = 1000
)

// An Include looks up what include and includedir name, as it is written
// there. For a directory it returns the files in it; which of them are read,
// and in which order, Parse knows.
type Include interface {
	File(name string) (file string, src []byte, err error)
	Dir(name string) (names []string, err error)
}

// Parse reads a configuration file. File is its name in messages. Include may
// be nil, for a file that stands alone: what it includes is then a Problem.
func Parse(file string, src []byte, include Include) (*Config, conf.Problems) {
	p := &parser{c: new(Config), include: include}
	p.file(file, src)
	p.finish()
	return p.c, p.problems
}

type parser struct {
	c        *Config
	include  Include
	depth    int
	files    int
	problems conf.Problems

	lines []line // what is left of the file
}

// A line is a line of a file that is neither empty nor a comment.
type line struct {
	words []Value
	text  string // as it stands
	pos   conf.Pos
}

func (p *parser) report(effect conf.Effect, pos conf.Pos, id, hint, format string, args ...any) {
	p.problems = append(p.problems, conf.Problem{
		Pos: pos, Effect: effect, ID: id, Hint: hint, Text: fmt.Sprintf(format, args...),
	})
}

// split finds the lines that count. A # makes a comment only where it is the
// first thing in its line.
func split(file string, src []byte) []line {
	var lines []line
	n := 0
	for text := range bytes.Lines(src) {
		n++
		s := strings.TrimRight(string(text), "\r\n")
		if i := strings.IndexByte(s, 0); i >= 0 {
			s = s[:i]
		}
		words := fields(s, conf.Pos{File: file, Line: n, Col: 1})
		if len(words) == 0 || strings.HasPrefix(words[0].Text, "#") {
			continue
		}
		lines = append(lines, line{words: words, text: s, pos: words[0].Pos})
	}
	return lines
}

// fields splits at white space. Pos is where s begins.
func fields(s string, pos conf.Pos) []Value {
	var words []Value
	for i := 0; i < len(s); {
		if isSpace(s[i]) {
			i++
			continue
		}
		end := i
		for end < len(s) && !isSpace(s[end]) {
			end++
		}
		at := pos
		at.Col += i
		words = append(words, Value{s[i:end], at})
		i = end
	}
	return words
}

func isSpace(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }

func (p *parser) next() (line, bool) {
	if len(p.lines) == 0 {
		return line{}, false
	}
	l := p.lines[0]
	p.lines = p.lines[1:]
	return l, true
}

func (p *parser) file(name string, src []byte) {
	outer := p.lines
	p.lines = split(name, src)
	defer func() { p.lines = outer }()
	for {
		l, ok := p.next()
		if !ok {
			return
		}
		switch word := l.words[0]; word.Text {
		case "include", "includedir":
			p.doInclude(l)
		case "service", "defaults":
			p.entry(l)
		default:
			hint := ""
			if near := spell.Nearest(word.Text, "service", "defaults", "include", "includedir"); near != "" {
				hint = "did you mean " + near + "?"
			}
			p.report(conf.Warning, word.Pos, "xinetd-missing-service", hint,
				"an entry begins with service or defaults; xinetd passes over %q and all up to the next }", word.Text)
			p.skipEntry(l)
		}
	}
}

func (p *parser) doInclude(l line) {
	word := l.words[0]
	if len(l.words) < 2 {
		p.report(conf.Warning, word.Pos, "xinetd-include-nothing", "", "%s names nothing", word.Text)
		p.skipEntry(l)
		return
	}
	name := l.words[1]
	if p.include == nil {
		p.report(conf.Doubt, name.Pos, "xinetd-include-unread", "",
			"%s %s is not read here, so its services are not known", word.Text, name.Text)
		return
	}
	if p.depth == maxDepth || p.files > maxFiles {
		p.report(conf.Doubt, name.Pos, "xinetd-include-depth", "take the circle out",
			"files include each other without end")
		return
	}
	names := []string{name.Text}
	if word.Text == "includedir" {
		var err error
		if names, err = p.include.Dir(name.Text); err != nil {
			p.report(conf.Warning, name.Pos, "xinetd-include-missing", "", "xinetd cannot read the directory: %v", err)
			return
		}
		names = includable(name.Text, names)
	}
	p.depth++
	defer func() { p.depth-- }()
	for _, n := range names {
		p.files++
		file, src, err := p.include.File(n)
		if err != nil {
			p.report(conf.Warning, name.Pos, "xinetd-include-missing", "", "xinetd cannot open %s: %v", n, err)
			continue
		}
		p.file(file, src)
	}
}

// entry reads a service or defaults entry, from its first line on.
func (p *parser) entry(l line) {
	keyword := l.words[0]
	var name Value
	if keyword.Text == "service" {
		if len(l.words) < 2 {
			p.report(conf.Warning, keyword.Pos, "xinetd-service-unnamed", "", "the service has no name; xinetd passes over the entry")
			p.skipEntry(l)
			return
		}
		name = l.words[1]
	}
	begin, ok := p.next()
	if !ok || !begin.is("{") {
		pos := keyword.Pos
		if ok {
			pos = begin.pos
		}
		p.report(conf.Warning, pos, "xinetd-missing-brace", "put { alone on the line after "+keyword.Text,
			"{ must stand alone on the next line; xinetd passes over the entry")
		if ok {
			p.skipEntry(begin)
		}
		return
	}
	attributes, ok := p.attributes(keyword)
	if !ok {
		return
	}
	if keyword.Text == "service" {
		p.service(name, attributes)
		return
	}
	if p.c.Defaults != nil {
		p.report(conf.Warning, keyword.Pos, "xinetd-defaults-twice", "", "only one defaults entry is allowed; xinetd passes over this one")
		return
	}
	p.c.Defaults = append([]Attribute{}, attributes...)
}

// is says whether a line has s and nothing else.
func (l line) is(s string) bool { return len(l.words) == 1 && l.words[0].Text == s }

// skipEntry passes over lines to the next lone }, from l on.
func (p *parser) skipEntry(l line) {
	for ok := true; ok && !l.is("}"); l, ok = p.next() {
	}
}

// attributes reads an entry's lines. It is not ok if a line has no form: xinetd
// then drops the whole entry.
func (p *parser) attributes(entry Value) ([]Attribute, bool) {
	var list []Attribute
	last := entry.Pos
	for {
		l, ok := p.next()
		if !ok {
			p.report(conf.Refusal, last, "xinetd-missing-brace", "end it with }",
				"the file ends within the entry, and xinetd drops the entry")
			return nil, false
		}
		if l.is("}") {
			return list, true
		}
		a, why := parseAttribute(l)
		if why != "" {
			p.report(conf.Refusal, l.pos, "xinetd-bad-line", "write: name = value",
				"%s, and xinetd drops the whole %s entry", why, entry.Text)
			p.skipEntry(l)
			return nil, false
		}
		list = append(list, a)
		last = a.Name.Pos
	}
}

// parseAttribute reads "name OP value…". White space has to stand before the
// operator, and may be left out after it.
func parseAttribute(l line) (a Attribute, why string) {
	a.Name = l.words[0]
	if name, _, found := strings.Cut(a.Name.Text, "="); found {
		return a, fmt.Sprintf("a blank is missing between %q and =", name)
	}
	if len(l.words) < 2 {
		return a, fmt.Sprintf("nothing follows %q", a.Name.Text)
	}
	op := l.words[1]
	for _, o := range []string{"=", "+=", "-="} {
		if strings.HasPrefix(op.Text, o) {
			a.Op = o
			a.Values = l.words[2:]
			if rest := op.Text[len(o):]; rest != "" {
				pos := op.Pos
				pos.Col += len(o)
				a.Values = append([]Value{{rest, pos}}, a.Values...)
			}
			return a, ""
		}
	}
	return a, fmt.Sprintf("%q is followed by %q, not by =, += or -=", a.Name.Text, op.Text)
}
