package client

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// errTimeout is what receive gives when nothing has come.
var errTimeout = errors.New("no answer")

// maxBatch is how many packets are received in one system call.
const maxBatch = 64

// receiveBuffer is what the kernel may keep for a client, as far as it lets:
// several windows of the largest kind.
const receiveBuffer = 4 << 20

// A socket waits in the kernel, which makes the turn-round of a block as short
// as a C program's.
type socket struct {
	fd     int
	server netip.AddrPort
	wait   time.Duration // for a packet
	poll   bool          // asking for it, not sleeping

	mu     sync.Mutex // orders wake and close
	woken  atomic.Bool
	closed bool

	messages []mmsghdr
	vectors  []unix.Iovec
	storage  []byte
	from     unix.RawSockaddrAny // of the first message
}

// mmsghdr is C's struct mmsghdr, for recvmmsg(2).
type mmsghdr struct {
	hdr unix.Msghdr
	len uint32
}

func newSocket(server netip.AddrPort, wait time.Duration, poll bool) (*socket, error) {
	family := unix.AF_INET
	if server.Addr().Is6() {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	tv := unix.NsecToTimeval(int64(wait))
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv); err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("setsockopt", err)
	}
	// What was left in one queue must not count as lost on the link. The first
	// is for root; an ordinary user gets what net.core.rmem_max allows.
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveBuffer) != nil {
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer)
	}
	return &socket{fd: fd, server: server, wait: wait, poll: poll}, nil
}

// buffers makes room for so many packets of so many bytes.
func (s *socket) buffers(packets, size int) {
	s.messages = make([]mmsghdr, packets)
	s.vectors = make([]unix.Iovec, packets)
	s.storage = make([]byte, packets*size)
	for i := range packets {
		s.vectors[i].Base = &s.storage[i*size]
		s.vectors[i].SetLen(size)
		h := &s.messages[i].hdr
		h.Iov = &s.vectors[i]
		h.SetIovlen(1)
	}
	s.messages[0].hdr.Name = (*byte)(unsafe.Pointer(&s.from))
	s.messages[0].hdr.Namelen = unix.SizeofSockaddrAny
}

// packet is message i of those received last, good until the next receive.
func (s *socket) packet(i int) []byte {
	return unsafe.Slice(s.vectors[i].Base, s.messages[i].len)
}

// ask sends to the server's well-known port.
func (s *socket) ask(packet []byte) error {
	err := unix.Sendto(s.fd, packet, 0, sockaddr(s.server))
	return os.NewSyscallError("sendto", err)
}

// follow binds the socket to whoever sent the first message: the server's
// transfer identifier (RFC 1350 section 4). The kernel then drops what others
// send.
func (s *socket) follow() error {
	_, _, errno := unix.Syscall(unix.SYS_CONNECT, uintptr(s.fd), uintptr(unsafe.Pointer(&s.from)), uintptr(s.messages[0].hdr.Namelen))
	s.messages[0].hdr.Name, s.messages[0].hdr.Namelen = nil, 0
	if errno != 0 {
		return os.NewSyscallError("connect", errno)
	}
	return nil
}

func (s *socket) send(packet []byte) error {
	for {
		_, err := unix.Write(s.fd, packet)
		if err != unix.EINTR {
			return os.NewSyscallError("write", err)
		}
	}
}

// receive waits for packets and returns how many have come: what is there, and
// at least one. It gives errTimeout when nothing has come, and net.ErrClosed
// after wake.
func (s *socket) receive() (int, error) {
	for {
		n, errno := s.receiveSome()
		switch {
		case s.woken.Load():
			return 0, net.ErrClosed
		case errno == unix.EINTR:
			continue
		case errno == unix.EAGAIN:
			return 0, errTimeout
		case errno != 0:
			return 0, os.NewSyscallError("recvmsg", errno)
		}
		return n, nil
	}
}

func (s *socket) receiveSome() (int, unix.Errno) {
	if !s.poll {
		return s.receiveWith(0)
	}
	// Now and then is enough to look at the clock. Who does not wait is not told
	// that the socket has been shut down.
	const asks = 256
	for until := time.Now().Add(s.wait); time.Now().Before(until) && !s.woken.Load(); {
		for range asks {
			if n, errno := s.receiveWith(unix.MSG_DONTWAIT); errno != unix.EAGAIN {
				return n, errno
			}
		}
	}
	return 0, unix.EAGAIN
}

// receiveWith receives what there is, or waits for it, as flags say.
func (s *socket) receiveWith(flags uintptr) (int, unix.Errno) {
	if len(s.messages) == 1 {
		n, _, errno := unix.Syscall(unix.SYS_RECVMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&s.messages[0].hdr)), flags)
		s.messages[0].len = uint32(n)
		return 1, errno
	}
	n, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&s.messages[0])),
		uintptr(len(s.messages)), flags|unix.MSG_WAITFORONE, 0, 0)
	return int(n), errno
}

// wake ends a receive that waits, now and ever after, from any goroutine.
func (s *socket) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.woken.Store(true)
	if !s.closed {
		unix.Shutdown(s.fd, unix.SHUT_RD)
	}
}

func (s *socket) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	unix.Close(s.fd)
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Addr: a.Addr().As4(), Port: int(a.Port())}
	}
	zone, err := strconv.ParseUint(a.Addr().Zone(), 10, 32)
	if err != nil {
		if i, err := net.InterfaceByName(a.Addr().Zone()); err == nil {
			zone = uint64(i.Index)
		}
	}
	return &unix.SockaddrInet6{Addr: a.Addr().As16(), Port: int(a.Port()), ZoneId: uint32(zone)}
}
