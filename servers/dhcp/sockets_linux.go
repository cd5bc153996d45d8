package dhcp

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pxeproof/pxeproof/servers"
)

// sockets are a server's two: a UDP socket that hears everything and sends what
// the kernel can route, and a packet socket for clients that have no address
// yet. Package server4's are not used: it shares its port with others, who would
// steal messages, and cannot send to such clients.
type sockets struct {
	udp   *net.UDPConn
	frame int // a packet socket
	index int // of the interface
	mac   net.HardwareAddr

	badChecksum bool // of Faults
}

// open makes the sockets inside the host.
func open(ctx context.Context, on servers.Host) (*sockets, error) {
	s := &sockets{frame: -1, mac: on.MAC()}
	err := on.Do(func() error {
		iface, err := net.InterfaceByName(on.Interface())
		if err != nil {
			return err
		}
		s.index = iface.Index
		lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
			return control(c, on.Interface())
		}}
		pc, err := lc.ListenPacket(ctx, "udp4", fmt.Sprintf(":%d", serverPort))
		if err != nil {
			if errors.Is(err, unix.EADDRINUSE) {
				err = fmt.Errorf("UDP port %d is taken; is another DHCP server on this host? (%w)", serverPort, err)
			}
			return err
		}
		s.udp = pc.(*net.UDPConn)
		// Protocol 0: it sends alone, and queues nothing that nobody reads.
		s.frame, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			s.udp.Close()
			return fmt.Errorf("a packet socket: %w; it needs CAP_NET_RAW in the network namespace", err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

func control(c syscall.RawConn, iface string) error {
	var err error
	if cerr := c.Control(func(fd uintptr) {
		if err = unix.BindToDevice(int(fd), iface); err == nil {
			err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_BROADCAST, 1)
		}
	}); cerr != nil {
		return cerr
	}
	return err
}

func (s *sockets) read(buf []byte) (int, netip.AddrPort, error) {
	n, from, err := s.udp.ReadFromUDPAddrPort(buf)
	return n, netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), err
}

// interrupt makes a read that waits return.
func (s *sockets) interrupt() { _ = s.udp.SetReadDeadline(time.Unix(1, 0)) }

func (s *sockets) close() {
	s.udp.Close()
	unix.Close(s.frame)
}

var allMACs = net.HardwareAddr{255, 255, 255, 255, 255, 255}

func (s *sockets) send(out outgoing) error {
	if out.route == byKernel {
		_, err := s.udp.WriteToUDPAddrPort(out.message, out.to)
		return err
	}
	to := allMACs
	if out.route == byFrame {
		to = net.HardwareAddr(out.mac)
	}
	sa := &unix.SockaddrLinklayer{Ifindex: s.index, Halen: 6}
	copy(sa.Addr[:], to)
	return unix.Sendto(s.frame, s.wrap(out, to), 0, sa)
}

// Of the headers that dhcpd writes: the lengths, the type of service "low
// delay", and the time to live.
const (
	ethernetLen = 14
	ipLen       = 20
	udpLen      = 8
	lowDelay    = 0x10
	timeToLive  = 128
)

// wrap puts a message into an Ethernet frame.
func (s *sockets) wrap(out outgoing, to net.HardwareAddr) []byte {
	be := binary.BigEndian
	n := len(out.message)
	b := make([]byte, ethernetLen+ipLen+udpLen, ethernetLen+ipLen+udpLen+n)
	copy(b, to)
	copy(b[6:], s.mac)
	be.PutUint16(b[12:], unix.ETH_P_IP)
	ip, udp := b[ethernetLen:ethernetLen+ipLen], b[ethernetLen+ipLen:]
	ip[0], ip[1], ip[8], ip[9] = 0x45, lowDelay, timeToLive, unix.IPPROTO_UDP
	be.PutUint16(ip[2:], uint16(ipLen+udpLen+n))
	copy(ip[12:], out.from.AsSlice())
	copy(ip[16:], out.to.Addr().AsSlice())
	be.PutUint16(ip[10:], ^sum(0, ip))
	be.PutUint16(udp, serverPort)
	be.PutUint16(udp[2:], out.to.Port())
	be.PutUint16(udp[4:], uint16(udpLen+n))
	pseudo := sum(uint32(unix.IPPROTO_UDP)+uint32(udpLen+n), ip[12:20])
	check := ^sum(uint32(sum(uint32(pseudo), udp)), out.message)
	if check == 0 {
		check = 0xffff // zero would say that there is none (RFC 768)
	}
	if s.badChecksum {
		check ^= 0x0101 // zero would be no checksum, which is right
	}
	be.PutUint16(udp[6:], check)
	return append(b, out.message...)
}

// sum is the Internet checksum before its complement (RFC 1071).
func sum(start uint32, b []byte) uint16 {
	for ; len(b) > 1; b = b[2:] {
		start += uint32(b[0])<<8 | uint32(b[1])
	}
	if len(b) == 1 {
		start += uint32(b[0]) << 8
	}
	for start > 0xffff {
		start = start>>16 + start&0xffff
	}
	return uint16(start)
}
