package pxelinux

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/pxeproof/pxeproof/servers/conf"
)

// Limits of how deep files may include each other, and of how many are read.
// ldlinux.c32 has none and runs out of memory.
const (
	maxDepth = 16
	maxFiles = 1000
)

// An Include looks a file up that INCLUDE names, as it is written there, and
// returns its contents and a name for it in messages.
type Include func(name string) (file string, src []byte, err error)

// Parse reads a configuration file. File is its name in messages. Include is
// asked for the files that it includes; where it is nil or fails, the file
// counts as one that is not there, which PXELINUX passes over.
func Parse(file string, src []byte, include Include) (*Config, conf.Problems) {
	p := &parser{
		c:       &Config{Implicit: Number{N: 1}, AllowOptions: Number{N: 1}},
		include: include,
	}
	p.file(file, src)
	p.record()
	p.finish()
	return p.c, p.problems
}

// A parser holds what ldlinux.c32 holds while it reads: all of it goes on
// across included files.
type parser struct {
	c        *Config
	include  Include
	depth    int
	files    int
	problems conf.Problems

	label *Label   // being described, or nil
	menus []string // titles of the submenus that are open
}

func (p *parser) report(effect conf.Effect, pos conf.Pos, id, hint, format string, args ...any) {
	p.problems = append(p.problems, conf.Problem{
		Pos: pos, Effect: effect, ID: id, Hint: hint, Text: fmt.Sprintf(format, args...),
	})
}

func (p *parser) file(name string, src []byte) {
	if bom := []byte("\xef\xbb\xbf"); bytes.HasPrefix(src, bom) {
		p.report(conf.Warning, conf.Pos{File: name, Line: 1, Col: 1}, "pxelinux-byte-order-mark",
			"save the file without it",
			"the file begins with a byte order mark, so PXELINUX does not know its first line")
	}
	ls := newLines(name, src)
	for {
		l, long, ok := ls.next()
		if !ok {
			return
		}
		if long {
			p.report(conf.Warning, l.pos, "pxelinux-long-line", "shorten it",
				"the line is longer than %d bytes; PXELINUX reads the rest as a line of its own", maxLine)
		}
		l = l.skip()
		if l.rest == "" || l.rest[0] == '#' {
			continue
		}
		word, rest := l.word()
		if strings.EqualFold(word.Text, "text") {
			p.text(ls, l, rest)
			continue
		}
		p.directive(word, rest)
	}
}

// text reads the block between TEXT and ENDTEXT. Only TEXT HELP is kept.
func (p *parser) text(ls *lines, start, rest line) {
	kind, _ := rest.skip().word()
	var help strings.Builder
	for {
		l, _, ok := ls.next()
		if !ok {
			p.report(conf.Warning, start.pos, "pxelinux-text-unterminated", "end it with ENDTEXT",
				"TEXT has no ENDTEXT, so all that follows is text")
			break
		}
		if w, _ := l.skip().word(); strings.EqualFold(w.Text, "endtext") {
			break
		}
		help.WriteString(l.rest + "\n")
	}
	if p.label != nil && strings.EqualFold(kind.Text, "help") {
		p.label.Help += help.String()
	}
}

// record ends the label that is being described.
func (p *parser) record() {
	l := p.label
	p.label = nil
	if l == nil {
		return
	}
	if !l.Append.IsSet() {
		l.Append = p.c.Append
	}
	if l.Append.Text == "-" {
		l.Append.Text = ""
	}
	if first := p.c.Label(l.Name.Text); first != nil && !l.Disabled {
		p.report(conf.Warning, l.Name.Pos, "pxelinux-duplicate-label", "give it another name",
			"label %q was there already (%s), and the first one counts", l.Name.Text, first.Name.Pos)
	}
	p.c.Labels = append(p.c.Labels, l)
}

// open notes that a file is asked for here.
func (p *parser) open(use Use, name Value) {
	p.c.Opened = append(p.c.Opened, Reference{use, name})
}

// doInclude reads an included file. Title, if not empty, puts what is in it
// into a submenu.
func (p *parser) doInclude(rest line) {
	if p.files > maxFiles {
		return // it has been said
	}
	name, after := rest.skip().word()
	title := after.value().Text
	p.open(UseInclude, name)
	var (
		file string
		src  []byte
		err  = fmt.Errorf("nothing is known of included files here")
	)
	if p.include != nil {
		file, src, err = p.include(name.Text)
	}
	if err != nil {
		p.report(conf.Warning, name.Pos, "pxelinux-include-missing", "",
			"%q is not there, and PXELINUX passes over it: %v", name.Text, err)
		return
	}
	if p.files++; p.depth == maxDepth || p.files > maxFiles {
		p.report(conf.Doubt, name.Pos, "pxelinux-include-depth", "take the circle out",
			"files include each other without end")
		return
	}
	if title != "" {
		p.record()
		p.menus = append(p.menus, title)
	}
	p.depth++
	p.file(file, src)
	p.depth--
	if title != "" {
		p.record()
		p.menus = p.menus[:max(len(p.menus)-1, 0)]
	}
}

// finish says what shows only when everything has been read.
func (p *parser) finish() {
	c := p.c
	if !c.Default.IsSet() && !c.UI.IsSet() {
		var at conf.Pos
		if len(c.Labels) > 0 {
			at = c.Labels[0].Name.Pos
		}
		if at.IsValid() {
			p.report(conf.Warning, at, "pxelinux-no-default", "add a DEFAULT line",
				"there is neither DEFAULT nor UI, so PXELINUX stops at its boot: prompt")
		}
	}
	if c.Prompt.N != 0 && c.Timeout.Duration == 0 && c.TotalTimeout.Duration == 0 &&
		!c.UI.IsSet() && c.NoEscape.N == 0 {
		p.report(conf.Warning, c.Prompt.Pos, "pxelinux-waits", "add a TIMEOUT line",
			"PROMPT without TIMEOUT waits for somebody at the keyboard, for ever")
	}
}
