// Package tftp is a read-only TFTP server (RFC 1350) that answers as tftpd-hpa's
// in.tftpd does: the same names are found, the same are refused with the same
// code, and the same options are taken (RFC 2347, 2348, 2349). Besides, it knows
// windowsize (RFC 7440) and, if it is told to, multicast (RFC 2090) and PXE's own
// MTFTP.
//
// Start with [Config] and [New].
package tftp

import (
	"errors"
	"fmt"
	"net/netip"
)

// Port is where a TFTP server listens (RFC 1350 section 4).
const Port = 69

// MaxBlockSize is the largest blksize there is, in bytes (RFC 2348).
const MaxBlockSize = 65464

// MaxWindowSize is the largest windowsize there is, in blocks (RFC 7440).
const MaxWindowSize = 65535

// DefaultWindowSizeMax is the largest windowsize that a server grants unless it
// is told otherwise, in blocks.
const DefaultWindowSizeMax = 64

// An Engine is what moves the blocks.
type Engine string

const (
	// EngineOwn is this package's own.
	EngineOwn Engine = "own"
	// EnginePin is github.com/pin/tftp: lock-step, blksize and tsize only, and
	// neither Faults nor Rollover.
	EnginePin Engine = "pin"
)

// A Config says what a server gives out. The zero value of every field but
// Root is a healthy server, run as "in.tftpd -s Root".
type Config struct {
	// Root is the directory that no request leaves, whatever its dots,
	// slashes and symbolic links.
	Root string

	// Chroot, if not empty, is a directory beneath Root that takes its place,
	// looked up as the host whose "/" Root is would.
	Chroot string

	// Absolute makes the server behave as in.tftpd without -s: a name must be
	// absolute, must not hold "/../", and must begin with one of Dirs if there
	// are any. They count from Root.
	Absolute bool
	Dirs     []string

	// Permissive serves a file that is not world-readable, as in.tftpd -p.
	Permissive bool

	// BlockSizeMax clamps the blksize that a client asks for, as in.tftpd -B
	// does; in bytes, 512 to 65464. Default 65464: who asks for a block that
	// does not fit the link's MTU gets it in fragments, as from in.tftpd.
	BlockSizeMax int

	// WindowSizeMax clamps windowsize; in blocks, 1 to 65535. Default 64.
	WindowSizeMax int

	// Refuse names options that the server does not know, as in.tftpd -r. A
	// server that is to stand in for in.tftpd 5.2 refuses "windowsize".
	Refuse []string

	// TellEmpty answers tsize with 0 for an empty file, as in.tftpd does.
	// PXELINUX takes such a file for a missing one, and curl gives up. By
	// default the option is left unanswered then.
	TellEmpty bool

	// Rollover is the number of the block after 65535. Default 0, which nearly
	// all clients expect; a few want 1.
	Rollover uint16

	// Multicast, if valid, lets clients that ask for it share a transfer
	// (RFC 2090): the first address of the groups, and their port. Each file
	// under way has the next address, of 256. It must be IPv4; 239.255.0.0,
	// port 1758 is usual. EngineOwn alone. Default: the option is passed over.
	Multicast netip.AddrPort

	// MTFTP are files given out by PXE's own multicast, each at a port of its
	// own.
	MTFTP []MTFTP

	// Network is "udp4", "udp6" or "udp" for both. Default "udp".
	Network string
	// Address is where the server listens. The default is all of the host's
	// addresses, and port 69.
	Address netip.AddrPort

	// Allow, if not nil, says who is served. Others get no answer at all, as
	// from xinetd.
	Allow func(client netip.Addr) bool

	// Engine moves the blocks. Default EngineOwn.
	Engine Engine

	// Faults are what is wrong on purpose. The first that fits a file counts.
	Faults []Faults

	// Log, if not nil, is told of each request and how it ended, one line at a
	// time, and Done what became of each transfer (EngineOwn alone). They may
	// be called from several goroutines at once.
	Log  func(line string)
	Done func(Transfer)
}

func (c *Config) check() error {
	switch {
	case c.Root == "":
		return errors.New("it needs a root directory")
	case c.BlockSizeMax != 0 && (c.BlockSizeMax < defaultBlockSize || c.BlockSizeMax > MaxBlockSize):
		return fmt.Errorf("a maximum block size of %d is outside %d to %d", c.BlockSizeMax, defaultBlockSize, MaxBlockSize)
	case c.WindowSizeMax < 0 || c.WindowSizeMax > MaxWindowSize:
		return fmt.Errorf("a maximum window size of %d is outside 1 to %d", c.WindowSizeMax, MaxWindowSize)
	case c.Multicast.IsValid() && !IsGroup(c.Multicast):
		return fmt.Errorf("%v is no IPv4 multicast address with a port, such as 239.255.0.0:1758", c.Multicast)
	case c.Rollover == 65535:
		return errors.New("blocks cannot roll over to 65535")
	}
	for i := range c.MTFTP {
		if err := c.MTFTP[i].valid(); err != nil {
			return err
		}
	}
	switch c.Engine {
	case "", EngineOwn, EnginePin:
	default:
		return fmt.Errorf("there is no engine %q: use %q or %q", c.Engine, EngineOwn, EnginePin)
	}
	switch c.Network {
	case "", "udp", "udp4", "udp6":
		return nil
	}
	return fmt.Errorf("there is no network %q: use udp, udp4 or udp6", c.Network)
}

// listenAt is what to bind on each network.
func (c *Config) listenAt() (networks []string, address string) {
	port := c.Address.Port()
	if port == 0 {
		port = Port
	}
	switch a := c.Address.Addr(); {
	case a.Is4():
		return []string{"udp4"}, netip.AddrPortFrom(a, port).String()
	case a.Is6():
		return []string{"udp6"}, netip.AddrPortFrom(a, port).String()
	case c.Network == "" || c.Network == "udp":
		// Two sockets, so that what is asked over IPv4 is answered over an
		// IPv4 socket, whose addresses are not IPv6-mapped ones.
		networks = []string{"udp4", "udp6"}
	default:
		networks = []string{c.Network}
	}
	return networks, fmt.Sprintf(":%d", port)
}
