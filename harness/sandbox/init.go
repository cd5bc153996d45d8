package sandbox

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// initPrefix marks, in envRole, process 1: it becomes the init of the sandbox
// and starts the rest of the role as its child.
const initPrefix = "init:"

// runInit is process 1. It prepares the namespaces, starts the process that does
// the work, reaps orphans (daemons that fork away fall to process 1) and ends
// with the worker, taking everything along. It does not return.
func runInit(role string) {
	fail := func(err error) {
		fmt.Fprintln(os.Stderr, "sandbox:", err)
		os.Exit(statusSetup)
	}
	if err := prepare(); err != nil {
		fail(explainRefusal(err))
	}
	files := []*os.File{os.Stdin, os.Stdout, os.Stderr}
	if role != roleTest {
		files = append(files, os.NewFile(connFD, "parent"))
	}
	os.Setenv(envRole, role)
	worker, err := os.StartProcess("/proc/self/exe", os.Args, &os.ProcAttr{Files: files})
	if err != nil {
		fail(err)
	}
	for {
		var ws unix.WaitStatus
		pid, err := unix.Wait4(-1, &ws, 0, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			fail(err)
		case pid == worker.Pid && ws.Exited():
			os.Exit(ws.ExitStatus())
		case pid == worker.Pid && ws.Signaled():
			// Process 1 cannot be killed by its own signal: say it instead.
			fmt.Fprintf(os.Stderr, "sandbox: its main process was ended by %s\n", unix.SignalName(ws.Signal()))
			os.Exit(statusKilled)
		}
	}
}

// initRole is the role that process 1 is to start, if this is process 1.
func initRole() (string, bool) {
	return strings.CutPrefix(os.Getenv(envRole), initPrefix)
}

// prepare makes the new namespaces usable: mounts that stay here, a /proc of
// this PID namespace, a loopback interface that is up.
func prepare() error {
	// Slave, not private: what the host mounts meanwhile (an automounted home)
	// still arrives here, and nothing of ours goes back.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, ""); err != nil {
		return fmt.Errorf("keeping mounts inside: %w", err)
	}
	// In a container whose /proc is partly masked the kernel forbids a fresh
	// one. The outer /proc serves then: its self is right, as we are visible
	// there too.
	err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
	if err != nil && !errors.Is(err, unix.EPERM) {
		return fmt.Errorf("mounting /proc: %w", err)
	}
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("loopback: %w", err)
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		return fmt.Errorf("loopback: %w", err)
	}
	return nil
}
