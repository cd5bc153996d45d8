package dhcp_test

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/pxeproof/pxeproof/harness/network"
)

// A wire is a machine's network card: frames in and out, whatever their
// addresses. It answers ARP for the addresses that its clients were given.
type wire struct {
	t     *testing.T
	fd    int
	index int
	owned map[netip.Addr]net.HardwareAddr
}

func plug(t *testing.T, h *network.Host) *wire {
	t.Helper()
	w := &wire{t: t, owned: make(map[netip.Addr]net.HardwareAddr)}
	err := h.Do(func() error {
		iface, err := net.InterfaceByName(h.Interface())
		if err != nil {
			return err
		}
		w.index = iface.Index
		w.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, int(htons(unix.ETH_P_ALL)))
		if err != nil {
			return err
		}
		return unix.Bind(w.fd, &unix.SockaddrLinklayer{Protocol: htons(unix.ETH_P_ALL), Ifindex: w.index})
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(w.fd) })
	return w
}

func htons(v uint16) uint16 { return v<<8 | v>>8 }

func (w *wire) send(frame []byte) {
	w.t.Helper()
	if err := unix.Sendto(w.fd, frame, 0, &unix.SockaddrLinklayer{Ifindex: w.index}); err != nil {
		w.t.Fatal(err)
	}
}

// A reply is a DHCP message on its way to a client, with the addresses that it
// travels by.
type reply struct {
	to       string // hardware address
	src, dst netip.AddrPort
	tos, ttl byte
	message  []byte
}

func (r *reply) xid() uint32 { return binary.BigEndian.Uint32(r.message[4:]) }

// next waits for the next message of a DHCP server.
func (w *wire) next() *reply {
	w.t.Helper()
	b := make([]byte, 4096)
	for {
		n, from, err := unix.Recvfrom(w.fd, b, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			w.t.Fatal(err)
		}
		if ll, ok := from.(*unix.SockaddrLinklayer); ok && ll.Pkttype == unix.PACKET_OUTGOING {
			continue
		}
		f := b[:n]
		switch {
		case n >= 42 && binary.BigEndian.Uint16(f[12:]) == unix.ETH_P_ARP:
			w.arp(f)
		case n >= 42+240 && binary.BigEndian.Uint16(f[12:]) == unix.ETH_P_IP && f[23] == unix.IPPROTO_UDP &&
			(binary.BigEndian.Uint16(f[34:]) == 67 || binary.BigEndian.Uint16(f[34:]) == 4011):
			return &reply{
				to:      net.HardwareAddr(f[:6]).String(),
				src:     netip.AddrPortFrom(netip.AddrFrom4([4]byte(f[26:30])), binary.BigEndian.Uint16(f[34:])),
				dst:     netip.AddrPortFrom(netip.AddrFrom4([4]byte(f[30:34])), binary.BigEndian.Uint16(f[36:])),
				tos:     f[15],
				ttl:     f[22],
				message: bytes.Clone(f[42 : 34+int(binary.BigEndian.Uint16(f[38:]))]),
			}
		}
	}
}

// announce makes a client's address known to the server's kernel, which then
// sends to it at once and in turn with all other replies: the client asks for
// the server's hardware address, and waits for the answer.
func (w *wire) announce(a netip.Addr, mac net.HardwareAddr, server netip.Addr) {
	w.t.Helper()
	w.owned[a] = mac
	f := make([]byte, 42)
	copy(f, bytes.Repeat([]byte{255}, 6))
	copy(f[6:], mac)
	copy(f[12:], []byte{8, 6, 0, 1, 8, 0, 6, 4, 0, 1})
	copy(f[22:], mac)
	copy(f[28:], a.AsSlice())
	copy(f[38:], server.AsSlice())
	w.send(f)
	b := make([]byte, 4096)
	for {
		n, _, err := unix.Recvfrom(w.fd, b, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			w.t.Fatal(err)
		}
		if n >= 42 && binary.BigEndian.Uint16(b[12:]) == unix.ETH_P_ARP && b[21] == 2 && bytes.Equal(b[38:42], a.AsSlice()) {
			return
		}
	}
}

func (w *wire) arp(f []byte) {
	asked := netip.AddrFrom4([4]byte(f[38:42]))
	mac, ok := w.owned[asked]
	if !ok || f[21] != 1 {
		return
	}
	r := bytes.Clone(f[:42])
	copy(r, f[6:12])
	copy(r[6:], mac)
	r[21] = 2
	copy(r[22:], mac)
	copy(r[28:], asked.AsSlice())
	copy(r[32:], f[22:32])
	w.send(r)
}

// A client's message, in the parts that the tests vary.
type message struct {
	mac    net.HardwareAddr
	kind   byte // option 53; 0 for BOOTP
	xid    uint32
	secs   uint16
	flags  uint16
	ciaddr netip.Addr
	giaddr netip.Addr
	file   string
	opts   []option
	to     netip.Addr // destination; broadcast if not valid
	port   uint16     // of destination; 0 is 67
}

// options are the message's, by their codes.
func (m message) options() map[uint8][]byte {
	all := map[uint8][]byte{53: {m.kind}}
	for _, o := range m.opts {
		all[o.code] = append(all[o.code], o.value...)
	}
	return all
}

type option struct {
	code  byte
	value []byte
}

func (m message) with(opts ...option) message {
	m.opts = slices.Concat(m.opts, opts)
	return m
}

// payload is the BOOTP message.
func (m message) payload() []byte {
	b := make([]byte, 236, 600)
	b[0], b[1], b[2] = 1, 1, 6
	binary.BigEndian.PutUint32(b[4:], m.xid)
	binary.BigEndian.PutUint16(b[8:], m.secs)
	binary.BigEndian.PutUint16(b[10:], m.flags)
	if m.ciaddr.IsValid() {
		copy(b[12:], m.ciaddr.AsSlice())
	}
	if m.giaddr.IsValid() {
		copy(b[24:], m.giaddr.AsSlice())
	}
	copy(b[28:], m.mac)
	copy(b[108:], m.file)
	b = append(b, 99, 130, 83, 99)
	if m.kind != 0 {
		b = append(b, 53, 1, m.kind)
	}
	for _, o := range m.opts {
		b = append(append(b, o.code, byte(len(o.value))), o.value...)
	}
	b = append(b, 255)
	for len(b) < 300 {
		b = append(b, 0)
	}
	return b
}

// frame is the message in an Ethernet frame, as a client without an address
// sends it.
func (m message) frame(server net.HardwareAddr) []byte {
	p := m.payload()
	b := make([]byte, 42, 42+len(p))
	to, src, dst := bytes.Repeat([]byte{255}, 6), netip.IPv4Unspecified(), netip.AddrFrom4([4]byte{255, 255, 255, 255})
	if m.to.IsValid() {
		to, dst = server, m.to
	}
	if m.ciaddr.IsValid() {
		src = m.ciaddr
	}
	copy(b, to)
	copy(b[6:], m.mac)
	binary.BigEndian.PutUint16(b[12:], unix.ETH_P_IP)
	ip := b[14:34]
	ip[0], ip[8], ip[9] = 0x45, 64, unix.IPPROTO_UDP
	binary.BigEndian.PutUint16(ip[2:], uint16(28+len(p)))
	copy(ip[12:], src.AsSlice())
	copy(ip[16:], dst.AsSlice())
	sum := uint32(0)
	for i := 0; i < 20; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(ip[i:]))
	}
	binary.BigEndian.PutUint16(ip[10:], ^uint16(sum+sum>>16))
	binary.BigEndian.PutUint16(b[34:], 68)
	binary.BigEndian.PutUint16(b[36:], cmp.Or(m.port, 67))
	binary.BigEndian.PutUint16(b[38:], uint16(8+len(p)))
	return append(b, p...)
}

// describe writes a reply so that two can be compared line by line.
func (r *reply) describe() string {
	if r == nil {
		return "no reply\n"
	}
	var b bytes.Buffer
	m := r.message
	fmt.Fprintf(&b, "to %s, from %s to %s, tos %#x ttl %d, %d bytes\n", r.to, r.src, r.dst, r.tos, r.ttl, len(m))
	fmt.Fprintf(&b, "op %d htype %d hlen %d hops %d xid %x secs %d flags %#x\n", m[0], m[1], m[2], m[3], m[4:8],
		binary.BigEndian.Uint16(m[8:]), binary.BigEndian.Uint16(m[10:]))
	for i, f := range []string{"ciaddr", "yiaddr", "siaddr", "giaddr"} {
		fmt.Fprintf(&b, "%s %s\n", f, netip.AddrFrom4([4]byte(m[12+4*i:])))
	}
	fmt.Fprintf(&b, "chaddr % x\nsname %q\nfile %q\n", m[28:44], m[44:108], m[108:236])
	o := m[236:]
	if bytes.HasPrefix(o, []byte{99, 130, 83, 99}) {
		o = o[4:]
		for len(o) >= 2 && o[0] != 255 && o[0] != 0 && len(o) >= 2+int(o[1]) {
			fmt.Fprintf(&b, "option %d: % x %q\n", o[0], o[2:2+int(o[1])], o[2:2+int(o[1])])
			o = o[2+int(o[1]):]
		}
	}
	fmt.Fprintf(&b, "rest % x\n", o)
	return b.String()
}

// field reads an option of a reply; nil if it has none.
func (r *reply) option(code byte) []byte {
	o := r.message[240:]
	for len(o) >= 2 && o[0] != 255 {
		if o[0] == 0 {
			o = o[1:]
			continue
		}
		if len(o) < 2+int(o[1]) {
			return nil
		}
		if o[0] == code {
			return o[2 : 2+int(o[1])]
		}
		o = o[2+int(o[1]):]
	}
	return nil
}

func (r *reply) yiaddr() netip.Addr { return netip.AddrFrom4([4]byte(r.message[16:20])) }
