package scaffold_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/pxeproof/pxeproof/scenarios/check"
	"github.com/pxeproof/pxeproof/scenarios/scaffold"
)

const loader = "-- srv/tftp/pxelinux.cfg/default --\nDEFAULT linux\nLABEL linux\nKERNEL vmlinuz\nINITRD initrd.img\nAPPEND console=ttyS0\n"

// TestOtherServers makes scenarios of dnsmasq's and Kea's files, which are
// translated, and has them checked.
func TestOtherServers(t *testing.T) {
	for name, c := range map[string]struct{ files, want, wrong string }{
		"dnsmasq": {files: "-- etc/default/dnsmasq --\nCONFIG_DIR=/etc/dnsmasq.d\n-- etc/dnsmasq.conf --\nport=0\n-- etc/dnsmasq.d/pxe.conf --\n" +
			"dhcp-range=192.168.77.1,192.168.77.99,1h\ndhcp-match=set:bios,option:client-arch,0\ndhcp-boot=tag:bios,pxelinux.0\n" +
			"dhcp-userclass=set:ipxe,iPXE\ndhcp-boot=tag:ipxe,pxelinux.0,,192.168.77.200\nenable-tftp\ntftp-root=/srv/tftp\n" + loader,
			want: "next-server 192.168.77.200;"},
		"Kea": {files: "-- etc/kea/kea-dhcp4.conf --\n{ \"Dhcp4\": { \"interfaces-config\": { \"interfaces\": [ \"*\" ] }, \"subnet4\": [ { \"subnet\": \"10.3.0.0/24\",\n" +
			"\"pools\": [ { \"pool\": \"10.3.0.10-10.3.0.90\" } ], \"next-server\": \"10.3.0.2\", \"boot-file-name\": \"pxelinux.0\" } ] } }\n" + loader,
			want: "range 10.3.0.10 10.3.0.90;"},
		"proxyDHCP": {files: "-- etc/dnsmasq.conf --\ndhcp-range=192.168.77.0,proxy\ndhcp-boot=pxelinux.0\n" + loader, wrong: "proxyDHCP"},
	} {
		t.Run(name, func(t *testing.T) {
			from, dir := t.TempDir(), filepath.Join(t.TempDir(), "new")
			for _, f := range txtar.Parse([]byte(c.files)).Files {
				file := filepath.Join(from, f.Name)
				if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, f.Data, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			sum, err := scaffold.Write(dir, scaffold.Sources{From: from})
			if c.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), c.wrong) {
					t.Errorf("%v, want an error that speaks of %s", err, c.wrong)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			conf, err := os.ReadFile(filepath.Join(dir, "root/etc/dhcpd.conf"))
			if err != nil || !strings.Contains(string(conf), c.want) {
				t.Errorf("%v; no %q in\n%s", err, c.want, conf)
			}
			if !strings.Contains(strings.Join(sum.Notes, "\n"), "was made of what it answers") {
				t.Errorf("the notes do not say what was done: %q", sum.Notes)
			}
			r, err := check.Paths([]string{dir})
			if err != nil || r.Worst() == check.Error {
				t.Errorf("%v: %+v", err, r.Findings)
			}
		})
	}
}
