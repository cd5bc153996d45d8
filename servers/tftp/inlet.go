package tftp

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// maxRequest is the longest packet that is taken for a request. RFC 2347 allows
// 512 bytes.
const maxRequest = 2048

// requestBuffer is what the kernel may keep of requests, in bytes as it counts
// them: about 800 for one. A room full of machines switches on at once; the
// default of 208 KiB holds fewer than 300 of their requests, and each that is
// dropped costs its machine a time-out.
const requestBuffer = 4 << 20

// An inlet reads requests from the server's port, and tells which of the host's
// addresses each came to: answers have to come from there. Package net could
// tell too, but it keeps the names of interfaces from one namespace for all
// others, and a link-local client is nothing without its interface.
type inlet struct {
	raw    syscall.RawConn
	b, oob []byte
}

func newInlet(c net.PacketConn) (*inlet, error) {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return nil, fmt.Errorf("it needs a socket of the system's, not a %T", c)
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil, err
	}
	at, err := netip.ParseAddrPort(c.LocalAddr().String())
	if err != nil {
		return nil, err
	}
	ctlErr := raw.Control(func(fd uintptr) {
		if at.Addr().Is4() {
			err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
		} else {
			err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1)
		}
	})
	if ctlErr != nil {
		return nil, ctlErr
	}
	if err != nil {
		return nil, os.NewSyscallError("setsockopt", err)
	}
	if err := raw.Control(func(fd uintptr) {
		// The first is for root; an ordinary user gets what net.core.rmem_max
		// allows.
		if unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, requestBuffer) != nil {
			unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, requestBuffer)
		}
	}); err != nil {
		return nil, err
	}
	return &inlet{raw: raw, b: make([]byte, maxRequest), oob: make([]byte, 256)}, nil
}

// receive returns the next packet, which is good until the next call. Local is
// not valid if the routing table is to choose the address of the answer.
func (in *inlet) receive() (packet []byte, from netip.AddrPort, local netip.Addr, err error) {
	var n, oobn int
	var sa unix.Sockaddr
	rawErr := in.raw.Read(func(fd uintptr) bool {
		// The poller tells of a packet that comes, not of one that is there: it
		// is waited for only when nothing is left. A pending ICMP error is
		// nobody's here.
		for {
			n, oobn, _, sa, err = unix.Recvmsg(int(fd), in.b, in.oob, 0)
			if err != unix.EINTR && err != unix.ECONNREFUSED {
				return err != unix.EAGAIN
			}
		}
	})
	if rawErr != nil {
		err = rawErr
	}
	if err != nil {
		return nil, from, local, err
	}
	switch a := sa.(type) {
	case *unix.SockaddrInet4:
		from = netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port))
	case *unix.SockaddrInet6:
		addr := netip.AddrFrom16(a.Addr)
		if a.ZoneId != 0 {
			addr = addr.WithZone(strconv.FormatUint(uint64(a.ZoneId), 10))
		}
		from = netip.AddrPortFrom(addr, uint16(a.Port))
	}
	return in.b[:n], from, cameTo(in.oob[:oobn]), nil
}

// cameTo finds the address to answer from: for a broadcast it is the one of the
// interface that it came in by.
func cameTo(oob []byte) netip.Addr {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return netip.Addr{}
	}
	for _, m := range messages {
		switch {
		case m.Header.Level == unix.IPPROTO_IP && m.Header.Type == unix.IP_PKTINFO && len(m.Data) >= unix.SizeofInet4Pktinfo:
			// struct in_pktinfo: ipi_ifindex, ipi_spec_dst, ipi_addr
			return netip.AddrFrom4([4]byte(m.Data[4:8]))
		case m.Header.Level == unix.IPPROTO_IPV6 && m.Header.Type == unix.IPV6_PKTINFO && len(m.Data) >= unix.SizeofInet6Pktinfo:
			// struct in6_pktinfo: ipi6_addr, ipi6_ifindex
			a := netip.AddrFrom16([16]byte(m.Data[:16]))
			if a.IsMulticast() || a.IsLinkLocalUnicast() {
				return netip.Addr{} // ambiguous without its link
			}
			return a
		}
	}
	return netip.Addr{}
}
