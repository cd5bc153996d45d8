// Package sandbox runs a part of this program in new user, network, mount,
// PID, IPC and UTS namespaces, by re-execution.
//
// The parent stays outside and holds one end of a [Conn]; the child is process
// 1 of the new PID namespace. There is no clean-up code, because none could be
// trusted: when process 1 ends, however it ends, the kernel kills everything in
// its PID namespace, and interfaces and mounts go with their namespaces. And
// process 1 ends when the parent does, because its end of the Conn then reads
// end-of-file.
//
// [Enter] must be the first call of main, [Main] that of a TestMain whose tests
// want to be root on a network of their own.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// envRole tells a re-executed process what it is: the name of an Entry, or
// roleTest. It is inherited, so a test binary does not sandbox itself twice.
const (
	envRole  = "PXEPROOF_SANDBOX"
	roleTest = "test"
	// connFD is where the child finds its Conn: the first of ExtraFiles.
	connFD = 3
)

// An Entry is what process 1 of a sandbox runs. ctx ends when the parent has
// called [Process.Stop]. Its result is the exit status.
type Entry func(ctx context.Context, c *Conn) int

// Inside says whether this process was started by [Start] or [Main].
func Inside() bool { return inside || os.Getenv(envRole) == roleTest }

var inside bool // set once, by Enter

// Enter does nothing in an ordinary process. In one made by Start it prepares
// the namespaces, runs the Entry of the name that Start was given, and exits.
// A program with several uses of sandboxes gives them all.
func Enter(entries map[string]Entry) {
	if ns, ok := strings.CutPrefix(os.Getenv(envRole), roleNSExec+":"); ok {
		nsExec(ns)
	}
	awaitIDs()
	if role, ok := initRole(); ok {
		runInit(role)
	}
	entry, ok := entries[os.Getenv(envRole)]
	if !ok {
		return
	}
	inside = true
	os.Unsetenv(envRole) // what it starts is not a sandbox
	c, err := childConn()
	if err != nil {
		fmt.Fprintln(os.Stderr, "sandbox:", err)
		os.Exit(statusSetup)
	}
	ctx, cancel := context.WithCancel(context.Background())
	c.onStop = cancel
	go c.watchParent()
	os.Exit(entry(ctx, c))
}

// Exit statuses of a sandbox that are none of an Entry's own.
const (
	statusSetup  = 70 // it could not be prepared
	statusKilled = 71 // its main process was ended by a signal
)

// A Process is a running sandbox, seen from outside.
type Process struct {
	Conn  *Conn
	cmd   *exec.Cmd
	oneID error
}

// Start re-executes this program in new namespaces, to run the Entry called
// name. What the child writes to standard output and error goes to stderr.
//
// Root maps every user id into the sandbox, so that daemons can change to their
// own. Anybody else is root there, and maps the range that /etc/subuid and
// /etc/subgid give them, if newuidmap(1) is installed; else they have one id.
func Start(ctx context.Context, name string, stderr *os.File) (*Process, error) {
	cmd := command(ctx, nil, name)
	var oneID error
	p, err := connected(cmd, stderr, func() (err error) {
		oneID, err = launch(ctx, cmd)
		return err
	})
	if err != nil {
		return nil, err
	}
	p.oneID = oneID
	return p, nil
}

// connected starts a command that has the other end of a Conn, at connFD.
func connected(cmd *exec.Cmd, stderr *os.File, start func() error) (*Process, error) {
	parent, child, err := socketpair()
	if err != nil {
		return nil, err
	}
	defer child.Close()
	conn, err := newConn(parent)
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = stderr, stderr
	cmd.ExtraFiles = []*os.File{child}
	if err := start(); err != nil {
		conn.Close()
		return nil, err
	}
	return &Process{Conn: conn, cmd: cmd}, nil
}

// Stop asks the Entry to finish; its context ends. Wait then tells how it went.
func (p *Process) Stop() error { return p.Conn.sendStop() }

// Kill ends the sandbox and all that is in it, at once.
func (p *Process) Kill() { _ = p.cmd.Process.Kill() }

// Pid is the sandbox's first process, as the host sees it.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// OneID says why the sandbox has one user id only, so that no program in it can
// change to another. It is nil if there are more.
func (p *Process) OneID() error { return p.oneID }

// Wait waits for the sandbox to end and returns the Entry's exit status. The
// error says that the sandbox was killed or could not be prepared.
func (p *Process) Wait() (status int, err error) {
	err = p.cmd.Wait()
	p.Conn.Close()
	if err == nil {
		return 0, nil
	}
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		return -1, err
	}
	switch ws := exit.Sys().(syscall.WaitStatus); {
	case ws.Signaled():
		return -1, fmt.Errorf("the sandbox was ended by signal %s", unix.SignalName(ws.Signal()))
	case ws.ExitStatus() == statusKilled:
		return -1, errors.New("the sandbox's main process was killed")
	case ws.ExitStatus() == statusSetup:
		return -1, errors.New("the sandbox could not be prepared (see above)")
	default:
		return ws.ExitStatus(), nil
	}
}

// command prepares a re-execution of this program as process 1 of a sandbox.
func command(ctx context.Context, args []string, role string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "/proc/self/exe", args...)
	cmd.Args[0] = filepath.Base(os.Args[0]) + ": sandbox"
	if role == roleTest {
		cmd.Args[0] = os.Args[0]
	}
	cmd.Env = append(os.Environ(), envRole+"="+initPrefix+role)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET | syscall.CLONE_NEWNS |
			syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS,
		// Ctrl-C on the terminal is for the parent alone, which passes it on as
		// a request to finish.
		Setsid: role != roleTest,
	}
	return cmd
}

func startError(err error) error {
	if err == nil {
		return nil
	}
	if why := explainRefusal(err); why != err {
		return why
	}
	return fmt.Errorf("starting the sandbox: %w", err)
}

func socketpair() (parent, child *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("socketpair: %w", err)
	}
	return os.NewFile(uintptr(fds[0]), "sandbox"), os.NewFile(uintptr(fds[1]), "parent"), nil
}

func newConn(f *os.File) (*Conn, error) {
	defer f.Close()
	nc, err := net.FileConn(f)
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	return wrapConn(nc), nil
}
