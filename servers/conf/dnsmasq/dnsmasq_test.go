package dnsmasq

import (
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pxeproof/pxeproof/servers/conf"
)

// findDnsmasq finds the real one.
func findDnsmasq(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath("dnsmasq")
	if err != nil {
		const cure = "dnsmasq is not here, to be compared with; make setup gets it (Debian package dnsmasq-base)"
		if os.Getenv("CI") == "true" {
			t.Fatal(cure)
		}
		t.Skip(cure)
	}
	return program
}

// TestKnowsAll holds the table of directives to what dnsmasq itself lists.
func TestKnowsAll(t *testing.T) {
	out, err := exec.Command(findDnsmasq(t), "--help").Output()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(out)) {
		_, rest, ok := strings.Cut(line, "--")
		if !ok || strings.Contains(line, "Use --help") && !strings.HasPrefix(line, "-w") {
			continue
		}
		name := strings.FieldsFunc(rest, func(r rune) bool { return strings.ContainsRune("[= ,\n", r) })[0]
		if n++; directives[name].parameter == none {
			if _, ok := directives[name]; !ok {
				t.Errorf("dnsmasq's %s is not known", name)
			}
		}
	}
	if n < 150 {
		t.Errorf("dnsmasq --help lists %d directives", n)
	}
}

// lines are single lines with what is wrong about them: the problem's ID and its
// column, and whether dnsmasq starts.
var lines = []struct {
	line string
	id   string
	col  int
}{
	{`dhcp-boot=pxelinux.0`, "", 0},
	{`  dhcp-boot = pxelinux.0 , name , 10.0.0.1  # comment`, "", 0},
	{`dhcp-bot=pxelinux.0`, idUnknown, 1},
	{` Dhcp-boot=pxelinux.0`, idUnknown, 2},
	{`dhcp-boot pxelinux.0`, idUnknown, 1},
	{`dhcp-boot`, idParameter, 1},
	{`dhcp-boot=tag:x`, idValue, 1},
	{`no-ping=yes`, idParameter, 9},
	{`dhcp-boot="pxelinux.0`, idQuote, 1},
	{`dhcp-option="unfinished\"`, idQuote, 1},
	{`dhcp-range=192.168.0.1`, idValue, 12},
	{`dhcp-range=192.168.0.9,192.168.0.1,1h`, "", 0},
	{`dhcp-range=192.168.0.9,statik`, idValue, 24},
	{`dhcp-range=192.168.0.9,192.168.1.9,255.255.255.0`, idValue, 1},
	{`dhcp-range=192.168.0.9,192.168.1.9,255.255.254.0,192.168.1.255,2w`, "", 0},
	{`dhcp-range=192.168.0.9,192.168.0.99,12x`, idValue, 37},
	{`dhcp-range=set:a,set:b,192.168.0.9,192.168.0.99`, idValue, 18},
	{`dhcp-range=tag:a,tag:b,set:c,192.168.0.9,static,infinite`, "", 0},
	{`dhcp-range=fd00::1,fd00::9,64,1h`, "", 0},
	{`dhcp-option=option:routers,1.2.3.4`, idOption, 20},
	{`dhcp-option=option:hostname,x`, idOption, 20},
	{`dhcp-option=3,gateway`, idValue, 15},
	{`dhcp-option=3,1.2.3.4,5.6.7.8`, "", 0},
	{`dhcp-option=43,01:02:0g`, "", 0}, // a text then
	{`dhcp-option=256,1`, idOption, 13},
	{`dhcp-option=tag:a`, idValue, 1},
	{`dhcp-option=vendor:PXEClient,encap:175,1,2`, idValue, 30},
	{`dhcp-option=121,10.0.0.0/8,1.2.3`, idValue, 28},
	{`dhcp-option=option6:dns-server,[::]`, "", 0},
	{`dhcp-match=set:a,option:client-arch,7`, "", 0},
	{`dhcp-match=set:a,vendor:x,1`, idValue, 18},
	{`dhcp-match=option:client-arch,7`, idValue, 1},
	{`dhcp-vendorclass=set:a,b,c`, idValue, 24},
	{`dhcp-vendorclass=set:a`, idValue, 1},
	{`dhcp-mac=set:a,52:54:*`, "", 0},
	{`dhcp-mac=set:a,52:xx`, idValue, 16},
	{`dhcp-host=52:54:00:00:00:01,10.0.0.1,name,1h`, "", 0},
	{`dhcp-host=52:54:00:00:00:01,a,b`, idValue, 31},
	{`dhcp-host=52:54:00:00:00:xx`, idValue, 11},
	{`pxe-service=x86PC,"a, b",file,1.2.3.4`, "", 0},
	{`pxe-service=x86,"a"`, idValue, 13},
	{`pxe-service=x86PC`, idValue, 1},
	{`pxe-prompt="x",5`, "", 0},
	{`tag-if=tag:a`, idValue, 1},
	{`tag-if=set:a,b`, idValue, 14},
	{`tftp-unique-root=name`, idValue, 18},
	{`conf-file=/no/such/file`, idInclude, 1},
	{`conf-dir=/no/such/folder`, idInclude, 1},
	{`port=x`, idValue, 6},
}

// TestLines reads single lines, and asks dnsmasq whether it would start with
// them.
func TestLines(t *testing.T) {
	program := findDnsmasq(t)
	for _, l := range lines {
		file := filepath.Join(t.TempDir(), "dnsmasq.conf")
		if err := os.WriteFile(file, []byte(l.line+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, problems := Parse("dnsmasq.conf", []byte(l.line+"\n"), fstest.MapFS{})
		refused := problems.Worst() == conf.Refusal
		out, err := exec.Command(program, "--test", "--conf-file="+file).CombinedOutput()
		if (err != nil) != refused {
			t.Errorf("%s\ndnsmasq: %v %s\nwe: %v", l.line, err, out, problems)
		}
		if l.id == "" {
			continue
		}
		if len(problems) == 0 || problems[0].ID != l.id || problems[0].Pos != (conf.Pos{File: "dnsmasq.conf", Line: 1, Col: l.col}) {
			t.Errorf("%s\nwant %s in column %d, have %v", l.line, l.id, l.col, problems)
		}
	}
}

func TestProblems(t *testing.T) {
	_, problems := Parse("dnsmasq.conf", []byte(`dhcp-vendorclas=set:bios,PXEClient
log-facility=/a
log-facility=/b
dhcp-vendorclass=bios,PXEClient:Arch:00000
dhcp-boot=tag:bois,pxelinux.0
tftp-root=/srv/tftp
dhcp-relay=10.0.0.1,10.0.0.2
`), nil)
	want := []string{
		`dnsmasq.conf:1:1: error: dnsmasq knows no directive "dhcp-vendorclas" and does not start (did you mean dhcp-vendorclass?)`,
		`dnsmasq.conf:3:1: error: log-facility stands here for the second time (dnsmasq.conf:2:1), and dnsmasq does not start`,
		`dnsmasq.conf:4:18: warning: "bios" is taken for the name of a tag, an old form that is easily misread (write set:bios)`,
		`dnsmasq.conf:7:1: doubt: requests go on to another server, of which nothing is known here`,
		`dnsmasq.conf:6:11: warning: tftp-root alone starts no TFTP server (add enable-tftp)`,
		`dnsmasq.conf:5:15: warning: nothing sets the tag "bois", unless an interface is called so (did you mean bios?)`,
	}
	for i, p := range problems {
		if i >= len(want) || p.Error() != want[i] {
			t.Errorf("%v", p.Error())
		}
	}
	if len(problems) != len(want) {
		t.Errorf("%d problems, want %d", len(problems), len(want))
	}
}

func TestIncludes(t *testing.T) {
	fsys := fstest.MapFS{
		"etc/default/dnsmasq":      {Data: []byte("# x\nCONFIG_DIR=/etc/dnsmasq.d,.dpkg-old\n")},
		"etc/dnsmasq.d/b.conf":     {Data: []byte("dhcp-boot=second\n")},
		"etc/dnsmasq.d/a.conf":     {Data: []byte("conf-file=/etc/dnsmasq.conf\nconf-file=/etc/a.conf\ndhcp-boot=first\n")},
		"etc/dnsmasq.d/c.dpkg-old": {Data: []byte("dhcp-boot=old\n")},
		"etc/dnsmasq.d/.hidden":    {Data: []byte("dhcp-boot=hidden\n")},
		"etc/a.conf":               {Data: []byte("conf-file=/etc/dnsmasq.d/b.conf\n")},
		"etc/hosts":                {Data: []byte("10.0.0.7 boot boot.example # x\n")},
		"etc/tagged/hosts":         {Data: []byte("52:54:00:00:00:01,set:x,10.0.0.9\n")},
		"etc/options":              {Data: []byte("tag:x,option:root-path,/x\n")},
	}
	src := "dhcp-hostsfile=/etc/tagged/hosts\ndhcp-optsfile=/etc/options\ndhcp-range=10.0.0.1,10.0.0.20\n" +
		"dhcp-boot=tag:x,last,,boot\n"
	c, problems := Parse("/etc/dnsmasq.conf", []byte(src), fsys, CommandLineDirs(fsys)...)
	if len(problems) > 0 {
		t.Error(problems)
	}
	var files []string
	for _, b := range c.Boots {
		files = append(files, b.File.Text+" "+b.File.Pos.String())
	}
	want := "second /etc/dnsmasq.d/b.conf:1:11, first /etc/dnsmasq.d/a.conf:3:11, last /etc/dnsmasq.conf:4:17"
	if got := strings.Join(files, ", "); got != want {
		t.Errorf("read %s\nwant %s", got, want)
	}
	a := c.Answer(Query{Type: Discover, MAC: net.HardwareAddr{0x52, 0x54, 0, 0, 0, 1}, Server: netip.MustParsePrefix("10.0.0.2/24")})
	if a.Address.Value.String() != "10.0.0.9" || a.SIAddr.Value.String() != "10.0.0.7" || a.SIAddr.Pos.Line != 4 ||
		a.Option(17) == nil || a.Option(17).Pos.File != "/etc/options" {
		t.Errorf("%+v", a)
	}
}

func TestTFTPPath(t *testing.T) {
	read := func(src string) *TFTP {
		c, _ := Parse("dnsmasq.conf", []byte("enable-tftp\n"+src), fstest.MapFS{})
		return &c.TFTP
	}
	client, mac := netip.MustParseAddr("10.0.0.9"), net.HardwareAddr{0x52, 0x54, 0, 0, 0, 1}
	for _, c := range []struct{ conf, name, dir, want string }{
		{"", "a", "", "/a"},
		{"", "/x/a", "", "/x/a"},
		{"tftp-root=/srv/tftp", "a", "", "/srv/tftp/a"},
		{"tftp-root=/srv/tftp/", "/a", "", "/srv/tftp/a"},
		{"tftp-root=srv", `x\a`, "", "/srv/x/a"},
		{"tftp-root=/srv/tftp", "/srv/tftp/a", "", "/srv/tftp/a"},
		{"tftp-root=/srv/tftp", "../a", "", ""},
		{"tftp-root=/srv/tftp\ntftp-lowercase", "A/B", "", "/srv/tftp/a/b"},
		{"tftp-root=/srv/tftp\ntftp-unique-root", "a", "/srv/tftp/10.0.0.9", "/srv/tftp/10.0.0.9/a"},
		{"tftp-root=/srv/tftp\ntftp-unique-root", "a", "", "/srv/tftp/a"},
		{"tftp-root=/srv/tftp\ntftp-unique-root=mac", "/a", "/srv/tftp/52-54-00-00-00-01", "/srv/tftp/52-54-00-00-00-01/a"},
		{"tftp-root=/srv/tftp\ntftp-root=/other,eth0", "a", "", "/other/a"},
	} {
		got, ok := read(c.conf).Path(c.name, "eth0", client, mac, func(d string) bool { return d == c.dir })
		if got != c.want || ok != (c.want != "") {
			t.Errorf("%q, %q: %q, %v; want %q", c.conf, c.name, got, ok, c.want)
		}
	}
}

// FuzzParse reads anything, and answers a client from it.
func FuzzParse(f *testing.F) {
	for _, l := range lines {
		f.Add([]byte(l.line))
	}
	files, err := filepath.Glob("../../dhcp/testdata/dnsmasq/*.conf")
	if err != nil || len(files) == 0 {
		f.Fatal("no corpus", err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	fsys := fstest.MapFS{"d/a": {Data: []byte("conf-dir=/d\nconf-file=/d/a\n")}}
	f.Fuzz(func(t *testing.T, src []byte) {
		c, problems := Parse("f", src, fsys, "/d")
		if len(problems) > maxProblems+1 {
			t.Error(len(problems), "problems")
		}
		q := Query{Type: Discover, MAC: net.HardwareAddr{0x52, 0x54, 0, 0, 0, 1}, Server: netip.MustParsePrefix("192.168.1.1/24"),
			Options: map[uint8][]byte{60: []byte("PXEClient:Arch:00007"), 93: {0, 7}, 77: []byte("iPXE"), 97: make([]byte, 17), 55: {1, 3, 43, 60, 66, 67}, 124: {0, 0, 1, 1, 3, 2, 1, 1}}}
		c.Answer(q)
		q.Port4011, q.Type, q.CIAddr, q.Options[43] = true, Request, netip.MustParseAddr("192.168.1.9"), []byte{71, 4, 128, 0, 0, 0}
		c.Answer(q)
		c.TFTP.Path(string(src), "eth0", q.CIAddr, q.MAC, func(string) bool { return true })
	})
}
