package intftpd_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pxeproof/pxeproof/servers/conf"
	"github.com/pxeproof/pxeproof/servers/conf/intftpd"
)

const healthy = `service tftp
{
	disable		= no
	socket_type	= dgram
	protocol	= udp
	wait		= yes
	user		= root
	server		= /usr/sbin/in.tftpd
	server_args	= -u nobody -s /tftpboot
	per_source	= 11
	cps		= 100 2
	flags		= IPv4
}
`

func TestHealthy(t *testing.T) {
	s, problems := intftpd.ReadXinetd("tftp", []byte(healthy), nil)
	if len(problems) > 0 {
		t.Errorf("problems: %v", problems)
	}
	if !s.Runs() || s.Root().Text != "/tftpboot" || s.User.Text != "nobody" || s.Network != "udp4" ||
		s.BlockSizeMax.N != 65464 || s.Address.Port() != 69 || s.Retransmit != time.Second {
		t.Errorf("%+v", s)
	}
	for want, pos := range map[string]conf.Pos{
		"tftp:9:29":  s.Root().Pos,
		"tftp:9:19":  s.User.Pos,
		"tftp:9:26":  s.Secure.Pos,
		"tftp:10:15": s.Xinetd.PerSource.Pos,
		"tftp:11:9":  s.Xinetd.CPS[0].Pos,
	} {
		if got := pos.String(); got != want {
			t.Errorf("position %s, want %s", got, want)
		}
	}
}

// ids are the problems as "line:col id".
func ids(problems conf.Problems) []string {
	var list []string
	for _, p := range problems {
		list = append(list, fmt.Sprintf("%d:%d %s", p.Pos.Line, p.Pos.Col, p.ID))
	}
	return list
}

func TestArticleVerbatim(t *testing.T) {
	article := strings.NewReplacer(
		"= no\n", "= no (默认是yes,这里改成no,启用它)\n",
		"/tftpboot\n", "/tftpboot //-s 表示用/tftpboot作为tftp目录的根目录。\n").Replace(healthy)
	s, problems := intftpd.ReadXinetd("tftp", []byte(article), nil)
	want := "3:2 xinetd-value-count; 9:39 xinetd-note-in-arguments; 9:39 intftpd-two-directories"
	if got := strings.Join(ids(problems), "; "); got != want {
		t.Errorf("problems %s\nwant     %s", got, want)
	}
	if s.Runs() || problems.Worst() != conf.Refusal {
		t.Errorf("in.tftpd would run: %+v", s)
	}
}

func TestXinetdService(t *testing.T) {
	change := func(old, new string) string { return strings.Replace(healthy, old, new, 1) }
	for _, tt := range []struct {
		name     string
		src      string
		runs     bool
		problems string
	}{
		{"disabled", change("= no", "= yes"), false, "3:13 xinetd-disabled"},
		{"disabled-by-a-line-that-does-not-count", change("= no", "= yes # off"), true, "3:2 xinetd-value-count"},
		{"no-disable-line", change("\tdisable\t\t= no\n", ""), true, ""},
		{"no-blank-before-the-operator", change("disable\t\t= no", "disable= no"), false, "3:2 xinetd-bad-line"},
		{"brace-in-the-first-line", change("tftp\n{", "tftp {"), false, "2:2 xinetd-missing-brace"},
		{"misspelt-attribute", change("per_source", "per_sorce"), true, "10:2 xinetd-unknown-attribute"},
		{"twice", change("flags", "user = nobody\n\tflags"), true, "12:2 xinetd-attribute-twice"},
		{"bad-operator", change("user\t\t= ", "user += "), false, "7:2 xinetd-bad-operator; 1:9 xinetd-missing-attribute"},
		{"bad-value", change("wait\t\t= yes", "wait = ja"), false, "6:9 xinetd-bad-value"},
		{"no-server", change("\tserver\t\t= /usr/sbin/in.tftpd\n", ""), false, "1:9 xinetd-missing-attribute"},
		{"unfinished", change("}\n", ""), false, "12:2 xinetd-missing-brace"},
		{"not-root", change("= root", "= nobody"), false, "7:10 intftpd-not-root"},
		{"tcp", change("dgram", "stream"), false, "4:16 intftpd-socket-type"},
		{"wait-no", change("wait\t\t= yes", "wait = no"), true, "6:9 intftpd-wait"},
		{"other-program", change("in.tftpd", "atftpd"), true, "8:12 intftpd-other-program"},
		{"map-file", change("-s /tftpboot", "-s -m /etc/tftp.map /tftpboot"), true, "9:32 intftpd-map-file"},
		{"tcpd", strings.NewReplacer("= /usr/sbin/in.tftpd", "= /usr/sbin/tcpd", "= -u nobody", "= /usr/sbin/in.tftpd -u nobody", "IPv4", "IPv4 NAMEINARGS").Replace(healthy), true, ""},
		{"defaults-disable", "defaults\n{\n disabled = tftp\n}\n" + healthy, false, ""},
		{"defaults-enable-others", healthy + "defaults\n{\n enabled = ftp\n}\n", false, ""},
		{"defaults-enable", "defaults\n{\n enabled = tftp\n}\n" + healthy, true, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, problems := intftpd.ReadXinetd("tftp", []byte(tt.src), nil)
			if got := strings.Join(ids(problems), "; "); got != tt.problems {
				t.Errorf("problems %s\nwant     %s", got, tt.problems)
			}
			if runs := s != nil && s.Runs(); runs != tt.runs {
				t.Errorf("runs: %v, want %v (%+v)", runs, tt.runs, s)
			}
		})
	}
}

func TestAllows(t *testing.T) {
	src := "defaults\n{\n only_from = 192.168.1.0\n}\n" + strings.Replace(healthy, "flags",
		"only_from += 10.1.2.{3,4} 2001:db8::/32\n\tonly_from -= 10.1.2.4\n\tno_access = 192.168.1.66\n\tflags", 1)
	s, problems := intftpd.ReadXinetd("tftp", []byte(src), nil)
	if len(problems) > 0 {
		t.Errorf("problems: %v", problems)
	}
	for addr, want := range map[string]bool{
		"192.168.1.5": true, "192.168.1.66": false, "192.168.2.1": false,
		"10.1.2.3": true, "10.1.2.4": false, "2001:db8::1": true, "2001:db9::1": false,
	} {
		if got := s.Allows(netip.MustParseAddr(addr)); got != want {
			t.Errorf("Allows(%s) = %v", addr, got)
		}
	}
}

func TestParseArgs(t *testing.T) {
	for _, tt := range []struct {
		args     string
		want     string // what the service comes to
		problems string
	}{
		{"-s /srv", "root=/srv", ""},
		{"/srv -s", "root=/srv", ""},
		{"-s -v -u tftp /srv", "root=/srv user=tftp", ""},
		{"-vsutftp /srv", "root=/srv user=tftp", ""},
		{"--secure --user=tftp --blocksize 1468 /srv", "root=/srv user=tftp max=1468", ""},
		{"--sec --blocks=512 -- /srv", "root=/srv max=512", ""},
		{"/a /b", "dirs=/a,/b", ""},
		{"", "", ""},
		{"-s", "off", "1:1 intftpd-no-directory"},
		{"-s /a /b", "off", "1:7 intftpd-two-directories"},
		{"-B 100 -s /a", "off max=65464", "1:4 intftpd-block-size"},
		{"-B 14e3 -s /a", "off", "1:4 intftpd-block-size"},
		{"-r blksize -r TSIZE -s /a", "root=/a refuse=blksize,TSIZE", ""},
		{"-r windowsize -s /a", "off", "1:4 intftpd-refuse-unknown"},
		{"-W 4 -s /a", "off", "1:1 intftpd-unknown-option; 1:9 intftpd-two-directories"},
		{"--windowsize -s /a", "root=/a", "1:1 intftpd-unknown-option"},
		{"--v -s /a", "root=/a", "1:1 intftpd-unknown-option"},
		{"-s /a -u", "root=/a", "1:7 intftpd-option-without-value"},
		{"-4 -R 4096:5000 -T 10000 -t 60 -P /run/x -U 022 -c -p -s /a", "root=/a create permissive udp4 10ms", ""},
		{"-R 5000:4096 /a", "off", "1:4 intftpd-port-range"},
		{"-T 1 /a", "off", "1:4 intftpd-retransmit"},
		{"srv", "dirs=srv", "1:1 intftpd-relative-directory"},
	} {
		var args []intftpd.Value
		col := 1
		for _, w := range strings.Fields(tt.args) {
			args = append(args, intftpd.Value{Text: w, Pos: conf.Pos{File: "args", Line: 1, Col: col}})
			col += len(w) + 1
		}
		s, problems := intftpd.ParseArgs(args)
		if got := strings.Join(ids(problems), "; "); got != tt.problems {
			t.Errorf("%q: problems %s, want %s", tt.args, got, tt.problems)
		}
		for _, want := range strings.Fields(tt.want) {
			if got := describe(s); !strings.Contains(got, " "+want+" ") {
				t.Errorf("%q: %s, want %s", tt.args, got, want)
			}
		}
	}
}

// describe is a service in words, each between blanks.
func describe(s *intftpd.Service) string {
	texts := func(values []intftpd.Value) string {
		var list []string
		for _, v := range values {
			list = append(list, v.Text)
		}
		return strings.Join(list, ",")
	}
	d := fmt.Sprintf(" root=%s dirs=%s user=%s max=%d refuse=%s %s %v ", s.Root().Text, texts(s.Dirs), s.User.Text,
		s.BlockSizeMax.N, texts(s.Refuse), s.Network, s.Retransmit)
	if s.Create.IsSet() {
		d += "create "
	}
	if s.Permissive.IsSet() {
		d += "permissive "
	}
	if !s.Runs() {
		d += "off "
	}
	return d
}

func TestReadDefault(t *testing.T) {
	s, problems := intftpd.ReadDefault("tftpd-hpa", []byte(`# /etc/default/tftpd-hpa

TFTP_USERNAME="tftp"
TFTP_DIRECTORY="/srv/tftp"
TFTP_ADDRESS=":69"
TFTP_OPTIONS="--secure -B 1468"
`))
	if len(problems) > 0 {
		t.Errorf("problems: %v", problems)
	}
	if got, want := describe(s), " root=/srv/tftp dirs=/srv/tftp user=tftp max=1468 refuse= udp 1s "; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	for want, pos := range map[string]conf.Pos{
		"tftpd-hpa:3:16": s.User.Pos, "tftpd-hpa:4:17": s.Root().Pos, "tftpd-hpa:6:27": s.BlockSizeMax.Pos,
	} {
		if got := pos.String(); got != want {
			t.Errorf("position %s, want %s", got, want)
		}
	}
	for src, want := range map[string]string{
		"TFTP_DIRECTORY=/srv\nTFTP_OPTIONS='-s'\nTFTP_USERNAME=tftp\nTFTP_ADDRESS=0.0.0.0:69\n": "",
		"TFTP_DIRECTORY=$HOME\n": "1:1 intftpd-shell; 1:1 intftpd-no-directory",
		"if true; then\nTFTP_DIRECTORY=/srv\nTFTP_ADDRESS=tftp.example.com:69\nTFTP_USERNAME=a\n": "1:1 intftpd-shell; 3:14 intftpd-address",
		"TFTP_DIRECTORY=\"/srv\n": "1:1 intftpd-shell; 1:1 intftpd-no-directory",
	} {
		_, problems := intftpd.ReadDefault("f", []byte(src))
		if got := strings.Join(ids(problems), "; "); got != want {
			t.Errorf("%q: problems %s, want %s", src, got, want)
		}
	}
}

func TestAddress(t *testing.T) {
	for text, want := range map[string]string{
		":69": "invalid AddrPort", "0.0.0.0:69": "0.0.0.0:69", "192.168.1.1": "192.168.1.1:69",
		"[::1]:6969": "[::1]:6969", "[::1]": "[::1]:69", ":tftp": "invalid AddrPort",
	} {
		s, problems := intftpd.ParseArgs([]intftpd.Value{
			{Text: "-l"}, {Text: "-a"}, {Text: text, Pos: conf.Pos{File: "f", Line: 1, Col: 1}}, {Text: "/srv"},
		})
		if got := s.Address.String(); got != want || len(problems) > 0 {
			t.Errorf("-a %s: %s, want %s; %v", text, got, want, problems)
		}
	}
}

func FuzzReadXinetd(f *testing.F) {
	f.Add([]byte(healthy))
	f.Add([]byte("defaults\n{\n only_from += 10.0.{1,2}\n}\nincludedir /etc/xinetd.d\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		s, problems := intftpd.ReadXinetd("f", src, nil)
		for _, p := range problems {
			_ = p.Error()
		}
		if s != nil && s.Runs() && s.Secure.IsSet() && len(s.Dirs) != 1 {
			t.Errorf("it runs with -s and %d directories", len(s.Dirs))
		}
	})
}

func FuzzReadDefault(f *testing.F) {
	f.Add([]byte("TFTP_DIRECTORY=\"/srv/tftp\"\nTFTP_OPTIONS=--secure -B 1468\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		s, _ := intftpd.ReadDefault("f", src)
		if n := s.BlockSizeMax.N; n < intftpd.MinBlockSize || n > intftpd.MaxBlockSize {
			t.Errorf("a block size of %d", n)
		}
	})
}
