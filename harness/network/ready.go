package network

import (
	"fmt"
	"net"
	"os"
	"slices"
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
	is := func(l netlink.Link) bool {
		return l.Attrs().Name == name && l.Attrs().OperState == netlink.OperUp
	}
	return await(name+" has no carrier", netlink.LinkSubscribe,
		func() (bool, error) {
			link, err := netlink.LinkByName(name)
			return err == nil && is(link), err
		},
		func(u netlink.LinkUpdate) bool { return is(u.Link) })
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
	link, err := netlink.LinkByName(name)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return await(name+" has no IPv6 link-local address", netlink.AddrSubscribe,
		func() (bool, error) {
			addrs, err := netlink.AddrList(link, netlink.FAMILY_V6)
			return slices.ContainsFunc(addrs, func(a netlink.Addr) bool { return usable(a.IP, a.Flags) }), err
		},
		func(u netlink.AddrUpdate) bool {
			return u.NewAddr && u.LinkIndex == link.Attrs().Index && usable(u.LinkAddress.IP, u.Flags)
		})
}

func usable(ip net.IP, flags int) bool {
	return ip.IsLinkLocalUnicast() && ip.To4() == nil && flags&unix.IFA_F_TENTATIVE == 0
}

// await returns once already says so, or the kernel's news do. lack is what is
// wrong until then.
func await[T any](lack string, subscribe func(chan<- T, <-chan struct{}) error, already func() (bool, error), news func(T) bool) error {
	updates := make(chan T)
	done := make(chan struct{})
	if err := subscribe(updates, done); err != nil {
		return fmt.Errorf("%s, and the kernel's news cannot be had: %w", lack, err)
	}
	defer func() {
		close(done)
		// The subscription closes its channel when it ends, which it cannot
		// while it has something to deliver.
		go func() {
			for range updates {
			}
		}()
	}()
	// Asked after the subscription, so that no change falls between.
	if ok, err := already(); ok || err != nil {
		return err
	}
	deadline := time.NewTimer(readyTime)
	defer deadline.Stop()
	for {
		select {
		case u, ok := <-updates:
			if !ok {
				return fmt.Errorf("%s, and the kernel tells no more", lack)
			}
			if news(u) {
				return nil
			}
		case <-deadline.C:
			return fmt.Errorf("%s after %v", lack, readyTime)
		}
	}
}
