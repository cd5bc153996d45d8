// Package acd is a host that defends its address (Address Conflict Detection,
// RFC 5227, section 2.4): whenever somebody else uses it in an ARP request, it
// announces that the address is its own. It is a neighbour rather than a server:
// one that has by hand an address of a DHCP server's pool.
//
// It defends as section 2.4 (c) allows a host whose address must not change:
// always, and not once in ten seconds alone. It does so against requests and not,
// as the RFC has it, against replies too: iPXE replies to every announcement of an
// address that it takes for its own, and the two would go on for ever.
package acd

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pxeproof/pxeproof/servers"
)

// Options change how a Server works. The zero value is sensible.
type Options struct {
	// Log is told of every conflict, by the goroutine that runs Serve. Nil is
	// quiet.
	Log func(line string)
}

// A Server defends its host's address. It implements [servers.Server].
type Server struct {
	options Options
	name    string // of the host
	frames  *os.File
	mac     net.HardwareAddr
	addr    []byte
}

var _ servers.Server = (*Server)(nil)

// New makes a server.
func New(o Options) *Server { return &Server{options: o} }

// Name is "acd".
func (s *Server) Name() string { return "acd" }

// Listen opens a packet socket for the host's ARP.
func (s *Server) Listen(_ context.Context, on servers.Host) error {
	s.name, s.mac, s.addr = on.Name(), on.MAC(), on.Addr().Addr().AsSlice()
	err := on.Do(func() error {
		iface, err := net.InterfaceByName(on.Interface())
		if err != nil {
			return err
		}
		// The protocol comes with bind, so that no other interface's is queued.
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			return err
		}
		arp := binary.NativeEndian.Uint16([]byte{unix.ETH_P_ARP >> 8, unix.ETH_P_ARP & 0xff})
		if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: arp, Ifindex: iface.Index}); err != nil {
			unix.Close(fd)
			return err
		}
		s.frames = os.NewFile(uintptr(fd), "arp")
		return nil
	})
	if err != nil {
		return fmt.Errorf("acd on host %s: a packet socket: %w; it needs CAP_NET_RAW in the network namespace", s.name, err)
	}
	return nil
}

// Serve defends the address until ctx ends.
func (s *Server) Serve(ctx context.Context) error {
	if s.frames == nil {
		return errors.New("acd: Serve before Listen")
	}
	defer s.frames.Close()
	defer context.AfterFunc(ctx, func() { _ = s.frames.SetReadDeadline(time.Unix(1, 0)) })()
	b := make([]byte, 2048)
	for {
		n, err := s.frames.Read(b)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("acd on host %s: %w", s.name, err)
		}
		who, ok := s.conflict(b[:n])
		if !ok {
			continue
		}
		if s.options.Log != nil {
			s.options.Log(fmt.Sprintf("%s uses this host's address, %s", who, net.IP(s.addr)))
		}
		if _, err := s.frames.Write(s.announcement()); err != nil && ctx.Err() == nil {
			return fmt.Errorf("acd on host %s: %w", s.name, err)
		}
	}
}

// An ARP packet for IPv4 over Ethernet (RFC 826), behind the Ethernet header.
const (
	ethernetLen = 14
	arpLen      = 28
	operation   = ethernetLen + 6
	senderMAC   = ethernetLen + 8
	senderIP    = ethernetLen + 14
)

// arpHead is hardware Ethernet, protocol IPv4, and the lengths of their
// addresses.
var arpHead = []byte{0, 1, 8, 0, 6, 4}

// conflict says who uses the host's address in an ARP request, if it is not the
// host.
func (s *Server) conflict(f []byte) (who net.HardwareAddr, ok bool) {
	if len(f) < ethernetLen+arpLen || !bytes.HasPrefix(f[ethernetLen:], arpHead) {
		return nil, false
	}
	who = net.HardwareAddr(f[senderMAC:senderIP])
	request := f[operation] == 0 && f[operation+1] == 1
	return who, request && bytes.Equal(f[senderIP:senderIP+4], s.addr) && !bytes.Equal(who, s.mac)
}

// announcement is an ARP request for the host's own address (RFC 5227, 2.3).
func (s *Server) announcement() []byte {
	f := bytes.Repeat([]byte{0xff}, 6)
	f = append(f, s.mac...)
	f = binary.BigEndian.AppendUint16(f, unix.ETH_P_ARP)
	f = append(f, arpHead...)
	f = append(f, 0, 1)
	f = append(append(f, s.mac...), s.addr...)
	return append(append(f, make([]byte, 6)...), s.addr...)
}
