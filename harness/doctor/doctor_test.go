package doctor_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pxeproof/pxeproof/harness/assets"
	"github.com/pxeproof/pxeproof/harness/doctor"
	"github.com/pxeproof/pxeproof/harness/sandbox"
)

func TestMain(m *testing.M) {
	sandbox.Enter(doctor.Entries())
	os.Exit(m.Run())
}

// bare is a machine of a distribution on which nothing is installed: no
// programs in PATH, no files below the store's root, an empty cache.
func bare(t *testing.T, osRelease string) *assets.Store {
	t.Helper()
	t.Setenv("PATH", t.TempDir())
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "etc/os-release"), []byte(osRelease), 0o644); err != nil {
		t.Fatal(err)
	}
	return &assets.Store{Root: root, Cache: t.TempDir()}
}

func find(t *testing.T, r doctor.Report, name string) doctor.Result {
	t.Helper()
	for _, res := range r.Results {
		if res.Name == name {
			return res
		}
	}
	t.Fatalf("no check is called %s", name)
	return doctor.Result{}
}

// TestCures wants of each distribution its own command.
func TestCures(t *testing.T) {
	for _, c := range []struct{ release, command, qemu, loader string }{
		{"ID=debian\n", "sudo apt-get install", "qemu-system-x86", "pxelinux"},
		{"ID=ubuntu\nID_LIKE=debian\n", "sudo apt-get install", "qemu-system-x86", "pxelinux"},
		{"ID=fedora\n", "sudo dnf install", "qemu-system-x86", "syslinux-nonlinux"},
		{"ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n", "sudo dnf install", "qemu-system-x86", "syslinux-nonlinux"},
		{"ID=arch\n", "sudo pacman -S", "qemu-system-x86", "syslinux"},
		{"ID=opensuse-leap\nID_LIKE=\"suse opensuse\"\n", "sudo zypper install", "qemu-x86", "syslinux"},
	} {
		t.Run(strings.SplitN(c.release, "\n", 2)[0], func(t *testing.T) {
			r, err := doctor.Examine(t.Context(), doctor.Options{Need: []string{"pxelinux.0"}, Store: bare(t, c.release)})
			if err != nil {
				t.Fatal(err)
			}
			if r.Ready {
				t.Error("a machine without QEMU is ready")
			}
			for name, pkg := range map[string]string{"QEMU": c.qemu, "pxelinux.0": c.loader} {
				res := find(t, r, name)
				if res.State != doctor.Missing || !strings.HasPrefix(res.Cure, c.command+" ") || !strings.Contains(res.Cure+" ", " "+pkg+" ") {
					t.Errorf("%s: %+v, want the cure %s … %s", name, res, c.command, pkg)
				}
			}
			// What only some need does not decide.
			if res := find(t, r, "tshark"); res.State != doctor.Optional || res.Cure == "" {
				t.Errorf("%+v, want it to be optional, with a cure", res)
			}
		})
	}
}

// TestUnknownDistribution is not told a command that it does not have.
func TestUnknownDistribution(t *testing.T) {
	r, err := doctor.Examine(t.Context(), doctor.Options{Need: []string{"pxelinux.0"}, Store: bare(t, "ID=plan9\n")})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"QEMU", "pxelinux.0"} {
		if res := find(t, r, name); res.State != doctor.Missing || res.Cure != "" {
			t.Errorf("%+v, want it to be missing, without a cure", res)
		}
	}
}

// TestSandboxIsTried runs here as the tests of the lab do, so both must work.
func TestSandboxIsTried(t *testing.T) {
	r, err := doctor.Examine(t.Context(), doctor.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"namespaces", "bridge"} {
		if res := find(t, r, name); res.State != doctor.OK {
			t.Errorf("%+v", res)
		}
	}
	ready := true
	for _, res := range r.Results {
		ready = ready && res.State != doctor.Missing
		if res.State == doctor.OK && res.Cure != "" {
			t.Errorf("%s is well and has a cure: %s", res.Name, res.Cure)
		}
	}
	if r.Ready != ready {
		t.Errorf("ready: %v, but the results say %v", r.Ready, ready)
	}
}

// TestNeedDecides: the same file is fatal or not, as the caller needs it.
func TestNeedDecides(t *testing.T) {
	store := &assets.Store{Root: t.TempDir(), Cache: t.TempDir()}
	r, err := doctor.Examine(t.Context(), doctor.Options{Need: []string{"OVMF_CODE.fd"}, Store: store})
	if err != nil {
		t.Fatal(err)
	}
	if res := find(t, r, "OVMF_CODE.fd"); res.State != doctor.Missing || r.Ready {
		t.Errorf("%+v; ready: %v", res, r.Ready)
	}
	if r, err = doctor.Examine(t.Context(), doctor.Options{Store: store}); err != nil {
		t.Fatal(err)
	}
	if res := find(t, r, "UEFI"); res.State != doctor.Optional {
		t.Errorf("%+v", res)
	}
}
