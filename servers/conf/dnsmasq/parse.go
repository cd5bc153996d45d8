package dnsmasq

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"net/netip"
	"path"
	"slices"
	"strings"

	"github.com/pxeproof/pxeproof/servers/conf"
	"github.com/pxeproof/pxeproof/servers/conf/spell"
)

// maxFiles bounds how many files are read; dnsmasq reads each once, whatever
// they include.
const maxFiles = 1000

// maxSize bounds a file that is included.
const maxSize = 16 << 20

// Parse reads a configuration. File is the path of its file, for messages, and
// so that it is not included again. fsys stands for the server's / and gives
// what it includes; where it is nil, what is included is not known, which is a
// doubt. dirs are folders as --conf-dir names them on dnsmasq's command line,
// read before the file; see [CommandLineDirs].
func Parse(file string, src []byte, fsys fs.FS, dirs ...string) (*Config, conf.Problems) {
	r := &reader{
		c:    &Config{DNSPort: 53, names: map[string]netip.Addr{}},
		fsys: fsys, seen: map[string]conf.Pos{}, read: map[string]bool{path.Join("/", file): true},
	}
	for _, d := range dirs {
		t, _ := readLine([]byte(d), 0, conf.Pos{})
		r.confDir(conf.Pos{File: file}, t)
	}
	r.source(file, src)
	r.finish()
	return r.c, r.problems
}

// CommandLineDirs are the folders that Debian's start-up script has dnsmasq read
// besides its file: CONFIG_DIR in /etc/default/dnsmasq.
func CommandLineDirs(fsys fs.FS) []string {
	src, err := fs.ReadFile(fsys, "etc/default/dnsmasq")
	if err != nil {
		return nil
	}
	var dirs []string
	for line := range strings.Lines(string(src)) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "CONFIG_DIR="); ok {
			dirs = []string{strings.Trim(v, `"'`)}
		}
	}
	return dirs
}

// A reader holds what dnsmasq holds while it reads.
type reader struct {
	c        *Config
	fsys     fs.FS
	seen     map[string]conf.Pos // directives that may be given once
	read     map[string]bool     // files, by their paths
	noHosts  bool
	hosts    []Value // files like /etc/hosts
	types    int     // of pxe-service, counted
	problems conf.Problems
	worst    conf.Effect
}

// source reads one file's lines.
func (r *reader) source(file string, src []byte) {
	eachLine(file, src, func(t text, unfinished bool) {
		if unfinished {
			r.refuse(t.pos, idQuote, "a quotation mark (\") has no second one in its line, and dnsmasq does not start")
			return
		}
		r.directive(t)
	})
}

// open reads another file, once. It is not ok if it cannot be had, or was read
// already.
func (r *reader) open(name string, at conf.Pos) (src []byte, ok bool) {
	name = path.Join("/", name)
	if r.read[name] {
		return nil, false
	}
	if len(r.read) >= maxFiles {
		r.doubt(at, idDepth, "more than %d files are included", maxFiles)
		return nil, false
	}
	r.read[name] = true
	if r.fsys == nil {
		r.doubt(at, idInclude, "what is in %s is not known here", name)
		return nil, false
	}
	src, err := readFile(r.fsys, name[1:])
	if err != nil {
		r.refuse(at, idInclude, "%s cannot be read, and dnsmasq does not start: %v", name, bare(err))
		return nil, false
	}
	return src, true
}

// readFile reads a file of a size that a configuration may have.
func readFile(fsys fs.FS, name string) ([]byte, error) {
	fi, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, err
	}
	if fi.Size() > maxSize {
		return nil, fmt.Errorf("it is larger than %d MiB", maxSize>>20)
	}
	return fs.ReadFile(fsys, name)
}

// bare is an error without the name that its message has already.
func bare(err error) error {
	if p, ok := err.(*fs.PathError); ok {
		return p.Err
	}
	return err
}

// confFile is `conf-file`.
func (r *reader) confFile(at conf.Pos, arg text) {
	name := arg.String()
	if name == "" {
		return
	}
	if src, ok := r.open(name, at); ok {
		r.source(path.Join("/", name), src)
	}
}

// confDir is `conf-dir=/folder,.ignored,*.taken`.
func (r *reader) confDir(at conf.Pos, arg text) {
	for _, f := range r.folder(at, arg) {
		if src, ok := r.open(f, at); ok {
			r.source(f, src)
		}
	}
}

// folder are the files of a folder that dnsmasq reads, by their paths, in order.
func (r *reader) folder(at conf.Pos, arg text) []string {
	words := arg.fields()
	dir := path.Join("/", words[0].String())
	var ignored, taken []string
	for _, w := range words[1:] {
		if s, star := strings.CutPrefix(w.String(), "*"); !star && s != "" {
			ignored = append(ignored, s)
		} else if star && s != "" {
			taken = append(taken, s)
		}
	}
	if r.fsys == nil {
		r.doubt(at, idInclude, "what is in the folder %s is not known here", dir)
		return nil
	}
	entries, err := fs.ReadDir(r.fsys, cmp.Or(dir[1:], "."))
	if err != nil {
		r.refuse(at, idInclude, "the folder %s cannot be read, and dnsmasq does not start: %v", dir, bare(err))
		return nil
	}
	var files []string
	for _, e := range entries {
		name := e.Name()
		ends := func(s string) bool { return len(name) > len(s) && strings.HasSuffix(name, s) }
		switch {
		case strings.HasPrefix(name, ".") || strings.HasSuffix(name, "~") || strings.HasPrefix(name, "#") && strings.HasSuffix(name, "#"):
		case len(taken) > 0 && !slices.ContainsFunc(taken, ends) || slices.ContainsFunc(ignored, ends):
		default:
			// A link counts as what it leads to.
			if fi, err := fs.Stat(r.fsys, path.Join(dir, name)[1:]); err == nil && fi.Mode().IsRegular() {
				files = append(files, path.Join(dir, name))
			}
		}
	}
	slices.Sort(files)
	return files
}

// finish says what shows only when everything has been read.
func (r *reader) finish() {
	r.hostsFiles()
	for i := range r.c.Hosts {
		// Some keep the addresses in /etc/hosts.
		h := &r.c.Hosts[i]
		if a, ok := r.c.names[strings.ToLower(h.Name)]; ok && h.Name != "" && !h.address.IsValid() && !r.c.reserved(a) {
			h.address, h.Address = a, Value{a.String(), h.Pos}
		}
	}
	t := &r.c.TFTP
	if len(t.Roots) > 0 && !t.Enable.IsSet() {
		r.report(conf.Warning, t.Roots[0].Pos, idNoTFTP, "add enable-tftp", "tftp-root alone starts no TFTP server")
	}
	r.tagsUnset()
}

// tagsUnset reports conditions that nothing can meet: a misspelt tag.
func (r *reader) tagsUnset() {
	c := r.c
	set := map[string]bool{"known": true, "known-othernet": true, "bootp": true, "cpewan-id": true}
	for _, m := range c.Matches {
		set[m.Set] = true
	}
	for _, h := range c.Hosts {
		for _, t := range h.Set {
			set[t] = true
		}
	}
	for _, cond := range c.Conditions {
		for _, t := range cond.Set {
			set[t] = true
		}
	}
	for _, g := range c.Ranges {
		set[g.Set] = true
	}
	// The names of interfaces are tags too.
	for _, v := range c.Interfaces {
		set[v.Text] = true
	}
	var asked []Value
	for _, b := range c.Boots {
		asked = append(asked, b.Tags...)
	}
	for _, o := range c.Options {
		asked = append(asked, o.Tags...)
	}
	for _, s := range c.Services {
		asked = append(asked, s.Tags...)
	}
	for _, cond := range c.Conditions {
		asked = append(asked, cond.Tags...)
	}
	for _, g := range c.Ranges {
		asked = append(asked, g.Tags...)
	}
	for _, t := range slices.Concat(c.Ignores, c.Broadcasts, c.NameIgnore) {
		asked = append(asked, t...)
	}
	for _, v := range asked {
		tag, not := negated(v.Text)
		if not || set[tag] || strings.HasSuffix(tag, "*") || interfaceName(tag) {
			continue
		}
		hint := ""
		if near := spell.Nearest(tag, slices.Sorted(maps.Keys(set))...); near != "" {
			hint = "did you mean " + near + "?"
		}
		r.report(conf.Warning, v.Pos, idTagUnset, hint, "nothing sets the tag %q, unless an interface is called so", tag)
	}
}

// interfaceName says whether a tag looks like the name of a network interface.
func interfaceName(tag string) bool {
	base := strings.TrimRight(tag, "0123456789")
	return base != tag && slices.Contains([]string{"eth", "wlan", "br", "bond", "tap", "virbr", "em", "eno", "ens"}, base) ||
		strings.HasPrefix(tag, "enp") || strings.HasPrefix(tag, "br-")
}
