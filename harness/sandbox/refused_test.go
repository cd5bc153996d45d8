package sandbox_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/pxeproof/pxeproof/harness/sandbox"
)

// envForbid makes the test binary, in a user namespace of its own, forbid others
// below it and try to make one.
const envForbid = "SANDBOX_TEST_FORBID"

func tryForbidden() {
	err := os.WriteFile("/proc/sys/user/max_user_namespaces", []byte("0"), 0)
	if err == nil {
		_, err = sandbox.Start(context.Background(), "sit", os.Stderr)
	}
	refused, ok := errors.AsType[*sandbox.RefusedError](err)
	if !ok {
		fmt.Println("no refusal:", err)
		os.Exit(1)
	}
	fmt.Print(refused.Allow)
	os.Exit(0)
}

// TestRefusalNamesItsSetting has a kernel that forbids user namespaces.
func TestRefusalNamesItsSetting(t *testing.T) {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), envForbid+"=1")
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.Output()
	if want := "user.max_user_namespaces=15000"; err != nil || string(out) != want {
		t.Errorf("said %q, %v; want %q", out, err, want)
	}
}
