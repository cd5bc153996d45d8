package tftp

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// corks says whether it is worth a system call to have the kernel hold what comes
// next. For a single frame it is not, unless the wait for the client is spun
// through anyhow: then it is free.
func (s *socket) corks() bool { return s.fragments || len(s.messages) > 1 || s.spinner.quick() }

// cork gives the first n packets of the batch to the kernel, which keeps them
// (MSG_MORE): the bytes are copied, cut and summed up while the client is at work
// on what was sent before, and go out at uncork with nothing left to do but that.
// n must not be more than one datagram holds. There is no error for what could
// as well be sent later, in the usual way.
func (s *socket) cork(n int) error {
	if err := s.discard(); err != nil {
		return err
	}
	h := &s.messages[0].hdr
	h.SetIovlen(2 * n)
	_, _, errno := unix.RawSyscall(unix.SYS_SENDMSG, uintptr(s.fd), uintptr(unsafe.Pointer(h)), unix.MSG_DONTWAIT|unix.MSG_MORE)
	h.SetIovlen(2)
	s.corked = errno == 0
	if errno == unix.ECONNREFUSED { // it is told once
		return errno
	}
	return nil
}

// uncork sends what is held. ok is false if that cannot be done, and it is to be
// sent in the usual way.
func (s *socket) uncork() (ok bool, err error) {
	s.corked = false
	for {
		_, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(s.fd), 0, 0, unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case unix.EINTR:
		case 0, unix.EAGAIN, unix.ENOBUFS: // at worst it is lost on the way
			return true, nil
		case unix.EINVAL, unix.EMSGSIZE, unix.EIO: // as in sendBatch
			return false, nil
		default:
			return false, errno
		}
	}
}

// nothing is what is too much for any datagram that has something in it.
var nothing [maxDatagram]byte

// discard has the kernel forget what it holds. It does so when more is added
// than a datagram can hold.
func (s *socket) discard() error {
	if !s.corked {
		return nil
	}
	s.corked = false
	_, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(s.fd), uintptr(unsafe.Pointer(&nothing)), uintptr(len(nothing)), unix.MSG_DONTWAIT|unix.MSG_MORE, 0, 0)
	if errno != unix.EMSGSIZE {
		return fmt.Errorf("taking back a block that is not to be sent: %w", errno)
	}
	return nil
}
