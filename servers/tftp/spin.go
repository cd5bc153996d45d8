package tftp

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// asks is how often the kernel is asked in a wait that is spun through: for a
	// quarter of a millisecond, several times what a client takes for which that
	// is done.
	asks = 1000
	// quickAsks is what a wait may take that is no dearer spun through than slept
	// through: some ten microseconds.
	quickAsks = 32
	// sureOfIt is the score at which a client counts as quick, of mostSure.
	sureOfIt, mostSure = 4, 8
	// trial is how many waits are spun through in the beginning.
	trial = 2 * sureOfIt
)

// A spinner says which of an eager transfer's waits are spent asking the kernel
// again and again. Going to sleep and being woken takes a third of a block's time
// on a fast link, and more in a virtual machine; to spin saves that, at the price
// of a processor meanwhile. What is copied less than by a server that reads its
// files pays for some of it: the shares are such that a byte costs no more
// processor time than with tftpd-hpa, or atftpd where there is a window.
//
// A client that sleeps itself takes as long again to be woken. One that polls, as
// firmware does, answers in a few microseconds: less than going to sleep takes.
// All waits for such a client are spun through, which is quicker and cheaper.
type spinner struct {
	every int // one wait in so many
	count int
	trial int // waits to be spun through first, to see what the client is like
	score int // how often of late the client was quick; less, how often it was not
}

// Shares of a spinner.
const (
	everyWindow   = 2
	everyFrame    = 16 // lock-step, blocks of one frame
	everyFragment = 24 // lock-step, larger ones, which leave less to pay with
)

// quick says whether the client is.
func (p *spinner) quick() bool { return p.score >= sureOfIt }

// most is how often to ask in the next wait before going to sleep.
func (p *spinner) most() int {
	if p.quick() {
		return 2 * quickAsks
	}
	switch {
	case p.trial > 0:
		p.trial--
	case p.count+1 < p.every:
		p.count++
		return 0
	default:
		p.count = 0
	}
	return asks
}

// took is told how often was asked, and whether it was enough.
func (p *spinner) took(asked int, enough bool) {
	switch {
	case enough && asked <= quickAsks:
		p.score = min(p.score+1, mostSure)
	default:
		p.score = max(p.score-2, 0)
	}
	if !enough && asked == asks {
		p.count = -64 * p.every // so will be the next ones
	}
}

// newSpinner is one for the batches that the socket was prepared for.
func (s *socket) newSpinner() spinner {
	switch {
	case len(s.messages) > 1:
		return spinner{every: everyWindow, trial: trial}
	case s.fragments:
		return spinner{every: everyFragment, trial: trial}
	}
	return spinner{every: everyFrame, trial: trial}
}

// spin asks whether anything has come until it has, but not more often than most.
func (s *socket) spin(b []byte, most int) (n int, errno unix.Errno) {
	asked := 0
	for errno = unix.EAGAIN; errno == unix.EAGAIN && asked < most; asked++ {
		n, errno = s.recvRaw(b, unix.MSG_DONTWAIT)
	}
	s.spinner.took(asked, errno != unix.EAGAIN)
	return n, errno
}

// recvRaw is a call of its own because the scheduler has its say at calls.
//
//go:noinline
func (s *socket) recvRaw(b []byte, flags uintptr) (int, unix.Errno) {
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(s.fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), flags, 0, 0)
	return int(n), errno
}
