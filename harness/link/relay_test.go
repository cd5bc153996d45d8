package link

import (
	"context"
	"encoding/binary"
	"io"
	"os"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// streamEnd is an end and what is on its other side.
func streamEnd(t *testing.T) (*End, *os.File) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fds[1]), "other side")
	t.Cleanup(func() { f.Close() })
	return Stream(fds[0]), f
}

func send(w io.Writer, frame []byte) error {
	_, err := w.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(frame))), frame...))
	return err
}

func receive(r io.Reader) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	b := make([]byte, binary.BigEndian.Uint32(head[:]))
	_, err := io.ReadFull(r, b)
	return b, err
}

// Frames that come all at once come through, though the relay takes them in
// batches and their socket has nothing more to tell.
func TestRelayLeavesNoneBehind(t *testing.T) {
	const n = 10*batch + 1
	endA, a := streamEnd(t)
	endB, b := streamEnd(t)
	var burst []byte
	for k := range n {
		burst = append(binary.BigEndian.AppendUint32(burst, 4), numbered(k, 4)...)
	}
	if _, err := a.Write(burst); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- NewRelay(endA, endB, Impairment{}).Run(ctx) }()
	for k := range n {
		if frame, err := receive(b); err != nil || numberOf(frame) != k {
			t.Fatalf("frame %d came as %v, %v", k, frame, err)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// The relay must do just what its queues say, both ways at once, with frames of
// all lengths, and tell of each loss.
func TestRelayFollowsItsQueues(t *testing.T) {
	const n = 3000
	i := Impairment{Loss: 0.1, Duplicate: 0.1, Seed: 11}
	endA, a := streamEnd(t)
	endB, b := streamEnd(t)
	r := NewRelay(endA, endB, i)
	lost := [2][]int64{}
	r.Lost = func(d Direction, number int64, why Loss, data []byte) {
		if why != Random || numberOf(data) != int(number-1) {
			t.Errorf("frame %d is said to be number %d, lost by %q", numberOf(data), number, why)
		}
		lost[d] = append(lost[d], number)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()

	size := func(k int) int { return 4 + k*7919%9000 }
	type result struct {
		got []int
		err error
	}
	var results [2]chan result
	for d, pair := range [][2]*os.File{{a, b}, {b, a}} {
		want, _ := through(i, Direction(d), n, 4, every(0))
		go func() {
			for k := range n {
				if send(pair[0], numbered(k, size(k))) != nil {
					return // the reader says what is missing
				}
			}
		}()
		results[d] = make(chan result, 1)
		go func() {
			var res result
			for range want {
				frame, err := receive(pair[1])
				if err != nil {
					res.err = err
					break
				}
				k := numberOf(frame)
				if len(frame) != size(k) {
					t.Errorf("frame %d has %d bytes, not %d", k, len(frame), size(k))
				}
				res.got = append(res.got, k)
			}
			results[d] <- res
		}()
	}
	for d := range results {
		res := <-results[d]
		want, q := through(i, Direction(d), n, 4, every(0))
		if res.err != nil || !slices.Equal(res.got, numbers(want)) {
			t.Errorf("direction %d: %v, %d frames of %d", d, res.err, len(res.got), len(want))
		}
		_ = q
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("the relay ended with %v", err)
	}
	for d := range lost {
		_, q := through(i, Direction(d), n, 4, every(0))
		if c := r.Counts(Direction(d)); c != q.Counts() || int64(len(lost[d])) != c.Lost {
			t.Errorf("direction %d: %+v, want %+v, and %d losses were told", d, c, q.Counts(), len(lost[d]))
		}
	}
}

func TestRelayEndsWithEitherSide(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(a *os.File)
		ok   bool
	}{
		{"closed", func(a *os.File) { a.Close() }, true},
		{"within a frame", func(a *os.File) { _, _ = a.Write([]byte{0, 0, 0, 9, 1}); a.Close() }, false},
		{"an absurd length", func(a *os.File) { _, _ = a.Write([]byte{255, 255, 255, 255, 1}) }, false},
	} {
		endA, a := streamEnd(t)
		endB, b := streamEnd(t)
		c.do(a)
		if err := NewRelay(endA, endB, Impairment{}).Run(t.Context()); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
		if _, err := receive(b); err != io.EOF {
			t.Errorf("%s: the other side sees %v", c.name, err)
		}
	}
}

// A side that reads nothing must not keep the relay from ending.
func TestRelayEndsWhileItWaits(t *testing.T) {
	endA, a := streamEnd(t)
	endB, _ := streamEnd(t)
	r := NewRelay(endA, endB, Impairment{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	for {
		// The socket's buffer fills, then the relay's other one: from some frame
		// on nothing is taken any more.
		if err := a.SetWriteDeadline(deadline(t)); err != nil {
			t.Fatal(err)
		}
		if err := send(a, make([]byte, 60000)); err != nil {
			break
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// deadline is soon: a write that does not go through by then waits for a reader
// that there is not, however slow the machine.
func deadline(t *testing.T) time.Time {
	t.Helper()
	return time.Now().Add(200 * time.Millisecond)
}

// From a restart on the fates are those of a relay that has just begun.
func TestRestart(t *testing.T) {
	const n = 500
	endA, a := streamEnd(t)
	endB, b := streamEnd(t)
	r := NewRelay(endA, endB, Impairment{Loss: 0.3, Seed: 1})
	lost := make(chan struct{}, n)
	r.Lost = func(Direction, int64, Loss, []byte) { lost <- struct{}{} }
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	for _, seed := range []uint64{7, 8, 7} {
		r.Restart(seed)
		want, _ := through(Impairment{Loss: 0.3, Seed: seed}, AToB, n, 4, every(0))
		sent := make(chan error, 1)
		go func() {
			for k := range n {
				if err := send(a, numbered(k, 4)); err != nil {
					sent <- err
					return
				}
			}
			sent <- nil
		}()
		for i, x := range want {
			frame, err := receive(b)
			if err != nil || numberOf(frame) != x.number {
				t.Fatalf("seed %d, the %dth to come: %v %v, want %d", seed, i, frame, err, x.number)
			}
		}
		if err := <-sent; err != nil {
			t.Fatal(err)
		}
		for range n - len(want) {
			<-lost // so that none of these frames comes after the next restart
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
