package check_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/pxeproof/pxeproof/scenarios"
	"github.com/pxeproof/pxeproof/scenarios/check"
)

var update = flag.Bool("update", false, "write the golden files again")

// TestArticle holds the report about the article's configurations, as they are
// printed, to what was written down when it had been looked over.
func TestArticle(t *testing.T) {
	r, err := check.Paths([]string{"testdata/article"})
	if err != nil {
		t.Fatal(err)
	}
	for name, write := range map[string]func(*bytes.Buffer) error{
		"article.txt":   func(b *bytes.Buffer) error { return r.WriteText(b) },
		"article.json":  func(b *bytes.Buffer) error { return r.WriteJSON(b) },
		"article.sarif": func(b *bytes.Buffer) error { return r.WriteSARIF(b, "/") },
	} {
		var got bytes.Buffer
		if err := write(&got); err != nil {
			t.Fatal(err)
		}
		golden(t, name, got.Bytes())
	}
}

// TestArticleFaults names the article's faults one by one, so that -update
// cannot lose one.
func TestArticleFaults(t *testing.T) {
	r, err := check.Paths([]string{"testdata/article"})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"etc/dhcpd.conf:5:1 dhcpd-unknown-statement authourtative;",
		"etc/dhcpd.conf:10:7 range-holds-router 192.168.1.1 192.168.1.100;",
		"etc/dhcpd.conf:13:10 dhcpd-typographic-quote “/pxelinux.0”",
		"etc/exports:1:36 exports-comment //这里是/root/inst",
		"etc/xinetd.d/tftp:3:1 xinetd-value-count disable = no (",
		"etc/xinetd.d/tftp:9:38 xinetd-note-in-arguments //-s 表示",
		"root/inst/ks:13:53 kickstart-typographic-quote “rhgb quiet”",
		"root/inst/ks:23:8 kickstart-note //加入这行后",
		"root/inst/ks:23:1 kickstart-reboot-loop reboot",
	} {
		part := strings.SplitN(want, " ", 3)
		if !slices.ContainsFunc(r.Findings, func(f check.Finding) bool {
			return strings.HasSuffix(f.Pos.String(), "root/"+part[0]) && f.ID == part[1] && strings.HasPrefix(f.Source[f.Col-1:], part[2])
		}) {
			t.Errorf("not found: %s", want)
		}
	}
}

// faulty are the scenarios of the library that fail on purpose by a fault that
// the files show. Those that fail by another yield nothing, and so do those that
// are to pass.
var faulty = map[string][]string{
	"blank-in-filename":      {"etc/dhcpd.conf bootfile-missing"},
	"dead-next-server":       {"etc/dhcpd.conf next-server-nobody"},
	"next-server-elsewhere":  {"etc/dhcpd.conf next-server-nobody"},
	"missing-next-server":    {"etc/dhcpd.conf next-server-missing"},
	"nfs-denied":             {"tftpboot/pxelinux.cfg/default ks-client-not-allowed"},
	"nfs-no-file":            {"tftpboot/pxelinux.cfg/default ks-file-missing"},
	"nfs-no-folder":          {"etc/exports export-missing", "tftpboot/pxelinux.cfg/default ks-file-missing"},
	"no-bootfile":            {"etc/dhcpd.conf bootfile-unset"},
	"no-initrd":              {"tftpboot/pxelinux.cfg/default pxelinux-initrd-forgotten"},
	"no-kernel":              {"tftpboot/pxelinux.cfg/default pxelinux-kernel-missing"},
	"no-pxelinux-config":     {"etc/dhcpd.conf pxelinux-config-missing"},
	"no-nfs-server":          {"root/inst/ks kickstart-dir-not-exported", "tftpboot/pxelinux.cfg/default ks-not-exported"},
	"pxeclient-without-4011": {"etc/dhcpd.conf bootfile-unset"},
	"rogue-dhcp":             {"etc/dhcpd-router.conf bootfile-unset"},
	"squatter":               {"etc/dhcpd.conf range-holds-server"},
	"waiting-prompt":         {"tftpboot/pxelinux.cfg/default pxelinux-waits"},
	"no-such-bootfile":       {"etc/dhcpd.conf bootfile-missing"},
	"tftp-disabled":          {"etc/xinetd.d/tftp xinetd-disabled"},
}

// TestLibrary checks every scenario of the library.
func TestLibrary(t *testing.T) {
	names, err := scenarios.Names()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			r, err := check.Paths([]string{name})
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Files) == 0 {
				t.Error("it read no file")
			}
			var got []string
			for _, f := range r.WithoutNotes().Findings {
				got = append(got, strings.TrimPrefix(f.File, name+"/root/")+" "+f.ID)
			}
			if !slices.Equal(got, faulty[name]) {
				t.Errorf("got  %q\nwant %q (the list faulty says what files show)", got, faulty[name])
			}
		})
	}
	for name := range faulty {
		if !slices.Contains(names, name) {
			t.Errorf("the library has no %s", name)
		}
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (go test -update makes it)", err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; look over what go test -update makes of it:\n%s", file, got)
	}
}

// healthy is the folder that the cases change, as a fresh archive.
func healthy(t testing.TB) *txtar.Archive {
	t.Helper()
	a, err := txtar.ParseFile("testdata/healthy.txtar")
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// found lists a report's findings but for notes, "file:line:col ID" each.
func found(t *testing.T, a *txtar.Archive) []string {
	t.Helper()
	fsys, err := txtar.FS(a)
	if err != nil {
		t.Fatal(err)
	}
	r, err := check.Tree(fsys, "x")
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, f := range r.WithoutNotes().Findings {
		list = append(list, fmt.Sprintf("%s %s", strings.TrimPrefix(f.Pos.String(), "x/"), f.ID))
	}
	return list
}

// TestSARIF holds the log to what the standard says beyond its form: an index
// that leads to its rule, places that exist, names without a scheme.
func TestSARIF(t *testing.T) {
	r, err := check.Paths([]string{"testdata/article"})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := r.WriteSARIF(&b, "/"); err != nil {
		t.Fatal(err)
	}
	var log struct {
		Schema  string `json:"$schema"`
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct {
					Name  string
					Rules []struct{ ID string }
				}
			}
			Results []struct {
				RuleID    string
				RuleIndex int
				Level     string
				Message   struct{ Text string }
				Locations []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI, URIBaseID string }
						Region           struct{ StartLine, StartColumn int }
					}
				}
			}
		}
	}
	if err := json.Unmarshal(b.Bytes(), &log); err != nil {
		t.Fatal(err)
	}
	if log.Version != "2.1.0" || !strings.Contains(log.Schema, "sarif") || len(log.Runs) != 1 {
		t.Fatalf("%+v", log)
	}
	run := log.Runs[0]
	if len(run.Results) != len(r.Findings) || run.Tool.Driver.Name != "pxeproof" {
		t.Errorf("%d results of %d, by %q", len(run.Results), len(r.Findings), run.Tool.Driver.Name)
	}
	for i, res := range run.Results {
		if run.Tool.Driver.Rules[res.RuleIndex].ID != res.RuleID || res.RuleID != r.Findings[i].ID {
			t.Errorf("result %d is of rule %s, index %d", i, res.RuleID, res.RuleIndex)
		}
		if !slices.Contains([]string{"error", "warning", "note"}, res.Level) || res.Message.Text == "" {
			t.Errorf("result %d: level %q, text %q", i, res.Level, res.Message.Text)
		}
		at := res.Locations[0].PhysicalLocation
		u, err := url.Parse(at.ArtifactLocation.URI)
		if err != nil || u.IsAbs() || strings.HasPrefix(u.Path, "/") || at.ArtifactLocation.URIBaseID != "" {
			t.Errorf("result %d is in %q: %v", i, at.ArtifactLocation.URI, err)
		}
		src, err := os.ReadFile(u.Path)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(string(src), "\n")
		if g := at.Region; g.StartLine < 1 || g.StartLine > len(lines) || g.StartColumn < 1 || g.StartColumn > len([]rune(lines[g.StartLine-1])) {
			t.Errorf("result %d is at %+v", i, g)
		}
	}
}

// TestPathsRefuses says what is no input.
func TestPathsRefuses(t *testing.T) {
	dir := t.TempDir()
	binary := filepath.Join(dir, "blob")
	if err := os.WriteFile(binary, []byte("default x\n\x00"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ arg, want string }{
		{filepath.Join(dir, "nobody"), "there is no file, folder or scenario"},
		{dir, "nothing that can be checked"},
		{binary, "none of the files"},
	} {
		if _, err := check.Paths([]string{tt.arg}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.arg, err)
		}
	}
}

// TestSingleFiles checks the article's files as single ones: what each says, and
// what they say of each other, but nothing of files that are not named.
func TestSingleFiles(t *testing.T) {
	root := "testdata/article/root/"
	files := []string{root + "etc/dhcpd.conf", root + "etc/exports", root + "etc/xinetd.d/tftp", root + "root/inst/ks", root + "tftpboot/pxelinux.cfg/default"}
	r, err := check.Paths(files)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := check.Paths([]string{"testdata/article"})
	if err != nil {
		t.Fatal(err)
	}
	key := func(f check.Finding) string { return f.Pos.String() + " " + f.ID }
	var a, b []string
	for _, f := range r.Findings {
		a = append(a, key(f))
	}
	for _, f := range whole.Findings {
		b = append(b, key(f))
	}
	if !slices.Equal(a, b) {
		t.Errorf("single:\n%s\nthe folder:\n%s", strings.Join(a, "\n"), strings.Join(b, "\n"))
	}
}

// TestConfinement has a link that leads out of the folder: what it leads to is
// looked for inside.
func TestConfinement(t *testing.T) {
	dir := t.TempDir()
	fsys, err := txtar.FS(healthy(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(dir, fsys); err != nil {
		t.Fatal(err)
	}
	outside := filepath.Join(t.TempDir(), "ks")
	if err := os.WriteFile(outside, []byte("reboot\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	ks := filepath.Join(dir, "root/root/inst/ks")
	if err := os.Remove(ks); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, ks); err != nil {
		t.Fatal(err)
	}
	r, err := check.Paths([]string{dir})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Findings) != 1 || r.Findings[0].ID != "ks-file-missing" {
		t.Errorf("%+v", r.Findings)
	}
}

// FuzzTree checks whatever folder an archive holds: an error or a report whose
// every finding has its place, and that can be written.
func FuzzTree(f *testing.F) {
	f.Add(txtar.Format(healthy(f)))
	plain := healthy(f)
	plain.Files = plain.Files[1:]
	for i := range plain.Files {
		plain.Files[i].Name = strings.TrimPrefix(plain.Files[i].Name, "root/")
	}
	f.Add(txtar.Format(plain))
	var article txtar.Archive
	err := fs.WalkDir(os.DirFS("testdata/article"), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		src, err := os.ReadFile(filepath.Join("testdata/article", name))
		article.Files = append(article.Files, txtar.File{Name: name, Data: src})
		return err
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(txtar.Format(&article))
	f.Fuzz(func(t *testing.T, src []byte) {
		a := txtar.Parse(src)
		fsys, err := txtar.FS(a)
		if err != nil {
			return
		}
		r, err := check.Tree(fsys, "x")
		if err != nil {
			return
		}
		for _, f := range r.Findings {
			if f.File == "" || f.Line < 0 || f.Line > 0 && f.Col < 1 || f.ID == "" || f.Message == "" {
				t.Errorf("a finding without a place or a text: %s %q %q", f.Pos, f.ID, f.Message)
			}
		}
		var b bytes.Buffer
		for _, err := range []error{r.WriteText(&b), r.WriteJSON(&b), r.WriteSARIF(&b, "/")} {
			if err != nil {
				t.Error(err)
			}
		}
	})
}
