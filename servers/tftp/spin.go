package tftp

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// asks is how often the kernel is asked in a wait that is spun through: for a
// quarter of a millisecond, several times what a client takes for which that is
// done.
const asks = 1000

// A spinner says which of an eager transfer's waits are spent asking the kernel
// again and again. Going to sleep and being woken takes a third of a block's time
// on a fast link, and more in a virtual machine; to spin saves that, at the price
// of a processor meanwhile. What is copied less than by a server that reads its
// files pays for some of it: the shares are such that a byte costs no more
// processor time than with tftpd-hpa, or atftpd where there is a window.
type spinner struct {
	every int // one wait in so many
	count int
}

// Shares of a spinner.
const (
	everyWindow   = 2
	everyFrame    = 16 // lock-step, blocks of one frame
	everyFragment = 24 // lock-step, larger ones, which leave less to pay with
)

// due says whether the next wait is to be spun through.
func (p *spinner) due() bool {
	p.count++
	if p.count < p.every {
		return false
	}
	p.count = 0
	return true
}

// failed is told of a wait that was longer than that: so will be the next ones.
func (p *spinner) failed() { p.count = -64 * p.every }

// newSpinner is one for the batches that the socket was prepared for.
func (s *socket) newSpinner() spinner {
	switch {
	case len(s.messages) > 1:
		return spinner{every: everyWindow}
	case s.fragments:
		return spinner{every: everyFragment}
	}
	return spinner{every: everyFrame}
}

// spin asks whether anything has come until it has, or it takes too long.
func (s *socket) spin(b []byte) (n int, errno unix.Errno) {
	for range asks {
		if n, errno = s.recvRaw(b, unix.MSG_DONTWAIT); errno != unix.EAGAIN {
			break
		}
	}
	return n, errno
}

// recvRaw is a call of its own because the scheduler has its say at calls.
//
//go:noinline
func (s *socket) recvRaw(b []byte, flags uintptr) (int, unix.Errno) {
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(s.fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), flags, 0, 0)
	return int(n), errno
}
