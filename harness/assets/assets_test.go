package assets

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// put writes a file beneath dir, with its folders.
func put(t *testing.T, dir, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// bzImage is the least that passes for an x86 kernel of the given release.
func bzImage(release string) []byte {
	const at = 0x400
	b := make([]byte, at, at+100)
	copy(b[headerMagic:], "HdrS")
	binary.LittleEndian.PutUint16(b[headerVersion:], at-bootSector)
	return append(b, release+" (builder@host) #1 SMP\x00"...)
}

func TestWhereDistributionsPutThem(t *testing.T) {
	for _, tt := range []struct {
		release string
		files   map[string]string // asset to path
	}{
		{"ID=debian", map[string]string{
			"pxelinux.0":     "usr/lib/PXELINUX/pxelinux.0",
			"menu.c32":       "usr/lib/syslinux/modules/bios/menu.c32",
			"efi64/menu.c32": "usr/lib/syslinux/modules/efi64/menu.c32",
			"OVMF_VARS.fd":   "usr/share/OVMF/OVMF_VARS_4M.fd",
			"pxe-virtio.rom": "usr/lib/ipxe/qemu/pxe-virtio.rom",
			"kernel":         "boot/vmlinuz-6.1.0-56-amd64",
			"kernel-cloud":   "boot/vmlinuz-6.1.0-56-cloud-amd64",
		}},
		{"ID=linuxmint\nID_LIKE=\"ubuntu debian\"", map[string]string{
			"shimx64.efi": "usr/lib/shim/shimx64.efi.signed.latest",
			"kernel":      "boot/vmlinuz-6.8.0-31-generic",
		}},
		{"ID=rocky\nID_LIKE=\"rhel centos fedora\"", map[string]string{
			"pxelinux.0":     "usr/share/syslinux/pxelinux.0",
			"OVMF_CODE.fd":   "usr/share/edk2/ovmf/OVMF_CODE.fd",
			"undionly.kpxe":  "usr/share/ipxe/undionly.kpxe",
			"kernel":         "usr/lib/modules/6.9.4-200.fc40.x86_64/vmlinuz",
			"efi-virtio.rom": "usr/share/ipxe/qemu/efi-virtio.rom",
		}},
		{"ID=arch", map[string]string{
			"ldlinux.c32":  "usr/lib/syslinux/bios/ldlinux.c32",
			"syslinux.efi": "usr/lib/syslinux/efi64/syslinux.efi",
			"OVMF_CODE.fd": "usr/share/edk2/x64/OVMF_CODE.4m.fd",
			"ipxe.efi":     "usr/share/ipxe/x86_64/ipxe.efi",
		}},
		{"ID=\"opensuse-leap\"\nID_LIKE=\"suse opensuse\"", map[string]string{
			"OVMF_CODE.ms.fd": "usr/share/qemu/ovmf-x86_64-smm-ms-code.bin",
			"e1000":           "", // no such asset
			"pxe-e1000.rom":   "usr/share/qemu/pxe-e1000.rom",
		}},
	} {
		root := t.TempDir()
		put(t, root, "etc/os-release", []byte(tt.release+"\n"))
		s := &Store{Root: root, Cache: t.TempDir()}
		for name, path := range tt.files {
			if path == "" {
				if _, err := s.Find(t.Context(), name); err == nil {
					t.Errorf("%s: found", name)
				}
				continue
			}
			data := []byte("contents of " + name)
			if strings.Contains(name, "kernel") {
				data = bzImage("6.1.0")
			}
			put(t, root, path, data)
			a, err := s.Find(t.Context(), name)
			if err != nil {
				t.Errorf("%s: %v", tt.release, err)
			} else if a.Path != filepath.Join(root, path) || a.Source != Installed || len(a.SHA256) != 64 {
				t.Errorf("%s: found as %+v", tt.release, a)
			}
		}
	}
}

func TestOverrides(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "usr/lib/PXELINUX/pxelinux.0", []byte("installed"))
	option := put(t, dir, "option", []byte("option"))
	environment := put(t, dir, "environment", []byte("environment"))

	s := &Store{Root: dir, Cache: t.TempDir()}
	check := func(path string, source Source) {
		t.Helper()
		a, err := s.Find(t.Context(), "pxelinux.0")
		if err != nil || a.Path != path || a.Source != source {
			t.Errorf("found %+v, %v; want %s, %s", a, err, path, source)
		}
	}
	check(filepath.Join(dir, "usr/lib/PXELINUX/pxelinux.0"), Installed)
	t.Setenv("PXEPROOF_ASSET_PXELINUX_0", environment)
	check(environment, Environment)
	s.Override = map[string]string{"pxelinux.0": option}
	check(option, Override)

	// An override that is not there is an error; what is installed is not
	// taken behind the user's back.
	s.Override["pxelinux.0"] = filepath.Join(dir, "none")
	if _, err := s.Find(t.Context(), "pxelinux.0"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing override gave %v", err)
	}
}

func TestNotFoundNamesTheCure(t *testing.T) {
	t.Setenv("PATH", t.TempDir()) // a machine without apt
	for release, want := range map[string]string{
		"ID=fedora": "sudo dnf install syslinux-nonlinux",
		"ID=arch":   "sudo pacman -S syslinux",
		"ID=debian": "sudo apt-get install --no-install-recommends pxelinux",
		"ID=plan9":  "PXEPROOF_ASSET_PXELINUX_0",
	} {
		root := t.TempDir()
		put(t, root, "etc/os-release", []byte(release))
		s := &Store{Root: root, Cache: t.TempDir()}
		_, err := s.Find(t.Context(), "pxelinux.0")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %q in it", release, err, want)
		}
		if _, ok := errors.AsType[*NotFoundError](err); !ok {
			t.Errorf("%s: %T is no *NotFoundError", release, err)
		}
	}
	_, err := new(Store).Find(t.Context(), "Menu.C32")
	if err == nil || !strings.Contains(err.Error(), "menu.c32") {
		t.Errorf("a misspelt name gave %v", err)
	}
}

// An unfit file is passed over for a fit one, and named if there is none.
func TestUnfit(t *testing.T) {
	root := t.TempDir()
	s := &Store{Root: root, Cache: t.TempDir()}
	bad := put(t, root, "boot/vmlinuz-6.2.0-1-amd64", []byte("not a kernel"))
	put(t, root, "boot/vmlinuz-6.3.0-1-cloud-amd64", bzImage("6.3.0-1-cloud-amd64")) // another asset
	if _, err := s.Find(t.Context(), "kernel"); err == nil || !strings.Contains(err.Error(), bad) {
		t.Errorf("got %v; want %s named", err, bad)
	}
	for _, release := range []string{"6.1.0-9-amd64", "6.1.0-56-amd64"} {
		put(t, root, "boot/vmlinuz-"+release, bzImage(release))
		put(t, root, "lib/modules/"+release+"/kernel/x.ko", nil)
	}
	k, err := s.Kernel(t.Context(), "kernel")
	if err != nil || k.Release != "6.1.0-56-amd64" || k.Modules != filepath.Join(root, "lib/modules/6.1.0-56-amd64") {
		t.Errorf("found %+v, %v", k, err)
	}
}

// What is in the catalogue must be usable: names that tell apart, in the
// environment too, and patterns that are well-formed and relative.
func TestCatalogue(t *testing.T) {
	seen := map[string]string{}
	for _, entries := range [][]entry{catalogue, tools} {
		for _, e := range entries {
			env := EnvName(e.name)
			if other, ok := seen[env]; ok {
				t.Errorf("%s and %s are both %s", e.name, other, env)
			}
			seen[env] = e.name
			if e.pkg.debian == "" || e.about == "" || len(e.paths) == 0 {
				t.Errorf("%s: incomplete", e.name)
			}
			for _, p := range e.paths {
				if _, err := filepath.Match(p, ""); err != nil || !filepath.IsLocal(p) {
					t.Errorf("%s: path %q, %v", e.name, p, err)
				}
			}
		}
	}
}

func TestCompareVersions(t *testing.T) {
	ordered := []string{"5.10.0-30", "6.1.0-9-amd64", "6.1.0-56-amd64", "6.1.0-056-amd64+b1", "6.12.1", "7"}
	for i := range ordered {
		for j := range ordered {
			got := compareVersions(ordered[i], ordered[j])
			if (i < j && got >= 0) || (i > j && got <= 0) || (i == j && got != 0) {
				t.Errorf("compareVersions(%q, %q) = %d", ordered[i], ordered[j], got)
			}
		}
	}
}
