package pxelinux_test

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pxeproof/pxeproof/servers/conf/pxelinux"
)

// server is a TFTP server's files by the names that find them.
type server map[string]string

func (s server) Size(name string) (int64, bool) {
	b, ok := s[name]
	return int64(len(b)), ok
}

func (s server) Read(name string) (string, []byte, error) {
	b, ok := s[name]
	if !ok {
		return "", nil, errors.New("not there")
	}
	return name, []byte(b), nil
}

var client = pxelinux.Client{
	MAC:    net.HardwareAddr{0x52, 0x54, 0, 0x12, 0x34, 0x56},
	Addr:   netip.MustParseAddr("192.168.1.50"),
	Server: netip.MustParseAddr("192.168.1.103"),
}

// names are the lookups' names, "!" in front of what is not there.
func names(p *pxelinux.Prediction) []string {
	var s []string
	for _, l := range p.Lookups {
		name := l.String()
		if !l.Found {
			name = "!" + name
		}
		s = append(s, name)
	}
	return s
}

const article = `default centos5
prompt 1
timeout 30
label centos5
  kernel vmlinuz
  append ks=nfs:192.168.1.103:/root/inst/ks initrd=initrd.img devfs=nomount ramdisk_size=9216
#append initrd=initrd.img devfs=nomount ramdisk_size=9216
`

func TestPredictArticle(t *testing.T) {
	files := server{
		"/ldlinux.c32": "x", "/pxelinux.cfg/default": article, "/vmlinuz": "x", "/initrd.img": "x",
	}
	p := pxelinux.Predict(client, pxelinux.Options{BootFile: "/pxelinux.0"}, files)
	want := []string{
		"/ldlinux.c32",
		"!/pxelinux.cfg/01-52-54-00-12-34-56",
		"!/pxelinux.cfg/C0A80132", "!/pxelinux.cfg/C0A8013", "!/pxelinux.cfg/C0A801", "!/pxelinux.cfg/C0A80",
		"!/pxelinux.cfg/C0A8", "!/pxelinux.cfg/C0A", "!/pxelinux.cfg/C0", "!/pxelinux.cfg/C",
		"/pxelinux.cfg/default",
		"/vmlinuz", "/initrd.img",
	}
	if d := cmp.Diff(want, names(p)); d != "" {
		t.Errorf("lookups (-want +got):\n%s", d)
	}
	b := p.Boot
	if b.Outcome != pxelinux.Boots || b.Label != "centos5" || b.Wait != 3*time.Second || b.Kind != pxelinux.KindLinux {
		t.Errorf("boot %+v", b)
	}
	if got, want := b.Append, "ks=nfs:192.168.1.103:/root/inst/ks initrd=initrd.img devfs=nomount ramdisk_size=9216"; got != want {
		t.Errorf("append %q", got)
	}
	for what, pos := range map[string]fmt.Stringer{
		"/pxelinux.cfg/default:4:7":  b.Pos,
		"/pxelinux.cfg/default:5:10": b.Kernel.Pos,
		"/pxelinux.cfg/default:6:10": b.AppendPos,
		"/pxelinux.cfg/default:6:52": b.Initrds[0].Pos,
	} {
		if pos.String() != what {
			t.Errorf("position %v, want %s", pos, what)
		}
	}
	if len(p.Problems) > 0 {
		t.Errorf("problems: %v", p.Problems)
	}
}

func TestPrefix(t *testing.T) {
	for _, tt := range []struct {
		options pxelinux.Options
		want    string // the name of the configuration "default"
	}{
		{pxelinux.Options{BootFile: "pxelinux.0"}, "pxelinux.cfg/default"},
		{pxelinux.Options{BootFile: "/pxelinux.0"}, "/pxelinux.cfg/default"},
		{pxelinux.Options{BootFile: "/tftpboot/x86/pxelinux.0"}, "/tftpboot/x86/pxelinux.cfg/default"},
		{pxelinux.Options{BootFile: "x86/pxelinux.0"}, "x86/pxelinux.cfg/default"},
		{pxelinux.Options{BootFile: "pxe_linux.0"}, "pxe_pxelinux.cfg/default"},
		{pxelinux.Options{BootFile: "pxelinux.0", PathPrefix: "/boot/"}, "/boot/pxelinux.cfg/default"},
		{pxelinux.Options{BootFile: "pxelinux.0", PathPrefix: "boot"}, "bootpxelinux.cfg/default"},
		{pxelinux.Options{BootFile: "a/b", PathPrefix: "::c/"}, "c/pxelinux.cfg/default"},
		{pxelinux.Options{BootFile: "pxelinux.0", PathPrefix: "tftp://10.0.0.1/x/"}, "10.0.0.1::x/pxelinux.cfg/default"},
		{pxelinux.Options{BootFile: "pxelinux.0", PathPrefix: "http://10.0.0.1/x/"}, "http://10.0.0.1/x/pxelinux.cfg/default"},
		{pxelinux.Options{BootFile: "pxelinux.0", ConfigFile: "cfg/mine"}, "cfg/mine"},
		{pxelinux.Options{BootFile: "a/pxelinux.0", ConfigFile: "::mine"}, "mine"},
	} {
		p := pxelinux.Predict(client, tt.options, allFound{})
		var got string
		for _, l := range p.Lookups {
			got = l.String()
			if l.Use == pxelinux.UseConfig {
				break
			}
		}
		got = strings.Replace(got, "01-52-54-00-12-34-56", "default", 1)
		if strings.Contains(tt.want, "10.0.0.1") { // ldlinux.c32 is there already
			tt.want = strings.Replace(tt.want, "pxelinux.cfg/default", "ldlinux.c32", 1)
		}
		if got != tt.want {
			t.Errorf("%+v: %q, want %q", tt.options, got, tt.want)
		}
	}
}

type allFound struct{}

func (allFound) Size(string) (int64, bool) { return 1, true }
func (allFound) Read(name string) (string, []byte, error) {
	return name, nil, nil
}

func TestRebootTime(t *testing.T) {
	p := pxelinux.Predict(pxelinux.Client{MAC: net.HardwareAddr{0x52, 0x54, 0, 0, 0, 1}},
		pxelinux.Options{BootFile: "pxelinux.0", RebootTime: time.Minute}, server{"ldlinux.c32": "x"})
	if p.Boot.Outcome != pxelinux.Stops || !strings.Contains(p.Boot.Reason, "1m0s") {
		t.Error(p.Boot.Outcome, p.Boot.Reason)
	}
}
