package network

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"

	"github.com/safchain/ethtool"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/pxeproof/pxeproof/harness/sandbox"
	"github.com/pxeproof/pxeproof/servers"
)

// hostInterface is what every host calls its one interface.
const hostInterface = "eth0"

// A Host is a namespace with an interface on a Network. It implements
// [servers.Host].
type Host struct {
	config HostConfig
	ns     *os.File
}

var _ servers.Host = (*Host)(nil)

// Name is the host's name and that of its port on the bridge.
func (h *Host) Name() string { return h.config.Name }

// Interface is "eth0".
func (h *Host) Interface() string { return hostInterface }

// MAC is the interface's hardware address.
func (h *Host) MAC() net.HardwareAddr { return h.config.MAC }

// Addr is the host's IPv4 address and prefix length.
func (h *Host) Addr() netip.Prefix { return h.config.Addr }

// ListenPacket binds inside the host, as [net.ListenConfig.ListenPacket].
func (h *Host) ListenPacket(ctx context.Context, network, address string) (c net.PacketConn, err error) {
	err = h.Do(func() error {
		c, err = new(net.ListenConfig).ListenPacket(ctx, network, address)
		return err
	})
	return c, err
}

// Listen binds inside the host, as [net.ListenConfig.Listen].
func (h *Host) Listen(ctx context.Context, network, address string) (l net.Listener, err error) {
	err = h.Do(func() error {
		l, err = new(net.ListenConfig).Listen(ctx, network, address)
		return err
	})
	return l, err
}

// Command prepares a program to be run inside the host. It ends with ctx.
func (h *Host) Command(ctx context.Context, name string, arg ...string) *exec.Cmd {
	return sandbox.CommandIn(ctx, h.ns, name, arg...)
}

// Start runs a part of this program, a [sandbox.Entry], in a process of its own
// inside the host. What it writes goes to stderr.
func (h *Host) Start(ctx context.Context, entry string, stderr *os.File) (*sandbox.Process, error) {
	return sandbox.StartIn(ctx, h.ns, entry, stderr)
}

// Do calls f on a thread that is inside the host.
func (h *Host) Do(f func() error) error {
	done := make(chan error, 1)
	go func() {
		// The thread is not unlocked unless it is back where it was: the
		// runtime then ends it with the goroutine.
		runtime.LockOSThread()
		home, err := os.Open("/proc/thread-self/ns/net")
		if err != nil {
			done <- err
			return
		}
		defer home.Close()
		if err := unix.Setns(int(h.ns.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- fmt.Errorf("entering the namespace of host %s: %w", h.config.Name, err)
			return
		}
		err = f()
		if unix.Setns(int(home.Fd()), unix.CLONE_NEWNET) == nil {
			runtime.UnlockOSThread()
		}
		done <- err
	}()
	return <-done
}

// configure sets the host's side up. It runs inside the namespace.
func (h *Host) configure() error {
	// Duplicate address detection would keep the link-local address unusable
	// for a second, and nobody else is here.
	if err := sysctl("ipv6/conf/"+hostInterface+"/accept_dad", "0"); err != nil {
		return err
	}
	// A server host is told what to be; it does not listen to advertisements.
	if err := sysctl("ipv6/conf/"+hostInterface+"/accept_ra", "0"); err != nil {
		return err
	}
	eth, err := netlink.LinkByName(hostInterface)
	if err != nil {
		return err
	}
	// Left to the "card", UDP checksums would be wrong in the capture and for
	// clients that read raw frames.
	if err := offloadOff(hostInterface); err != nil {
		return err
	}
	if n := h.config.MTU; n != 0 {
		if err := netlink.LinkSetMTU(eth, n); err != nil {
			return fmt.Errorf("mtu %d: %w", n, err)
		}
	}
	a := h.config.Addr
	addr := &netlink.Addr{IPNet: &net.IPNet{IP: a.Addr().AsSlice(), Mask: net.CIDRMask(a.Bits(), 32)}}
	if err := netlink.AddrAdd(eth, addr); err != nil {
		return fmt.Errorf("address %s: %w", a, err)
	}
	for _, name := range []string{"lo", hostInterface} {
		link, err := netlink.LinkByName(name)
		if err == nil {
			err = netlink.LinkSetUp(link)
		}
		if err != nil {
			return fmt.Errorf("bringing %s up: %w", name, err)
		}
	}
	if gw := h.config.Gateway; gw.IsValid() && gw != a.Addr() {
		route := &netlink.Route{LinkIndex: eth.Attrs().Index, Gw: gw.AsSlice()}
		if err := netlink.RouteAdd(route); err != nil {
			return fmt.Errorf("default route to %s: %w", gw, err)
		}
	}
	return nil
}

func offloadOff(iface string) error {
	e, err := ethtool.NewEthtool()
	if err != nil {
		return err
	}
	defer e.Close()
	if err := e.Change(iface, map[string]bool{"tx-checksum-ip-generic": false}); err != nil {
		return fmt.Errorf("checksum offload of %s: %w", iface, err)
	}
	return nil
}

// newNamespace makes a network namespace and returns a descriptor that keeps it.
func newNamespace() (*os.File, error) {
	type result struct {
		f   *os.File
		err error
	}
	done := make(chan result, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends in the new namespace
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			done <- result{err: fmt.Errorf("new network namespace: %w", err)}
			return
		}
		f, err := os.Open("/proc/thread-self/ns/net")
		if err == nil {
			// A second descriptor that nobody closes: the namespace is to last
			// as long as the sandbox, whether or not somebody still holds the
			// Host.
			_, err = unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
		}
		done <- result{f, err}
	}()
	r := <-done
	return r.f, r.err
}
