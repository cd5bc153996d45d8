package scaffold_test

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/pxeproof/pxeproof/captures/verdict"
	"github.com/pxeproof/pxeproof/harness/assets"
	"github.com/pxeproof/pxeproof/harness/guest"
	"github.com/pxeproof/pxeproof/harness/qemu"
	"github.com/pxeproof/pxeproof/scenarios"
	"github.com/pxeproof/pxeproof/scenarios/scaffold"
)

// needVM skips a test where there is no QEMU, except where a skip would hide
// that nothing was tested.
func needVM(t *testing.T) {
	t.Helper()
	if _, err := qemu.LookProgram(""); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skipf("%v; `make setup` installs it", err)
	}
}

// TestBootServerMadeAScenarioPasses takes a boot server as it stands, its
// distribution's files in its own folders, and boots what is made of it, unedited.
func TestBootServerMadeAScenarioPasses(t *testing.T) {
	needVM(t)
	t.Parallel() // most of a boot waits for a router that is not there
	root := t.TempDir()
	if err := os.CopyFS(root, os.DirFS("../library/kickstart-nfs/root")); err != nil {
		t.Fatal(err)
	}
	store := new(assets.Store)
	for name, to := range map[string]string{"pxelinux.0": "pxelinux.0", "ldlinux.c32": "ldlinux.c32", "kernel": "vmlinuz"} {
		a, err := store.Find(t.Context(), name)
		if err != nil {
			t.Fatalf("%v; `make setup` fetches it", err)
		}
		place(t, a.Path, filepath.Join(root, "tftpboot", to))
	}
	initrd, err := guest.Build(t.Context(), store, guest.Spec{NIC: "virtio-net-pci"})
	if err != nil {
		t.Fatal(err)
	}
	place(t, initrd, filepath.Join(root, "tftpboot/initrd.img"))

	dir, s, sum := makeFrom(t, scaffold.Sources{From: root})
	if len(s.Assets) > 0 || len(sum.Notes) > 0 {
		t.Errorf("assets %v, notes %q; want none, as all is there", s.Assets, sum.Notes)
	}
	boot(t, dir, s, verdict.Files)
}

// TestDebianMadeAScenarioPasses takes a boot server as Debian's packages leave
// it after its owner has filled in a subnet and two labels: their comments, their
// names of name servers, their places, the boot files copied from where the
// packages have them.
func TestDebianMadeAScenarioPasses(t *testing.T) {
	needVM(t)
	t.Parallel() // most of a boot waits for a router that is not there
	root := host(t, debian)
	store := new(assets.Store)
	for name, to := range map[string]string{"pxelinux.0": "pxelinux.0", "ldlinux.c32": "ldlinux.c32", "kernel": "debian/vmlinuz"} {
		a, err := store.Find(t.Context(), name)
		if err != nil {
			t.Fatalf("%v; `make setup` fetches it", err)
		}
		place(t, a.Path, filepath.Join(root, "srv/tftp", to))
	}
	initrd, err := guest.Build(t.Context(), store, guest.Spec{NIC: "virtio-net-pci"})
	if err != nil {
		t.Fatal(err)
	}
	place(t, initrd, filepath.Join(root, "srv/tftp/debian/initrd.gz"))
	dir, s, sum := makeFrom(t, scaffold.Sources{From: root})
	if len(s.Assets) > 0 || len(sum.Notes) > 0 {
		t.Errorf("assets %v, notes %q; want none, as all is there", s.Assets, sum.Notes)
	}
	boot(t, dir, s, verdict.Files)
}

// debian is what such a server has in /etc and of its own in /srv.
const debian = `-- etc/dhcp/dhcpd.conf --
# dhcpd.conf
#
# Sample configuration file for ISC dhcpd
option domain-name "example.org";
option domain-name-servers ns1.example.org, ns2.example.org;

default-lease-time 600;
max-lease-time 7200;

ddns-update-style none;
#authoritative;
#log-facility local7;

option arch code 93 = unsigned integer 16;

subnet 192.168.50.0 netmask 255.255.255.0 {
  range 192.168.50.100 192.168.50.200;
  option routers 192.168.50.1;
  next-server 192.168.50.2;
  if option arch = 00:07 or option arch = 00:09 {
    filename "efi64/syslinux.efi";
  } else {
    filename "pxelinux.0";
  }
}
-- etc/default/isc-dhcp-server --
INTERFACESv4="eth0"
INTERFACESv6=""
-- etc/default/tftpd-hpa --
# /etc/default/tftpd-hpa

TFTP_USERNAME="tftp"
TFTP_DIRECTORY="/srv/tftp"
TFTP_ADDRESS=":69"
TFTP_OPTIONS="--secure"
-- etc/exports --
# /etc/exports: the access control list for filesystems which may be exported
#		to NFS clients.  See exports(5).
#
# Example for NFSv2 and NFSv3:
# /srv/homes       hostname1(rw,sync,no_subtree_check) hostname2(ro,sync,no_subtree_check)
#
/srv/nfs *(ro,sync,no_subtree_check)
-- srv/nfs/install/ks.cfg --
text
reboot
-- srv/tftp/debian/README --
kernel and initrd
-- srv/tftp/pxelinux.cfg/default --
DEFAULT debian
PROMPT 1
TIMEOUT 10

LABEL debian
  MENU LABEL ^Debian
  KERNEL debian/vmlinuz
  INITRD debian/initrd.gz
  APPEND ks=nfs:192.168.50.2:/srv/nfs/install/ks.cfg console=ttyS0

LABEL local
  LOCALBOOT 0
`

// TestSmallestPasses boots what a person gets who has nothing yet.
func TestSmallestPasses(t *testing.T) {
	needVM(t)
	t.Parallel() // most of a boot waits for a router that is not there
	dir, s, sum := makeFrom(t, scaffold.Sources{From: t.TempDir()})
	if !sum.Smallest {
		t.Errorf("of an empty machine was made %+v", sum)
	}
	boot(t, dir, s, verdict.OS)
}

func place(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
}

// boot wants a pass in which the stage was not left out.
func boot(t *testing.T, dir string, s *scenarios.Scenario, reached verdict.Stage) {
	t.Helper()
	res, err := scenarios.Run(t.Context(), s, scenarios.Options{Out: filepath.Join(t.TempDir(), "run"), Accel: "tcg"})
	if err != nil {
		t.Fatal(err)
	}
	proven := res.Verdict.Status == verdict.Pass
	for _, st := range res.Verdict.Clients[0].Stages {
		proven = proven && (st.Stage != reached || st.Status == verdict.Pass)
	}
	if !proven {
		b, _ := json.MarshalIndent(res.Verdict, "", "  ")
		t.Errorf("%s: verdict\n%s", dir, b)
	}
}
