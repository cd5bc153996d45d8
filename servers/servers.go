// Package servers says what a network server is to a lab, and nothing of how a
// lab is made: a [Host] is a place to listen, a [Server] is something that
// answers there. One folder a protocol lives beneath it (dhcp, tftp, http, nfs,
// portmap, ra, and acd for a neighbour); external runs somebody else's daemon as a Server; conf reads
// the configuration files that daemons are given.
//
// Nothing here may import captures: the witness must not share a parser with
// the accused.
package servers

import (
	"context"
	"net"
	"net/netip"
	"os/exec"
)

// A Host is where a Server lives: a network namespace of its own with one
// interface, an address and a MAC. Package harness/network implements it.
type Host interface {
	// Name is the host's name in the lab, as scenario.yaml gives it.
	Name() string
	// Interface is the name of the host's network interface inside its
	// namespace, and MAC its hardware address.
	Interface() string
	MAC() net.HardwareAddr
	// Addr is the host's IPv4 address and the prefix length of its subnet.
	Addr() netip.Prefix
	// ListenPacket and Listen bind inside the host's namespace. The network
	// and address are those of [net.ListenConfig]; names are not resolved.
	ListenPacket(ctx context.Context, network, address string) (net.PacketConn, error)
	Listen(ctx context.Context, network, address string) (net.Listener, error)
	// Do calls f on an OS thread that is inside the host's namespace, for
	// sockets that net cannot make (raw, packet) and for dialling out. What f
	// opens stays in the namespace; goroutines that f starts do not.
	Do(f func() error) error
	// Command prepares a program to be run inside the namespace.
	Command(ctx context.Context, name string, arg ...string) *exec.Cmd
}

// A Server answers on a Host.
type Server interface {
	// Name is the protocol or the daemon, for messages: "dhcp", "in.tftpd".
	Name() string
	// Listen returns once the server's sockets are bound: bound is ready. A
	// client that sends after Listen has returned will be heard.
	Listen(ctx context.Context, on Host) error
	// Serve answers until ctx ends, which is not an error: it returns nil then,
	// having closed what Listen opened. An error means that the server broke.
	Serve(ctx context.Context) error
}
