package dhcpd

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/pxeproof/pxeproof/servers/conf"
)

// Limits on what is read, far beyond any real file.
const (
	maxFile     = 8 << 20
	maxIncludes = 200
	maxDepth    = 16     // of files including files
	maxNetworks = 10_000 // subnets, and pools
	maxSpaces   = 1_000
)

// Parse reads a dhcpd.conf. The name is for messages. Included files are read
// from fsys, whose root stands for the root of the server's file system; if it
// is nil, an include is a problem. What was understood is returned together
// with the problems, even if dhcpd would refuse the file (see
// [conf.Problems.Worst]). The error is for a file that is no text at all.
func Parse(name string, src []byte, fsys fs.FS) (*Config, conf.Problems, error) {
	if len(src) > maxFile {
		return nil, nil, fmt.Errorf("%s: a dhcpd.conf of %d bytes is not read (at most %d)", name, len(src), maxFile)
	}
	if strings.IndexByte(string(src), 0) >= 0 {
		return nil, nil, fmt.Errorf("%s: this is no text file", name)
	}
	root := &Scope{Kind: RootScope, Pos: conf.Pos{File: name, Line: 1, Col: 1}}
	p := &parser{
		fsys:  fsys,
		cfg:   &Config{File: name, Root: root, spaces: newSpaces(), groups: make(map[string]*Scope)},
		set:   make(map[string]bool),
		keys:  make(map[string]bool),
		hosts: make(map[string]*Host), classes: make(map[string]*Class),
	}
	p.file(name, src, root)
	p.finish()
	return p.cfg, p.problems, nil
}

// A parser is what reading one configuration needs to remember.
type parser struct {
	cfg      *Config
	fsys     fs.FS
	problems conf.Problems
	worst    conf.Effect // of problems
	subnets  int
	pools    int
	hosts    map[string]*Host
	classes  map[string]*Class
	depth    int // of includes
	included int
	reads    []*expr         // variables that are read
	set      map[string]bool // variables that are set somewhere
	keys     map[string]bool // of dynamic DNS
}

// file reads a file's statements into a scope.
func (p *parser) file(name string, src []byte, s *Scope) {
	nodes := grow(lex(name, src, p.report), p.report)
	p.statements(s, &s.statements, nodes, true)
}

// include reads the file that an include statement names.
func (p *parser) include(s *Scope, into *[]statement, c *cursor) {
	t := c.next()
	if t.kind != quoted {
		c.failAt(t, idSyntax, "the name of a file in quotation marks expected after include")
		return
	}
	if !c.semicolon(s, into) {
		return
	}
	p.included++
	if p.depth == maxDepth || p.included > maxIncludes {
		p.doubt(t.pos, idTooLarge, "too many files are included")
		return
	}
	src, err := p.read(t.text)
	if err != nil {
		p.refuse(t.pos, idInclude, "the included file cannot be read: %v", err)
		return
	}
	p.depth++
	p.file(t.text, src, s)
	p.depth--
}

func (p *parser) read(name string) ([]byte, error) {
	if p.fsys == nil {
		return nil, errors.New("there is no file system to read it from")
	}
	// dhcpd's own directory is the root when it reads its configuration at
	// boot, so a relative name is one from the root.
	f, err := p.fsys.Open(strings.TrimPrefix(path.Clean("/"+name), "/"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxFile {
		return nil, errors.New("it is no file, or too large")
	}
	return fs.ReadFile(p.fsys, strings.TrimPrefix(path.Clean("/"+name), "/"))
}

// finish says what can only be said at the end of the file.
func (p *parser) finish() {
	p.overlaps()
	for _, e := range p.reads {
		if !p.set[lower(e.name)] {
			p.report(conf.Problem{Pos: e.pos, Effect: conf.Warning, ID: idNeverSet,
				Text: fmt.Sprintf("nothing sets the variable `%s`, so it has no value", e.name)})
		}
	}
}
