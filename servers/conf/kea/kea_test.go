package kea

import (
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pxeproof/pxeproof/harness/assets"
	"github.com/pxeproof/pxeproof/servers/conf"
)

// wrong are configurations with what is wrong about them. Each is put where the
// members of Dhcp4 are, in line 2.
var wrong = []struct {
	members string
	id      string
	col     int
	starts  bool // Kea does
}{
	{`"subnet4": []`, "", 0, true},
	{`"subnet": []`, idUnknown, 1, false},
	{`"subnet4": [ { "subnet": "10.0.0.0/24", "id": 1, "next-sever": "10.0.0.1" } ]`, idUnknown, 50, false},
	{`"subnet4": {}`, idValue, 12, false},
	{`"subnet4": [ { "subnet": "10.0.0.0/33", "id": 1 } ]`, idValue, 14, false},
	{`"subnet4": [ { "subnet": "10.0.0.0/24", "id": 1, "next-server": "boot" } ]`, idValue, 65, false},
	{`"next-server": "10.0.0.1" "x": 1`, idSyntax, 27, false},
	{`"next-server": "10.0.0.1`, idSyntax, 16, false},
	{`/* no end`, idSyntax, 1, false},
	{`"option-data": [ { "name": "router", "data": "10.0.0.1" } ]`, idOption, 28, false},
	{`"option-data": [ { "name": "routers", "data": "gateway" } ]`, idValue, 47, false},
	{`"option-data": [ { "name": "boot-size", "data": "65536" } ]`, idValue, 49, false},
	{`"option-data": [ { "code": 224, "data": "01" } ]`, idOption, 18, false},
	{`"option-data": [ { "code": 224, "csv-format": false, "data": "0x0102" } ]`, "", 0, true},
	{`"option-data": [ { "name": "ip-forwarding", "data": "maybe" } ]`, idValue, 53, false},
	{`"client-classes": [ { "name": "a", "test": "option[93].hex = 7" } ]`, idTest, 60, false},
	{`"client-classes": [ { "name": "a", "test": "relay4[1].exists" } ]`, idTest, 45, true},
	{`"client-classes": [ { "name": "a", "test": "not (option[93].hex == 0x0007) and member('ALL')" } ]`, "", 0, true},
	{`"subnet4": [ { "subnet": "10.0.0.0/24", "id": 1, "pools": [ { "pool": "10.0.1.1-10.0.1.9" } ] } ]`, idValue, 71, false},
	{`"subnet4": [ { "subnet": "10.0.0.0/24", "id": 1, "pools": [ { "pool": "10.0.0.9-10.0.0.1" } ] } ]`, idValue, 61, false},
	{`"valid-lifetime": "1h"`, idValue, 19, false},
	{`"reservations": [ { "hw-address": "52:54" , "ip-address": "10.0.0" } ]`, idValue, 35, false},
}

// TestWrong reads what is wrong, and asks Kea whether it would start with it.
func TestWrong(t *testing.T) {
	tool, err := new(assets.Store).Tool(t.Context(), "kea-dhcp4")
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatal("Kea is not here, to be compared with; make setup gets it (Debian package kea-dhcp4-server):", err)
	}
	for _, w := range wrong {
		src := "{ \"Dhcp4\": {\n" + w.members + "\n} }\n"
		_, problems := Parse("kea.conf", []byte(src), nil)
		if w.id == "" && len(problems) > 0 {
			t.Errorf("%s\n%v", w.members, problems)
		}
		if w.id != "" && (len(problems) == 0 || problems[0].ID != w.id || problems[0].Pos != (conf.Pos{File: "kea.conf", Line: 2, Col: w.col})) {
			t.Errorf("%s\nwant %s in column %d, have %v", w.members, w.id, w.col, problems)
		}
		if err != nil {
			continue
		}
		dir := t.TempDir()
		file := filepath.Join(dir, "kea.conf")
		if err := os.WriteFile(file, []byte(src), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(tool.Path, "-t", file)
		cmd.Env = append(append(os.Environ(), tool.Env...), "KEA_PIDFILE_DIR="+dir, "KEA_LOCKFILE_DIR=none")
		if out, err := cmd.CombinedOutput(); (err == nil) != w.starts {
			t.Errorf("%s\nKea: %v %s", w.members, err, out)
		}
	}
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatal(err)
	}
	if err != nil {
		t.Skip("what Kea says of it was not asked:", err)
	}
}

func TestProblems(t *testing.T) {
	_, problems := Parse("etc/kea/kea-dhcp4.conf", []byte(`{ "Dhcp4": {
	"client-clases": [],
	"client-classes": [ { "name": "uefi" } ],
	"hooks-libraries": [ { "library": "/usr/lib/kea/hooks/libdhcp_flex_option.so" }, { "library": "/x/libdhcp_lease_cmds.so" } ],
	"subnet4": [ { "subnet": "10.0.0.0/24", "client-class": "uefy" } ], // a comma too many is taken
} }`), fstest.MapFS{})
	want := []string{
		`etc/kea/kea-dhcp4.conf:2:2: error: Kea knows no "client-clases" in Dhcp4, and does not start (did you mean client-classes?)`,
		`etc/kea/kea-dhcp4.conf:4:36: doubt: what the hook libdhcp_flex_option.so makes of answers is not known here`,
		`etc/kea/kea-dhcp4.conf:5:58: warning: no class is called "uefy" (did you mean uefi?)`,
	}
	var got []string
	for _, p := range problems {
		got = append(got, p.Error())
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Error(strings.Join(got, "\n"))
	}
}

func TestPlaces(t *testing.T) {
	fsys := fstest.MapFS{"etc/kea/subnets.json": {Data: []byte("[ { \"subnet\": \"10.0.0.0/24\",\n \"boot-file-name\": \"a.0\", \"pools\": [ { \"pool\": \"10.0.0.5-10.0.0.9\" } ] } ]")}}
	c, problems := Parse("/etc/kea/kea-dhcp4.conf", []byte(`{ "Dhcp4": { "interfaces-config": { "interfaces": ["*"] },
 "next-server": "10.0.0.2",
 "subnet4": <?include "subnets.json"?> } }`), fsys)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	a := c.Answer(Query{Type: Discover, MAC: net.HardwareAddr{2, 0, 0, 0, 0, 1}, Server: netip.MustParsePrefix("10.0.0.1/24")})
	for _, p := range []struct{ got, want string }{
		{a.Address.Value.String() + " " + a.Address.Pos.String(), "10.0.0.5 /etc/kea/subnets.json:2:48"},
		{a.File.Value + " " + a.File.Pos.String(), "a.0 /etc/kea/subnets.json:2:20"},
		{a.SIAddr.Value.String() + " " + a.SIAddr.Pos.String(), "10.0.0.2 /etc/kea/kea-dhcp4.conf:2:17"},
	} {
		if p.got != p.want {
			t.Errorf("%s, want %s", p.got, p.want)
		}
	}
}

// FuzzParse reads anything, and answers a client from it.
func FuzzParse(f *testing.F) {
	for _, w := range wrong {
		f.Add([]byte("{ \"Dhcp4\": {\n" + w.members + "\n} }\n"))
	}
	files, err := filepath.Glob("../../dhcp/testdata/kea/*.conf")
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
	fsys := fstest.MapFS{"a": {Data: []byte(`<?include "a"?> []`)}}
	f.Fuzz(func(t *testing.T, src []byte) {
		c, problems := Parse("f", src, fsys)
		if len(problems) > maxProblems+1 {
			t.Error(len(problems), "problems")
		}
		c.Answer(Query{Type: Discover, MAC: net.HardwareAddr{0x52, 0x54, 0, 0, 0, 1}, Server: netip.MustParsePrefix("10.0.0.1/24"),
			Options: map[uint8][]byte{60: []byte("PXEClient:Arch:00007"), 93: {0, 7}, 77: []byte("iPXE"), 55: {1, 3, 43, 60, 66, 67}}})
	})
}
