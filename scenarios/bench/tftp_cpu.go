package bench

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// taskTimes is the processor time of each thread of a process and of all its
// descendants, from the scheduler's own count in nanoseconds
// (/proc/PID/task/TID/schedstat). It is read while a transfer's process or
// thread still lives: in.tftpd has its children reaped without their times.
// Nil where the kernel does not count (CONFIG_SCHED_INFO).
func taskTimes(pid int) map[string]time.Duration {
	times := map[string]time.Duration{}
	for _, p := range descendants(pid) {
		files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", p))
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				continue // it has ended since
			}
			word, _, _ := strings.Cut(string(b), " ")
			if ns, err := strconv.ParseInt(word, 10, 64); err == nil {
				times[f] = time.Duration(ns)
			}
		}
	}
	return times
}

// spent is the time between two readings. A thread that was not there at the
// first began after it.
func spent(before, after map[string]time.Duration) time.Duration {
	var sum time.Duration
	for task, t := range after {
		sum += t - before[task]
	}
	return sum
}

// descendants are a process and all that it started, as far as they live.
func descendants(pid int) []int {
	children := map[int][]int{}
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		// The name is in parentheses and may hold anything.
		_, rest, _ := bytes.Cut(b[max(0, bytes.LastIndexByte(b, ')')):], []byte(" "))
		words := strings.Fields(string(rest))
		if len(words) < 2 {
			continue
		}
		parent, _ := strconv.Atoi(words[1])
		p, _ := strconv.Atoi(filepath.Base(filepath.Dir(f)))
		children[parent] = append(children[parent], p)
	}
	all := []int{pid}
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i]]...)
	}
	return all
}

// framesSent is how many frames have left at eth0 of the network namespace of a
// process. UDP's own counter will not do: what the kernel cuts into segments is
// one datagram there.
func framesSent(pid int) (int64, error) {
	file := fmt.Sprintf("/proc/%d/net/dev", pid)
	b, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		name, counts, _ := strings.Cut(line, ":")
		const sent = 9 // of 16, behind the eight of what came and the bytes
		if words := strings.Fields(counts); strings.TrimSpace(name) == "eth0" && len(words) > sent {
			return strconv.ParseInt(words[sent], 10, 64)
		}
	}
	return 0, fmt.Errorf("%s has no eth0", file)
}

// threadTime is the processor time of the calling thread.
func threadTime() time.Duration {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_THREAD, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// cores are the processors for the client and for the server: two of those that
// this process may use, or the one.
func cores() (client, server int, err error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return 0, 0, err
	}
	client, server = -1, -1
	for cpu := range 8 * len(set) * 8 {
		if !set.IsSet(cpu) {
			continue
		}
		if client < 0 {
			client = cpu
		}
		server = cpu
		if server != client {
			break
		}
	}
	return client, server, nil
}

// keepOn lets the calling thread, which the goroutine has locked, use one
// processor alone, until restore.
func keepOn(cpu int) (restore func() error, err error) {
	var all, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		return nil, err
	}
	one.Set(cpu)
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		return nil, fmt.Errorf("keeping a thread on processor %d: %w", cpu, err)
	}
	return func() error { return unix.SchedSetaffinity(0, &all) }, nil
}

// pinned runs f on a thread that may use one processor alone. A process that f
// starts inherits that.
func pinned(cpu int, f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		restore, err := keepOn(cpu)
		if err != nil {
			done <- err
			return // the thread ends with the goroutine
		}
		err = f()
		if restore() == nil {
			runtime.UnlockOSThread()
		}
		done <- err
	}()
	return <-done
}
