package tftp

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// maxBatch is how many packets go out in one system call: what UDP segmentation
// takes (UDP_MAX_SEGMENTS of Linux).
const maxBatch = 64

// maxDatagram is what a datagram can hold over IPv4 (RFC 768, RFC 791).
const maxDatagram = 65535 - 20 - 8

// A batch is DATA packets that go out together. The kernel cuts them out of one
// large datagram if it can: they cross the stack once then, up to the link's
// queue, and look on the wire as they would have otherwise. Where it cannot,
// they go one by one, in one system call.
type batch struct {
	messages []mmsghdr
	vectors  [][2]unix.Iovec
	headers  [][4]byte
	// segments is how many fit into a large datagram, 0 if there are none.
	segments int
	// fragments is whether a block is more than fits into a frame.
	fragments bool
	corked    bool
}

// mmsghdr is C's struct mmsghdr, for sendmmsg(2).
type mmsghdr struct {
	hdr unix.Msghdr
	len uint32
}

// prepare gets ready to send up to window blocks at once, within reason.
func (s *socket) prepare(window, blockSize int) {
	n := min(window, maxBatch)
	s.messages = make([]mmsghdr, n)
	s.vectors = make([][2]unix.Iovec, n)
	s.headers = make([][4]byte, n)
	for i := range s.messages {
		h := &s.messages[i].hdr
		h.Iov = &s.vectors[i][0]
		h.SetIovlen(2)
		s.vectors[i][0].Base = &s.headers[i][0]
		s.vectors[i][0].SetLen(4)
	}
	segment := 4 + blockSize
	s.fragments = segment > s.mostUnfragmented()
	if n > 1 && !s.fragments && unix.SetsockoptInt(s.fd, unix.IPPROTO_UDP, unix.UDP_SEGMENT, segment) == nil {
		s.segments = min(maxDatagram/segment, maxBatch)
	}
}

// mostUnfragmented is what of a datagram fits into one frame on the way to the
// client: the kernel does not cut segments that would have to be fragmented.
func (s *socket) mostUnfragmented() int {
	if mtu, err := unix.GetsockoptInt(s.fd, unix.IPPROTO_IP, unix.IP_MTU); err == nil {
		return mtu - 20 - 8
	}
	if mtu, err := unix.GetsockoptInt(s.fd, unix.IPPROTO_IPV6, unix.IPV6_MTU); err == nil {
		return mtu - 40 - 8
	}
	return 0
}

// set makes packet i of the batch the DATA packet of that number on the wire.
func (s *socket) set(i int, number uint16, data []byte) {
	s.headers[i] = [4]byte{0, opDATA, byte(number >> 8), byte(number)}
	v := &s.vectors[i][1]
	v.Base, v.Len = nil, 0
	if len(data) > 0 {
		v.Base = &data[0]
		v.SetLen(len(data))
	}
}

// flush sends the first n packets of the batch. All but the last must be of the
// size that prepare was told.
func (s *socket) flush(n int) error {
	if err := s.discard(); err != nil {
		return err
	}
	for sent := 0; sent < n; {
		k, err := s.write(func() (int, unix.Errno) { return s.sendBatch(sent, n) })
		if err != nil {
			return err
		}
		sent += k
	}
	return nil
}

// sendBatch sends without waiting for room, of which there is nearly always
// enough; so the scheduler need not hear of it.
func (s *socket) sendBatch(from, to int) (sent int, errno unix.Errno) {
	switch n := min(to-from, max(s.segments, 1)); {
	case s.segments > 0 || to-from == 1:
		h := &s.messages[from].hdr
		h.SetIovlen(2 * n)
		sent, errno = n, s.sendmsg(h)
		h.SetIovlen(2)
	default:
		k, _, e := unix.RawSyscall6(unix.SYS_SENDMMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&s.messages[from])), uintptr(to-from), unix.MSG_DONTWAIT, 0, 0)
		sent, errno = int(k), e
	}
	if s.segments > 0 && (errno == unix.EINVAL || errno == unix.EMSGSIZE || errno == unix.EIO) {
		// The path has become narrower, or the link leaves checksums to a
		// kernel that does not make them for segments (before 6.11).
		s.segments = 0
		unix.SetsockoptInt(s.fd, unix.IPPROTO_UDP, unix.UDP_SEGMENT, 0)
		return s.sendBatch(from, to)
	}
	return sent, errno
}

func (s *socket) sendmsg(h *unix.Msghdr) unix.Errno {
	_, _, errno := unix.RawSyscall(unix.SYS_SENDMSG, uintptr(s.fd), uintptr(unsafe.Pointer(h)), unix.MSG_DONTWAIT)
	return errno
}

// send sends one packet: an OACK or an ERROR.
func (s *socket) send(packet []byte) error {
	if err := s.discard(); err != nil {
		return err
	}
	_, err := s.write(func() (int, unix.Errno) {
		n, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(s.fd), uintptr(unsafe.Pointer(unsafe.SliceData(packet))),
			uintptr(len(packet)), unix.MSG_DONTWAIT, 0, 0)
		return int(n), errno
	})
	return err
}

// write calls try, which must not wait, until there is room for what it sends.
// A packet that the kernel has no room for in the end counts as one lost on the
// way: n is 1 then, and there is no error.
func (s *socket) write(try func() (int, unix.Errno)) (n int, err error) {
	patient := true
	for {
		n, errno := try()
		switch {
		case errno == unix.EINTR:
		case errno == unix.EAGAIN && patient:
			if err := s.waitForRoom(); err != nil {
				return 0, err
			}
			patient = false
		case errno == unix.EAGAIN || errno == unix.ENOBUFS:
			return 1, nil
		case errno != 0:
			return 0, errno
		default:
			return n, nil
		}
	}
}

// waitForRoom waits, for a while, until the kernel has sent what it has. That is
// so rare, and so short, that it may hold a thread up: Go's poller would tell of
// room that comes, and not of room that has come since the try.
func (s *socket) waitForRoom() error {
	_, err := unix.Poll([]unix.PollFd{{Fd: int32(s.fd), Events: unix.POLLOUT}}, int(leastWait.Milliseconds()))
	if err == unix.EINTR {
		return nil
	}
	return err
}
