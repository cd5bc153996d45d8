package network

import (
	"errors"
	"fmt"
	"os"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/pxeproof/pxeproof/harness/link"
)

// AddRelayed makes a cable with a relay in it, and a stream socket for QEMU
// (-netdev stream,addr.type=fd). It stands for a tap where /dev/net/tun cannot be
// opened, and where the machine's link is to be a bad one. Frames flow while
// Cable.Relay runs; its A is the port, its B the machine. A recorder on the
// segment sees what goes to the machine before the impairment has its way with
// it, and what comes from there after that.
func (n *Network) AddRelayed(name string, i link.Impairment, loose bool) (*Cable, error) {
	c := &Cable{net: n, name: name, loose: loose}
	fail := func(err error) (*Cable, error) {
		c.Release()
		if c.Relay != nil {
			err = errors.Join(err, c.Relay.Close())
		}
		return nil, fmt.Errorf("port %s: %w", name, err)
	}
	// The far end lies in a namespace of its own, where no recorder sees its
	// frames a second time.
	ns, err := newNamespace()
	if err != nil {
		return fail(err)
	}
	c.apart = ns
	veth := &netlink.Veth{
		LinkAttrs:     netlink.LinkAttrs{Name: name},
		PeerName:      hostInterface,
		PeerNamespace: netlink.NsFd(ns.Fd()),
	}
	if err := netlink.LinkAdd(veth); err != nil {
		return fail(err)
	}
	var port int
	if err := c.beside(func() error { port, err = openPort(hostInterface); return err }); err != nil {
		return fail(err)
	}
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		unix.Close(port)
		return fail(err)
	}
	c.Relay = link.NewRelay(link.Packet(port), link.Stream(fds[0]), i)
	c.end = os.NewFile(uintptr(fds[1]), name)
	if !loose {
		err = c.plugRelayed()
	} else if fd, derr := unix.FcntlInt(uintptr(fds[0]), unix.F_DUPFD_CLOEXEC, 0); derr == nil {
		c.heard = os.NewFile(uintptr(fd), name)
	} else {
		err = derr
	}
	if err != nil {
		return fail(err)
	}
	return c, nil
}

// plugRelayed plugs the segment's end of a relay's cable in. Both ends are to
// have noticed: the relay's would drop what it is given until then.
func (c *Cable) plugRelayed() error {
	err := c.net.attach(c.name)
	if err == nil {
		err = waitUp(c.name)
	}
	if err == nil {
		err = c.beside(func() error { return waitUp(hostInterface) })
	}
	return err
}

// openPort brings an interface of the caller's namespace up and opens a packet
// socket on it: the far end of a port's cable.
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
