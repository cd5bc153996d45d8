package kickstart_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"

	"github.com/pxeproof/pxeproof/servers/conf"
	"github.com/pxeproof/pxeproof/servers/conf/kickstart"
)

// ids are the problems as "line:col id".
func ids(problems conf.Problems) string {
	var list []string
	for _, p := range problems {
		list = append(list, fmt.Sprintf("%d:%d %s", p.Pos.Line, p.Pos.Col, p.ID))
	}
	return strings.Join(list, "; ")
}

func TestParseProblems(t *testing.T) {
	for _, tt := range []struct{ src, want string }{
		{"# a\n\nlang en_US\r\n  keyboard us # b\n", ""},
		{"reboot //soon\n", "1:8 kickstart-note"},
		{"reboot # //soon\n", ""},
		{"url --url http://a/b\n", ""},
		{"reboot (soon)\n", "1:8 kickstart-note"},
		{"reboot \uff08soon)\n", "1:8 kickstart-note"},
		{"rootpw '(soon)' x\n", "1:8 kickstart-note"},
		{"//reboot\n", "1:1 kickstart-note"},
		{"bootloader --append=“rhgb quiet”\n", "1:21 kickstart-typographic-quote"},
		{"bootloader --append=“rhgb”\n", "1:21 kickstart-typographic-quote"},
		{"bootloader --append=“rhgb quiet\n", "1:21 kickstart-typographic-quote"},
		{"bootloader --append=\"“rhgb quiet”\"\n", ""},
		{"bootloader --append=\"rhgb quiet\n", "1:21 kickstart-quote"},
		{"rebooot\n", "1:1 kickstart-unknown-command"},
		{"%packages\na\n%end\nreboot\n", ""},
		{"%packages\na\n", "1:1 kickstart-section-without-end"},
		{"%packages\na\n%post\nb //c\n%end\n", "1:1 kickstart-section-without-end"},
		{"%package\na\n%end\n", "1:1 kickstart-unknown-section"},
		{"%end\n", "1:1 kickstart-section-end"},
		{"%include /tmp/part\n", ""},
		{"%pre\n%notasection // “x”\nrebooot\n%end\n", ""},
		{"part / \\\n --size=1 \\\n //all\n", "3:2 kickstart-note"},
	} {
		_, problems := kickstart.Parse("ks", []byte(tt.src))
		if got := ids(problems); got != tt.want {
			t.Errorf("%q\n got %s\nwant %s", tt.src, got, tt.want)
		}
	}
}

func TestOption(t *testing.T) {
	for _, tt := range []struct {
		src, option, want string
		col               int
	}{
		{"network --ip 10.0.0.1 --device eth0\n", "--ip", "10.0.0.1", 14},
		{"network --ip=10.0.0.1\n", "--ip", "10.0.0.1", 14},
		{"network --ip=10.0.0.1 --ip=10.0.0.2\n", "--ip", "10.0.0.2", 28},
		{"network --ip --device eth0\n", "--ip", "", 9},
		{"network --ipv6=auto\n", "--ip", "", 0},
	} {
		f, _ := kickstart.Parse("ks", []byte(tt.src))
		all := f.All("network")
		if len(all) != 1 {
			t.Fatalf("%q: %d commands", tt.src, len(all))
		}
		v := all[0].Option(tt.option)
		if v.Text != tt.want || v.Pos.Col != tt.col || v.IsSet() != (tt.col > 0) {
			t.Errorf("%q: %q at %d", tt.src, v.Text, v.Pos.Col)
		}
	}
}

func TestSections(t *testing.T) {
	f, _ := kickstart.Parse("ks", []byte("lang a\n%packages --nobase\nb\n%end\n%post --log=/c\nlang d\n%end\nlang e\n"))
	if len(f.Sections) != 2 || f.Sections[0].Args[0].Text != "--nobase" || f.Sections[0].End.Line != 4 || f.Sections[1].Name.Text != "%post" {
		t.Errorf("%+v", f.Sections)
	}
	if all := f.All("lang"); len(all) != 2 || all[1].Name.Pos != (conf.Pos{File: "ks", Line: 8, Col: 1}) {
		t.Errorf("%+v", all)
	}
}

// TestAgainstShlex holds our words to those of the function that anaconda
// itself calls.
func TestAgainstShlex(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("python3 is not installed: make setup")
		}
		t.Skip("python3, whose shlex anaconda uses, is not installed: make setup")
	}
	lines := []string{
		"a b\tc", "  a  ", "a#b c", "a #b", "'a b' c", `"a b"c`, `a"b c"d'e f'`, `a\ b c\\d`, `"a\"b\\c\d"`, `'a\'`, `'a`, `"a`, `a '' ""`,
		`a\`, "“a b” c", `--append="rhgb quiet" x`, "a//b (c)", `"#" '#' \#`, "ä #ö", `"" #`, "#", "",
	}
	in, err := json.Marshal(lines)
	if err != nil {
		t.Fatal(err)
	}
	const script = `
import json, shlex, sys
out = []
for line in json.load(sys.stdin):
    try:
        out.append(shlex.split(line, comments=True))
    except ValueError:
        out.append(None)
json.dump(out, sys.stdout)`
	cmd := exec.Command(python, "-c", script)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var want [][]string
	if err := json.Unmarshal(out, &want); err != nil {
		t.Fatal(err)
	}
	for i, line := range lines {
		// In front of it a command, so that the line is read as a whole; a
		// backslash at the very end is a continuation to a file, not to shlex.
		if strings.HasSuffix(line, `\`) {
			continue
		}
		f, problems := kickstart.Parse("ks", []byte("lang "+line))
		refused := problems.Worst() == conf.Refusal && strings.Contains(ids(problems), "kickstart-quote")
		if want[i] == nil {
			if !refused {
				t.Errorf("%q: shlex refuses it", line)
			}
			continue
		}
		got := []string{}
		for _, a := range f.Commands[0].Args {
			got = append(got, a.Text)
		}
		if refused || !reflect.DeepEqual(got, want[i]) {
			t.Errorf("%q: %q, shlex says %q", line, got, want[i])
		}
	}
}

// FuzzParse wants every word at its place, whatever the file.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"install\nnfs --server=192.168.1.103 --dir=/root/inst\nreboot //加入\n%packages\n@ everything\n%end\n",
		"bootloader --append=“rhgb quiet”\npart / \\\n --size=1\n", "a 'b\n\"c\\\" d\" #e\n%pre\n%end\n", "\\\n\\",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		file, problems := kickstart.Parse("ks", src)
		lines := strings.Split(string(src), "\n")
		inside := func(p conf.Pos) bool {
			return p.Line >= 1 && p.Line <= len(lines) && p.Col >= 1 && p.Col <= len(lines[p.Line-1])
		}
		for _, c := range file.Commands {
			for _, v := range append([]kickstart.Value{c.Name}, c.Args...) {
				if !inside(v.Pos) {
					t.Errorf("%q is at %v", v.Text, v.Pos)
				}
			}
		}
		for _, p := range problems {
			if !inside(p.Pos) || p.ID == "" || p.Text == "" {
				t.Errorf("%+v", p)
			}
		}
	})
}
