package scaffold_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/pxeproof/pxeproof/harness/sandbox"
	"github.com/pxeproof/pxeproof/scenarios"
	"github.com/pxeproof/pxeproof/scenarios/scaffold"
)

func TestMain(m *testing.M) {
	sandbox.Enter(scenarios.Entries())
	os.Exit(m.Run())
}

// host lays a server's files out and returns its root.
func host(t *testing.T, archive string) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range txtar.Parse([]byte(archive)).Files {
		name := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// make makes a scenario, and loads it.
func makeFrom(t *testing.T, src scaffold.Sources) (string, *scenarios.Scenario, scaffold.Summary) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "made")
	sum, err := scaffold.Write(dir, src)
	if err != nil {
		t.Fatal(err)
	}
	s, err := scenarios.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return dir, s, sum
}

const subnet = "subnet 10.9.0.0 netmask 255.255.255.0 { range 10.9.0.2 10.9.0.50; filename \"pxelinux.0\"; %s }\n"

const tree = `-- etc/default/tftpd-hpa --
TFTP_DIRECTORY="/srv/tftp"
TFTP_OPTIONS="--secure"
-- srv/tftp/pxelinux.cfg/default --
default linux
label linux
  kernel vmlinuz
  append initrd=initrd.img console=ttyS0
`

func TestServerAddress(t *testing.T) {
	for _, c := range []struct{ name, conf, want, mac, note string }{
		{"next-server", "next-server 10.9.0.77;", "10.9.0.77/24", "", ""},
		{"server identifier", "option dhcp-server-identifier 10.9.0.66;", "10.9.0.66/24", "", ""},
		{"first free address", "", "10.9.0.1/24", "", ""},
		{"not the router's", "option routers 10.9.0.1;", "10.9.0.51/24", "", ""},
		{"nor a host's", "option routers 10.9.0.1; } host a { fixed-address 10.9.0.51;", "10.9.0.52/24", "", ""},
		{"next-server elsewhere", "next-server 10.8.0.1;", "10.9.0.1/24", "", "another subnet"},
		{"a machine that is known", "} deny unknown-clients; host a { hardware ethernet 52:54:00:aa:bb:cc;", "10.9.0.1/24", "52:54:00:aa:bb:cc", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := host(t, "-- etc/dhcp/dhcpd.conf --\n"+strings.Replace(subnet, "%s", c.conf, 1)+tree)
			_, s, sum := makeFrom(t, scaffold.Sources{From: root})
			if got := s.Hosts[0].Address.String(); got != c.want {
				t.Errorf("the server is %s, want %s", got, c.want)
			}
			if got := s.Machines[0].NICs[0].MAC.String(); c.mac != "" && got != c.mac {
				t.Errorf("the machine is %s, want %s", got, c.mac)
			}
			if c.note != "" && !strings.Contains(strings.Join(sum.Notes, "\n"), c.note) {
				t.Errorf("notes: %q, want one of %q", sum.Notes, c.note)
			}
		})
	}
}

func TestAssetsStandInForWhatIsMissing(t *testing.T) {
	conf := "-- etc/dhcp/dhcpd.conf --\n" + strings.Replace(subnet, "%s", "next-server 10.9.0.1;", 1)
	for _, c := range []struct {
		name, archive string
		have          []string // in the tree already
		want          []string
	}{
		{"all", tree, nil, []string{"pxelinux.0", "ldlinux.c32", "kernel", "initrd:first-process"}},
		{"a kernel of its own", tree, []string{"vmlinuz"}, []string{"pxelinux.0", "ldlinux.c32", "initrd:first-process"}},
		{"a kickstart and the distribution's kernel", strings.Replace(tree, "console=", "ks=nfs:10.9.0.1:/inst/ks console=", 1), nil,
			[]string{"pxelinux.0", "ldlinux.c32", "kernel", "initrd:nfs"}},
		{"a kickstart and a kernel of its own", strings.Replace(tree, "console=", "ks=nfs:10.9.0.1:/inst/ks console=", 1), []string{"vmlinuz"},
			[]string{"pxelinux.0", "ldlinux.c32", "initrd:first-process"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			archive := conf + c.archive
			for _, f := range c.have {
				archive += "-- srv/tftp/" + f + " --\nsomething\n"
			}
			_, s, _ := makeFrom(t, scaffold.Sources{From: host(t, archive)})
			var got []string
			for _, a := range s.Assets {
				got = append(got, a.Name)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("assets %q, want %q", got, c.want)
			}
		})
	}
}

// TestBrokenLinkIsNotMended: an asset in its place would make a pass of what
// fails on the server.
func TestBrokenLinkIsNotMended(t *testing.T) {
	root := host(t, "-- etc/dhcp/dhcpd.conf --\n"+strings.Replace(subnet, "%s", "next-server 10.9.0.1;", 1)+tree)
	if err := os.Symlink("/usr/lib/PXELINUX/pxelinux.0", filepath.Join(root, "srv/tftp/pxelinux.0")); err != nil {
		t.Fatal(err)
	}
	_, s, sum := makeFrom(t, scaffold.Sources{From: root})
	for _, a := range s.Assets {
		if a.Name == "pxelinux.0" {
			t.Errorf("the asset %s stands at %s", a.Name, a.Path)
		}
	}
	if !strings.Contains(strings.Join(sum.Notes, "\n"), "pxelinux.0 links to") {
		t.Errorf("notes: %q", sum.Notes)
	}
}

// TestCopies compares what is copied byte for byte, and looks at links.
func TestCopies(t *testing.T) {
	root := host(t, "-- etc/dhcp/dhcpd.conf --\ninclude \"/etc/dhcp/more.conf\"; # kept\n"+
		"-- etc/dhcp/more.conf --\n"+strings.Replace(subnet, "%s", "next-server 10.9.0.1;", 1)+tree+
		"-- etc/exports --\n/inst 10.9.0.0/24(ro)\n-- inst/ks --\ninstall\n-- secret --\nnot exported\n")
	for link, target := range map[string]string{
		"srv/tftp/inside": "pxelinux.cfg/default", "srv/tftp/rooted": "/pxelinux.cfg/default",
		"srv/tftp/out": "/secret", "srv/tftp/up": "../../secret",
	} {
		if err := os.Symlink(target, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	dir, _, sum := makeFrom(t, scaffold.Sources{From: root})
	for _, name := range []string{"etc/dhcp/dhcpd.conf", "etc/dhcp/more.conf", "etc/default/tftpd-hpa", "etc/exports", "inst/ks", "srv/tftp/pxelinux.cfg/default"} {
		want, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(dir, "root", name))
		if err != nil || string(got) != string(want) {
			t.Errorf("%s: %q, %v; want %q", name, got, err, want)
		}
	}
	for _, link := range []string{"inside", "rooted", "out", "up"} {
		if fi, err := os.Lstat(filepath.Join(dir, "root/srv/tftp", link)); err != nil || fi.Mode()&fs.ModeSymlink == 0 {
			t.Errorf("%s is no link any more: %v", link, err)
		}
		named := strings.Contains(strings.Join(sum.Notes, "\n"), "/srv/tftp/"+link+" links to")
		if broken := link == "out" || link == "up"; named != broken {
			t.Errorf("%s: named as broken: %v, is: %v\n%q", link, named, broken, sum.Notes)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "root/secret")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what no server gives out was copied: %v", err)
	}
}

// TestLinksAreFollowedAsTheServerDoes: without -s in.tftpd is not confined.
func TestLinksAreFollowedAsTheServerDoes(t *testing.T) {
	root := host(t, "-- etc/dhcp/dhcpd.conf --\n"+strings.Replace(subnet, "%s", "", 1)+
		"-- etc/default/tftpd-hpa --\nTFTP_DIRECTORY=\"/srv/tftp\"\nTFTP_OPTIONS=\"\"\n"+
		"-- srv/tftp/x --\nx\n-- usr/lib/PXELINUX/pxelinux.0 --\nPXELINUX \n")
	if err := os.Symlink("/usr/lib/PXELINUX/pxelinux.0", filepath.Join(root, "srv/tftp/pxelinux.0")); err != nil {
		t.Fatal(err)
	}
	dir, _, _ := makeFrom(t, scaffold.Sources{From: root})
	name := filepath.Join(dir, "root/srv/tftp/pxelinux.0")
	fi, err := os.Lstat(name)
	if err != nil || !fi.Mode().IsRegular() {
		t.Fatalf("%v, %v; want the file that the link leads to", fi, err)
	}
	if got, _ := os.ReadFile(name); string(got) != "PXELINUX \n" {
		t.Errorf("it holds %q", got)
	}
}

func TestKickstartIsPlaced(t *testing.T) {
	root := host(t, "-- etc/dhcp/dhcpd.conf --\n"+strings.Replace(subnet, "%s", "next-server 10.9.0.1;", 1)+
		strings.Replace(tree, "console=", "ks=nfs:10.9.0.1:/inst/ks console=", 1)+
		"-- etc/exports --\n/inst *(ro)\n-- inst/ks --\nold\n-- new.ks --\nnew\n")
	dir, _, _ := makeFrom(t, scaffold.Sources{From: root, Kickstart: filepath.Join(root, "new.ks")})
	if got, err := os.ReadFile(filepath.Join(dir, "root/inst/ks")); err != nil || string(got) != "new\n" {
		t.Errorf("the kickstart is %q, %v", got, err)
	}
}

// TestRefusals: each is about the input, says what, and leaves no folder.
func TestRefusals(t *testing.T) {
	good := "-- etc/dhcp/dhcpd.conf --\n" + strings.Replace(subnet, "%s", "", 1) + tree
	for _, c := range []struct {
		name, archive string
		change        func(*scaffold.Sources)
		want          string
	}{
		{"no subnet", "-- etc/dhcp/dhcpd.conf --\n# nothing\n", nil, "declares no subnet"},
		{"tree beyond the limit", good + "-- srv/tftp/big --\n" + strings.Repeat("x", 9000) + "\n", func(s *scaffold.Sources) { s.Limit = 4096 }, "big, 8.8 KiB"},
		{"file that is not there", good, func(s *scaffold.Sources) { s.DHCPDConf = filepath.Join(s.From, "nothing") }, "nothing"},
		{"folder that is not there", good, func(s *scaffold.Sources) { s.From = filepath.Join(s.From, "nothing") }, "--from"},
		{"a kickstart that nobody reads", good, func(s *scaffold.Sources) { s.Kickstart = filepath.Join(s.From, "etc/dhcp/dhcpd.conf") }, "asks for no file over NFS"},
		{"boot files without a dhcpd.conf", tree, nil, "--dhcpd-conf"},
	} {
		t.Run(c.name, func(t *testing.T) {
			src := scaffold.Sources{From: host(t, c.archive)}
			if c.change != nil {
				c.change(&src)
			}
			parent := t.TempDir()
			_, err := scaffold.Write(filepath.Join(parent, "made"), src)
			if _, ok := errors.AsType[*scenarios.InputError](err); !ok || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error: %v, want one about the input with %q", err, c.want)
			}
			if left, err := os.ReadDir(parent); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
	t.Run("a folder that is not empty", func(t *testing.T) {
		dir := host(t, "-- mine --\nmine\n")
		_, err := scaffold.Write(dir, scaffold.Sources{Empty: true})
		if err == nil || !strings.Contains(err.Error(), "is not empty") {
			t.Errorf("error: %v", err)
		}
		if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
			t.Errorf("now in it: %v, %v", entries, err)
		}
	})
}

// TestLargeExports are left out but for what the boot reads.
func TestLargeExports(t *testing.T) {
	root := host(t, "-- etc/dhcp/dhcpd.conf --\n"+strings.Replace(subnet, "%s", "next-server 10.9.0.1;", 1)+
		strings.Replace(tree, "console=", "ks=nfs:10.9.0.1:/inst/ks console=", 1)+
		"-- etc/exports --\n/inst *(ro)\n-- inst/ks --\nks\n-- inst/packages --\n"+strings.Repeat("x", 9000)+"\n")
	dir, _, sum := makeFrom(t, scaffold.Sources{From: root, Limit: 4096})
	if _, err := os.Stat(filepath.Join(dir, "root/inst/ks")); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "root/inst/packages")); err == nil {
		t.Error("the packages were copied beyond the limit")
	}
	if !strings.Contains(strings.Join(sum.Notes, "\n"), "--limit") {
		t.Errorf("notes: %q", sum.Notes)
	}
}

// TestNothingIsWrittenOutside: links and paths of the files lead out of the
// scenario, and nothing may follow them.
func TestNothingIsWrittenOutside(t *testing.T) {
	outside := t.TempDir()
	for _, c := range []struct{ name, exports string }{
		{"through a link", "/srv/tftp/link *(ro)\n"},
		{"through dots", "/../../../../inst *(ro)\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := host(t, "-- etc/dhcp/dhcpd.conf --\n"+strings.Replace(subnet, "%s", "next-server 10.9.0.1;", 1)+tree+
				"-- etc/exports --\n"+c.exports+"-- inst/ks --\nks\n-- "+outside[1:]+"/ks --\nks\n")
			if err := os.Symlink(outside, filepath.Join(root, "srv/tftp/link")); err != nil {
				t.Fatal(err)
			}
			parent := t.TempDir()
			_, err := scaffold.Write(filepath.Join(parent, "made"), scaffold.Sources{From: root})
			if left, rerr := os.ReadDir(outside); rerr != nil || len(left) > 0 {
				t.Errorf("written outside: %v, %v", left, rerr)
			}
			if left, rerr := os.ReadDir(parent); rerr != nil || len(left) > 1 {
				t.Errorf("written beside the scenario (error %v): %v, %v", err, left, rerr)
			}
		})
	}
}
