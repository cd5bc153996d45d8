package ipxe

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

var client = Client{MAC: net.HardwareAddr{0x52, 0x54, 0, 0x12, 0x34, 0x56}, Addr: netip.MustParseAddr("192.168.1.10"),
	Server: netip.MustParseAddr("192.168.1.103"), BootFile: "/boot.ipxe"}

// cases are scripts, and how they end: the outcome, the kernel and its line, or
// a part of the reason.
var cases = []struct{ name, script, outcome, want string }{
	{"plain", "kernel vmlinuz quiet\ninitrd initrd.img\nboot", "boots", "/vmlinuz|quiet|/initrd.img"},
	{"variables", "set base tftp://${next-server}/sub\nset args a ${mac:hexhyp}\nkernel ${base}/vmlinuz ${args}\nimgargs vmlinuz b ${net0/ip}\nboot", "boots", "/sub/vmlinuz|b 192.168.1.10|"},
	{"goto", "isset ${menu} && goto menu || goto linux\n:menu\nmenu\n:linux\nchain vmlinuz x", "boots", "/vmlinuz|x|"},
	{"the first that is there", "kernel nope || kernel vmlinuz\nboot", "boots", "/vmlinuz||"},
	{"none is there", "kernel nope\nboot", "stops", "nothing stands behind it"},
	{"platform", "iseq ${platform} efi && kernel nope || kernel vmlinuz\nboot", "boots", "/vmlinuz"},
	{"another script", "chain sub/more.ipxe", "boots", "/sub/vmlinuz|sub|"},
	{"a script that comes back", "chain sub/back.ipxe\nkernel vmlinuz\nboot", "boots", "/vmlinuz"},
	{"for a MAC", "chain by/${mac:hexhyp} || exit", "boots", "/vmlinuz"},
	{"a menu", "menu Choose\nitem a A\nchoose x", "dynamic", "menu"},
	{"HTTP", "chain http://boot.example/x", "dynamic", "another server"},
	{"what only the machine knows", "chain ${manufacturer}", "dynamic", "${manufacturer}"},
	{"exit", "exit", "local", "exit"},
	{"nothing", "echo hello", "stops", "without booting"},
	{"no label", "goto nowhere", "stops", "no label"},
	{"a circle", ":a\ngoto a", "dynamic", "circles"},
	{"itself", "chain boot.ipxe", "dynamic", "more than"},
	{"unknown", "kernell vmlinuz || kernel vmlinuz\nboot", "boots", "/vmlinuz"},
	{"doubling", "set a xxxxxxxx\n:x\nset a ${a}${a}${a}${a}\ngoto x", "dynamic", "longer"},
}

func files(script string) tree {
	return tree{"/boot.ipxe": "#!ipxe\n" + script, "/vmlinuz": "k", "/initrd.img": "i", "/sub/vmlinuz": "k", "/by/52-54-00-12-34-56": "#!ipxe\nkernel ../vmlinuz\nboot",
		"/sub/more.ipxe": "#!ipxe\nkernel vmlinuz sub\nboot\n", "/sub/back.ipxe": "#!ipxe\nset x y\n"}
}

func TestPredict(t *testing.T) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := Predict(client, files(c.script))
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
	p := Predict(client, files("  kernel vmlinuz console=ttyS0\ninitrd  initrd.img\nbot || boot\n"))
	got := p.Boot.Pos.String() + " " + p.Boot.Kernel.Pos.String() + " " + p.Boot.AppendPos.String() + " " + p.Boot.Initrds[0].Pos.String()
	if want := "/boot.ipxe:4:8 /boot.ipxe:2:10 /boot.ipxe:2:18 /boot.ipxe:3:9"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if len(p.Problems) != 1 || p.Problems[0].Error() != `/boot.ipxe:4:1: warning: iPXE knows no command "bot", and it fails (did you mean boot?)` {
		t.Error(p.Problems)
	}
}

func FuzzPredict(f *testing.F) {
	for _, c := range cases {
		f.Add(c.script)
	}
	f.Fuzz(func(t *testing.T, script string) {
		if p := Predict(client, files(script)); p.Boot.Outcome == "" {
			t.Error("no outcome")
		}
	})
}
