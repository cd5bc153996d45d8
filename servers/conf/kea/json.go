package kea

import (
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pxeproof/pxeproof/servers/conf"
)

// A kind is a JSON value's.
type kind int

const (
	kindNull kind = iota
	kindBool
	kindNumber
	kindString
	kindList
	kindMap
)

func (k kind) String() string {
	return [...]string{"null", "a truth value", "a number", "a text", "a list", "a map"}[k]
}

// A node is a JSON value with its place.
type node struct {
	kind    kind
	pos     conf.Pos
	text    string // of a text, or a number as written
	truth   bool
	list    []*node
	members []member
}

type member struct {
	key   string
	pos   conf.Pos
	value *node
}

// get is a map's member, nil if it has none of that name.
func (n *node) get(key string) *node {
	if n == nil {
		return nil
	}
	for i := range n.members {
		if n.members[i].key == key {
			return n.members[i].value
		}
	}
	return nil
}

// Limits of what a hostile file can make of itself.
const (
	maxDepth   = 64
	maxInclude = 16
	maxSize    = 16 << 20
)

// A syntaxError is where a text stops to be Kea's JSON.
type syntaxError struct {
	pos conf.Pos
	why string
}

// A scanner reads one file, and those that it includes.
type scanner struct {
	file      string
	src       string
	at        int
	line, bol int // bol: where the line begins
	fsys      fs.FS
	outer     *scanner // what includes this
	depth     int      // of includes
	unknown   func(at conf.Pos, name string)
}

func (s *scanner) pos() conf.Pos { return conf.Pos{File: s.file, Line: s.line, Col: s.at - s.bol + 1} }

func (s *scanner) fail(format string, args ...any) {
	panic(syntaxError{s.pos(), fmt.Sprintf(format, args...)})
}

// parseJSON reads a file. What is wrong with it comes as a *syntaxError.
func parseJSON(file, src string, fsys fs.FS, unknown func(conf.Pos, string)) (n *node, err *syntaxError) {
	r := &jsonReader{&scanner{file: file, src: src, line: 1, fsys: fsys, unknown: unknown}}
	defer func() {
		if e, ok := recover().(syntaxError); ok {
			n, err = nil, &e
		}
	}()
	n = r.value(0)
	if c := r.next(); c != 0 {
		r.s.fail("%q stands behind the end", c)
	}
	return n, nil
}

// A jsonReader reads values across included files.
type jsonReader struct{ s *scanner }

// next skips what has no meaning and returns the next byte; 0 at the end.
func (r *jsonReader) next() byte {
	for {
		s := r.s
		rest := s.src[s.at:]
		switch {
		case rest == "":
			if s.outer == nil {
				return 0
			}
			r.s = s.outer
		case rest[0] == '\n':
			s.at++
			s.line, s.bol = s.line+1, s.at
		case strings.IndexByte(" \t\r", rest[0]) >= 0:
			s.at++
		case rest[0] == '#' || strings.HasPrefix(rest, "//"):
			if i := strings.IndexByte(rest, '\n'); i >= 0 {
				s.at += i
			} else {
				s.at = len(s.src)
			}
		case strings.HasPrefix(rest, "/*"):
			i := strings.Index(rest[2:], "*/")
			if i < 0 {
				s.fail("the comment /* has no end */")
			}
			for _, c := range []byte(rest[:i+4]) {
				if s.at++; c == '\n' {
					s.line, s.bol = s.line+1, s.at
				}
			}
		case strings.HasPrefix(rest, "<?include"):
			r.include(rest)
		default:
			return rest[0]
		}
	}
}

// include is <?include "file"?>: its content stands in its place.
func (r *jsonReader) include(rest string) {
	s := r.s
	end := strings.Index(rest, "?>")
	if end < 0 {
		s.fail("<?include has no end ?>")
	}
	name := strings.Trim(strings.TrimSpace(rest[len("<?include"):end]), `"`)
	at := s.pos()
	s.at += end + len("?>")
	if s.depth >= maxInclude {
		panic(syntaxError{at, "files include each other without end"})
	}
	if !path.IsAbs(name) {
		name = path.Join(path.Dir(s.file), name) // Kea: from where it was started
	}
	if s.fsys == nil {
		s.unknown(at, name)
		return
	}
	src, err := readFile(s.fsys, path.Join("/", name)[1:])
	if err != nil {
		panic(syntaxError{at, fmt.Sprintf("%s cannot be read: %v", name, err)})
	}
	r.s = &scanner{file: path.Join("/", name), src: string(src), line: 1, fsys: s.fsys, outer: s, depth: s.depth + 1, unknown: s.unknown}
}

func readFile(fsys fs.FS, name string) ([]byte, error) {
	fi, err := fs.Stat(fsys, name)
	if err == nil && fi.Size() > maxSize {
		err = fmt.Errorf("it is larger than %d MiB", maxSize>>20)
	}
	if err != nil {
		if p, ok := err.(*fs.PathError); ok {
			err = p.Err
		}
		return nil, err
	}
	return fs.ReadFile(fsys, name)
}

// take wants one of some bytes next.
func (r *jsonReader) take(of string) byte {
	c := r.next()
	if c == 0 || strings.IndexByte(of, c) < 0 {
		want := strings.Join(strings.Split(of, ""), " or ")
		if c == 0 {
			r.s.fail("the file ends where %s has to stand", want)
		}
		r.s.fail("%s has to stand here, not %q", want, c)
	}
	r.s.at++
	return c
}

func (r *jsonReader) value(depth int) *node {
	if depth > maxDepth {
		r.s.fail("values are nested more than %d deep", maxDepth)
	}
	c := r.next()
	n := &node{pos: r.s.pos()}
	switch {
	case c == '{':
		n.kind = kindMap
		r.take("{")
		for r.next() != '}' {
			r.next()
			m := member{pos: r.s.pos()}
			if r.next() != '"' {
				r.s.fail("the name of a member has to stand here, in quotes")
			}
			m.key = r.str()
			r.take(":")
			m.value = r.value(depth + 1)
			n.members = append(n.members, m)
			if r.next() != '}' {
				r.take(",}")
			}
		}
		r.take("}")
	case c == '[':
		n.kind = kindList
		r.take("[")
		for r.next() != ']' {
			n.list = append(n.list, r.value(depth+1))
			if r.next() != ']' {
				r.take(",]")
			}
		}
		r.take("]")
	case c == '"':
		n.kind, n.text = kindString, r.str()
	case c == '-' || '0' <= c && c <= '9':
		n.kind = kindNumber
		end := r.s.at
		for end < len(r.s.src) && strings.IndexByte("+-.0123456789eE", r.s.src[end]) >= 0 {
			end++
		}
		n.text = r.s.src[r.s.at:end]
		if _, err := strconv.ParseFloat(n.text, 64); err != nil {
			r.s.fail("%.40q is no number", n.text)
		}
		r.s.at = end
	default:
		for word, is := range map[string]node{"true": {kind: kindBool, truth: true}, "false": {kind: kindBool}, "null": {}} {
			if strings.HasPrefix(strings.ToLower(r.s.src[r.s.at:]), word) {
				r.s.at += len(word)
				is.pos = n.pos
				return &is
			}
		}
		if c == 0 {
			r.s.fail("the file ends where a value has to stand")
		}
		r.s.fail("a value has to stand here, and %q begins none", c)
	}
	return n
}

// str reads a text in quotes.
func (r *jsonReader) str() string {
	s := r.s
	var b strings.Builder
	for i := s.at + 1; i < len(s.src); i++ {
		switch c := s.src[i]; {
		case c == '"':
			s.at = i + 1
			return b.String()
		case c == '\n':
			s.fail("the text has no end in its line")
		case c == '\\' && i+1 < len(s.src):
			i++
			if e := strings.IndexByte(`"\/bfnrt`, s.src[i]); e >= 0 {
				b.WriteByte("\"\\/\b\f\n\r\t"[e])
			} else if s.src[i] == 'u' && i+4 < len(s.src) {
				u, err := strconv.ParseUint(s.src[i+1:i+5], 16, 16)
				if err != nil || u > 0xff {
					s.fail(`\u%s is no character of one byte, which are all that Kea takes`, strings.ToValidUTF8(s.src[i+1:i+5], "?"))
				}
				b.WriteByte(byte(u))
				i += 4
			} else {
				s.fail("a backslash stands before %q", utf8First(s.src[i:]))
			}
		default:
			b.WriteByte(c)
		}
	}
	s.fail("the text has no end")
	return ""
}

func utf8First(s string) string {
	_, n := utf8.DecodeRuneInString(s)
	return s[:n]
}
