package link

import (
	"context"
	"slices"
	"sync"

	"golang.org/x/sys/unix"
)

// Settle returns when every frame that had been sent over the relay in a
// direction has come out again or is lost; or when ctx or Run has ended, and
// at once if Run has not begun. A frame that is sent while it waits is not waited
// for. It may be called from any goroutine.
func (r *Relay) Settle(ctx context.Context, d Direction) {
	done, ok := r.settle.ask(d)
	if !ok {
		return
	}
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// A settling is what Settle and Run have to do with each other.
type settling struct {
	mu      sync.Mutex
	running bool
	waiters []*waiter // that Run has not heard of
	asked   int       // while running, an eventfd that is readable when there are any

	heard []*waiter // Run's
}

// A waiter is a call of Settle.
type waiter struct {
	direction Direction
	done      chan struct{}
	known     bool  // all that it waits for has been read, and is among
	until     int64 // the queue's frames up to this one
}

func (s *settling) begin() error {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked, s.running = fd, true
	return nil
}

// end lets everybody go.
func (s *settling) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running = false
	unix.Close(s.asked)
	for _, w := range append(s.heard, s.waiters...) {
		close(w.done)
	}
}

// ask is false if Run does not run.
func (s *settling) ask(d Direction) (done <-chan struct{}, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.running {
		return nil, false
	}
	w := &waiter{direction: d, done: make(chan struct{})}
	s.waiters = append(s.waiters, w)
	_, _ = unix.Write(s.asked, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	return w.done, true
}

// hear takes what was asked since it was last called.
func (s *settling) hear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	var count [8]byte
	_, _ = unix.Read(s.asked, count[:])
	s.heard = append(s.heard, s.waiters...)
	s.waiters = nil
}

// answer tells those whose frames are through. All that had been sent in the
// direction when they were heard has been put into its queue.
func (s *settling) answer(d Direction, q *Queue) {
	s.heard = slices.DeleteFunc(s.heard, func(w *waiter) bool {
		if w.direction != d {
			return false
		}
		if !w.known {
			w.known, w.until = true, q.taken
		}
		if q.under(w.until) {
			return false
		}
		close(w.done)
		return true
	})
}
