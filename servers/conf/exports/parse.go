package exports

import (
	"fmt"
	"net/netip"
	"strings"
	"unicode"

	"github.com/pxeproof/pxeproof/servers/conf"
)

// Parse reads an exports file. name is for positions; hosts (which may be nil)
// knows the names of clients.
//
// exportfs stops at the first line that it cannot read: what stands after it is
// not exported, and not in the File either. Parse reads on all the same, to
// report what else is wrong.
func Parse(name string, src []byte, hosts Hosts) (*File, conf.Problems) {
	p := &parser{scanner: newScanner(name, src), file: &File{Name: name}, hosts: hosts, seen: map[string]conf.Pos{}}
	for p.line() {
	}
	return p.file, p.problems
}

type parser struct {
	scanner
	file     *File
	hosts    Hosts
	problems conf.Problems
	seen     map[string]conf.Pos // path and client, of what is exported already
	stopped  bool                // exportfs would have stopped reading
}

func (p *parser) report(pos conf.Pos, effect conf.Effect, id, hint, format string, args ...any) {
	for i, a := range args {
		if word, ok := a.(string); ok {
			args[i] = show(word)
		}
	}
	p.problems = append(p.problems, conf.Problem{
		Pos: pos, Effect: effect, ID: "exports-" + id, Text: fmt.Sprintf(format, args...), Hint: hint,
	})
}

// show makes a word of the file fit into one line of a message.
func show(word string) string {
	const most = 80 // runes
	word = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, word)
	if r := []rune(word); len(r) > most {
		return string(r[:most]) + "…"
	}
	return word
}

// refuse reports what makes exportfs stop.
func (p *parser) refuse(pos conf.Pos, id, hint, format string, args ...any) {
	p.report(pos, conf.Refusal, id, hint, format, args...)
	if !p.stopped {
		p.stopped = true
		p.report(pos, conf.Note, "stopped", "", "exportfs reads no further: what stands after this is not exported")
	}
}

// line reads one logical line, and reports false at the end of the file.
func (p *parser) line() bool {
	tok, ok := p.next(true)
	if !ok {
		return false
	}
	e := Export{Pos: tok.pos, Path: Clean(tok.text), Written: tok.text}
	p.path(tok, e)
	var words []token
	for {
		t, ok := p.next(false)
		if !ok || t.text == "" && len(words) > 0 {
			break // exportfs takes an empty word for the end of the line
		}
		words = append(words, t)
	}
	p.clients(&e, words)
	if len(e.Clients) > 0 {
		p.file.Exports = append(p.file.Exports, e)
	}
	return true
}

// path says what there is to say about an export's path.
func (p *parser) path(tok token, e Export) {
	switch {
	case tok.text == "":
		p.refuse(tok.pos, "empty-path", "", "an empty path")
	case tok.open:
		p.unclosed(tok)
	case len(tok.text) > maxPath:
		p.refuse(tok.pos, "path-too-long", "", "a path of %d bytes: exportfs takes %d at most", len(tok.text), maxPath)
	case !strings.HasPrefix(tok.text, "/"):
		p.report(tok.pos, conf.Warning, "path-relative", "write it from the root on",
			"%q is not an absolute path: no client can mount it", tok.text)
	case strings.HasSuffix(tok.text, "/") && len(e.Path) > 1:
		p.report(tok.pos, conf.Note, "path-slash", "",
			"the slash at the end is dropped: it is exported as %s", e.Path)
	}
}

// maxPath is the longest path in bytes, and maxClient the longest client with
// its options.
const (
	maxPath   = 1024
	maxClient = 511
)

// unclosed reports a quotation mark without its other half.
func (p *parser) unclosed(w token) {
	p.report(w.pos, conf.Warning, "quote", "close it on the same line",
		"the quotation mark is never closed: all that follows is taken as part of this word")
}

// A list is a line's list of clients, as far as it is read.
type list struct {
	export      *Export
	defaults    Options
	hasDefaults bool
	before      token // the client before, for the classic mistake
	inNote      bool  // behind a // that somebody took for a comment
}

// clients reads the words behind a path.
func (p *parser) clients(e *Export, words []token) {
	l := &list{export: e, defaults: Defaults()}
	for i := 0; i < len(words); i++ {
		w := words[i]
		switch {
		case w.open:
			p.unclosed(w)
		case len(w.text) > maxClient:
			p.refuse(w.pos, "client-too-long", "", "a client with options of %d bytes: exportfs takes %d at most", len(w.text), maxClient)
			continue
		}
		switch {
		case strings.HasPrefix(w.text, "-"):
			if p.options(w, 1, len(w.text), &l.defaults) {
				l.hasDefaults = true
			}
			if i == len(words)-1 && len(e.Clients) == 0 {
				p.everybody(l, w.pos)
			}
		case w.text == "":
			p.everybody(l, w.pos)
		case !p.client(l, w):
			// The list of options was cut short: the words up to its end are
			// parts of it, and not clients.
			for i+1 < len(words) && !strings.Contains(words[i].text[1:], ")") {
				i++
			}
		}
		l.before = w
	}
	if len(words) == 0 {
		p.everybody(l, e.Pos)
	}
}

// everybody adds the client that a line without one means.
func (p *parser) everybody(l *list, pos conf.Pos) {
	p.report(pos, conf.Note, "no-client", "name the clients: * means everybody, and says so",
		"no client is given: %s is exported to everybody", l.export.Path)
	p.add(l, Client{Pos: pos, Spec: "*", Options: l.defaults, match: matcher{kind: kindAnybody}})
}

// client reads host(options). It reports false if the options are not closed.
func (p *parser) client(l *list, w token) bool {
	spec, o := w.text, l.defaults
	open := strings.IndexByte(w.text, '(')
	if open >= 0 {
		spec = w.text[:open]
		end := strings.IndexByte(w.text, ')')
		switch {
		case end < 0:
			p.refuse(w.pos, "option-list", "options are written host(ro,sync), with no blank in them",
				"the option list of %q is not closed", spec)
			return false
		case end < open || end != len(w.text)-1:
			p.refuse(w.at(end+1), "option-list", "put a blank after the closing parenthesis",
				"%q stands directly behind an option list", w.text[end+1:])
			return true
		}
		if !p.options(w, open+1, end, &o) {
			return true
		}
	}
	if open == 0 {
		p.blankBefore(l, w)
		spec = "*"
	}
	known := len(p.problems)
	m, ok := p.match(l, w, spec)
	if !ok {
		return true
	}
	switch {
	case l.inNote:
		p.report(w.pos, conf.Warning, "client-in-note", "comments begin with #",
			"%s in this note is a client to exportfs: %s is exported to it", spec, l.export.Path)
	case open < 0 && !l.hasDefaults && len(p.problems) == known:
		p.report(w.pos, conf.Note, "no-options", "", "no options for %s: ro,sync,root_squash and the other defaults hold", spec)
	}
	p.add(l, Client{Pos: w.pos, Spec: spec, Options: o, match: m})
	return true
}

// blankBefore reports options that belong to no client.
func (p *parser) blankBefore(l *list, w token) {
	host := l.before.text
	if host == "" || strings.ContainsAny(host, "()") || l.inNote {
		p.report(w.pos, conf.Note, "no-client", show("write *"+w.text), "no client before %s: it is exported to everybody", w.text)
		return
	}
	p.report(w.pos, conf.Warning, "space-before-options", show("take the blank out: "+host+w.text),
		"a blank stands before %s: %s gets the default options, and everybody else gets these", w.text, host)
}

// add exports to c, unless that has been said before. Two names of one host are
// one client.
func (p *parser) add(l *list, c Client) {
	if p.stopped {
		return
	}
	path := l.export.Path
	key := path + "\x00" + strings.ToLower(c.Spec)
	if c.match.kind == kindHost {
		key = path + "\x00" + c.match.addrs[0].String()
	}
	if first, ok := p.seen[key]; ok {
		p.report(c.Pos, conf.Warning, "duplicate", "",
			"%s is exported to %s already, at %s: that counts, this does not", path, c.Spec, first)
		return
	}
	p.seen[key] = c.Pos
	l.export.Clients = append(l.export.Clients, c)
}

// match understands a client specification. It reports false for one that
// exportfs leaves out.
func (p *parser) match(l *list, w token, spec string) (matcher, bool) {
	m := matcher{kind: kindOf(spec), hosts: p.hosts}
	switch m.kind {
	case kindHost:
		if a, err := netip.ParseAddr(spec); err == nil {
			m.addrs = []netip.Addr{a.Unmap()}
			return m, true
		}
		if strings.Trim(spec, "0123456789.") == "" {
			p.leftOut(l, w, fmt.Errorf("%q is no address", spec))
			return m, false
		}
		if m.addrs = p.hosts.lookup(spec); m.addrs == nil {
			if l.inNote {
				return m, false
			}
			p.report(w.pos, conf.Doubt, "unknown-host", "give its address, or its name in the server's /etc/hosts; a comment begins with #",
				"no address is known for the host %s", spec)
			return m, false
		}
	case kindNetwork:
		var err error
		m.network, m.mask, err = parseNetwork(spec)
		if err != nil {
			p.leftOut(l, w, err)
			return m, false
		}
		switch {
		case everything(spec):
			p.report(w.pos, conf.Warning, "prefix-zero", "write * for everybody",
				"a prefix length of 0 is not everybody: mountd of nfs-utils takes %s for one address and refuses all others", spec)
		case !contiguous(m.mask):
			p.report(w.pos, conf.Note, "netmask", "", "the netmask of %s has holes; it is taken as it stands", spec)
		}
	case kindWildcard:
		m.pattern = spec
		if len(p.hosts) == 0 {
			p.report(w.pos, conf.Doubt, "wildcard", "give a network, or the clients' names in the server's /etc/hosts",
				"which clients %s covers is not known: there is no name service here", spec)
		}
	case kindNetgroup:
		p.report(w.pos, conf.Doubt, "netgroup", "give the clients by network or address",
			"the netgroup %s is not supported: there is no NIS here", spec)
		return m, false
	case kindGSS:
		p.report(w.pos, conf.Doubt, "gss", "give the clients by network, with sec=sys",
			"%s wants Kerberos, which is not supported", spec)
		return m, false
	}
	return m, true
}

// leftOut reports a client that exportfs complains of and leaves out. Often it
// is no client at all, but a note that somebody left on the line: that is said
// once.
func (p *parser) leftOut(l *list, w token, err error) {
	switch {
	case l.inNote:
	case strings.HasPrefix(w.text, "//"):
		l.inNote = true
		p.report(w.pos, conf.Warning, "comment", "comments begin with #",
			"%s is no comment: exportfs takes it and each word behind it for a client, complains of an invalid IP address, and leaves it out", w.text)
	default:
		p.report(w.pos, conf.Warning, "client", "", "%s is left out: %v", w.text, err)
	}
}
