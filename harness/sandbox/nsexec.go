package sandbox

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// roleNSExec marks a process that enters the network namespace on connFD and
// then becomes another program. A forked child cannot do it between fork and
// exec from Go, and a thread that has entered another namespace is no place to
// keep calling os/exec from.
const roleNSExec = "nsexec"

// CommandIn prepares a program to be run in the network namespace ns, with
// everything else as the caller has it. The returned command may be given
// ExtraFiles: they start at descriptor 3 in the program, as always.
func CommandIn(ctx context.Context, ns *os.File, name string, arg ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "/proc/self/exe", append([]string{name}, arg...)...)
	cmd.Args[0] = "nsexec"
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s:/proc/%d/fd/%d", envRole, roleNSExec, os.Getpid(), ns.Fd()))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	// The program opens the namespace by our descriptor, so the command keeps
	// that from being collected before it has started.
	cmd.Cancel = func() error {
		defer runtime.KeepAlive(ns)
		return cmd.Process.Kill()
	}
	return cmd
}

// StartIn runs the Entry called name in a process of its own, in the network
// namespace ns of the sandbox that the caller is in, as Start does in a new
// sandbox. It ends with ctx, and with the caller.
func StartIn(ctx context.Context, ns *os.File, name string, stderr *os.File) (*Process, error) {
	cmd := CommandIn(ctx, ns, "/proc/self/exe")
	cmd.Env = append(cmd.Env, envNext+"="+name)
	p, err := connected(cmd, stderr, cmd.Start)
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	return p, nil
}

// envNext is the Entry that a process is to run once it is in its namespace.
const envNext = "PXEPROOF_SANDBOX_NEXT"

// nsExec is the other half of CommandIn. It does not return.
func nsExec(path string) {
	fail := func(err error) {
		fmt.Fprintf(os.Stderr, "nsexec %v: %v\n", os.Args[1:], err)
		os.Exit(127)
	}
	runtime.LockOSThread()
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		fail(fmt.Errorf("the namespace %s: %w", path, err))
	}
	if err := unix.Setns(fd, unix.CLONE_NEWNET); err != nil {
		fail(fmt.Errorf("setns: %w", err))
	}
	os.Unsetenv(envRole)
	if next, ok := os.LookupEnv(envNext); ok {
		os.Unsetenv(envNext)
		os.Setenv(envRole, next)
	}
	program, err := exec.LookPath(os.Args[1])
	if err != nil {
		fail(err)
	}
	fail(unix.Exec(program, os.Args[1:], os.Environ()))
}
