package link

import (
	"context"
	"io"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// there says whether anything can be read now.
func there(t *testing.T, f *os.File) bool {
	t.Helper()
	c, err := f.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	var perr error
	err = c.Control(func(fd uintptr) {
		n, perr = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
	})
	if err != nil || perr != nil {
		t.Fatal(err, perr)
	}
	return n > 0
}

// What was sent is out when Settle returns, however slow the link and however
// much there is of it.
func TestSettle(t *testing.T) {
	const n = 3*batch + 1
	endA, a := streamEnd(t)
	endB, b := streamEnd(t)
	r := NewRelay(endA, endB, Impairment{Delay: 20 * time.Millisecond, Reorder: 0.1})
	r.Settle(t.Context(), BToA) // nothing can be under way yet
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	// From the first frame that arrives on, Run runs.
	if err := send(b, numbered(0, 4)); err != nil {
		t.Fatal(err)
	}
	if _, err := receive(a); err != nil {
		t.Fatal(err)
	}
	for round := range 5 {
		for k := range n {
			if err := send(b, numbered(k, 4)); err != nil {
				t.Fatal(err)
			}
		}
		r.Settle(t.Context(), BToA)
		for k := range n {
			if !there(t, a) {
				t.Fatalf("round %d: settled with %d of %d frames", round, k, n)
			}
			if _, err := receive(a); err != nil {
				t.Fatal(err)
			}
		}
	}
	over, stop := context.WithCancel(t.Context())
	stop()
	r.Settle(over, AToB)
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	r.Settle(t.Context(), BToA)
}

// What a side sent before it went arrives, and what is on its way to it keeps
// nobody waiting.
func TestRelayDeliversWhatTheGoneHaveSent(t *testing.T) {
	const n = 3*batch + 1
	endA, a := streamEnd(t)
	endB, b := streamEnd(t)
	for k := range n {
		if err := send(b, numbered(k, 4)); err != nil {
			t.Fatal(err)
		}
	}
	if err := send(a, numbered(0, 4)); err != nil {
		t.Fatal(err)
	}
	b.Close()
	if err := NewRelay(endA, endB, Impairment{Delay: 20 * time.Millisecond}).Run(t.Context()); err != nil {
		t.Error(err)
	}
	for k := range n {
		if frame, err := receive(a); err != nil || numberOf(frame) != k {
			t.Fatalf("frame %d came as %v, %v", k, frame, err)
		}
	}
	if _, err := receive(a); err != io.EOF {
		t.Errorf("after the last: %v", err)
	}
}
