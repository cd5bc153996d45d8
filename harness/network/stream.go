package network

import (
	"errors"
	"fmt"
	"os"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/pxeproof/pxeproof/harness/link"
)

// AddStream plugs a port called name into the segment and returns the descriptor
// for QEMU (-netdev stream,addr.type=fd). It stands for a tap where
// /dev/net/tun cannot be opened, and where the machine's link is to be a bad one.
// Frames flow while the relay runs; its A is the port, its B the machine. A
// recorder on the segment sees what goes to the machine before the impairment
// has its way with it, and what comes from there after that.
func (n *Network) AddStream(name string, i link.Impairment) (forQEMU *os.File, r *link.Relay, err error) {
	fail := func(err error) (*os.File, *link.Relay, error) {
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
	var port int
	far := &Host{config: HostConfig{Name: name}, ns: ns}
	if err := far.Do(func() error { port, err = openPort(hostInterface); return err }); err != nil {
		return fail(err)
	}
	if err := waitUp(name); err != nil {
		unix.Close(port)
		return fail(err)
	}
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		unix.Close(port)
		return fail(err)
	}
	r = link.NewRelay(link.Packet(port), link.Stream(fds[0]), i)
	return os.NewFile(uintptr(fds[1]), name), r, nil
}

// openPort opens the far end of a port's cable, in whose namespace it runs.
func openPort(name string) (int, error) {
	end, err := netlink.LinkByName(name)
	if err != nil {
		return -1, err
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, err
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
		return -1, err
	}
	return fd, nil
}

func htons(v uint16) uint16 { return v<<8 | v>>8 }
