package link

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// maxFrame is more than any frame: QEMU's own limit for a packet is 64 KiB and
// a header.
const maxFrame = 68 << 10

// An End is a descriptor that frames come from and go to. It belongs to the
// Relay that it is given to.
type End struct {
	fd     int
	stream bool
	gone   bool // the other side, and takes nothing
	// What was read of a stream and not yet taken.
	in   []byte
	rest []byte
	out  []byte
}

// Packet is an end at a non-blocking packet socket (packet(7)), bound to an
// interface.
func Packet(fd int) *End { return &End{fd: fd} }

// Stream is an end at a non-blocking stream socket on which each frame follows
// its length, four bytes with the highest first, as QEMU's "-netdev stream" has
// it.
func Stream(fd int) *End {
	return &End{fd: fd, stream: true, in: make([]byte, 2*maxFrame), out: make([]byte, 4+maxFrame)}
}

// Close closes the descriptor. Only an End that no Relay has is closed.
func (e *End) Close() error { return unix.Close(e.fd) }

// errWait says that there is no frame for now.
var errWait = errors.New("no frame")

// read reads a frame into b, which has room for maxFrame bytes.
func (e *End) read(b []byte) (int, error) {
	if e.stream {
		return e.readStream(b)
	}
	n, err := e.readOnce(b)
	if errors.Is(err, unix.ENETDOWN) {
		err = errClosed // its interface went
	}
	return n, err
}

func (e *End) readOnce(b []byte) (int, error) {
	for {
		n, err := unix.Read(e.fd, b)
		switch {
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			return 0, errWait
		case err != nil:
			return 0, err
		default:
			return n, nil
		}
	}
}

func (e *End) readStream(b []byte) (int, error) {
	for {
		if len(e.rest) >= 4 {
			size := binary.BigEndian.Uint32(e.rest)
			if size > maxFrame {
				return 0, fmt.Errorf("a frame of %d bytes is announced", size)
			}
			if frame := e.rest[4:]; len(frame) >= int(size) {
				e.rest = frame[size:]
				return copy(b, frame[:size]), nil
			}
		}
		kept := copy(e.in, e.rest)
		n, err := e.readOnce(e.in[kept:])
		e.rest = e.in[:kept+max(n, 0)]
		if err != nil {
			return 0, err
		}
		if n == 0 {
			if kept > 0 {
				return 0, errors.New("it ends within a frame")
			}
			return 0, errClosed
		}
	}
}

// write sends a frame. A socket that takes no more is waited for, unless wake
// becomes readable.
func (e *End) write(frame []byte, wake int) error {
	b := frame
	if e.stream {
		binary.BigEndian.PutUint32(e.out, uint32(len(frame)))
		b = e.out[:4+copy(e.out[4:], frame)]
	}
	for len(b) > 0 {
		n, err := unix.Write(e.fd, b)
		switch {
		case err == nil:
			b = b[n:]
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			if woken, err := await(e.fd, unix.POLLOUT, wake); woken || err != nil {
				return errors.Join(err, errClosed)
			}
		case !e.stream && (err == unix.EINVAL || err == unix.EMSGSIZE || err == unix.ENOBUFS):
			// The kernel refuses what is no frame (shorter than a header, longer
			// than the MTU); so would a switch.
			return nil
		default:
			return err
		}
	}
	return nil
}

// await waits for an event on fd, or for wake.
func await(fd int, event int16, wake int) (woken bool, err error) {
	fds := []unix.PollFd{{Fd: int32(fd), Events: event}, {Fd: int32(wake), Events: unix.POLLIN}}
	for {
		_, err := unix.Ppoll(fds, nil, nil)
		if err == unix.EINTR {
			continue
		}
		return fds[1].Revents != 0, err
	}
}
