package sandbox_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/pxeproof/pxeproof/harness/sandbox"
)

// envParent makes this test binary a parent that starts a sandbox, so that a
// test can kill it.
const envParent = "SANDBOX_TEST_PARENT"

func TestMain(m *testing.M) {
	if dir := os.Getenv(envRange); dir != "" {
		becomeNobody(dir)
	}
	sandbox.Enter(map[string]sandbox.Entry{"look": look, "sit": sit, "die": die, "change": change})
	if os.Getenv(envForbid) != "" {
		tryForbidden()
	}
	if os.Getenv(envParent) != "" {
		parent()
	}
	if os.Getenv(envChange) != "" {
		changeParent()
	}
	os.Exit(m.Run())
}

// sight is what an Entry sees of its sandbox.
type sight struct {
	UID        int
	Interfaces []string
	Inside     bool
	Processes  int
	Word       string
}

// look says what it sees.
func look(_ context.Context, c *sandbox.Conn) int {
	s := sight{UID: os.Getuid(), Inside: sandbox.Inside()}
	if err := c.Receive(&s.Word); err != nil {
		return 9
	}
	ifs, err := net.Interfaces()
	if err != nil {
		return 9
	}
	for _, i := range ifs {
		s.Interfaces = append(s.Interfaces, i.Name)
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 9
	}
	for _, e := range entries {
		if strings.Trim(e.Name(), "0123456789") == "" {
			s.Processes++
		}
	}
	if c.Send(s) != nil {
		return 9
	}
	return 7
}

// sit starts a program that would never end, says where that and itself are on
// the host, and waits to be stopped.
func sit(ctx context.Context, c *sandbox.Conn) int {
	cmd := exec.Command("sleep", "infinity")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return 9
	}
	if c.Send("sitting") != nil {
		return 9
	}
	<-ctx.Done()
	return 5
}

// die ends as a crash would.
func die(context.Context, *sandbox.Conn) int {
	_ = unix.Kill(os.Getpid(), unix.SIGKILL)
	select {}
}

func TestSandboxIsItsOwnMachine(t *testing.T) {
	p, err := sandbox.Start(t.Context(), "look", os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Conn.Send("hello"); err != nil {
		t.Fatal(err)
	}
	var s sight
	if err := p.Conn.Receive(&s); err != nil {
		t.Fatal(err)
	}
	if s.UID != 0 || !s.Inside || s.Word != "hello" || !slices.Equal(s.Interfaces, []string{"lo"}) || s.Processes != 2 {
		t.Errorf("the sandbox sees %+v", s)
	}
	if err := p.Conn.Receive(&s); err != io.EOF {
		t.Errorf("after its end: %v", err)
	}
	if status, err := p.Wait(); status != 7 || err != nil {
		t.Errorf("status %d, %v; want the Entry's own", status, err)
	}
}

func TestStop(t *testing.T) {
	p, err := sandbox.Start(t.Context(), "sit", os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	var word string
	if err := p.Conn.Receive(&word); err != nil {
		t.Fatal(err)
	}
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	if status, err := p.Wait(); status != 5 || err != nil {
		t.Errorf("status %d, %v", status, err)
	}
}

func TestDeathInsideIsAnError(t *testing.T) {
	p, err := sandbox.Start(t.Context(), "die", devNull(t))
	if err != nil {
		t.Fatal(err)
	}
	if status, err := p.Wait(); err == nil {
		t.Errorf("status %d and no error", status)
	}
}

// parent is a process that runs a sandbox and says which processes there are.
func parent() {
	p, err := sandbox.Start(context.Background(), "sit", os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var word string
	if err := p.Conn.Receive(&word); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	_ = json.NewEncoder(os.Stdout).Encode(append([]int{os.Getpid()}, descendants(os.Getpid())...))
	_, _ = p.Wait()
	os.Exit(0)
}

// descendants are all processes below pid.
func descendants(pid int) []int {
	var all []int
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	tasks, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	for _, task := range tasks {
		if task.Name() != fmt.Sprint(pid) {
			more, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, task.Name()))
			b = append(b, more...)
		}
	}
	for word := range strings.FieldsSeq(string(b)) {
		var child int
		fmt.Sscan(word, &child)
		all = append(all, child)
		all = append(all, descendants(child)...)
	}
	return all
}

// TestKillLeavesNothing kills each process of a run in turn, and waits for all
// the others to end. There are four: the parent, process 1, the Entry and what
// that started.
func TestKillLeavesNothing(t *testing.T) {
	for victim := range 4 {
		for name, user := range logins(t) {
			t.Run(fmt.Sprintf("process %d as %s", victim, name), func(t *testing.T) {
				pids, pidfds, wait := startParent(t, user)
				if len(pids) != 4 {
					t.Fatalf("processes %v, want four", pids)
				}
				victim := victim
				if victim == 3 {
					// The lab survives a daemon's death; it is the Entry's to judge.
					if err := unix.Kill(pids[3], unix.SIGKILL); err != nil {
						t.Fatal(err)
					}
					victim = 0
				}
				if err := unix.Kill(pids[victim], unix.SIGKILL); err != nil {
					t.Fatal(err)
				}
				wait()
				for _, fd := range pidfds {
					awaitEnd(t, fd)
				}
			})
		}
	}
}

func startParent(t *testing.T, user login) (pids, pidfds []int, wait func()) {
	t.Helper()
	cmd := user.command(envParent)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := json.NewDecoder(out).Decode(&pids); err != nil {
		t.Fatal(err)
	}
	for _, pid := range pids {
		fd, err := unix.PidfdOpen(pid, 0)
		if err != nil {
			t.Fatal(err)
		}
		pidfds = append(pidfds, fd)
	}
	return pids, pidfds, func() { _ = cmd.Wait() }
}

// devNull takes the complaints that are part of a test.
func devNull(t *testing.T) *os.File {
	t.Helper()
	f, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}
