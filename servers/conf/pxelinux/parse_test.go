package pxelinux_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pxeproof/pxeproof/servers/conf"
	"github.com/pxeproof/pxeproof/servers/conf/pxelinux"
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
		{"default a\nlabel a\n kernel b\n", ""},
		{"# note\n\n  #note\ndefault a\r\nlabel a\r\n", ""},
		{"DEFAULT a\nPROMPT 1\nTIMEOUT 30\nLABEL a\nMENU LABEL ^A\nMENU DEFAULT\n", ""},
		{"defualt a\nlabel a\n", "1:1 pxelinux-unknown-directive; 2:7 pxelinux-no-default"},
		{"default a\n kernel b\n", "2:2 pxelinux-outside-label"},
		{"default a\ninitrd b\n", "2:1 pxelinux-outside-label"},
		{"default a\nlabel a\nlabel a\n", "3:7 pxelinux-duplicate-label"},
		{"default a\nlabel a\nmenu disable\nlabel a\n", ""},
		{"default a\nlabel\n", "2:1 pxelinux-label-unnamed"},
		{"default a\nprompt 1\n", "2:8 pxelinux-waits"},
		{"default a\nprompt yes\n", "2:8 pxelinux-not-a-number"},
		{"default a\nprompt 1\ntimeout 3s\n", "3:9 pxelinux-not-a-number"},
		{"ui menu.c32\nprompt 1\n", ""},
		{"default a\ntext help\nfoo\n", "2:1 pxelinux-text-unterminated"},
		{"default a\ntext help\nfoo\nendtext\nbar\n", "5:1 pxelinux-unknown-directive"},
		{"default a\ninclude b.cfg\n", "2:9 pxelinux-include-missing"},
		{"\xef\xbb\xbfdefault a\n", "1:1 pxelinux-byte-order-mark; 1:1 pxelinux-unknown-directive"},
		{"default a\nsay " + strings.Repeat("x", 5000) + "\n", "2:1 pxelinux-long-line; 2:4096 pxelinux-unknown-directive"},
		{"default a\nmenu colour x\nmenu nonsense\nf1 a.txt\nF12 b\nf13 c\n", "3:1 pxelinux-unknown-directive; 6:1 pxelinux-unknown-directive"},
		{"default a\nlabel a\ncomboot x\n", "3:1 pxelinux-comboot"},
	} {
		_, problems := pxelinux.Parse("f", []byte(tt.src), nil)
		if got := ids(problems); got != tt.want {
			t.Errorf("%.60q: problems %s\nwant %s", tt.src, got, tt.want)
		}
	}
}

func TestParseHints(t *testing.T) {
	for src, want := range map[string]string{
		"defualt a": "default", "apend x": "append", "menu tittle x": "menu title", "lable a": "label",
	} {
		_, problems := pxelinux.Parse("f", []byte(src), nil)
		if len(problems) == 0 || problems[0].Hint != "did you mean "+want+"?" {
			t.Errorf("%q: %v", src, problems)
		}
	}
}

func TestParseScopes(t *testing.T) {
	src := `append global
sysappend 1
label a
  kernel ka extra
  append -
  sysappend 0x3
label b
  menu label ^B
  text help
    helps
  endtext
  menu default
append late
menu begin Sub
append inner
label c
  append own
menu hide
menu end
label d
  menu disable
totaltimeout 100
`
	c, problems := pxelinux.Parse("f", []byte(src), nil)
	if got := ids(problems); got != "3:7 pxelinux-no-default" {
		t.Errorf("problems %s", got)
	}
	var got []string
	for _, l := range c.Labels {
		got = append(got, fmt.Sprintf("%s file=%q append=%q sys=%d menu=%q help=%q %t%t%t",
			l.Name.Text, l.File.Text, l.Append.Text, l.SysAppend.N, l.Menu, l.Help, l.Default, l.Hidden, l.Disabled))
	}
	want := []string{
		`a file="ka extra" append="" sys=3 menu="" help="" falsefalsefalse`,
		// An APPEND below a LABEL is the label's, whatever the indentation.
		`b file="b" append="late" sys=1 menu="" help="    helps\n" truefalsefalse`,
		`c file="c" append="own" sys=1 menu="Sub" help="" falsetruefalse`,
		`d file="d" append="inner" sys=1 menu="" help="" falsefalsetrue`,
	}
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("labels:\n%s\nwant:\n%s", g, w)
	}
	if c.TotalTimeout.Duration != 10*time.Second || c.Label("d") != nil || c.Label("c") == nil || c.Label("C") != nil {
		t.Errorf("%+v", c)
	}
}

func TestParseIncludeCircle(t *testing.T) {
	include := func(string) (string, []byte, error) { return "again", []byte("include again\n"), nil }
	_, problems := pxelinux.Parse("f", []byte("default a\ninclude again\n"), include)
	if problems.Worst() != conf.Doubt {
		t.Errorf("problems %v", problems)
	}
}

func TestPredictOutcomes(t *testing.T) {
	for _, tt := range []struct {
		name    string
		config  string
		outcome pxelinux.Outcome
		reason  string // a part of it
		at      string // Boot.Pos
	}{
		{"label", "default a\nlabel a\nkernel k\n", pxelinux.Boots, "", "2:7"},
		{"linux by name", "default k quiet\n", pxelinux.Boots, "", "1:9"},
		{"no kernel", "default a\nlabel a\nkernel none\n", pxelinux.Stops, "kernel none", "2:7"},
		{"empty kernel", "default a\nlabel a\nkernel empty\n", pxelinux.Stops, "kernel empty", "2:7"},
		{"no initrd", "default a\nlabel a\nkernel k\nappend initrd=i,none\n", pxelinux.Stops, "initrd none", "2:7"},
		{"no label, no file", "default a\n", pxelinux.Stops, "kernel a", "1:9"},
		{"implicit 0", "default k\nimplicit 0\n", pxelinux.Stops, "IMPLICIT", "1:9"},
		{"nothing", "label a\nkernel k\n", pxelinux.Stops, "DEFAULT", ""},
		{"prompt", "default k\nprompt 1\n", pxelinux.Dynamic, "somebody", "2:8"},
		{"prompt and timeout", "default k\nprompt 1\ntimeout 50\n", pxelinux.Boots, "", "1:9"},
		{"noescape", "default k\nprompt 1\nnoescape 1\n", pxelinux.Boots, "", "1:9"},
		{"ui", "ui menu.c32\ndefault k\nprompt 1\n", pxelinux.Dynamic, "menu.c32 decides", "1:4"},
		{"default menu", "default menu.c32\nlabel a\nkernel k\n", pxelinux.Dynamic, "menu.c32 decides", "1:9"},
		{"no menu module", "default vesamenu.c32\n", pxelinux.Dynamic, "not there", "1:9"},
		{"localboot", "default a\nlabel a\nlocalboot 0\n", pxelinux.Local, "LOCALBOOT 0", "2:7"},
		{"pxe", "default a\nlabel a\npxe n.0\n", pxelinux.Boots, "", "2:7"},
		{"elsewhere", "default a\nlabel a\nkernel 10.0.0.1::k\n", pxelinux.Dynamic, "another server", "3:8"},
		{"disabled", "default a\nlabel a\nkernel k\nmenu disable\n", pxelinux.Stops, "kernel a", "1:9"},
		{"menu action", "default a\nlabel a\nmenu quit\n", pxelinux.Dynamic, "menus alone", "3:6"},
		{"onerror", "default a\nonerror b\nlabel b\nkernel k\n", pxelinux.Boots, "", "3:7"},
		{"onerror fails", "default a\nonerror b\n", pxelinux.Stops, "kernel a is not there, or is empty; and ONERROR: the kernel b", "2:9"},
		{"config circle", "default a\nlabel a\nconfig pxelinux.cfg/default\n", pxelinux.Dynamic, "CONFIG lines", "3:8"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files := server{"ldlinux.c32": "x", "k": "x", "i": "x", "n.0": "x", "menu.c32": "x", "empty": "", "pxelinux.cfg/default": tt.config}
			b := pxelinux.Predict(client, pxelinux.Options{BootFile: "pxelinux.0"}, files).Boot
			at := ""
			if b.Pos.IsValid() {
				at = fmt.Sprintf("%d:%d", b.Pos.Line, b.Pos.Col)
			}
			if b.Outcome != tt.outcome || !strings.Contains(b.Reason, tt.reason) || at != tt.at {
				t.Errorf("%s at %q: %q; want %s at %q: %q", b.Outcome, at, b.Reason, tt.outcome, tt.at, tt.reason)
			}
			if waits := tt.name == "prompt" || tt.name == "nothing"; b.AtPrompt != waits {
				t.Errorf("that it waits at its prompt is %v", b.AtPrompt)
			}
		})
	}
}

func TestPredictCommandLine(t *testing.T) {
	c := client
	c.UUID = [16]byte{6: 0x40, 15: 1}
	for config, want := range map[string]string{
		"default a b=c\nlabel a\nkernel k x\nappend y\ninitrd i\nsysappend 15\n": "x y initrd=i ip=192.168.1.50:192.168.1.103:0.0.0.0:0.0.0.0 " +
			"BOOTIF=01-52-54-00-12-34-56 SYSUUID=00000000-0000-4000-0000-000000000001 b=c",
		"sysappend 2\ndefault k a\nappend z\n":     "a BOOTIF=01-52-54-00-12-34-56",
		"default k a\nallowoptions 0\n":            "",
		"default a\nlabel a\nkernel k\nappend -\n": "",
	} {
		files := server{"ldlinux.c32": "x", "k": "x", "i": "x", "pxelinux.cfg/default": config}
		p := pxelinux.Predict(c, pxelinux.Options{BootFile: "pxelinux.0"}, files)
		if p.Boot.Append != want {
			t.Errorf("%q:\n%q, want\n%q", config, p.Boot.Append, want)
		}
	}
}

func FuzzPredict(f *testing.F) {
	f.Add(article, "/pxelinux.0", "", "")
	f.Add("path a:b\ninclude pxelinux.cfg/default x\nui menu.c32\n", "a/b_c", "x/", "::y z")
	f.Add("default a\nlabel a\nconfig ::pxelinux.cfg/default tftp://h/%41;x#\n", "", "http://h/", "")
	f.Add("default k\nonerror k\nmenu begin\ntext help\nendtext\nserial 0 9600\nf1 a\ntimeout -99999999999999999999\n", "p", "", "")
	f.Fuzz(func(t *testing.T, config, bootFile, prefix, configFile string) {
		o := pxelinux.Options{BootFile: bootFile, PathPrefix: prefix, ConfigFile: configFile}
		for _, files := range []pxelinux.Files{everywhere(config), nowhere{}} {
			p := pxelinux.Predict(client, o, files)
			if p.Boot.Outcome == "" {
				t.Errorf("no outcome: %+v", p)
			}
			for _, problem := range p.Problems {
				if !problem.Pos.IsValid() || problem.Pos.Col < 1 {
					t.Errorf("a problem nowhere: %v", problem)
				}
			}
		}
	})
}

// everywhere is a server that has the same text under every name.
type everywhere string

func (e everywhere) Size(string) (int64, bool) { return int64(len(e)), true }
func (e everywhere) Read(name string) (string, []byte, error) {
	return name, []byte(e), nil
}

type nowhere struct{}

func (nowhere) Size(string) (int64, bool) { return 0, false }
func (nowhere) Read(string) (string, []byte, error) {
	return "", nil, errors.New("nothing is here")
}
