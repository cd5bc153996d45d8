package link

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// A Relay carries frames between two ends, as its Impairment has it.
type Relay struct {
	ends   [2]*End
	queues [2]*Queue
	in     [maxFrame]byte
	again  atomic.Pointer[uint64] // a seed, from Restart
	spare  [][]byte               // buffers of smallBuffer bytes
	settle settling
	// Lost, if not nil, is told of each frame that is lost, from the goroutine
	// of Run, with its number in its direction, from 1. data is valid meanwhile.
	Lost func(d Direction, number int64, why Loss, data []byte)
}

// NewRelay makes a relay, which owns the ends from then on.
func NewRelay(a, b *End, i Impairment) *Relay {
	return &Relay{ends: [2]*End{a, b}, queues: [2]*Queue{NewQueue(i, AToB), NewQueue(i, BToA)}}
}

// Restart has the fates of frames drawn anew, from a seed, and their numbers
// count from 1 again, from the next frame on. What is under way stays so. It may
// be called while Run runs.
func (r *Relay) Restart(seed uint64) { r.again.Store(&seed) }

// Close closes the ends of a relay that was never run.
func (r *Relay) Close() error { return errors.Join(r.ends[0].Close(), r.ends[1].Close()) }

// Counts is what became of the frames of one direction. It may be called when
// Run has returned.
func (r *Relay) Counts(d Direction) Counts { return r.queues[d].Counts() }

// Run carries frames until ctx ends, or one side is gone and what it sent has
// arrived, which are no errors, and closes both ends.
func (r *Relay) Run(ctx context.Context) error {
	defer r.Close()
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return fmt.Errorf("relay: %w", err)
	}
	if err := r.settle.begin(); err != nil {
		unix.Close(wake)
		return fmt.Errorf("relay: %w", err)
	}
	defer r.settle.end()
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		_, _ = unix.Write(wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	})
	done := make(chan error, 1)
	go func() {
		// A thread of its own that is never given back: it waits with the clock's
		// own precision, and not to the millisecond as the scheduler would.
		runtime.LockOSThread()
		_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
		done <- r.carry(wake)
	}()
	err = <-done
	if !stop() {
		<-stopped
	}
	unix.Close(wake)
	if isGone(err) {
		return nil
	}
	return err
}

func isGone(err error) bool {
	return errors.Is(err, errClosed) || errors.Is(err, unix.EPIPE) || errors.Is(err, unix.ECONNRESET)
}

func (r *Relay) carry(wake int) error {
	fds := []unix.PollFd{
		{Fd: int32(r.ends[0].fd), Events: unix.POLLIN},
		{Fd: int32(r.ends[1].fd), Events: unix.POLLIN},
		{Fd: int32(wake), Events: unix.POLLIN},
		{Fd: int32(r.settle.asked), Events: unix.POLLIN},
	}
	var more [2]bool  // frames of a direction may be there that no poll tells of
	var ended [2]bool // nothing more comes in a direction
	for {
		wait := r.wait()
		if more[AToB] || more[BToA] {
			wait = &unix.Timespec{}
		}
		_, err := unix.Ppoll(fds, wait, nil)
		if err != nil && err != unix.EINTR {
			return fmt.Errorf("relay: %w", err)
		}
		if err == nil && fds[2].Revents != 0 {
			return nil
		}
		if err == nil && fds[3].Revents != 0 {
			r.settle.hear()
			more = [2]bool{true, true} // what has been sent by now is to be read
		}
		for i, d := range []Direction{AToB, BToA} {
			if !ended[i] && (more[i] || err == nil && fds[i].Revents != 0) {
				var err error
				more[i], err = r.take(d)
				if ended[i] = isGone(err); ended[i] {
					fds[i].Fd, r.ends[i].gone = -1, true
				} else if err != nil {
					return fmt.Errorf("relay: reading: %w", err)
				}
			}
			more[i] = more[i] && !ended[i]
			if err := r.give(d, wake); err != nil {
				return fmt.Errorf("relay: writing: %w", err)
			}
			if !more[i] {
				r.settle.answer(d, r.queues[d])
			}
			if _, under := r.queues[d].Next(); ended[i] && !under {
				return errClosed
			}
		}
	}
}

// wait is how long nothing is to be done; nil for ever.
func (r *Relay) wait() *unix.Timespec {
	var first time.Time
	for _, q := range r.queues {
		if t, ok := q.Next(); ok && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	if first.IsZero() {
		return nil
	}
	t := unix.NsecToTimespec(max(0, time.Until(first).Nanoseconds()))
	return &t
}

// batch bounds the frames that are taken before some are given.
const batch = 64

// take reads what has come at one end. More says that it stopped for the batch's
// sake: of a stream the rest may have been read already, and then its
// descriptor stays silent.
func (r *Relay) take(d Direction) (more bool, err error) {
	q := r.queues[d]
	for range batch {
		n, err := r.ends[d].read(r.in[:])
		if err == errWait {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if seed := r.again.Swap(nil); seed != nil {
			r.queues[AToB].restart(*seed, AToB)
			r.queues[BToA].restart(*seed, BToA)
		}
		b := r.buffer(n)
		copy(b, r.in[:n])
		if why := q.Push(time.Now(), b); why != "" {
			if r.Lost != nil {
				r.Lost(d, q.number, why, b)
			}
			r.free(b)
		}
	}
	return true, nil
}

// give writes what is due at the other end, unless that is gone.
func (r *Relay) give(d Direction, wake int) error {
	to := r.ends[1-d]
	for {
		data, last, ok := r.queues[d].Pop(time.Now())
		if !ok {
			return nil
		}
		if !to.gone {
			err := to.write(data, wake)
			// What it sent before it went may be there to be read still.
			to.gone = errors.Is(err, unix.EPIPE) || errors.Is(err, unix.ECONNRESET)
			if err != nil && !to.gone {
				return err
			}
		}
		if last {
			r.free(data)
		}
	}
}

// buffer is room for a frame of n bytes.
func (r *Relay) buffer(n int) []byte {
	if n > smallBuffer {
		return make([]byte, n)
	}
	if last := len(r.spare) - 1; last >= 0 {
		b := r.spare[last]
		r.spare = r.spare[:last]
		return b[:n]
	}
	return make([]byte, n, smallBuffer)
}

func (r *Relay) free(b []byte) {
	if cap(b) == smallBuffer {
		r.spare = append(r.spare, b)
	}
}
