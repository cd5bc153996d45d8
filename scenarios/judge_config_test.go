package scenarios_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/pxeproof/pxeproof/captures/verdict"
	"github.com/pxeproof/pxeproof/scenarios"
)

// site writes files that stand for a server's /.
func site(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range txtar.Parse([]byte(text)).Files {
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

// subnet is a dhcpd.conf with a next-server and a filename in its lines 3 and 4.
func subnet(next, file string) string {
	return "-- etc/dhcpd.conf --\nsubnet 192.168.1.0 netmask 255.255.255.0 {\n  range 192.168.1.10 192.168.1.50;\n" +
		"  next-server " + next + ";\n  filename \"" + file + "\";\n}\n"
}

const xinetd = "-- etc/xinetd.d/tftp --\nservice tftp\n{\n\tdisable = no\n\tsocket_type = dgram\n\tprotocol = udp\n\twait = yes\n\tuser = root\n" +
	"\tserver = /usr/sbin/in.tftpd\n\tserver_args = -s /tftpboot\n}\n-- tftpboot/README --\n\n"

// TestJudgeWithConfig points from captures of other servers' boots to lines.
func TestJudgeWithConfig(t *testing.T) {
	for _, c := range []struct {
		name, capture, site string
		folder              string // in place of site
		status              verdict.Status
		finding, where      string
		origin              string // of the outcome nbp
	}{
		{"next-server that is dead", "ipxe-dead-next-server.pcapng", subnet("192.168.1.99", "pxelinux.0"), "",
			verdict.Fail, "dhcp-next-server-dead", "etc/dhcpd.conf:3:3", "etc/dhcpd.conf:4:3"},
		{"file that is not there", "ipxe-file-not-found.pcapng", subnet("192.168.1.3", "nope.0") + xinetd, "",
			verdict.Fail, "tftp-file-not-found", "etc/dhcpd.conf:4:3", "etc/dhcpd.conf:4:3"},
		{"boot files that are not at hand", "ipxe-pxelinux.pcapng.gz", subnet("192.168.1.3", "pxelinux.0") + xinetd, "",
			verdict.Pass, "", "", "etc/dhcpd.conf:4:3"},
		{"a good boot by other files than these", "ipxe-pxelinux.pcapng.gz", subnet("192.168.1.7", "grub.0"), "",
			verdict.Pass, "", "", ""},
		{"dnsmasq's next-server that is dead", "ipxe-dead-next-server.pcapng",
			"-- etc/dnsmasq.conf --\ndhcp-range=192.168.1.10,192.168.1.50\ndhcp-match=set:bios,option:client-arch,0\ndhcp-boot=tag:bios,pxelinux.0,,192.168.1.99\n", "",
			verdict.Fail, "dhcp-next-server-dead", "etc/dnsmasq.conf:3:32", "etc/dnsmasq.conf:3:20"},
		{"dnsmasq's file that is not in its tftp-root", "ipxe-file-not-found.pcapng",
			"-- etc/default/dnsmasq --\nCONFIG_DIR=/etc/dnsmasq.d\n-- etc/dnsmasq.conf --\nenable-tftp\ntftp-root=/tftpboot\n" +
				"-- etc/dnsmasq.d/pxe.conf --\ndhcp-range=192.168.1.10,192.168.1.50,1h\ndhcp-boot=nope.0\n-- tftpboot/README --\n\n", "",
			verdict.Fail, "tftp-file-not-found", "etc/dnsmasq.d/pxe.conf:2:11", "etc/dnsmasq.d/pxe.conf:2:11"},
		{"dnsmasq's good boot", "ipxe-pxelinux.pcapng.gz",
			"-- etc/dnsmasq.conf --\ndhcp-range=192.168.1.10,192.168.1.50\nenable-tftp\ntftp-root=/srv\ndhcp-boot=pxelinux.0\n", "",
			verdict.Pass, "", "", "etc/dnsmasq.conf:4:11"},
		{"Kea's next-server that is dead", "ipxe-dead-next-server.pcapng",
			"-- etc/kea/kea-dhcp4.conf --\n{ \"Dhcp4\": { \"interfaces-config\": { \"interfaces\": [ \"*\" ] },\n\"subnet4\": [ { \"subnet\": \"192.168.1.0/24\", \"pools\": [ { \"pool\": \"192.168.1.10-192.168.1.50\" } ],\n" +
				"\"next-server\": \"192.168.1.99\",\n\"boot-file-name\": \"pxelinux.0\" } ] } }\n", "",
			verdict.Fail, "dhcp-next-server-dead", "etc/kea/kea-dhcp4.conf:3:16", "etc/kea/kea-dhcp4.conf:4:19"},
		{"a capture that lacks the boot program", "linux-nfs.pcapng", "", "library/kickstart-nfs",
			verdict.Inconclusive, "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := c.folder
			if dir == "" {
				dir = site(t, c.site)
			}
			v, _, err := scenarios.JudgeCaptureWith(bytes.NewReader(readFile(t, filepath.Join(foreign, c.capture))), dir)
			if err != nil {
				t.Fatal(err)
			}
			// A pipe cannot be read twice.
			piped, _, err := scenarios.JudgeCaptureWith(io.MultiReader(bytes.NewReader(readFile(t, filepath.Join(foreign, c.capture)))), dir)
			if err != nil || explain(piped) != explain(v) {
				t.Errorf("from a pipe: %v: %s\nfrom a file: %s", err, explain(piped), explain(v))
			}
			if v.Status != c.status || len(v.Clients) != 1 {
				t.Fatalf("%s, want %s: %+v", v.Status, c.status, v)
			}
			got := ""
			for _, f := range v.Clients[0].Findings {
				if f.Severity == verdict.Error {
					got += f.ID
					var places []string
					for _, w := range f.Where {
						places = append(places, strings.TrimPrefix(w.String(), dir+"/"))
					}
					if !strings.Contains(strings.Join(places, " "), c.where) {
						t.Errorf("%s is said to be in %s, want %s", f.ID, places, c.where)
					}
				}
			}
			if got != c.finding {
				t.Errorf("findings %q, want %q", got, c.finding)
			}
			if r := v.Clients[0].Reached; c.status == verdict.Pass && r != verdict.Kernel {
				t.Errorf("it is said to have got as far as %s, and the capture shows the kernel", r)
			}
			for _, o := range v.Clients[0].Outcomes {
				if o.ID == "nbp" && strings.TrimPrefix(o.Origin.String(), dir+"/") != c.origin {
					t.Errorf("the boot program is promised by %s, want %s", o.Origin, c.origin)
				}
			}
		})
	}
}

// TestJudgeWithBadConfig has the capture judged nevertheless.
func TestJudgeWithBadConfig(t *testing.T) {
	capture := readFile(t, filepath.Join(foreign, "ipxe-file-not-found.pcapng"))
	for name, dir := range map[string]string{
		"nothing there":    filepath.Join(t.TempDir(), "nothing"),
		"no configuration": t.TempDir(),
		"malformed":        site(t, "-- etc/dhcpd.conf --\nsubnet 192.168.1.0 netmask {\n"),
		"another network":  site(t, "-- etc/dhcpd.conf --\nsubnet 10.0.0.0 netmask 255.0.0.0 {}\n"),
	} {
		t.Run(name, func(t *testing.T) {
			v, _, err := scenarios.JudgeCaptureWith(bytes.NewReader(capture), dir)
			if _, ok := errors.AsType[*scenarios.InputError](err); !ok {
				t.Errorf("error %v, want an InputError", err)
			}
			if v.Status != verdict.Fail {
				t.Errorf("%s, want %s", v.Status, verdict.Fail)
			}
		})
	}
}
