// Package network makes a lab's network: a bridge, server hosts in namespaces
// of their own, and taps for machines. It works in the network namespace that
// the process is in, which must be a sandbox's (package harness/sandbox), never
// the host's; nothing it makes is taken down again, as it goes with the sandbox.
package network

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// A Network is one Ethernet segment.
type Network struct {
	bridge netlink.Link
}

// New makes a segment with the bridge called name (at most 15 bytes). The
// bridge forwards from the first frame on: the kernel's default is no spanning
// tree, without which a port has no forward delay; and multicast snooping is
// off, as it would swallow IPv6 neighbour discovery until a querier shows up.
func New(name string) (*Network, error) {
	off := false
	br := &netlink.Bridge{
		LinkAttrs:         netlink.LinkAttrs{Name: name},
		MulticastSnooping: &off,
	}
	if err := netlink.LinkAdd(br); err != nil {
		return nil, fmt.Errorf("network %s: making the bridge: %w", name, err)
	}
	if err := quiet(name); err != nil {
		return nil, err
	}
	if err := netlink.LinkSetUp(br); err != nil {
		return nil, fmt.Errorf("network %s: %w", name, err)
	}
	return &Network{bridge: br}, nil
}

// Name is the bridge's interface name.
func (n *Network) Name() string { return n.bridge.Attrs().Name }

// A HostConfig says what a server host is.
type HostConfig struct {
	// Name is the host's name, and that of its port on the bridge (at most 15
	// bytes).
	Name string
	// Addr is its IPv4 address and the subnet's prefix length.
	Addr netip.Prefix
	// MAC defaults to 02:00 followed by the IPv4 address, so that a capture can
	// be read without a table.
	MAC net.HardwareAddr
	// MTU is the interface's, in bytes. Default 1500.
	MTU int
	// Gateway, if valid, becomes the default route.
	Gateway netip.Addr
}

// HardwareAddr is the host's MAC, the default one if none is given. Addr must be
// an IPv4 address.
func (c HostConfig) HardwareAddr() net.HardwareAddr {
	if c.MAC != nil {
		return c.MAC
	}
	a := c.Addr.Addr().As4()
	return net.HardwareAddr{2, 0, a[0], a[1], a[2], a[3]}
}

// AddHost makes a host: a namespace with an interface eth0, plugged into the
// segment. It is up, with its IPv6 link-local address usable, on return.
func (n *Network) AddHost(c HostConfig) (*Host, error) {
	h, err := n.addHost(c)
	if err != nil {
		return nil, fmt.Errorf("host %s: %w", c.Name, err)
	}
	return h, nil
}

func (n *Network) addHost(c HostConfig) (*Host, error) {
	h, err := newHost(c)
	if err != nil {
		return nil, err
	}
	if err := n.connect(h); err != nil {
		h.ns.Close()
		return nil, err
	}
	return h, nil
}

// newHost makes a host that is not connected to anything.
func newHost(c HostConfig) (*Host, error) {
	if !c.Addr.IsValid() || !c.Addr.Addr().Is4() {
		return nil, errors.New("it needs an IPv4 address with a prefix length, such as 192.168.1.103/24")
	}
	c.MAC = c.HardwareAddr()
	ns, err := newNamespace()
	if err != nil {
		return nil, err
	}
	return &Host{config: c, ns: ns}, nil
}

// connect plugs a host into the segment.
func (n *Network) connect(h *Host) error {
	c := h.config
	veth := &netlink.Veth{
		LinkAttrs:        netlink.LinkAttrs{Name: c.Name, MasterIndex: n.bridge.Attrs().Index},
		PeerName:         hostInterface,
		PeerHardwareAddr: c.MAC,
		PeerNamespace:    netlink.NsFd(h.ns.Fd()),
	}
	if err := netlink.LinkAdd(veth); err != nil {
		return fmt.Errorf("making its link: %w", err)
	}
	if err := h.Do(h.configure); err != nil {
		return err
	}
	err := plug(veth)
	if err == nil {
		err = h.Do(func() error { return waitUp(hostInterface) })
	}
	if err == nil {
		// The bridge's own end is noticed apart from the other, perhaps later.
		err = waitUp(c.Name)
	}
	if err == nil {
		err = h.Do(func() error { return waitLinkLocal(hostInterface) })
	}
	return err
}

// ErrNoTun is what AddTap returns where /dev/net/tun cannot be opened.
// AddRelayed needs no such device.
var ErrNoTun = errors.New("/dev/net/tun cannot be opened")

// AddTap makes a tap called name, plugs it into the segment and returns the
// descriptor for QEMU (-netdev tap,fd=). Frames carry no virtio header, so a
// guest has nobody to leave its checksums and its segmentation to: what the
// capture shows is what a wire would.
func (n *Network) AddTap(name string) (*os.File, error) {
	f, err := openTap(name)
	if err != nil {
		return nil, err
	}
	if err := n.attach(name); err != nil {
		f.Close()
		return nil, fmt.Errorf("tap %s: %w", name, err)
	}
	return f, nil
}

// CheckTun says why AddTap and AddCable would return ErrNoTun; nil if they would
// not.
func CheckTun() error {
	fd, err := openTun()
	if err == nil {
		unix.Close(fd)
	}
	return err
}

func openTun() (int, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("%w: %w; load it with modprobe tun, and let users open it with chmod 0666 /dev/net/tun", ErrNoTun, err)
	}
	return fd, nil
}

// openTap makes a tap in the caller's namespace.
func openTap(name string) (*os.File, error) {
	fd, err := openTun()
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "/dev/net/tun")
	ifr, err := unix.NewIfreq(name)
	if err == nil {
		ifr.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, ifr)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("tap %s: %w", name, err)
	}
	return f, nil
}

// attach makes an interface a port of the segment and brings it up.
func (n *Network) attach(name string) error {
	link, err := netlink.LinkByName(name)
	if err == nil {
		err = netlink.LinkSetMasterByIndex(link, n.bridge.Attrs().Index)
	}
	if err == nil {
		err = plug(link)
	}
	return err
}

// plug brings a bridge port up, silent on its own account.
func plug(link netlink.Link) error {
	if err := quiet(link.Attrs().Name); err != nil {
		return err
	}
	if err := netlink.LinkSetUp(link); err != nil {
		return fmt.Errorf("bringing %s up: %w", link.Attrs().Name, err)
	}
	return nil
}

// quiet keeps the kernel from speaking IPv6 on an interface that is only a
// port: its router solicitations and multicast reports would be in the capture
// as somebody's.
func quiet(iface string) error {
	return sysctl("ipv6/conf/"+iface+"/disable_ipv6", "1")
}

func sysctl(name, value string) error {
	err := os.WriteFile("/proc/sys/net/"+name, []byte(value), 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil // a kernel without IPv6 has nothing to silence
	}
	return err
}
