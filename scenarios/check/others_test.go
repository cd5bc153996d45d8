package check_test

import (
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/pxeproof/pxeproof/scenarios/check"
)

// TestOtherServers checks the files of dnsmasq and Kea, each beside what it
// serves.
func TestOtherServers(t *testing.T) {
	const loader = "-- tftp/pxelinux.0 --\nPXELINUX \n-- tftp/ldlinux.c32 --\nx\n-- tftp/pxelinux.cfg/default --\nDEFAULT linux\nLABEL linux\nKERNEL vmlinuz\n-- tftp/vmlinuz --\nx\n"
	const lease = "dhcp-range=192.168.1.10,192.168.1.50\nenable-tftp\ntftp-root=/tftp\n"
	kea := func(members string) string {
		return "-- etc/kea/kea-dhcp4.conf --\n{ \"Dhcp4\": { \"interfaces-config\": { \"interfaces\": [ \"*\" ] },\n" + members + "\n} }\n"
	}
	const subnet = `"subnet4": [ { "subnet": "192.168.1.0/24", "pools": [ { "pool": "192.168.1.10-192.168.1.50" } ] } ], "boot-file-name": `
	for name, c := range map[string]struct{ files, want string }{
		"dnsmasq, healthy":              {"-- etc/dnsmasq.conf --\n" + lease + "dhcp-boot=pxelinux.0\n" + loader, ""},
		"dnsmasq, misspelt":             {"-- etc/dnsmasq.conf --\n" + lease + "dhcp-bot=pxelinux.0\n" + loader, "etc/dnsmasq.conf:4:1 dnsmasq-unknown-directive"},
		"dnsmasq, no such file":         {"-- etc/dnsmasq.conf --\n" + lease + "dhcp-boot=lpxelinux.0\n" + loader, "etc/dnsmasq.conf:4:11 bootfile-missing"},
		"dnsmasq, other capitals":       {"-- etc/dnsmasq.conf --\n" + lease + "dhcp-boot=PXElinux.0\n" + loader, "etc/dnsmasq.conf:4:11 bootfile-case"},
		"dnsmasq, no such file, folder": {"-- etc/default/dnsmasq --\nCONFIG_DIR=/etc/dnsmasq.d\n-- etc/dnsmasq.conf --\n" + lease + "-- etc/dnsmasq.d/pxe.conf --\ndhcp-boot=x.0\n" + loader, "etc/dnsmasq.d/pxe.conf:1:11 bootfile-missing"},
		"dnsmasq, no TFTP":              {"-- etc/dnsmasq.conf --\ndhcp-range=192.168.1.10,192.168.1.50\ntftp-root=/tftp\n", "etc/dnsmasq.conf:2:11 dnsmasq-tftp-disabled"},
		"Kea, no next-server":           {kea(subnet + `"pxelinux.0"`), "etc/kea/kea-dhcp4.conf:2:120 next-server-missing"},
		"Kea, next-server":              {kea(subnet + `"pxelinux.0", "next-server": "192.168.1.1"`), ""},
		"Kea, misspelt":                 {kea(subnet + `"pxelinux.0", "next-serve": "192.168.1.1"`), "etc/kea/kea-dhcp4.conf:2:134 kea-unknown-keyword; etc/kea/kea-dhcp4.conf:2:120 next-server-missing"},
	} {
		t.Run(name, func(t *testing.T) {
			fsys, err := txtar.FS(txtar.Parse([]byte(c.files)))
			if err != nil {
				t.Fatal(err)
			}
			r, err := check.Tree(fsys, "")
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range r.WithoutNotes().Findings {
				got = append(got, strings.TrimPrefix(f.Pos.String(), "/")+" "+f.ID)
			}
			for _, w := range strings.Split(c.want, "; ") {
				if !strings.Contains(strings.Join(got, "; "), w) {
					t.Errorf("found %q, want %q", got, c.want)
				}
			}
			if len(got) > 0 && len(got) != len(strings.Split(c.want, "; ")) || c.want == "" && len(got) > 0 {
				t.Errorf("found %q, want %q", got, c.want)
			}
		})
	}
}
