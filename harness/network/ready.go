package network

import (
	"fmt"
	"net"
	"os"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// readyTime bounds the wait for a cable that has just been plugged in. The
// kernel needs milliseconds.
const readyTime = 10 * time.Second

// waitUp returns when the interface called name, in the caller's namespace,
// carries frames. Of the two ends of a cable the one brought up first has no
// carrier yet, and drops what it is given until the kernel has noticed, in its
// own time, that it has one now.
func waitUp(name string) error {
	news := make(chan netlink.LinkUpdate)
	done := make(chan struct{})
	defer close(done)
	if err := netlink.LinkSubscribe(news, done); err != nil {
		return fmt.Errorf("watching %s: %w", name, err)
	}
	// Asked after the subscription, so that no change falls between.
	link, err := netlink.LinkByName(name)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if link.Attrs().OperState == netlink.OperUp {
		return nil
	}
	deadline := time.NewTimer(readyTime)
	defer deadline.Stop()
	for {
		select {
		case n, ok := <-news:
			if !ok {
				return fmt.Errorf("%s: the kernel tells no more of it", name)
			}
			if n.Link.Attrs().Name == name && n.Link.Attrs().OperState == netlink.OperUp {
				return nil
			}
		case <-deadline.C:
			return fmt.Errorf("%s has no carrier after %v", name, readyTime)
		}
	}
}

// waitLinkLocal returns when the interface called name, in the caller's
// namespace, has an IPv6 link-local address that it may send from. The kernel
// makes it after the carrier, and takes it from "tentative" to usable later
// still, even if it is told not to look for duplicates.
func waitLinkLocal(name string) error {
	off, err := os.ReadFile("/proc/sys/net/ipv6/conf/" + name + "/disable_ipv6")
	if err != nil || len(off) > 0 && off[0] == '1' {
		return nil // where there is no IPv6 there is no such address
	}
	news := make(chan netlink.AddrUpdate)
	done := make(chan struct{})
	defer close(done)
	if err := netlink.AddrSubscribe(news, done); err != nil {
		return fmt.Errorf("watching the addresses of %s: %w", name, err)
	}
	link, err := netlink.LinkByName(name)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	addrs, err := netlink.AddrList(link, netlink.FAMILY_V6)
	if err != nil {
		return fmt.Errorf("the addresses of %s: %w", name, err)
	}
	for _, a := range addrs {
		if usable(a.IP, a.Flags) {
			return nil
		}
	}
	deadline := time.NewTimer(readyTime)
	defer deadline.Stop()
	for {
		select {
		case n, ok := <-news:
			if !ok {
				return fmt.Errorf("%s: the kernel tells no more of its addresses", name)
			}
			if n.NewAddr && n.LinkIndex == link.Attrs().Index && usable(n.LinkAddress.IP, n.Flags) {
				return nil
			}
		case <-deadline.C:
			return fmt.Errorf("%s has no IPv6 link-local address after %v", name, readyTime)
		}
	}
}

func usable(ip net.IP, flags int) bool {
	return ip.IsLinkLocalUnicast() && ip.To4() == nil && flags&unix.IFA_F_TENTATIVE == 0
}
