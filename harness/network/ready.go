package network

import (
	"fmt"
	"time"

	"github.com/vishvananda/netlink"
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
