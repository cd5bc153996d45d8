package ring

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"
)

// loopback is the interface over which marks go: only this namespace's root can
// send there, so no mark comes from a machine.
const loopback = "lo"

// A mark on the wire is an Ethernet header with no addresses and the type for
// experiments (IEEE 802, local experimental EtherType 1), the ring's token, and
// the mark's number.
const (
	markType   = 0x88b5
	markHeader = 14
	tokenBytes = 16
	markBytes  = markHeader + tokenBytes + 8
)

// A marker sends marks.
type marker struct {
	fd    int
	to    unix.SockaddrLinklayer
	token []byte // so that a ring knows its own
}

// openMarker opens a socket that receives nothing.
func openMarker() (*marker, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("packet socket: %w", err)
	}
	ifr, err := unix.NewIfreq(loopback)
	if err == nil {
		err = unix.IoctlIfreq(fd, unix.SIOCGIFINDEX, ifr)
	}
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("loopback interface: %w", err)
	}
	m := &marker{fd: fd, to: unix.SockaddrLinklayer{Ifindex: int(ifr.Uint32())}, token: make([]byte, tokenBytes)}
	rand.Read(m.token) // which cannot fail
	return m, nil
}

func (m *marker) send(n uint64) error {
	b := make([]byte, markBytes)
	binary.BigEndian.PutUint16(b[markHeader-2:], markType)
	copy(b[markHeader:], m.token)
	binary.BigEndian.PutUint64(b[markHeader+tokenBytes:], n)
	return unix.Sendto(m.fd, b, 0, &m.to)
}

// number is that of a mark; 0: the frame is none of this marker.
func (m *marker) number(frame []byte) uint64 {
	if len(frame) != markBytes || !bytes.Equal(frame[markHeader:markHeader+tokenBytes], m.token) {
		return 0
	}
	return binary.BigEndian.Uint64(frame[markHeader+tokenBytes:])
}

// Mark puts a mark with a number, not 0, behind the frames that have entered so
// far. Read comes to it when it has come to all of those, however long the
// kernel or the scheduler takes, which is what no waiting time can promise. A
// ring that is full loses marks as it loses frames. The loopback interface must
// be up.
func (r *Ring) Mark(n uint64) error {
	if err := r.marker.send(n); err != nil {
		return fmt.Errorf("capture: a mark on %s: %w", loopback, err)
	}
	return nil
}
