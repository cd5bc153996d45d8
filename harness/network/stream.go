package network

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/vishvananda/netlink"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// maxFrame is the largest frame that a Relay carries: 64 KiB of IP and room for
// Ethernet and tags. QEMU's own limit is the same size.
const maxFrame = 68 << 10

// A Relay is what stands for a tap where /dev/net/tun cannot be opened: it
// carries frames between a bridge port and a stream socket, for QEMU's
// -netdev stream. On the stream each frame comes after its length, four bytes
// big-endian.
type Relay struct {
	port   *os.File // a packet socket on the far end of the port's cable
	stream *os.File
}

// AddStream plugs a port called name into the segment and returns the descriptor
// for QEMU (-netdev stream,addr.type=fd). Frames flow while the Relay runs.
func (n *Network) AddStream(name string) (forQEMU *os.File, r *Relay, err error) {
	fail := func(err error) (*os.File, *Relay, error) {
		return nil, nil, fmt.Errorf("port %s: %w", name, err)
	}
	// The far end lies in a namespace of its own, where no recorder sees its
	// frames a second time.
	ns, err := newNamespace()
	if err != nil {
		return fail(err)
	}
	defer ns.Close() // the socket keeps it
	veth := &netlink.Veth{
		LinkAttrs:     netlink.LinkAttrs{Name: name, MasterIndex: n.bridge.Attrs().Index},
		PeerName:      hostInterface,
		PeerNamespace: netlink.NsFd(ns.Fd()),
	}
	if err := netlink.LinkAdd(veth); err != nil {
		return fail(err)
	}
	if err := plug(veth); err != nil {
		return fail(err)
	}
	var port *os.File
	far := &Host{config: HostConfig{Name: name}, ns: ns}
	if err := far.Do(func() error { port, err = openPort(); return err }); err != nil {
		return fail(err)
	}
	if err := waitUp(name); err != nil {
		port.Close()
		return fail(err)
	}
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		port.Close()
		return fail(err)
	}
	r = &Relay{port: port, stream: os.NewFile(uintptr(fds[0]), name)}
	return os.NewFile(uintptr(fds[1]), name), r, nil
}

// openPort opens the far end of a port's cable, in whose namespace it runs.
func openPort() (*os.File, error) {
	end, err := netlink.LinkByName(hostInterface)
	if err != nil {
		return nil, err
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	err = errors.Join(
		unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 4<<20),
		// Frames for the machine carry its MAC, not this end's.
		netlink.SetPromiscOn(end),
		// Up before bound: a socket bound to an interface that is down has an
		// error waiting for its reader.
		plug(end),
		unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: htons(unix.ETH_P_ALL), Ifindex: end.Attrs().Index}),
	)
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), "port"), nil
}

// Run carries frames until ctx ends or QEMU does, neither of which is an error.
// It closes the Relay.
func (r *Relay) Run(ctx context.Context) error {
	defer context.AfterFunc(ctx, r.close)()
	var g errgroup.Group
	g.Go(func() error { defer r.close(); return r.toMachine() })
	g.Go(func() error { defer r.close(); return r.fromMachine() })
	err := g.Wait()
	if errors.Is(err, os.ErrClosed) || errors.Is(err, unix.EPIPE) || errors.Is(err, unix.ECONNRESET) {
		return nil
	}
	return err
}

func (r *Relay) close() {
	r.port.Close()
	r.stream.Close()
}

func (r *Relay) toMachine() error {
	b := make([]byte, 4+maxFrame)
	for {
		n, err := r.port.Read(b[4:])
		if errors.Is(err, unix.ENETDOWN) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("relay: reading the port: %w", err)
		}
		binary.BigEndian.PutUint32(b, uint32(n))
		if _, err := r.stream.Write(b[:4+n]); err != nil {
			return fmt.Errorf("relay: to QEMU: %w", err)
		}
	}
}

func (r *Relay) fromMachine() error {
	in := bufio.NewReaderSize(r.stream, 2*maxFrame)
	b := make([]byte, maxFrame)
	for {
		var head [4]byte
		if _, err := io.ReadFull(in, head[:]); err != nil {
			if err == io.EOF {
				return nil
			}
			return fmt.Errorf("relay: from QEMU: %w", err)
		}
		size := binary.BigEndian.Uint32(head[:])
		if size > maxFrame {
			return fmt.Errorf("relay: QEMU announces a frame of %d bytes", size)
		}
		if _, err := io.ReadFull(in, b[:size]); err != nil {
			return fmt.Errorf("relay: from QEMU: %w", err)
		}
		if _, err := r.port.Write(b[:size]); err != nil {
			// The kernel refuses what is no frame (shorter than a header, longer
			// than the MTU); so would a switch.
			if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EMSGSIZE) || errors.Is(err, unix.ENOBUFS) {
				continue
			}
			return fmt.Errorf("relay: to the port: %w", err)
		}
	}
}

func htons(v uint16) uint16 { return v<<8 | v>>8 }
