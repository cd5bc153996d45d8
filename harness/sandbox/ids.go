package sandbox

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Why a sandbox has one user id only, as [Process.OneID] tells it. Any other
// error there is what newuidmap(1) or newgidmap(1) said.
var (
	ErrNoRange = errors.New("no range of ids in /etc/subuid and /etc/subgid")
	ErrNoTool  = errors.New("no newuidmap and newgidmap in PATH")
)

// envGate is the descriptor on which process 1 waits for its ids.
const envGate = "PXEPROOF_SANDBOX_GATE"

// launch starts cmd, a command made by command, as process 1 of a sandbox that
// has as many ids as this user may give it. The first error says why it is one,
// the second why there is no sandbox.
func launch(ctx context.Context, cmd *exec.Cmd) (oneID, err error) {
	if os.Getuid() == 0 {
		if cmd.SysProcAttr.UidMappings, err = ownIDs("/proc/self/uid_map"); err != nil {
			return nil, err
		}
		if cmd.SysProcAttr.GidMappings, err = ownIDs("/proc/self/gid_map"); err != nil {
			return nil, err
		}
		cmd.SysProcAttr.GidMappingsEnableSetgroups = true
		return nil, startError(cmd.Start())
	}
	uids, gids, oneID := rangesOf(os.Getuid())
	if oneID != nil {
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
		return oneID, startError(cmd.Start())
	}
	return launchMapped(ctx, cmd, uids, gids)
}

// ownIDs maps every id that this user namespace has onto itself. In a container
// these are fewer than the machine's.
func ownIDs(file string) ([]syscall.SysProcIDMap, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("which ids there are: %w", err)
	}
	var all []syscall.SysProcIDMap
	for line := range strings.Lines(string(b)) {
		var inside, outside, size int
		if _, err := fmt.Sscan(line, &inside, &outside, &size); err != nil {
			return nil, fmt.Errorf("which ids there are: %s: %w", file, err)
		}
		all = append(all, syscall.SysProcIDMap{ContainerID: inside, HostID: inside, Size: size})
	}
	return all, nil
}

// An idRange is a line of subuid(5): Size ids from First on.
type idRange struct{ first, size int }

// rangesOf finds what an ordinary user may map besides their own id.
func rangesOf(uid int) (uids, gids idRange, err error) {
	for _, tool := range []string{"newuidmap", "newgidmap"} {
		if _, err := exec.LookPath(tool); err != nil {
			return uids, gids, ErrNoTool
		}
	}
	// Both files go by the user, subgid(5) too.
	names := []string{strconv.Itoa(uid)}
	if u, err := user.LookupId(names[0]); err == nil {
		names = append(names, u.Username)
	}
	if uids, err = readRange("/etc/subuid", names); err != nil {
		return uids, gids, err
	}
	gids, err = readRange("/etc/subgid", names)
	return uids, gids, err
}

// readRange is the longest range that a subuid(5) file has for a user.
func readRange(file string, names []string) (longest idRange, err error) {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return longest, ErrNoRange
	}
	if err != nil {
		return longest, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		who, numbers, _ := strings.Cut(strings.TrimSpace(lines.Text()), ":")
		if who == "" || who != names[0] && who != names[len(names)-1] {
			continue
		}
		first, size, _ := strings.Cut(numbers, ":")
		a, aerr := strconv.ParseUint(first, 10, 31)
		n, nerr := strconv.ParseUint(size, 10, 31)
		if aerr == nil && nerr == nil && int(n) > longest.size {
			longest = idRange{int(a), int(n)}
		}
	}
	if err := lines.Err(); err != nil {
		return longest, fmt.Errorf("%s: %w", file, err)
	}
	if longest.size == 0 {
		return longest, ErrNoRange
	}
	return longest, nil
}

// launchMapped starts cmd behind a gate: only newuidmap and newgidmap, which are
// root's, may map a range, and they need the process to be there. Its ids are
// written once, so that process 1 does nothing before. If this process dies
// meanwhile the gate reads end-of-file, and process 1 ends too.
func launchMapped(ctx context.Context, cmd *exec.Cmd, uids, gids idRange) (oneID, err error) {
	gate, open, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer open.Close()
	defer gate.Close()
	cmd.Env = append(cmd.Env, fmt.Sprintf("%s=%d", envGate, 3+len(cmd.ExtraFiles)))
	cmd.ExtraFiles = append(cmd.ExtraFiles, gate)
	if err := cmd.Start(); err != nil {
		return nil, startError(err)
	}
	oneID, err = mapIDs(ctx, cmd.Process.Pid, uids, gids)
	if err == nil {
		_, err = open.Write([]byte{1})
	}
	if err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return nil, fmt.Errorf("giving the sandbox its ids: %w", err)
	}
	return oneID, nil
}

// mapIDs gives a process its ids, the range if that is allowed here (a
// container may forbid set-user-id programs) and else the caller's own.
func mapIDs(ctx context.Context, pid int, uids, gids idRange) (oneID, err error) {
	// The group ids first: with one of these and a range of user ids, programs
	// would fail half way through changing their user.
	if oneID = mapRange(ctx, "newgidmap", pid, os.Getgid(), gids); oneID != nil {
		if err := writeOwn(pid, "setgroups", "deny"); err != nil {
			return nil, err
		}
		if err := writeOwn(pid, "gid_map", fmt.Sprintf("0 %d 1", os.Getgid())); err != nil {
			return nil, err
		}
	} else if oneID = mapRange(ctx, "newuidmap", pid, os.Getuid(), uids); oneID == nil {
		return nil, nil
	}
	return oneID, writeOwn(pid, "uid_map", fmt.Sprintf("0 %d 1", os.Getuid()))
}

// mapRange has a tool map the caller's own id to root, and a range to the rest.
func mapRange(ctx context.Context, tool string, pid, own int, r idRange) error {
	out, err := exec.CommandContext(ctx, tool, strconv.Itoa(pid),
		"0", strconv.Itoa(own), "1", "1", strconv.Itoa(r.first), strconv.Itoa(r.size)).CombinedOutput()
	if err == nil {
		return nil
	}
	if said := strings.TrimSpace(string(out)); said != "" {
		return errors.New(said)
	}
	return fmt.Errorf("%s: %w", tool, err)
}

func writeOwn(pid int, file, text string) error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/%s", pid, file), []byte(text), 0)
}

// awaitIDs is process 1 behind the gate. It returns at once if there is none.
func awaitIDs() {
	number, ok := os.LookupEnv(envGate)
	if !ok {
		return
	}
	fail := func(err error) {
		fmt.Fprintln(os.Stderr, "sandbox: waiting for its ids:", err)
		os.Exit(statusSetup)
	}
	fd, err := strconv.Atoi(number)
	if err != nil {
		fail(err)
	}
	gate := os.NewFile(uintptr(fd), "gate")
	_, err = io.ReadFull(gate, make([]byte, 1))
	if errors.Is(err, io.EOF) {
		os.Exit(statusSetup) // the parent is gone, and has nobody to tell
	}
	if err != nil {
		fail(err)
	}
	gate.Close()
	os.Unsetenv(envGate)
	// Started as a user without an id here it lost its capabilities; started
	// again as root it has them all (user_namespaces(7)).
	fail(unix.Exec("/proc/self/exe", os.Args, os.Environ()))
}
