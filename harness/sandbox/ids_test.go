package sandbox_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/pxeproof/pxeproof/harness/sandbox"
)

const (
	// envRange names a folder with files for /etc/subuid and /etc/subgid: the
	// test binary puts them there for itself alone, becomes nobody and starts again.
	envRange = "SANDBOX_TEST_RANGE"
	// envChange makes it a parent that asks a sandbox to change users.
	envChange = "SANDBOX_TEST_CHANGE"
	nobody    = 65534
)

// becomeNobody is an ordinary user's login on a machine with other files in
// /etc. It has a mount namespace of its own already. It does not return.
func becomeNobody(dir string) {
	err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
	for _, name := range []string{"subuid", "subgid"} {
		if err == nil {
			err = unix.Mount(filepath.Join(dir, name), "/etc/"+name, "", unix.MS_BIND, "")
		}
	}
	if err == nil {
		err = errors.Join(syscall.Setgroups(nil), syscall.Setgid(nobody), syscall.Setuid(nobody))
	}
	os.Unsetenv(envRange)
	if err == nil {
		err = unix.Exec("/proc/self/exe", os.Args, os.Environ())
	}
	fmt.Fprintln(os.Stderr, "becoming nobody:", err)
	os.Exit(1)
}

// A login is a user for whom a sandbox must work.
type login struct {
	credential *syscall.Credential
	ranges     string // a folder, see envRange
}

// logins are oneself and, if that is root, an ordinary user with a range of ids
// and one without.
func logins(t *testing.T) map[string]login {
	t.Helper()
	all := map[string]login{"oneself": {}}
	if os.Getuid() != 0 {
		return all
	}
	all["nobody"] = login{credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	if dir := subordinate(t, "nobody:100000:65536\n"); dir != "" {
		all["nobody with a range"] = login{ranges: dir}
	}
	return all
}

// subordinate writes a subuid(5) file, twice. It is empty where ranges cannot
// be tried.
func subordinate(t *testing.T, text string) string {
	t.Helper()
	for _, tool := range []string{"newuidmap", "newgidmap"} {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatal(err)
			}
			t.Logf("ranges of ids are not tried: %v (make setup installs uidmap)", err)
			return ""
		}
	}
	dir := t.TempDir()
	for _, name := range []string{"subuid", "subgid"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		// bind mounts need something to lie on
		f, err := os.OpenFile("/etc/"+name, os.O_RDONLY|os.O_CREATE, 0o644)
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	return dir
}

// command is this test binary, to be run by a user.
func (l login) command(env string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe")
	// The race detector's second of patience at each process's end adds up.
	cmd.Env = append(os.Environ(), env+"=1", "GORACE=atexit_sleep_ms=0")
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: l.credential}
	if l.ranges != "" {
		cmd.Env = append(cmd.Env, envRange+"="+l.ranges)
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWNS
	}
	return cmd
}

// changed is what a sandbox says of changing users.
type changed struct {
	As    string // what the changed process says it is
	OneID string // why it cannot be
}

// change starts a program as the daemons' user, as inetd would.
func change(_ context.Context, c *sandbox.Conn) int {
	cmd := exec.Command("sh", "-c", "id -u; id -g; id -G")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 13, Gid: nobody, Groups: []uint32{7}}}
	out, err := cmd.CombinedOutput()
	if err != nil {
		out = fmt.Append(nil, err)
	}
	if c.Send(strings.Join(strings.Fields(string(out)), " ")) != nil {
		return 9
	}
	return 0
}

func changeParent() {
	p, err := sandbox.Start(context.Background(), "change", os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var c changed
	if err := p.Conn.Receive(&c.As); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := p.OneID(); err != nil {
		c.OneID = err.Error()
	}
	status, _ := p.Wait()
	_ = json.NewEncoder(os.Stdout).Encode(c)
	os.Exit(status)
}

func (l login) change(t *testing.T) (c changed) {
	t.Helper()
	out, err := l.command(envChange).Output()
	if err == nil {
		err = json.Unmarshal(out, &c)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestChangeUser starts a program of another user in the sandbox of each. Who
// has one id is told why, and has a sandbox all the same.
func TestChangeUser(t *testing.T) {
	want := map[string]changed{
		"oneself":             {As: "13 65534 65534 7"},
		"nobody with a range": {As: "13 65534 65534 7"},
		"nobody":              {As: "an error", OneID: sandbox.ErrNoRange.Error()},
	}
	if os.Getuid() != 0 {
		t.Skip("only root can try several users")
	}
	for name, l := range logins(t) {
		t.Run(name, func(t *testing.T) {
			if got := l.change(t); got.OneID != want[name].OneID || (got.As == want["oneself"].As) != (got.OneID == "") {
				t.Errorf("%+v, want %+v", got, want[name])
			}
		})
	}
}

// TestRangeRefused lists ranges that newuidmap or the kernel does not grant.
func TestRangeRefused(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can put files into /etc for itself alone")
	}
	for _, c := range []struct{ name, subuid, want string }{
		{"of somebody else", "daemon:100000:65536\n", sandbox.ErrNoRange.Error()},
		{"no numbers", "nobody:x:y\nnobody\nnobody:5\n:::\n", sandbox.ErrNoRange.Error()},
		{"nothing", "", sandbox.ErrNoRange.Error()},
		{"the user's own id in it", "nobody:65000:1000\n", "newgidmap: write to gid_map failed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := subordinate(t, c.subuid)
			if dir == "" {
				t.Skip("no newuidmap (make setup installs uidmap)")
			}
			got := login{ranges: dir}.change(t)
			if !strings.Contains(got.OneID, c.want) {
				t.Errorf("%+v, want %q", got, c.want)
			}
		})
	}
	t.Run("the longest of many", func(t *testing.T) {
		dir := subordinate(t, "nobody:400000:5\n65534:100000:65536\nnobody:300000:10\n")
		if dir == "" {
			t.Skip("no newuidmap (make setup installs uidmap)")
		}
		if got := (login{ranges: dir}).change(t); got.OneID != "" || got.As != "13 65534 65534 7" {
			t.Errorf("%+v", got)
		}
	})
}

// TestKillBeforeIDs kills the parent while newgidmap runs: process 1, which has
// no ids yet, ends.
func TestKillBeforeIDs(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can put files into /etc for itself alone")
	}
	dir := subordinate(t, "nobody:100000:65536\n")
	if dir == "" {
		t.Skip("no newuidmap (make setup installs uidmap)")
	}
	// A newgidmap that says for whom it was called, and then takes for ever.
	bin := t.TempDir()
	said := filepath.Join(bin, "said")
	if err := errors.Join(unix.Mkfifo(said, 0o600), os.Chown(said, nobody, nobody), os.Chmod(filepath.Dir(bin), 0o755)); err != nil {
		t.Fatal(err)
	}
	for _, tool := range []string{"newuidmap", "newgidmap"} {
		if err := os.WriteFile(filepath.Join(bin, tool), []byte("#!/bin/sh\necho $1 $$ >"+said+"\nexec sleep infinity\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd := login{ranges: dir}.command(envChange)
	cmd.Env = append(cmd.Env, "PATH="+bin+":"+os.Getenv("PATH"))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	words, err := os.ReadFile(said)
	if err != nil {
		t.Fatal(err)
	}
	var first, tool int
	if _, err := fmt.Sscan(string(words), &first, &tool); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Kill(tool, unix.SIGKILL) }()
	fd, err := unix.PidfdOpen(first, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	awaitEnd(t, fd)
}

// awaitEnd waits for the end of a process. Its pidfd is readable then; the
// test's own deadline is the limit.
func awaitEnd(t *testing.T, pidfd int) {
	t.Helper()
	defer unix.Close(pidfd)
	for {
		_, err := unix.Poll([]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}, -1)
		if err == nil {
			return
		}
		if !errors.Is(err, unix.EINTR) {
			t.Fatal(err)
		}
	}
}
