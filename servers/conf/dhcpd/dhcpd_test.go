package dhcpd_test

import (
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/pxeproof/pxeproof/servers/conf"
	"github.com/pxeproof/pxeproof/servers/conf/dhcpd"
)

func parse(t testing.TB, text string) (*dhcpd.Config, conf.Problems) {
	t.Helper()
	cfg, problems, err := dhcpd.Parse("dhcpd.conf", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	return cfg, problems
}

// discover is a PXE client's question.
func discover(options map[uint8][]byte) dhcpd.Query {
	q := dhcpd.Query{Type: dhcpd.Discover, Hardware: []byte{0x52, 0x54, 0, 1, 2, 3}, Server: netip.MustParseAddr("192.168.1.103"),
		Options: map[uint8][]byte{53: {1}, 55: {1, 3, 6, 43, 60, 66, 67}}}
	for code, v := range options {
		q.Options[code] = v
	}
	return q
}

// TestAsPrinted reads the article's file with all the faults that print gave it.
func TestAsPrinted(t *testing.T) {
	src, err := os.ReadFile("testdata/as-printed.conf")
	if err != nil {
		t.Fatal(err)
	}
	cfg, problems := parse(t, string(src))
	var got []string
	for _, p := range problems {
		got = append(got, fmt.Sprintf("%s %s %s", p.Pos, p.Effect, p.ID))
	}
	want := []string{
		"dhcpd.conf:2:3 note dhcpd-no-effect",
		"dhcpd.conf:3:10 note dhcpd-no-effect",
		"dhcpd.conf:6:3 warning dhcpd-unknown-statement",
		"dhcpd.conf:14:12 error dhcpd-typographic-quote",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("problems (-want +got):\n%s", d)
	}
	if hint := problems[2].Hint; hint != "did you mean `authoritative`?" {
		t.Errorf("hint %q", hint)
	}
	// The rest of the file is read all the same.
	a := cfg.Answer(discover(nil))
	if a.Reply != dhcpd.OfferReply || a.SIAddr.Value.String() != "192.168.1.103" || a.Authoritative.Value {
		t.Errorf("%s, siaddr %s, authoritative %v", a.Reply, a.SIAddr.Value, a.Authoritative)
	}
	if a.Address.Value.String() != "192.168.1.1" || a.Address.Pos.String() != "dhcpd.conf:11:3" {
		t.Errorf("the first address is the router's: got %v", a.Address)
	}
}

func TestWhereItComesFrom(t *testing.T) {
	cfg, _ := parse(t, `next-server 10.0.0.1;
option domain-name-servers 10.0.0.53;
class "pxe" {
  match if substring (option vendor-class-identifier, 0, 9) = "PXEClient";
  filename "class";
}
subnet 192.168.1.0 netmask 255.255.255.0 {
  authoritative;
  option routers 192.168.1.1;
  filename "subnet";
  pool { range 192.168.1.10 192.168.1.20; allow known-clients; }
  pool { range 192.168.1.30 192.168.1.40; server-name "pool"; }
}
host one { hardware ethernet 52:54:00:01:02:03; fixed-address 192.168.1.5;
  next-server 10.0.0.2; }
`)
	a := cfg.Answer(discover(map[uint8][]byte{60: []byte("PXEClient:Arch:00000")}))
	pos := map[string]conf.Pos{"address": a.Address.Pos, "siaddr": a.SIAddr.Pos, "file": a.File.Pos,
		"routers": a.Option(3).Pos, "authoritative": a.Authoritative.Pos, "mask": a.Option(1).Pos, "type": a.Option(53).Pos}
	want := map[string]int{"address": 14, "siaddr": 15, "file": 5, "routers": 9, "authoritative": 8, "mask": 0, "type": 0}
	for name, line := range want {
		if pos[name].Line != line {
			t.Errorf("%s comes from %s, want line %d", name, pos[name], line)
		}
	}
	q := discover(nil)
	q.Hardware = []byte{0x52, 0x54, 0, 9, 9, 9}
	a = cfg.Answer(q)
	if a.Address.Value.String() != "192.168.1.30" || a.SName.Pos.Line != 12 || a.File.Pos.Line != 10 || a.SIAddr.Pos.Line != 1 {
		t.Errorf("an unknown client: %v, sname %v, file %v, siaddr %v", a.Address, a.SName.Pos, a.File.Pos, a.SIAddr.Pos)
	}
	if len(a.Candidates) != 1 || a.Candidates[0].Pos.Line != 12 {
		t.Errorf("candidates %v", a.Candidates)
	}
}

func TestNextServerUnset(t *testing.T) {
	cfg, _ := parse(t, "# nothing\n\nsubnet 192.168.1.0 netmask 255.255.255.0 { range 192.168.1.10; filename \"pxelinux.0\"; }\n")
	a := cfg.Answer(discover(nil))
	if !a.SIAddr.Value.IsUnspecified() || a.SIAddr.Pos.IsValid() {
		t.Errorf("siaddr %v", a.SIAddr)
	}
	if got := a.Subnet.Pos.String(); got != "dhcpd.conf:3:1" {
		t.Errorf("the subnet that answered is at %s", got)
	}
}

// TestSilence wants a reason, and its place, whenever dhcpd does not answer.
func TestSilence(t *testing.T) {
	const subnet = "subnet 192.168.1.0 netmask 255.255.255.0 { range 192.168.1.10; }\n"
	for _, c := range []struct {
		name, text string
		change     func(*dhcpd.Query)
		reason     string
		line       int
	}{
		{"booting", subnet + "deny booting;", nil, "booting is denied", 2},
		{"unknown", subnet + "\ndeny unknown-clients;", nil, "unknown clients are denied", 3},
		{"min-secs", subnet + "min-secs 5;", nil, "min-secs is 5", 2},
		{"no range", "subnet 192.168.1.0 netmask 255.255.255.0 { }", nil, "has no range", 1},
		{"closed pool", "subnet 192.168.1.0 netmask 255.255.255.0 { pool { range 192.168.1.10; deny all clients; } }", nil, "open to the client", 1},
		{"elsewhere", subnet, func(q *dhcpd.Query) { q.GIAddr = netip.MustParseAddr("10.9.9.9") }, "relay 10.9.9.9", 0},
		{"not its own", subnet, func(q *dhcpd.Query) { q.Address = netip.MustParseAddr("192.168.1.77") }, "192.168.1.77 is in no range", 0},
		{"inform", subnet, func(q *dhcpd.Query) { q.Type, q.CIAddr = dhcpd.Inform, netip.MustParseAddr("192.168.1.9") }, "authoritative", 0},
		{"a reply", subnet, func(q *dhcpd.Query) { q.Type = dhcpd.Offer }, "DHCPOFFER is not answered", 0},
		{"BOOTP", subnet, func(q *dhcpd.Query) { q.Type = dhcpd.BOOTP }, "open to the client", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, problems := parse(t, c.text)
			if problems.Worst() > conf.Note {
				t.Fatal(problems)
			}
			q := discover(nil)
			if c.change != nil {
				c.change(&q)
			}
			a := cfg.Answer(q)
			if a.Reply != dhcpd.NoReply || !strings.Contains(a.Reason.Value, c.reason) || a.Reason.Pos.Line != c.line {
				t.Errorf("%s: %q at %s; want %q at line %d", a.Reply, a.Reason.Value, a.Reason.Pos, c.reason, c.line)
			}
		})
	}
}

// TestAddresses holds the order to what dhcpd 4.4.3 was seen to do.
func TestAddresses(t *testing.T) {
	for _, c := range []struct{ ranges, want string }{
		{"range 10.2.0.10 10.2.0.12;", "10.2.0.10 10.2.0.11 10.2.0.12"},
		{"range 10.2.1.100 10.2.1.101; range 10.2.0.200 10.2.0.201;", "10.2.0.200 10.2.0.201 10.2.1.100 10.2.1.101"},
		{"range 10.2.7.10 10.2.7.16;", "10.2.7.13 10.2.7.14 10.2.7.15 10.2.7.16 10.2.7.10 10.2.7.11 10.2.7.12"},
	} {
		cfg, _ := parse(t, "subnet 10.2.0.0 netmask 255.255.0.0 { "+c.ranges+" }")
		var got []string
		for a := range cfg.Networks[0].Pools[0].Addresses() {
			got = append(got, a.String())
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s\ngot  %s\nwant %s", c.ranges, s, c.want)
		}
	}
	cfg, _ := parse(t, "subnet 0.0.0.0 netmask 0.0.0.0 { range 255.255.255.250 255.255.255.255; range 0.0.0.0 10.0.0.0; }")
	for a := range cfg.Networks[0].Pools[0].Addresses() {
		if a.String() != "0.0.0.0" {
			t.Errorf("the first is %s", a)
		}
		break
	}
}

func TestMisspelt(t *testing.T) {
	for text, want := range map[string]string{
		"authourtative;":                           "`authoritative`",
		"autoritative;":                            "`authoritative`",
		"max-leese-time 60;":                       "`max-lease-time`",
		"next-sever 10.0.0.1;":                     "`next-server`",
		"option router 10.0.0.1;":                  "`routers`",
		"option domain-name-server 10.0.0.1;":      "`domain-name-servers`",
		"option tftp-servername \"x\";":            "`tftp-server-name`",
		"deny unknown-client;":                     "`unknown-clients`",
		"subnet 10.0.0.1 netmask 255.255.255.0 {}": "10.0.0.0",
		"quuxfrobnicate;":                          "remove",
	} {
		_, problems := parse(t, text)
		if len(problems) != 1 || !strings.Contains(problems[0].Hint, want) {
			t.Errorf("%s: %v; want a hint at %s", text, problems, want)
		}
	}
}

// TestHostNames: a name for an operating system's servers is no doubt about how a
// machine boots; one that the boot goes by is.
func TestHostNames(t *testing.T) {
	for text, want := range map[string]conf.Effect{
		"option domain-name-servers ns1.example.org, ns2.example.org;":          conf.Note,
		"option ntp-servers ntp.example.org;":                                   conf.Note,
		"option log-servers log.example.org;":                                   conf.Note,
		"option routers gw.example.org;":                                        conf.Doubt,
		"next-server boot.example.org;":                                         conf.Doubt,
		"option space V; option V.six code 6 = ip-address; option V.six a.b.c;": conf.Doubt,
		"host a { hardware ethernet 52:54:00:01:02:03; fixed-address a.b.c; }":  conf.Doubt,
	} {
		_, problems := parse(t, text)
		if len(problems) == 0 || slices.ContainsFunc(problems, func(p conf.Problem) bool { return p.ID != "dhcpd-host-name" || p.Effect != want }) {
			t.Errorf("%s: %v; want effect %v", text, problems, want)
		}
	}
}

// TestForgottenSemicolon says where it is missing, and goes on with the next line.
func TestForgottenSemicolon(t *testing.T) {
	cfg, problems := parse(t, `subnet 192.168.1.0 netmask 255.255.255.0 {
  option routers 192.168.1.1
  filename "pxelinux.0";
  range 192.168.1.10;
}`)
	if len(problems) != 1 || problems[0].ID != "dhcpd-missing-semicolon" || problems[0].Pos.String() != "dhcpd.conf:2:29" {
		t.Errorf("%v", problems)
	}
	if a := cfg.Answer(discover(nil)); string(a.File.Value) != "pxelinux.0" {
		t.Errorf("the next line was not read: file %q", a.File.Value)
	}
}

func TestInclude(t *testing.T) {
	fsys := fstest.MapFS{
		"etc/dhcp/hosts":  {Data: []byte("# hosts\nhost a { hardware ethernet 52:54:00:01:02:03; fixed-address 192.168.1.7; filename \"x\"; }")},
		"etc/dhcp/itself": {Data: []byte("include \"/etc/dhcp/itself\";")},
	}
	read := func(text string) (*dhcpd.Config, conf.Problems) {
		cfg, problems, err := dhcpd.Parse("dhcpd.conf", []byte(text), fsys)
		if err != nil {
			t.Fatal(err)
		}
		return cfg, problems
	}
	cfg, problems := read("include \"/etc/dhcp/hosts\";\nsubnet 192.168.1.0 netmask 255.255.255.0 { }")
	if len(problems) > 0 {
		t.Error(problems)
	}
	if a := cfg.Answer(discover(nil)); a.File.Pos.String() != "/etc/dhcp/hosts:2:74" {
		t.Errorf("file comes from %s", a.File.Pos)
	}
	for text, id := range map[string]string{
		"include \"/etc/dhcp/none\";":          "dhcpd-include",
		"include \"/etc/dhcp\";":               "dhcpd-include",
		"include \"../../../../etc/shadow\";":  "dhcpd-include",
		"include \"/etc/dhcp/itself\";":        "dhcpd-too-large",
		"include \"/etc/dhcp/../dhcp/none\" ;": "dhcpd-include",
	} {
		if _, problems := read(text); len(problems) == 0 || problems[len(problems)-1].ID != id {
			t.Errorf("%s: %v", text, problems)
		}
	}
}

// TestBoundless gives the evaluator what would keep dhcpd busy, or kill it.
func TestBoundless(t *testing.T) {
	const end = "subnet 192.168.1.0 netmask 255.255.255.0 { range 192.168.1.10; }\n"
	double := "set value = \"0123456789abcdef\";\n" + strings.Repeat("set value = concat (value, value);\n", 60) + "filename = value;\n"
	for name, text := range map[string]string{
		"a function that calls itself":       "define again (what) { return concat (again (what), again (what)); }\nset got = again (\"x\");\nif again (\"x\") = \"y\" { filename \"z\"; }\n",
		"a value that doubles":               double,
		"an option of itself":                "option root-path = config-option root-path;\noption dhcp-parameter-request-list = config-option dhcp-parameter-request-list;\n",
		"a class that asks for all classes":  "class \"x\" { match if check \"default\"; }\n",
		"spaces inside each other":           "option space a; option space b; option a.x code 1 = encapsulate b; option b.x code 1 = encapsulate a; option h code 200 = encapsulate a; option a.y code 2 = text; option a.y \"y\";\n",
		"parentheses":                        "if " + strings.Repeat("(", 5000) + "known" + strings.Repeat(")", 5000) + " { }\n",
		"nested calls":                       "filename = " + strings.Repeat("lcase (", 5000) + "\"x\"" + strings.Repeat(")", 5000) + ";\n",
		"braces":                             strings.Repeat("group {", 5000) + strings.Repeat("}", 5000) + "\n",
		"not":                                "if " + strings.Repeat("not ", 5000) + "known { }\n",
		"a right side in a right side":       "if known" + strings.Repeat(" and option host-name = \"a\"", 5000) + " { filename \"x\"; }\n",
		"an elsif after an elsif":            "if known { }" + strings.Repeat(" elsif known { }", 5000) + "\n",
		"hosts":                              many(100_000, "host h%d { hardware ethernet 1:2:3:%x; }\n"),
		"subnets":                            many(30_000, "subnet 10.%[2]d.0.0 netmask 255.255.255.0 { } # %[1]d\n"),
		"unknown words":                      strings.Repeat("wrongstatement \"x\";\n", 200_000),
		"misspelt words":                     strings.Repeat("authourtative;\n", 200_000),
		"closing braces":                     strings.Repeat("}", 500_000),
		"ands":                               "if known" + strings.Repeat(" and known", 300_000) + " { filename \"x\"; }\n",
		"prepends":                           strings.Repeat("prepend domain-name \"x\";\n", 100_000),
		"every address there is":             "subnet 0.0.0.0 netmask 0.0.0.0 { range 0.0.0.0 255.255.255.255; }\n",
		"a regular expression of many parts": "if option host-name ~= \"((((((((((a*)*)*)*)*)*)*)*)*)*)*$\" { filename \"x\"; }\n",
	} {
		t.Run(name, func(t *testing.T) {
			cfg, _ := parse(t, text+end)
			cfg.Answer(discover(map[uint8][]byte{12: []byte(strings.Repeat("a", 200) + "b")}))
			q := discover(nil)
			delete(q.Options, 55)
			cfg.Answer(q)
		})
	}
}

// many repeats a line with its number, and that number again below 256.
func many(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i, i%256)
	}
	return b.String()
}

func TestNoText(t *testing.T) {
	if _, _, err := dhcpd.Parse("x", []byte{0x7f, 'E', 'L', 'F', 0, 0}, nil); err == nil {
		t.Error("a program was read as a configuration")
	}
	if _, _, err := dhcpd.Parse("x", make([]byte, 9<<20), nil); err == nil {
		t.Error("9 MiB were read")
	}
}

// TestDoubts holds that what dhcpd obeys and this package cannot is never passed
// over in silence.
func TestDoubts(t *testing.T) {
	for _, text := range []string{
		"next-server boot.example.com;",
		"host a { fixed-address a.example.com; }",
		"failover peer \"x\" { }",
		"local-port 6767;",
		"if gethostname () = \"x\" { filename \"y\"; }",
		"class \"x\" { match if known; lease limit 4; }",
		"subnet 10.0.0.0 netmask 255.0.255.0 { }",
		"shared-network x { interface \"eth1\"; subnet 10.0.0.0 netmask 255.0.0.0 { } }",
	} {
		if _, problems := parse(t, text); !slices.ContainsFunc(problems, func(p conf.Problem) bool { return p.Effect == conf.Doubt }) {
			t.Errorf("%s: %v", text, problems)
		}
	}
}

// corpus is the files that the server is compared with dhcpd on.
func corpus(t testing.TB) (files [][]byte) {
	t.Helper()
	for _, name := range []string{"article", "debian", "manual-shared", "syslinux", "ipxe-options", "expressions", "order", "sun", "subclass"} {
		b, err := os.ReadFile("../../dhcp/testdata/corpus/" + name + ".conf")
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, b)
	}
	return files
}

func FuzzParse(f *testing.F) {
	for _, b := range corpus(f) {
		f.Add(b)
	}
	if b, err := os.ReadFile("../../dhcp/testdata/syntax.txt"); err == nil {
		for part := range strings.SplitSeq(string(b), "\n----\n") {
			f.Add([]byte(part))
		}
	}
	fsys := fstest.MapFS{"x": {Data: []byte("option routers 10.0.0.1; include \"x\";")}}
	f.Fuzz(func(t *testing.T, b []byte) {
		cfg, problems, err := dhcpd.Parse("x", b, fsys)
		if err != nil {
			return
		}
		lines := 1 + strings.Count(string(b), "\n")
		for _, p := range problems {
			if p.Pos.File == "x" && (p.Pos.Line < 1 || p.Pos.Col < 1) {
				t.Fatalf("a problem is nowhere: %+v", p)
			}
			if p.Pos.File == "x" && p.Pos.Line > lines && p.Pos.Line > 2 {
				t.Fatalf("a problem is beyond the end: %+v", p)
			}
		}
		cfg.Answer(discover(nil))
	})
}

func FuzzAnswer(f *testing.F) {
	var configs []*dhcpd.Config
	for _, b := range corpus(f) {
		cfg, _, err := dhcpd.Parse("x", b, nil)
		if err != nil {
			f.Fatal(err)
		}
		configs = append(configs, cfg)
	}
	f.Add(uint8(5), uint8(1), []byte{60, 3, 'P', 'X', 'E', 93, 2, 0, 7, 175, 6, 1, 1, 1, 19, 1, 1}, []byte{1, 3, 6}, uint16(576))
	f.Add(uint8(6), uint8(8), []byte{82, 4, 1, 2, 3, 4, 61, 2, 1, 2}, []byte{}, uint16(0))
	f.Fuzz(func(t *testing.T, which, kind uint8, options, prl []byte, size uint16) {
		cfg := configs[int(which)%len(configs)]
		q := dhcpd.Query{Type: dhcpd.MessageType(kind % 9), Hardware: []byte{8, 0, 7, 0x26, 0xc0, 0xa5},
			Options: map[uint8][]byte{}, Server: cfg.Subnets[0].Prefix.Addr().Next()}
		for b := options; len(b) >= 2 && len(b) >= 2+int(b[1]); b = b[2+int(b[1]):] {
			q.Options[b[0]] = append(q.Options[b[0]], b[2:2+int(b[1])]...)
		}
		if len(prl) > 0 {
			q.Options[55] = prl
		}
		if size > 0 {
			q.Options[57] = []byte{byte(size >> 8), byte(size)}
		}
		a := cfg.Answer(q)
		if len(a.Wire.Options) > 1500-236-28 && q.Type != dhcpd.BOOTP {
			t.Fatalf("%d bytes of options", len(a.Wire.Options))
		}
		if again := cfg.Answer(q); !slices.Equal(a.Wire.Options, again.Wire.Options) {
			t.Fatal("the same question got two answers")
		}
	})
}
