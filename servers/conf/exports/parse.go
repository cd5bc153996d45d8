package exports

import (
	"fmt"
	"net/netip"
	"strings"

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
	p.problems = append(p.problems, conf.Problem{
		Pos: pos, Effect: effect, ID: "exports-" + id, Text: fmt.Sprintf(format, args...), Hint: hint,
	})
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
	var clients []token
	for {
		t, ok := p.next(false)
		if !ok {
			break
		}
		clients = append(clients, t)
	}
	p.clients(&e, clients)
	if !p.stopped && len(e.Clients) > 0 {
		p.file.Exports = append(p.file.Exports, e)
	}
	return true
}

// path says what there is to say about an export's path.
func (p *parser) path(tok token, e Export) {
	switch {
	case tok.open:
		p.report(tok.pos, conf.Warning, "quote", "close it on the same line",
			"the quotation mark is never closed: all that follows is taken as part of this word")
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

// clients reads the words behind a path.
func (p *parser) clients(e *Export, words []token) {
	defaults := Defaults()
	hasDefaults := false
	last := token{pos: e.Pos} // the client before, for the classic mistake
	for i, w := range words {
		switch {
		case w.open:
			p.report(w.pos, conf.Warning, "quote", "close it on the same line",
				"the quotation mark is never closed: all that follows is taken as part of this word")
		case len(w.text) > maxClient:
			p.refuse(w.pos, "client-too-long", "", "a client with options of %d bytes: exportfs takes %d at most", len(w.text), maxClient)
			continue
		}
		if w.text[0] == '-' {
			if p.options(w, 1, len(w.text), &defaults) {
				hasDefaults = true
			}
			if i == len(words)-1 && len(e.Clients) == 0 {
				p.everybody(e, w.pos, defaults)
			}
			continue
		}
		p.client(e, w, last, defaults, hasDefaults)
		last = w
	}
	if len(words) == 0 {
		p.everybody(e, e.Pos, defaults)
	}
}

// everybody adds the client that a line without one means.
func (p *parser) everybody(e *Export, pos conf.Pos, o Options) {
	p.report(pos, conf.Note, "no-client", "name the clients: * means everybody, and says so",
		"no client is given: %s is exported to everybody", e.Path)
	p.add(e, Client{Pos: pos, Spec: "*", Options: o, match: matcher{kind: kindAnybody}})
}

// client reads host(options).
func (p *parser) client(e *Export, w, last token, o Options, hasDefaults bool) {
	spec := w.text
	open := strings.IndexByte(w.text, '(')
	if open >= 0 {
		spec = w.text[:open]
		end := strings.IndexByte(w.text, ')')
		switch {
		case end < 0:
			p.refuse(w.pos, "option-list", "options are written host(ro,sync), with no blank in them",
				"the option list of %q is not closed", spec)
			return
		case end < open || end != len(w.text)-1:
			p.refuse(w.at(end+1), "option-list", "put a blank after the closing parenthesis",
				"%q stands directly behind an option list", w.text[end+1:])
			return
		}
		if !p.options(w, open+1, end, &o) {
			return
		}
	} else if !hasDefaults {
		p.report(w.pos, conf.Note, "no-options", "", "no options for %s: ro,sync,root_squash and the other defaults hold", spec)
	}
	if open == 0 {
		if last.text != "" {
			p.report(w.pos, conf.Warning, "space-before-options", "take the blank out: "+last.text+w.text,
				"a blank stands before %s: %s gets the default options, and everybody else gets these", w.text, last.text)
		} else {
			p.report(w.pos, conf.Note, "no-client", "write *"+w.text, "no client before %s: it is exported to everybody", w.text)
		}
		spec = "*"
	}
	m, ok := p.match(w, spec)
	if ok {
		p.add(e, Client{Pos: w.pos, Spec: spec, Options: o, match: m})
	}
}

// add exports e to c, unless that has been said before.
func (p *parser) add(e *Export, c Client) {
	key := e.Path + "\x00" + strings.ToLower(c.Spec)
	if first, ok := p.seen[key]; ok {
		p.report(c.Pos, conf.Warning, "duplicate", "",
			"%s was already exported to %s at %s: that counts, this does not", e.Path, c.Spec, first)
		return
	}
	if !p.stopped {
		p.seen[key] = c.Pos
	}
	e.Clients = append(e.Clients, c)
}

// match understands a client specification. It reports false for one that
// exportfs leaves out.
func (p *parser) match(w token, spec string) (matcher, bool) {
	m := matcher{kind: kindOf(spec), hosts: p.hosts}
	switch m.kind {
	case kindHost:
		if a, err := netip.ParseAddr(spec); err == nil {
			m.addrs = []netip.Addr{a.Unmap()}
			return m, true
		}
		if m.addrs = p.hosts.lookup(spec); m.addrs == nil {
			p.report(w.pos, conf.Doubt, "unknown-host", "give its address, or its name in the server's /etc/hosts",
				"no address is known for the host %s", spec)
			return m, false
		}
	case kindNetwork:
		var err error
		m.network, m.mask, err = parseNetwork(spec)
		if err != nil {
			p.network(w, spec, err)
			return m, false
		}
		if !contiguous(m.mask) {
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

// network reports a specification with a slash that is no network. Often it is
// no client at all, but a note that somebody left on the line.
func (p *parser) network(w token, spec string, err error) {
	if strings.HasPrefix(spec, "//") {
		p.report(w.pos, conf.Warning, "comment", "comments begin with #",
			"%s is no comment but taken as the name of a client: exportfs complains of an invalid IP address and leaves it out", w.text)
		return
	}
	p.report(w.pos, conf.Warning, "client", "", "%s is left out: %v", w.text, err)
}
