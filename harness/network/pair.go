package network

import (
	"errors"
	"fmt"
	"os"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/pxeproof/pxeproof/harness/link"
)

// NewPair makes two hosts and a cable between them, with no bridge. Their Names
// are for messages alone. On a healthy link the cable is a veth pair and the
// relay nil; on any other frames flow while the relay runs, whose A is the first
// host.
func NewPair(a, b HostConfig, i link.Impairment) (ha, hb *Host, r *link.Relay, err error) {
	if ha, err = newHost(a); err != nil {
		return nil, nil, nil, fmt.Errorf("host %s: %w", a.Name, err)
	}
	if hb, err = newHost(b); err != nil {
		ha.ns.Close()
		return nil, nil, nil, fmt.Errorf("host %s: %w", b.Name, err)
	}
	if i.Healthy() {
		err = connect(ha, hostInterface, hb.config, hb.ns)
	} else {
		r, err = connectBy(ha, hb, i)
	}
	for _, h := range []*Host{ha, hb} {
		if err == nil {
			err = h.Do(h.configure)
		}
	}
	for _, h := range []*Host{ha, hb} {
		if err == nil {
			err = h.Do(func() error { return waitUp(hostInterface) })
		}
		if err == nil {
			err = h.Do(func() error { return waitLinkLocal(hostInterface) })
		}
	}
	if err != nil {
		ha.ns.Close()
		hb.ns.Close()
		if r != nil {
			err = errors.Join(err, r.Close())
		}
		return nil, nil, nil, fmt.Errorf("a link from %s to %s: %w", a.Name, b.Name, err)
	}
	return ha, hb, r, nil
}

// connect lays a cable from eth0 of a host to what is to be peerName in the
// namespace ns.
func connect(h *Host, peerName string, peer HostConfig, ns *os.File) error {
	return netlink.LinkAdd(&netlink.Veth{
		LinkAttrs:        netlink.LinkAttrs{Name: hostInterface, HardwareAddr: h.config.MAC, Namespace: netlink.NsFd(h.ns.Fd())},
		PeerName:         peerName,
		PeerHardwareAddr: peer.MAC,
		PeerNamespace:    netlink.NsFd(ns.Fd()),
	})
}

// connectBy lays a cable from each of two hosts to a relay in a third namespace.
func connectBy(a, b *Host, i link.Impairment) (*link.Relay, error) {
	ns, err := newNamespace()
	if err != nil {
		return nil, err
	}
	defer ns.Close() // the sockets keep it
	middle := &Host{config: HostConfig{Name: "relay"}, ns: ns}
	ends := map[*Host]int{}
	for name, h := range map[string]*Host{"a": a, "b": b} {
		err := connect(h, name, HostConfig{}, ns)
		if err == nil {
			err = middle.Do(func() (err error) { ends[h], err = openPort(name); return err })
		}
		if err != nil {
			for _, fd := range ends {
				unix.Close(fd)
			}
			return nil, err
		}
	}
	return link.NewRelay(link.Packet(ends[a]), link.Packet(ends[b]), i), nil
}
