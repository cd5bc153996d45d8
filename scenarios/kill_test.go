package scenarios_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pxeproof/pxeproof/harness/warm"
	"github.com/pxeproof/pxeproof/scenarios"
)

// envRun makes this test binary a pxeproof that runs the kickstart scenario into
// a folder.
const envRun = "SCENARIOS_TEST_RUN"

// envSnapshots names the folder for its machines.
const envSnapshots = "SCENARIOS_TEST_SNAPSHOTS"

// runAlone is what the test binary does then.
func runAlone(out string) {
	s, err := scenarios.Load("kickstart-nfs")
	if dir := os.Getenv(envSmall); dir != "" && err == nil {
		err = mountSmall(dir)
	}
	if err == nil {
		_, err = scenarios.Run(context.Background(), s, scenarios.Options{Out: out, Accel: "tcg", Snapshots: os.Getenv(envSnapshots)})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
	os.Exit(0)
}

const (
	killTrials = 20
	// killSpan is how far into a run it is killed at most: into the kernel's
	// start, on a machine as slow as one of CI's; and warmSpan that of one that
	// may have been resumed.
	killSpan = 7 * time.Second
	warmSpan = 3 * time.Second
)

// TestKillLeavesNothingBehind kills one of a run's processes, chosen by chance,
// at an instant chosen by chance, and looks for what is left.
func TestKillLeavesNothingBehind(t *testing.T) {
	needVM(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	chance := rand.New(rand.NewPCG(seed, 0))
	before := interfaces(t)
	t.Run("trials", func(t *testing.T) {
		shared := t.TempDir()
		for i := range killTrials {
			// Half of them make a snapshot of their own, the others share what
			// the first that gets so far has made.
			span, snapshots := killSpan, t.TempDir()
			if i%2 == 1 {
				span, snapshots = warmSpan, shared
			}
			after := time.Duration(chance.Int64N(int64(span)))
			pick := chance.Uint64()
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				killTrial(t, after, pick, snapshots)
				wholeSnapshots(t, snapshots)
			})
		}
	})
	if after := interfaces(t); after != before {
		t.Errorf("interfaces on the host: before %s, after %s", before, after)
	}
}

// wholeSnapshots looks into a folder for anything but snapshots that can be
// resumed.
func wholeSnapshots(t *testing.T, dir string) {
	t.Helper()
	names, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	list, err := (&warm.Cache{Dir: dir}).List()
	if err != nil || len(list) < len(names) {
		t.Errorf("of %v, %d are snapshots, %v", names, len(list), err)
	}
	for _, e := range list {
		if e.Err != nil || len(e.Frames) == 0 {
			t.Errorf("%s is kept with %d frames: %v", e.Key, len(e.Frames), e.Err)
		}
	}
}

func killTrial(t *testing.T, after time.Duration, pick uint64, snapshots string) {
	dir := t.TempDir()
	tmp := filepath.Join(dir, "tmp")
	if err := os.Mkdir(tmp, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), envRun+"="+filepath.Join(dir, "run"), envSnapshots+"="+snapshots, "TMPDIR="+tmp)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	instant := time.NewTimer(after)
	defer instant.Stop()
	select {
	case <-instant.C:
	case err := <-ended:
		t.Fatalf("the run ended by itself before it could be killed: %v", err)
	}
	pids := append([]int{cmd.Process.Pid}, below(cmd.Process.Pid)...)
	var pidfds []int
	for _, pid := range pids {
		if fd, err := unix.PidfdOpen(pid, 0); err == nil {
			pidfds = append(pidfds, fd)
		}
	}
	victim := pids[pick%uint64(len(pids))]
	t.Logf("after %v: killing %d of %v", after, victim, pids)
	_ = unix.Kill(victim, unix.SIGKILL)
	// Whoever was killed, the run ends: at once, or with a verdict if it was
	// QEMU. What it started has then ended too.
	<-ended
	for _, fd := range pidfds {
		for {
			_, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, -1)
			if err != unix.EINTR {
				break
			}
		}
		unix.Close(fd)
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(mounts), dir) {
		t.Errorf("a mount is left below %s:\n%s", dir, mounts)
	}
	left, err := os.ReadDir(tmp)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range left {
		t.Errorf("%s is left in the folder for temporary files", e.Name())
	}
}

// below are all processes that descend from pid.
func below(pid int) []int {
	var all []int
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, task := range tasks {
		b, _ := os.ReadFile(task)
		for word := range strings.FieldsSeq(string(b)) {
			child, err := strconv.Atoi(word)
			if err == nil {
				all = append(append(all, child), below(child)...)
			}
		}
	}
	return all
}

// interfaces are those of the host.
func interfaces(t *testing.T) string {
	t.Helper()
	ifs, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, i := range ifs {
		names = append(names, i.Name)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}
