package grub

import (
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/pxeproof/pxeproof/servers/conf/pxelinux"
)

// tree is a TFTP server's files by their names.
type tree map[string]string

func (t tree) Size(name string) (int64, bool) { s, ok := t[name]; return int64(len(s)), ok }

func (t tree) Read(name string) (string, []byte, error) {
	s, ok := t[name]
	if !ok {
		return "", nil, errors.New("no such file")
	}
	return name, []byte(s), nil
}

var client = Client{MAC: net.HardwareAddr{0x52, 0x54, 0, 0x12, 0x34, 0x56}, Addr: netip.MustParseAddr("192.168.1.10"), Server: netip.MustParseAddr("192.168.1.103")}

func TestConfigNames(t *testing.T) {
	if got := strings.Join(ConfigNames(client), " "); got != "/grub/grub.cfg" {
		t.Error(got)
	}
	search := client
	search.Search = true
	got := strings.Join(ConfigNames(search), " ")
	want := "/grub/grub.cfg-01-52-54-00-12-34-56 /grub/grub.cfg-C0A8010A /grub/grub.cfg-C0A8010 /grub/grub.cfg-C0A801 /grub/grub.cfg-C0A80 " +
		"/grub/grub.cfg-C0A8 /grub/grub.cfg-C0A /grub/grub.cfg-C0 /grub/grub.cfg-C /grub/grub.cfg"
	if got != want {
		t.Error(got)
	}
}

const linuxEntry = "menuentry 'Linux' --class os --id linux {\n\tlinux /vmlinuz quiet $extra\n\tinitrd /initrd.img /more.img\n}\n"

// cases are configurations, and how they end: the outcome, the kernel and its
// line, or a part of the reason.
var cases = []struct{ name, cfg, outcome, want string }{
	{"one entry", "set timeout=0\n" + linuxEntry, "boots", "/vmlinuz|quiet|/initrd.img /more.img"},
	{"no timeout", linuxEntry, "dynamic", "somebody to choose"},
	{"variables", "timeout=5; extra='a  b'\nset x=\"ro $extra\"\nmenuentry x { linux /vmlinuz \"$x\" ${extra} root=/dev/$net_default_ip ; initrd /initrd.img; }", "boots", "/vmlinuz|ro a  b a b root=/dev/192.168.1.10|/initrd.img"},
	{"default by id", "set timeout=0\nset default=linux\nmenuentry 'Disk' { exit }\n" + linuxEntry, "boots", "/vmlinuz|quiet|"},
	{"default by title", "set timeout=0\nset default=\"Linux\"\nmenuentry 'Disk' { exit }\n" + linuxEntry, "boots", "/vmlinuz"},
	{"default by number", "set timeout=0\nset default=0\nmenuentry 'Disk' { exit }\n" + linuxEntry, "local", "exit leaves GRUB"},
	{"submenu", "set timeout=0\nset default='more>1'\nsubmenu 'More' --id more {\nmenuentry a { exit }\n" + linuxEntry + "}\n", "boots", "/vmlinuz"},
	{"at once", "linux (tftp)/vmlinuz a\ninitrd /initrd.img\nboot\n", "boots", "/vmlinuz|a|/initrd.img"},
	{"no boot", "linux /vmlinuz\n", "stops", "no boot command"},
	{"if", "set timeout=0\nif [ x$grub_platform = xefi -a ! -f /vmlinuz ]; then\n" + linuxEntry + "else\nmenuentry z { exit }\nfi\n", "boots", "/vmlinuz"},
	{"elif and not", "set timeout=0\nif test -f /none; then exit; elif ! [ \"$nothing\" ]; then\n" + linuxEntry + "fi\n", "boots", "/vmlinuz"},
	{"source", "source /grub/more.cfg\n", "boots", "/vmlinuz"},
	{"configfile for a MAC", "configfile $prefix/by-$net_default_mac.cfg\n", "boots", "/vmlinuz|own"},
	{"function", "function go { linux /vmlinuz $1 ; boot }\ngo\n", "boots", "/vmlinuz"},
	{"a loop", "for x in a b; do echo $x; done\n", "dynamic", "loop"},
	{"a search", "search --file /x --set root\n", "dynamic", "search"},
	{"another server", "set timeout=0\nmenuentry h { linux (http,10.0.0.1)/vmlinuz }", "dynamic", "elsewhere"},
	{"a disk", "set root=hd0,1\nset timeout=0\n" + linuxEntry, "dynamic", "elsewhere"},
	{"no kernel", "set timeout=0\nmenuentry a { linux /nope }", "stops", "/nope is not there"},
	{"chainloader", "set timeout=0\nmenuentry a { chainloader /EFI/x.efi }", "dynamic", "chainloader"},
	{"unfinished", "menuentry a {\n linux /vmlinuz\n", "stops", "does not understand"},
	{"a quote without end", "set a='x\n", "stops", "quote"},
	{"itself", "configfile /grub/grub.cfg\n", "dynamic", "more than"},
	{"doubling", "function f { set a=$a$a$a$a$a$a$a$a; f }\nset a=xxxxxxxx\nf\n", "dynamic", "longer"},
}

func files(cfg string) tree {
	return tree{"/grub/grub.cfg": cfg, "/vmlinuz": "k", "/initrd.img": "i", "/more.img": "m", "/grub/more.cfg": "linux /vmlinuz\nboot\n",
		"/grub/by-52:54:00:12:34:56.cfg": "linux /vmlinuz own\nboot\n"}
}

func TestPredict(t *testing.T) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := Predict(client, files(c.cfg))
			got := p.Boot.Reason
			if p.Boot.Outcome == pxelinux.Boots {
				var initrds []string
				for _, i := range p.Boot.Initrds {
					initrds = append(initrds, i.Name)
				}
				got = p.Boot.Kernel.Name + "|" + p.Boot.Append + "|" + strings.Join(initrds, " ")
			}
			if string(p.Boot.Outcome) != c.outcome || !strings.Contains(got, c.want) {
				t.Errorf("%s: %s", p.Boot.Outcome, got)
			}
		})
	}
}

func TestPlaces(t *testing.T) {
	p := Predict(client, files("set timeout=0\nmenuentry 'a' {\n\tlinux /vmlinuz console=ttyS0\n\tinitrd   /initrd.img\n\tlinx x\n}\n"))
	got := p.Boot.Pos.String() + " " + p.Boot.Kernel.Pos.String() + " " + p.Boot.AppendPos.String() + " " + p.Boot.Initrds[0].Pos.String()
	if want := "/grub/grub.cfg:2:1 /grub/grub.cfg:3:8 /grub/grub.cfg:3:17 /grub/grub.cfg:4:11"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if len(p.Problems) != 1 || p.Problems[0].Error() != `/grub/grub.cfg:5:2: warning: GRUB cannot find the command "linx", and passes over it (did you mean linux?)` {
		t.Error(p.Problems)
	}
}

func FuzzPredict(f *testing.F) {
	for _, c := range cases {
		f.Add(c.cfg)
	}
	f.Fuzz(func(t *testing.T, cfg string) {
		if p := Predict(client, files(cfg)); p.Boot.Outcome == "" {
			t.Error("no outcome")
		}
	})
}
