package exports

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pxeproof/pxeproof/servers/conf"
)

var update = flag.Bool("update", false, "write the .problems files of testdata")

var hosts = ParseHosts([]byte("10.0.0.5 server.example.com server\n10.0.0.6 ws1.example.com ws1 # note\nbad line\n"))

// etabLine is one line of an etab: path, client, options.
var etabLine = regexp.MustCompile(`(?s)^(.*)\t(.*)\((.*)\)$`)

// readEtab gives the exports of an etab by "path client".
func readEtab(t *testing.T, name string) map[string]string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	exports := map[string]string{}
	for line := range strings.Lines(string(b)) {
		m := etabLine.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if m == nil {
			t.Fatalf("%s: %q", name, line)
		}
		path := regexp.MustCompile(`\\[0-7]{3}`).ReplaceAllStringFunc(m[1], func(s string) string {
			n, _ := strconv.ParseUint(s[1:], 8, 8)
			return string([]byte{byte(n)})
		})
		exports[Clean(path)+" "+m[2]] = m[3]
	}
	return exports
}

// etab writes options as exportfs does, as far as they are kept.
func etab(o Options) []string {
	pick := func(on bool, yes, no string) string {
		if on {
			return yes
		}
		return no
	}
	opts := []string{
		pick(o.ReadOnly, "ro", "rw"), pick(o.Async, "async", "sync"), pick(o.NoHide, "nohide", "hide"),
		pick(o.CrossMount, "crossmnt", "nocrossmnt"), pick(o.Insecure, "insecure", "secure"),
		pick(o.RootSquash, "root_squash", "no_root_squash"), pick(o.AllSquash, "all_squash", "no_all_squash"),
		pick(o.SubtreeCheck, "subtree_check", "no_subtree_check"),
		fmt.Sprintf("anonuid=%d", int32(o.AnonUID)), fmt.Sprintf("anongid=%d", int32(o.AnonGID)),
		"sec=" + strings.Join(o.Security, ":"),
	}
	if o.NoReadDirPlus {
		opts = append(opts, "nordirplus")
	}
	switch o.FSID {
	case "":
	case "root":
		opts = append(opts, "fsid=0")
	default:
		opts = append(opts, "fsid="+o.FSID)
	}
	return opts
}

// What the real exportfs makes of a file, Parse makes of it too.
func TestAsExportfs(t *testing.T) {
	files, err := filepath.Glob("testdata/*.exports")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		base := strings.TrimSuffix(filepath.Base(name), ".exports")
		t.Run(base, func(t *testing.T) {
			src, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			f, problems := Parse(base, src, hosts)
			want := readEtab(t, strings.TrimSuffix(name, ".exports")+".etab")
			for _, e := range f.Exports {
				for _, c := range e.Clients {
					spec := c.Spec
					if a, ok := canonical[spec]; ok {
						spec = a
					}
					key := e.Path + " " + spec
					if _, ok := want[key]; !ok && spec == "*" {
						key = e.Path + " " // no client is no client to exportfs
					}
					opts, ok := want[key]
					if !ok {
						t.Errorf("%s: exportfs does not export %s to %q", c.Pos, e.Path, c.Spec)
						continue
					}
					delete(want, key)
					have := strings.Split(opts, ",")
					for _, o := range etab(c.Options) {
						if !slices.Contains(have, o) {
							t.Errorf("%s: %s to %s: %s, but exportfs says %s", c.Pos, e.Path, c.Spec, o, opts)
						}
					}
				}
			}
			for missing := range want {
				if !unsupported.MatchString(missing) {
					t.Errorf("exportfs exports %q", missing)
				}
			}
			checkProblems(t, base, problems)
		})
	}
}

// canonical is what exportfs calls hosts that it knows.
var canonical = map[string]string{"server": "server.example.com", "SERVER.example.com": "server.example.com"}

// unsupported are clients that exportfs takes and Parse refuses.
var unsupported = regexp.MustCompile(` (@|gss/)`)

// checkProblems compares with testdata/NAME.problems.
func checkProblems(t *testing.T, name string, problems conf.Problems) {
	t.Helper()
	var b strings.Builder
	for _, p := range problems {
		fmt.Fprintf(&b, "%s [%s]\n", p.Error(), p.ID)
	}
	golden := filepath.Join("testdata", name+".problems")
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("problems:\n%swant:\n%s", b.String(), want)
	}
}

// The decisions are those that rpc.mountd 2.6.2 was seen to make of this file.
func TestAccess(t *testing.T) {
	names := ParseHosts([]byte("10.1.2.3 ws1.example.com ws1\n192.168.1.50 other.example.org other\n"))
	f, problems := Parse("exports", []byte(`/a *(ro) 10.0.0.0/8(rw) 10.1.2.3(ro,insecure)
/a/sub 192.168.1.50(rw)
/b *.example.com(ro)
/w ws?(ro)
/w2 other(ro)
/hole 10.0.2.0/255.0.255.0(ro)
/addrwild 10.1.*(ro)
/wdot *.com(ro)
/wcase *.EXAMPLE.com(ro)
/all 0.0.0.0/0(ro)
/slash/ *(ro)
/deep 10.0.0.0/8(ro)
/deep/er 192.168.1.0/24(ro)
`), names)
	if w := problems.Worst(); w > conf.Warning {
		t.Fatal(problems)
	}
	for _, test := range []struct {
		client, path string
		want         string // the client's specification, or "" if refused
		line, col    int
		sub          string
	}{
		{"10.1.2.3", "/a", "10.1.2.3", 1, 25, ""},
		{"10.1.2.4", "/a", "10.0.0.0/8", 1, 10, ""},
		{"192.168.1.50", "/a", "*", 1, 4, ""},
		{"10.1.2.3", "/a/sub", "10.1.2.3", 1, 25, "sub"},
		{"192.168.1.50", "/a/sub", "192.168.1.50", 2, 8, ""},
		{"192.168.1.50", "/a/sub/x/y", "192.168.1.50", 2, 8, "x/y"},
		{"192.168.1.51", "/a/sub/x", "*", 1, 4, "sub/x"},
		{"10.1.2.3", "/b", "*.example.com", 3, 4, ""},
		{"192.168.1.50", "/b", "", 3, 1, ""},
		{"10.1.2.3", "/w", "ws?", 4, 4, ""},
		{"192.168.1.50", "/w2", "other", 5, 5, ""},
		{"10.1.2.3", "/hole", "10.0.2.0/255.0.255.0", 6, 7, ""},
		{"10.1.3.3", "/hole", "", 6, 1, ""},
		{"10.1.2.3", "/addrwild", "", 7, 1, ""}, // it has a name, and that is asked
		{"10.1.2.4", "/addrwild", "10.1.*", 7, 11, ""},
		{"10.1.2.3", "/wdot", "*.com", 8, 7, ""},
		{"10.1.2.3", "/wcase", "*.EXAMPLE.com", 9, 8, ""},
		{"10.1.2.3", "/all", "", 10, 1, ""},
		{"0.0.0.0", "/all", "0.0.0.0/0", 10, 6, ""},
		{"10.1.2.3", "/slash", "*", 11, 9, ""},
		{"10.1.2.3", "//slash//x/", "*", 11, 9, "x"},
		{"192.168.1.5", "/deep", "", 12, 1, ""},
		{"10.1.2.3", "/deep/er", "10.0.0.0/8", 12, 7, "er"},
		{"172.16.0.1", "/deep/er", "", 13, 1, ""},
		{"::ffff:10.1.2.4", "/a", "10.0.0.0/8", 1, 10, ""},
		{"10.1.2.3", "/", "", 0, 0, ""},
		{"10.1.2.3", "/ab", "", 0, 0, ""},
		{"10.1.2.3", "/nothere", "", 0, 0, ""},
		{"10.1.2.3", "", "", 0, 0, ""},
	} {
		d := f.Access(test.path, netip.MustParseAddr(test.client))
		spec := ""
		if d.Client != nil {
			spec = d.Client.Spec
		}
		pos := conf.Pos{File: "exports", Line: test.line, Col: test.col}
		if test.line == 0 {
			pos = conf.Pos{}
		}
		if spec != test.want || d.Pos != pos || d.Sub != test.sub && d.Allowed() || d.Allowed() != (test.want != "") {
			t.Errorf("%s from %s: %v, client %q at %s, below %q; want %+v", test.path, test.client, d.Reason, spec, d.Pos, d.Sub, test)
		}
	}
	if r := f.Access("/b", netip.MustParseAddr("10.9.9.9")).Reason; r != ClientNotListed {
		t.Errorf("a client that is not listed: %v", r)
	}
	if r := f.Access("/c", netip.MustParseAddr("10.9.9.9")).Reason; r != NotExported {
		t.Errorf("a path that is not exported: %v", r)
	}
	root, _ := Parse("exports", []byte("/ *(ro)\n"), nil)
	if d := root.Access("/any/where", netip.MustParseAddr("10.9.9.9")); !d.Allowed() || d.Sub != "any/where" {
		t.Errorf("below an exported /: %+v", d)
	}
	if d := new(File).Access("/", netip.MustParseAddr("10.9.9.9")); d.Allowed() {
		t.Error("the zero File exports something")
	}
}

func TestResolved(t *testing.T) {
	f, _ := Parse("exports", []byte("/link *(ro)\n/gone *(ro)\n"), nil)
	r := f.Resolved(func(p string) (string, bool) { return "/real", p == "/link" })
	client := netip.MustParseAddr("10.0.0.1")
	if !r.Access("/real", client).Allowed() || r.Access("/link", client).Allowed() || !r.Access("/gone", client).Allowed() {
		t.Errorf("%+v", r)
	}
	if !f.Access("/link", client).Allowed() {
		t.Error("Resolved changed the File that it was asked for a copy of")
	}
}

func TestJoin(t *testing.T) {
	first, _ := Parse("exports", []byte("/a 10.0.0.1(ro)\n"), nil)
	second, _ := Parse("exports.d/more.exports", []byte("/a 10.0.0.1(rw) 10.0.0.2(rw)\n"), nil)
	all := Join(first, second)
	for client, want := range map[string]string{"10.0.0.1": "exports:1:4", "10.0.0.2": "exports.d/more.exports:1:17"} {
		if d := all.Access("/a", netip.MustParseAddr(client)); d.Pos.String() != want {
			t.Errorf("%s is granted at %s, want %s", client, d.Pos, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.exports")
	for _, name := range files {
		src, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	client := netip.MustParseAddr("10.0.0.1")
	f.Fuzz(func(t *testing.T, src []byte) {
		file, problems := Parse("exports", src, hosts)
		lines := strings.Count(string(src), "\n") + 1
		check := func(p conf.Pos) {
			if p.Line < 1 || p.Line > lines || p.Col < 1 || p.Col > len(src)+1 {
				t.Fatalf("there is no %s in a file of %d lines", p, lines)
			}
		}
		for _, p := range problems {
			check(p.Pos)
			if msg := p.Error(); strings.ContainsAny(msg, "\n\x1b") || len(msg) > 1000 {
				t.Fatalf("%q", msg)
			}
		}
		for _, e := range file.Exports {
			check(e.Pos)
			for _, c := range e.Clients {
				check(c.Pos)
			}
			if strings.HasPrefix(e.Path, "/") {
				if d := file.Access(e.Path, client); d.Reason == NotExported {
					t.Fatalf("%q is exported and is not", e.Path)
				}
			}
		}
	})
}
