package tftp

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// errTimeout is what receive gives when nothing has come.
var errTimeout = errors.New("no answer")

// A socket is a transfer's own: connected to the client, so that the kernel
// drops what others send to it, and bound to a port of its own, the server's
// transfer identifier (RFC 1350 section 4).
//
// It has two lives. A blocking one waits in the kernel on a thread that it has
// to itself, which makes a block's turn-round as short as a C program's. A
// polled one costs no thread and is for the crowd.
type socket struct {
	fd      int
	file    *os.File        // polled: what waits for it; nil if it blocks
	raw     syscall.RawConn // of file
	timeout time.Duration   // blocking: SO_RCVTIMEO as it is set
	eager   bool            // blocking: an answer is due at once
	spinner spinner         // of eager

	mu     sync.Mutex // orders wake and close
	woken  atomic.Bool
	closed bool

	batch
}

// newSocket makes a socket from local to remote. It must be called on a thread
// that is in the host's namespace. An invalid local leaves the choice to the
// routing table.
func newSocket(local netip.Addr, remote netip.AddrPort, polled bool) (*socket, error) {
	family, kind := unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC
	if remote.Addr().Is6() {
		family = unix.AF_INET6
	}
	if polled {
		kind |= unix.SOCK_NONBLOCK
	}
	fd, err := unix.Socket(family, kind, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	s := &socket{fd: fd}
	if err := s.setUp(family, local, remote); err != nil {
		unix.Close(fd)
		return nil, err
	}
	if polled {
		s.file = os.NewFile(uintptr(fd), "tftp transfer")
		if s.raw, err = s.file.SyscallConn(); err != nil {
			s.file.Close()
			return nil, err
		}
	}
	return s, nil
}

func (s *socket) setUp(family int, local netip.Addr, remote netip.AddrPort) error {
	if family == unix.AF_INET {
		// A block larger than the MTU is the client's wish: fragment it,
		// rather than find out that it does not fit.
		if err := unix.SetsockoptInt(s.fd, unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_DONT); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	if local.IsValid() {
		at := sockaddr(netip.AddrPortFrom(local, 0))
		err := unix.Bind(s.fd, at)
		if err == unix.EADDRNOTAVAIL {
			// The fault of a wrong address, which is not the host's: a
			// transparent proxy may use it.
			if err = unix.SetsockoptInt(s.fd, unix.SOL_IP, unix.IP_TRANSPARENT, 1); err == nil {
				err = unix.Bind(s.fd, at)
			}
		}
		if err != nil {
			return fmt.Errorf("binding to %v: %w", local, err)
		}
	}
	if err := unix.Connect(s.fd, sockaddr(remote)); err != nil {
		return fmt.Errorf("connecting to %v: %w", remote, err)
	}
	return nil
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Addr: a.Addr().As4(), Port: int(a.Port())}
	}
	// The zone is an interface's number, as the inlet has written it.
	zone, _ := strconv.ParseUint(a.Addr().Zone(), 10, 32)
	return &unix.SockaddrInet6{Addr: a.Addr().As16(), Port: int(a.Port()), ZoneId: uint32(zone)}
}

// close frees the descriptor. Nobody may be waiting in receive.
func (s *socket) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.file != nil {
		s.file.Close()
		return
	}
	unix.Close(s.fd)
}

// wake ends a receive that waits, now and ever after. It may be called from
// any goroutine.
func (s *socket) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.woken.Store(true)
	switch {
	case s.closed:
	case s.file != nil:
		s.file.SetReadDeadline(time.Unix(1, 0))
	default:
		unix.Shutdown(s.fd, unix.SHUT_RD)
	}
}

// receive waits for a packet, at most for as long as wait. It gives errTimeout
// when nothing has come, and net.ErrClosed after wake.
func (s *socket) receive(b []byte, wait time.Duration) (int, error) {
	if s.file != nil {
		return s.receivePolled(b, wait)
	}
	if s.eager {
		n, err := s.receiveAtOnce(b)
		if err != errTimeout {
			return n, err
		}
	}
	// The kernel rounds up to its clock's tick; zero would be for ever.
	if err := s.setTimeout(max(wait, time.Millisecond)); err != nil {
		return 0, err
	}
	for {
		n, err := unix.Read(s.fd, b)
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			return 0, errTimeout
		case err != nil:
			return 0, err
		case n == 0 && s.woken.Load():
			return 0, net.ErrClosed
		}
		return n, nil
	}
}

// receiveAtOnce waits for no more than a tick or two of the kernel's clock, and
// keeps the scheduler's processor meanwhile, as a computation would. To give it
// up and get it back costs more than sending a block does: on one core, half as
// much again.
func (s *socket) receiveAtOnce(b []byte) (int, error) {
	n, errno := 0, unix.EAGAIN
	if most := s.spinner.most(); most > 0 {
		n, errno = s.spin(b, most)
	}
	if errno == unix.EAGAIN {
		if err := s.setTimeout(time.Millisecond); err != nil {
			return 0, err
		}
		n, errno = s.recvRaw(b, 0)
	}
	if errno == unix.EINTR { // the scheduler wants to have its say, and has had it
		n, errno = s.recvRaw(b, 0)
	}
	switch {
	case s.woken.Load(): // which who does not wait is not told
		return 0, net.ErrClosed
	case errno == unix.EAGAIN || errno == unix.EINTR:
		return 0, errTimeout
	case errno != 0:
		return 0, errno
	}
	return n, nil
}

// setTimeout sets how long a blocking receive waits, unless it is nearly so.
func (s *socket) setTimeout(wait time.Duration) error {
	if d := wait - s.timeout; d <= s.timeout/8 && d >= -s.timeout/8 {
		return nil
	}
	tv := unix.NsecToTimeval(int64(wait))
	if err := unix.SetsockoptTimeval(s.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv); err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	s.timeout = wait
	return nil
}

func (s *socket) receivePolled(b []byte, wait time.Duration) (n int, err error) {
	if err := s.file.SetReadDeadline(time.Now().Add(wait)); err != nil {
		return 0, err
	}
	if s.woken.Load() { // before the deadline was set, which undid it
		return 0, net.ErrClosed
	}
	rawErr := s.raw.Read(func(uintptr) bool {
		for n, err = unix.Read(s.fd, b); err == unix.EINTR; n, err = unix.Read(s.fd, b) {
		}
		return err != unix.EAGAIN
	})
	switch {
	case errors.Is(rawErr, os.ErrDeadlineExceeded) && s.woken.Load():
		return 0, net.ErrClosed
	case errors.Is(rawErr, os.ErrDeadlineExceeded):
		return 0, errTimeout
	case rawErr != nil:
		return 0, rawErr
	}
	return n, err
}

// poll receives without waiting; errTimeout if nothing is there.
func (s *socket) poll(b []byte) (int, error) {
	n, _, errno := unix.Syscall6(unix.SYS_RECVFROM, uintptr(s.fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))),
		uintptr(len(b)), unix.MSG_DONTWAIT, 0, 0)
	switch {
	case errno == unix.EAGAIN || errno == unix.EINTR:
		return 0, errTimeout
	case errno != 0:
		return 0, errno
	}
	return int(n), nil
}
