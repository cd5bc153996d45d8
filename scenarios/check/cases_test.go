package check_test

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/pxeproof/pxeproof/scenarios/check"
)

const (
	yaml   = "scenario.yaml"
	dhcpd  = "root/etc/dhcpd.conf"
	tftp   = "root/etc/xinetd.d/tftp"
	export = "root/etc/exports"
	config = "root/tftpboot/pxelinux.cfg/default"
	ks     = "root/root/inst/ks"
)

// A change is done to one file of the healthy folder. Without old, the file is
// added; with old "*", it is taken out.
type change struct{ file, old, new string }

func changed(t *testing.T, changes []change) *txtar.Archive {
	t.Helper()
	a := healthy(t)
	for _, c := range changes {
		i := slices.IndexFunc(a.Files, func(f txtar.File) bool { return f.Name == c.file })
		switch {
		case c.old == "":
			a.Files = append(a.Files, txtar.File{Name: c.file, Data: []byte(c.new)})
		case c.old == "*":
			a.Files = slices.Delete(a.Files, i, i+1)
		default:
			src := string(a.Files[i].Data)
			if !strings.Contains(src, c.old) {
				t.Fatalf("%s holds no %q", c.file, c.old)
			}
			a.Files[i].Data = []byte(strings.Replace(src, c.old, c.new, 1))
		}
	}
	return a
}

// TestCases provokes each finding by a change to the healthy folder, which by
// itself yields none, and wants that finding and no other. The twin is a change
// that looks much like it and is right.
func TestCases(t *testing.T) {
	file := func(name string) change { return change{file: name, new: "x"} }
	cases := []struct {
		id    string
		fault []change
		want  string // where; empty: at several places, see also
		also  []string
		twin  []change
	}{
		{id: "next-server-missing",
			fault: []change{{dhcpd, "next-server 192.168.1.103;\n", ""}},
			want:  dhcpd + ":5:11",
			twin:  []change{{dhcpd, "next-server 192.168.1.103;\n", ""}, {dhcpd, "\tfile", "\tnext-server 192.168.1.103;\n\tfile"}}},
		{id: "next-server-nobody",
			fault: []change{{dhcpd, "next-server 192.168.1.103", "next-server 192.168.1.104"}},
			want:  dhcpd + ":2:13",
			twin:  []change{{dhcpd, "next-server 192.168.1.103", "next-server 192.168.1.104"}, {yaml, "machines:", "  other: {address: 192.168.1.104/24, servers: {tftp: {}}}\nmachines:"}}},
		{id: "range-holds-router",
			fault: []change{{dhcpd, "range 192.168.1.10", "range 192.168.1.1"}},
			want:  dhcpd + ":5:8",
			twin:  []change{{dhcpd, "range 192.168.1.10", "range 192.168.1.2"}}},
		{id: "range-holds-server",
			fault: []change{{dhcpd, "192.168.1.100;", "192.168.1.103;"}},
			want:  dhcpd + ":5:8",
			twin:  []change{{dhcpd, "192.168.1.100;", "192.168.1.102;"}}},
		{id: "dhcpd-range-outside-subnet",
			fault: []change{{dhcpd, "192.168.1.100;", "192.168.2.100;"}},
			twin:  []change{{dhcpd, "192.168.1.100;", "192.168.1.90;"}}},
		{id: "router-outside-subnet",
			fault: []change{{dhcpd, "routers 192.168.1.1", "routers 192.168.2.1"}},
			want:  dhcpd + ":4:17",
			twin:  []change{{dhcpd, "routers 192.168.1.1", "routers 192.168.1.2"}}},
		{id: "dhcpd-unknown-statement",
			fault: []change{{dhcpd, "authoritative", "authourtative"}},
			want:  dhcpd + ":1:1",
			twin:  []change{{dhcpd, "authoritative;", "not authoritative;"}}},
		{id: "dhcpd-typographic-quote",
			fault: []change{{dhcpd, `"/pxelinux.0"`, `“/pxelinux.0”`}},
			want:  dhcpd + ":6:11",
			twin:  []change{{dhcpd, "authoritative;", "authoritative; # “/pxelinux.0”"}}},
		{id: "xinetd-disabled",
			fault: []change{{tftp, "= no", "= yes"}},
			want:  tftp + ":3:13",
			twin:  []change{{tftp, "\tdisable\t\t= no\n", ""}}},
		{id: "tftp-root-missing",
			fault: []change{{tftp, "-s /tftpboot", "-s /tftproot"}},
			want:  tftp + ":9:29",
			twin:  []change{{tftp, "-s /tftpboot", "-s /tftpboot/"}}},
		{id: "xinetd-note-in-arguments",
			fault: []change{{tftp, "-s /tftpboot", "-s /tftpboot //the folder"}},
			want:  tftp + ":9:39", also: []string{tftp + ":9:39 intftpd-two-directories"},
			twin: []change{{tftp, "\twait", "\t# the folder\n\twait"}}},
		{id: "xinetd-value-count",
			fault: []change{{tftp, "= no", "= no (not yes)"}},
			want:  tftp + ":3:2",
			twin:  []change{{tftp, "\tdisable", "\t# (not yes)\n\tdisable"}}},
		{id: "bootfile-unset",
			fault: []change{{dhcpd, "\tfilename \"/pxelinux.0\";\n", ""}},
			want:  dhcpd + ":3:1",
			twin:  []change{{dhcpd, "\tfilename \"/pxelinux.0\";\n", ""}, {dhcpd, "auth", "filename \"/pxelinux.0\";\nauth"}}},
		{id: "bootfile-missing",
			fault: []change{{dhcpd, "/pxelinux.0", "/pxelinux0"}},
			want:  dhcpd + ":6:11",
			twin:  []change{{dhcpd, "/pxelinux.0", "pxelinux.0"}}},
		{id: "bootfile-case",
			fault: []change{{dhcpd, "/pxelinux.0", "/PXELinux.0"}},
			want:  dhcpd + ":6:11",
			twin:  []change{{dhcpd, "/pxelinux.0", "//pxelinux.0"}}},
		{id: "bootfile-prefix",
			fault: []change{{dhcpd, "/pxelinux.0", "/tftpboot/pxelinux.0"}},
			want:  dhcpd + ":6:11", also: []string{dhcpd + ":6:11 pxelinux-config-missing"},
			twin: []change{{dhcpd, "/pxelinux.0", "/tftpboot/pxelinux.0"}, {tftp, "-s /tftpboot", "/tftpboot"}}},
		{id: "ldlinux-missing",
			fault: []change{{yaml, "  /tftpboot/ldlinux.c32: ldlinux.c32\n", ""}},
			want:  dhcpd + ":6:11",
			twin:  []change{{yaml, "/tftpboot/ldlinux.c32", "/tftpboot/boot/syslinux/ldlinux.c32"}, {yaml, "machines:", "machines:"}, file("root/tftpboot/ldlinux.c32")}},
		{id: "pxelinux-config-missing",
			fault: []change{{config, "*", ""}},
			want:  dhcpd + ":6:11",
			twin:  []change{{config, "*", ""}, {file: "root/tftpboot/pxelinux.cfg/C0A8010", new: "default a\nlabel a\nlocalboot 0\n"}}},
		{id: "pxelinux-default-missing",
			fault: []change{{config, "default centos5", "default centso5"}},
			want:  config + ":1:9",
			twin:  []change{{config, "default centos5", "default again"}}},
		{id: "pxelinux-kernel-missing",
			fault: []change{{config, "kernel vmlinuz", "kernel VMLINUZ"}},
			want:  config + ":5:10",
			twin:  []change{{config, "kernel vmlinuz", "kernel vmlinux"}, file("root/tftpboot/vmlinux")}},
		{id: "pxelinux-initrd-missing",
			fault: []change{{config, "append initrd=initrd.img", "append initrd=initrd.gz"}},
			want:  config + ":9:17",
			twin:  []change{{config, "append initrd=initrd.img", "append initrd=initrd.gz"}, file("root/tftpboot/initrd.gz")}},
		{id: "pxelinux-initrd-forgotten",
			fault: []change{{config, " initrd=initrd.img", ""}},
			want:  config + ":6:10",
			twin:  []change{{config, " initrd=initrd.img", ""}, {config, "  append ks", "  initrd initrd.img\n  append ks"}}},
		{id: "ks-server-nobody",
			fault: []change{{config, "ks=nfs:192.168.1.103", "ks=nfs:192.168.1.3"}},
			want:  config + ":6:10",
			twin:  []change{{config, "ks=nfs:192.168.1.103", "ks=nfs:vers=3:192.168.1.103"}}},
		{id: "ks-not-exported",
			fault: []change{{export, "/root/inst", "/srv/inst"}, file("root/srv/inst/x")},
			want:  config + ":6:10", also: []string{ks + ":2:34 kickstart-dir-not-exported"},
			twin: []change{{export, "/root/inst", "/root"}}},
		{id: "kickstart-dir-not-exported",
			fault: []change{{ks, "--dir=/root/inst", "--dir=/srv/inst"}},
			want:  ks + ":2:34",
			twin:  []change{{ks, "--dir=/root/inst", "--dir=/srv/inst"}, {export, "/root", "/srv/inst 192.168.1.0/24(ro)\n/root"}, file("root/srv/inst/x")}},
		{id: "ks-client-not-allowed",
			fault: []change{{export, "192.168.1.0/24", "192.168.1.0/28"}},
			want:  config + ":6:10",
			twin:  []change{{export, "192.168.1.0/24", "192.168.1.0/25"}}},
		{id: "ks-file-missing",
			fault: []change{{config, "inst/ks ", "inst/ks.cfg "}},
			want:  config + ":6:10",
			twin:  []change{{config, "inst/ks ", "inst/ "}}},
		{id: "ks-file-case",
			fault: []change{{config, "inst/ks ", "inst/KS "}},
			want:  config + ":6:10",
			twin:  []change{{config, "inst/ks ", "inst/../inst/ks "}}},
		{id: "export-missing",
			fault: []change{{export, "/root", "/home/iso 192.168.1.0/24(ro)\n/root"}},
			want:  export + ":1:1",
			twin:  []change{{export, "/root", "/home/iso 192.168.1.0/24(ro)\n/root"}, file("root/home/iso/x")}},
		{id: "export-not-for-subnet",
			fault: []change{{export, "/root", "/tftpboot 192.168.2.0/24(ro)\n/root"}},
			want:  export + ":1:11",
			twin:  []change{{export, "/root", "/tftpboot *(ro)\n/root"}}},
		{id: "exports-path-slash",
			fault: []change{{export, "/root/inst ", "/root/inst/ "}},
			want:  export + ":1:1",
			twin:  []change{{export, "/root/inst ", "\"/root/inst\" "}}},
		{id: "exports-comment",
			fault: []change{{export, "(ro,sync)", "(ro,sync) //the discs"}},
			want:  export + ":1:36",
			twin:  []change{{export, "(ro,sync)", "(ro,sync) #the discs"}}},
		{id: "kickstart-reboot-loop",
			fault: []change{{ks, "poweroff", "reboot"}},
			want:  ks + ":6:1",
			twin:  []change{{ks, "poweroff", "reboot"}, {config, "default centos5", "default disk"}}},
		{id: "kickstart-address-in-range",
			fault: []change{{ks, "192.168.1.220", "192.168.1.20"}},
			want:  ks + ":4:47",
			twin:  []change{{ks, "192.168.1.220", "192.168.1.2"}}},
		{id: "kickstart-server-nobody",
			fault: []change{{ks, "--server=192.168.1.103", "--server=192.168.1.3"}},
			want:  ks + ":2:14",
			twin:  []change{{ks, "--server=192.168.1.103", "--server 192.168.1.103"}}},
		{id: "kickstart-typographic-quote",
			fault: []change{{ks, `"rhgb quiet"`, `“rhgb quiet”`}},
			want:  ks + ":5:36",
			twin:  []change{{ks, `"rhgb quiet"`, `"“rhgb” quiet"`}}},
		{id: "kickstart-note",
			fault: []change{{ks, "poweroff", "poweroff //at the end"}},
			want:  ks + ":6:10",
			twin:  []change{{ks, "poweroff", "poweroff #at the end"}}},
		{id: "kickstart-unknown-command",
			fault: []change{{ks, "poweroff", "powerof"}},
			want:  ks + ":6:1",
			twin:  []change{{ks, "poweroff", "halt"}}},
	}
	if got := found(t, healthy(t)); got != nil {
		t.Fatalf("the healthy folder has %v", got)
	}
	covered := map[string]bool{}
	for _, tt := range cases {
		covered[tt.id] = true
		t.Run(tt.id, func(t *testing.T) {
			got := found(t, changed(t, tt.fault))
			want := append([]string{tt.want + " " + tt.id}, tt.also...)
			if tt.want == "" {
				if !slices.ContainsFunc(got, func(s string) bool { return strings.HasSuffix(s, " "+tt.id) }) {
					t.Errorf("got %q", got)
				}
			} else if slices.Sort(got); !slices.Equal(got, sorted(want)) {
				t.Errorf("got  %q\nwant %q", got, sorted(want))
			}
			if got := found(t, changed(t, tt.twin)); got != nil {
				t.Errorf("the twin has %q", got)
			}
		})
	}
	for _, r := range check.Rules() {
		if !covered[r.ID] {
			t.Errorf("no case provokes %s", r.ID)
		}
	}
}

func sorted(list []string) []string { slices.Sort(list); return list }

// TestPlain has the healthy files without a scenario: nothing is known of hosts
// then, nor of files that are somebody's to bring.
func TestPlain(t *testing.T) {
	plain := func(t *testing.T, changes ...change) *txtar.Archive {
		a := changed(t, append([]change{{yaml, "*", ""}}, changes...))
		for i := range a.Files {
			a.Files[i].Name = strings.TrimPrefix(a.Files[i].Name, "root/")
		}
		for _, name := range []string{"pxelinux.0", "ldlinux.c32", "vmlinuz", "initrd.img"} {
			a.Files = append(a.Files, txtar.File{Name: "tftpboot/" + name, Data: []byte("PXELINUX 6.04 or not")})
		}
		return a
	}
	for _, tt := range []struct {
		name    string
		changes []change
		want    []string
	}{
		{name: "healthy"},
		{name: "its own next-server in the range", changes: []change{{dhcpd, "192.168.1.100;", "192.168.1.200;"}},
			want: []string{"etc/dhcpd.conf:5:8 range-holds-server"}},
		{name: "a next-server elsewhere", changes: []change{{dhcpd, "192.168.1.103", "192.168.1.7"}}},
		{name: "a TFTP server of another kind", changes: []change{{tftp, "*", ""}, {config, "append initrd=initrd.img", "append initrd=none"}},
			want: []string{"tftpboot/pxelinux.cfg/default:9:17 pxelinux-initrd-missing"}},
		{name: "no folders but etc", changes: []change{{config, "*", ""}, {ks, "*", ""}, {tftp, "-s /tftpboot", "-s /srv/boot"}}},
		{name: "an installation that repeats", changes: []change{{ks, "poweroff", "reboot"}}},
		{name: "two kinds of clients", changes: []change{{dhcpd, `filename "/pxelinux.0";`, `if option arch = 00:07 { filename "shim.efi"; } else { filename "/pxelinux.0"; }`},
			{dhcpd, "auth", "option arch code 93 = unsigned integer 16;\nauth"}},
			want: []string{"etc/dhcpd.conf:7:36 bootfile-missing"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := found(t, plain(t, tt.changes...)); !slices.Equal(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}
