package scenarios_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/pxeproof/pxeproof/captures/verdict"
	"github.com/pxeproof/pxeproof/scenarios"
)

// TestKilledQEMUIsInconclusive kills QEMU when the machine has an address: the
// lab broke, which is no failure of the boot, and the verdict says what ended.
func TestKilledQEMUIsInconclusive(t *testing.T) {
	needVM(t)
	s, err := scenarios.Load("kickstart-nfs")
	if err != nil {
		t.Fatal(err)
	}
	killed := 0
	res, err := scenarios.Run(t.Context(), s, scenarios.Options{
		Out: filepath.Join(t.TempDir(), "run"), Accel: "tcg",
		Update: func(u verdict.Update) {
			if u.Stage == nil || u.Stage.Stage != verdict.DHCP {
				return
			}
			for _, pid := range below(os.Getpid()) {
				exe, _ := os.Readlink(filepath.Join("/proc", strconv.Itoa(pid), "exe"))
				if strings.HasPrefix(filepath.Base(exe), "qemu-system-") && unix.Kill(pid, unix.SIGKILL) == nil {
					killed++
				}
			}
		},
	})
	if err != nil || killed != 1 {
		t.Fatalf("%d processes killed, %v", killed, err)
	}
	if v := explain(res.Verdict); res.Verdict.Status != verdict.Inconclusive || !strings.Contains(v, "QEMU") || !strings.Contains(v, "killed") {
		t.Errorf("verdict:\n%s", v)
	}
}

// envSmall gives runAlone a disk of three megabytes, in a mount namespace that
// it has to itself.
const envSmall = "SCENARIOS_TEST_SMALL"

func mountSmall(dir string) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	return unix.Mount("tmpfs", dir, "tmpfs", 0, "size=3m")
}

// TestFullDisk: a capture that could not be written proves nothing, and what was
// full is said.
func TestFullDisk(t *testing.T) {
	needVM(t)
	if os.Getuid() != 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("CI is to run this as root, who can have a small disk")
		}
		t.Skip("only root can have a small disk")
	}
	dir := t.TempDir()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), envSmall+"="+dir, envRun+"="+filepath.Join(dir, "run"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Run(); err == nil || !strings.Contains(said.String(), "no space left on device") || !strings.Contains(said.String(), dir) {
		t.Errorf("%v; it said %q", err, said.String())
	}
}
