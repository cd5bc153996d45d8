package kickstart

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pxeproof/pxeproof/servers/conf"
	"github.com/pxeproof/pxeproof/servers/conf/spell"
)

// Parse reads a kickstart file. name is for positions. It reads on behind what
// anaconda would stop at, to say what else is wrong.
func Parse(name string, src []byte) (*File, conf.Problems) {
	p := &parser{file: &File{Name: name}}
	lines := strings.Split(string(src), "\n")
	for n := 0; n < len(lines); n++ {
		at := conf.Pos{File: name, Line: n + 1, Col: 1}
		line := strings.TrimSuffix(lines[n], "\r")
		if p.section(line, at) {
			continue
		}
		got := p.words(line, at)
		// A backslash at the end joins the next line on.
		for continues(line) && n+1 < len(lines) {
			n++
			line = strings.TrimSuffix(lines[n], "\r")
			got = append(got, p.words(line, conf.Pos{File: name, Line: n + 1, Col: 1})...)
		}
		p.notes(got)
		if len(got) > 0 {
			p.command(Command{Name: got[0], Args: got[1:]})
		}
	}
	if p.inside {
		p.unended()
	}
	return p.file, p.problems
}

// continues says whether a line goes on in the next one.
func continues(line string) bool {
	return strings.HasSuffix(line, `\`) && !strings.HasPrefix(strings.TrimSpace(line), "#")
}

type parser struct {
	file     *File
	problems conf.Problems
	inside   bool // a section
}

func (p *parser) report(effect conf.Effect, pos conf.Pos, id, hint, format string, args ...any) {
	p.problems = append(p.problems, conf.Problem{
		Pos: pos, Effect: effect, ID: "kickstart-" + id, Text: fmt.Sprintf(format, args...), Hint: hint,
	})
}

// sections are those that anaconda knows, over all its versions.
var sections = []string{
	"%packages", "%pre", "%pre-install", "%post", "%onerror", "%traceback", "%addon", "%anaconda", "%certificate",
}

// directives begin with a percent sign and have no %end.
var directives = []string{"%include", "%ksappend"}

// section takes lines that begin, end or are part of a section.
func (p *parser) section(line string, at conf.Pos) bool {
	text := strings.TrimLeft(line, " \t")
	at.Col += len(line) - len(text)
	word, _, _ := strings.Cut(strings.TrimSpace(text), " ")
	switch {
	case p.inside && word == "%end":
		p.file.Sections[len(p.file.Sections)-1].End = at
		p.inside = false
		return true
	case !strings.HasPrefix(text, "%") || slices.Contains(directives, word):
		return p.inside
	case p.inside && !slices.Contains(sections, word):
		return true // a script's own line
	}
	words := p.words(text, at)
	p.notes(words)
	if len(words) == 0 {
		return true
	}
	if p.inside {
		p.unended()
	}
	if word == "%end" {
		p.report(conf.Refusal, at, "section-end", "take it out", "%%end stands here without a section, and anaconda stops")
		return true
	}
	if !slices.Contains(sections, word) {
		p.report(conf.Warning, at, "unknown-section", didYouMean(spell.Nearest(word, sections...)),
			"anaconda knows no section %s, and stops", word)
	}
	p.file.Sections = append(p.file.Sections, Section{Name: words[0], Args: words[1:]})
	p.inside = true
	return true
}

// unended reports the section that is open.
func (p *parser) unended() {
	s := p.file.Sections[len(p.file.Sections)-1].Name
	p.report(conf.Note, s.Pos, "section-without-end", "put %end at its end",
		"%s has no %%end: newer versions of anaconda want one", s.Text)
}

// words cuts a line and says what is odd about its quotation marks.
func (p *parser) words(line string, at conf.Pos) []Value {
	l := lex(strings.TrimSuffix(line, `\`), at)
	if l.open.IsValid() {
		p.report(conf.Refusal, l.open, "quote", "close it on the same line",
			"the quotation mark is never closed: anaconda stops at this line (no closing quotation)")
	}
	for i := 0; i < len(l.quotes); i++ {
		first := l.quotes[i]
		if i+1 < len(l.quotes) {
			i++ // its other half
			p.typographic(line, at, first, l.quotes[i])
			continue
		}
		p.typographic(line, at, first, Value{})
	}
	return l.words
}

// notes looks for a remark among the words behind a command.
func (p *parser) notes(words []Value) {
	for i, w := range words {
		if i > 0 && isNote(w.Text) {
			p.report(conf.Warning, w.Pos, "note", "put it into a line of its own that begins with #",
				"%q is no comment: anaconda takes it and what follows for arguments of %s, which some of its versions pass over and others refuse",
				short(w.Text), words[0].Text)
			return
		}
	}
}

// typographic reports a pair of quotation marks that quote nothing.
func (p *parser) typographic(line string, at conf.Pos, first, last Value) {
	text := line[first.Pos.Col-at.Col:]
	if last.IsSet() {
		text = line[first.Pos.Col-at.Col : last.Pos.Col-at.Col+len(last.Text)]
	}
	if cut, rest, blank := strings.Cut(text, " "); blank && last.IsSet() {
		p.report(conf.Refusal, first.Pos, "typographic-quote", `write "`+strings.Trim(text, "“”„‟")+`"`,
			"%s is no quotation mark to anaconda: it cuts %s at the blank, into %s and %s, and has no use for the second", first.Text, text, cut, rest)
		return
	}
	p.report(conf.Warning, first.Pos, "typographic-quote", `write a plain "`,
		"%s is no quotation mark to anaconda, which takes it for a part of the word", first.Text)
}

// isNote says whether a word is the beginning of a remark in the manner of
// other languages.
func isNote(w string) bool {
	for _, mark := range []string{"//", "/*", "(", "\uff08"} {
		if strings.HasPrefix(w, mark) {
			return true
		}
	}
	return false
}

// short cuts a text for a message.
func short(s string) string {
	r := []rune(s)
	if len(r) <= 16 {
		return s
	}
	return string(r[:15]) + "…"
}

func didYouMean(w string) string {
	if w == "" {
		return ""
	}
	return "did you mean " + w + "?"
}

// command takes one over.
func (p *parser) command(c Command) {
	name := c.Name.Text
	if isNote(name) {
		p.report(conf.Refusal, c.Name.Pos, "note", "begin the line with #", "%q is no comment: anaconda knows no such command, and stops", short(name))
		return
	}
	if !slices.Contains(commands, name) && !slices.Contains(directives, name) {
		p.report(conf.Refusal, c.Name.Pos, "unknown-command", didYouMean(spell.Nearest(name, commands...)),
			"anaconda knows no command %q, and stops", short(name))
	}
	p.file.Commands = append(p.file.Commands, c)
}
