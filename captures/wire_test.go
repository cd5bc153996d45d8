package captures_test

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"github.com/pxeproof/pxeproof/captures"
)

// A station is one end of a conversation made up for a test.
type station struct {
	mac  []byte
	addr netip.Addr
}

func newStation(last byte) station {
	return station{[]byte{0x52, 0x54, 0, 0, 0, last}, netip.AddrFrom4([4]byte{192, 168, 1, last})}
}

var (
	pc     = newStation(10) // the machine
	server = newStation(3)
	other  = newStation(4)
)

const pcMAC = "52:54:00:00:00:0a"

// serialize puts layers together, with lengths and checksums.
func serialize(t testing.TB, ls ...gopacket.SerializableLayer) []byte {
	t.Helper()
	b := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, ls...); err != nil {
		t.Fatal(err)
	}
	return append([]byte(nil), b.Bytes()...)
}

func ethernet(from, to station) *layers.Ethernet {
	e := &layers.Ethernet{SrcMAC: from.mac, DstMAC: to.mac, EthernetType: layers.EthernetTypeIPv4}
	if !from.addr.Is4() {
		e.EthernetType = layers.EthernetTypeIPv6
	}
	return e
}

func ip(from, to station, proto layers.IPProtocol) gopacket.NetworkLayer {
	if !from.addr.Is4() {
		return &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: proto, SrcIP: from.addr.AsSlice(), DstIP: to.addr.AsSlice()}
	}
	return &layers.IPv4{Version: 4, IHL: 5, TTL: 64, Protocol: proto, SrcIP: from.addr.AsSlice(), DstIP: to.addr.AsSlice()}
}

func udp(t testing.TB, from station, sport uint16, to station, dport uint16, payload []byte) []byte {
	t.Helper()
	n := ip(from, to, layers.IPProtocolUDP)
	u := &layers.UDP{SrcPort: layers.UDPPort(sport), DstPort: layers.UDPPort(dport)}
	if err := u.SetNetworkLayerForChecksum(n); err != nil {
		t.Fatal(err)
	}
	return serialize(t, ethernet(from, to), n.(gopacket.SerializableLayer), u, gopacket.Payload(payload))
}

func tcp(t testing.TB, from station, sport uint16, to station, dport uint16, flags string, seq, ack uint32, payload []byte) []byte {
	t.Helper()
	n := ip(from, to, layers.IPProtocolTCP)
	s := &layers.TCP{SrcPort: layers.TCPPort(sport), DstPort: layers.TCPPort(dport), Seq: seq, Ack: ack, Window: 65000}
	for _, f := range flags {
		switch f {
		case 'S':
			s.SYN = true
		case 'A':
			s.ACK = true
		case 'R':
			s.RST = true
		case 'F':
			s.FIN = true
		}
	}
	if err := s.SetNetworkLayerForChecksum(n); err != nil {
		t.Fatal(err)
	}
	return serialize(t, ethernet(from, to), n.(gopacket.SerializableLayer), s, gopacket.Payload(payload))
}

// A conn makes the segments of a TCP connection.
type conn struct {
	t            testing.TB
	client       station
	server       station
	cport, sport uint16
	seq          [2]uint32
}

func newConn(t testing.TB, cport, sport uint16) *conn {
	return &conn{t: t, client: pc, server: server, cport: cport, sport: sport, seq: [2]uint32{1000, 1<<32 - 500}} // the server's numbers wrap
}

// open is the handshake.
func (c *conn) open() [][]byte {
	f := [][]byte{
		tcp(c.t, c.client, c.cport, c.server, c.sport, "S", c.seq[0], 0, nil),
		tcp(c.t, c.server, c.sport, c.client, c.cport, "SA", c.seq[1], c.seq[0]+1, nil),
	}
	c.seq[0]++
	c.seq[1]++
	return append(f, tcp(c.t, c.client, c.cport, c.server, c.sport, "A", c.seq[0], c.seq[1], nil))
}

// ask and answer send bytes, in segments of at most 1448 bytes.
func (c *conn) ask(b []byte) [][]byte    { return c.send(0, b) }
func (c *conn) answer(b []byte) [][]byte { return c.send(1, b) }

func (c *conn) send(dir int, b []byte) (frames [][]byte) {
	for len(b) > 0 {
		n := min(len(b), 1448)
		if dir == 0 {
			frames = append(frames, tcp(c.t, c.client, c.cport, c.server, c.sport, "A", c.seq[0], c.seq[1], b[:n]))
		} else {
			frames = append(frames, tcp(c.t, c.server, c.sport, c.client, c.cport, "A", c.seq[1], c.seq[0], b[:n]))
		}
		c.seq[dir] += uint32(n)
		b = b[n:]
	}
	return frames
}

// epoch is when the made-up captures begin.
var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// decode decodes frames that came a millisecond apart.
func decode(t testing.TB, o captures.Options, frames ...[]byte) *captures.Timeline {
	t.Helper()
	d := captures.NewDecoder(o)
	var events []captures.Event
	emit := func(e captures.Event) { events = append(events, e) }
	for i, f := range frames {
		d.Frame(captures.FrameInfo{
			Number: i + 1, At: epoch.Add(time.Duration(i) * time.Millisecond), Link: captures.LinkEthernet, Length: len(f),
		}, f, emit)
	}
	d.Finish(emit)
	return &captures.Timeline{Events: events, Transfers: d.Transfers(), Frames: len(frames)}
}

// of keeps the events of some kinds.
func of(tl *captures.Timeline, want ...captures.Kind) (events []captures.Event) {
	for _, e := range tl.Events {
		for _, k := range want {
			if e.Kind == k {
				events = append(events, e)
			}
		}
	}
	return events
}

// one is the only event of a kind.
func one(t testing.TB, tl *captures.Timeline, k captures.Kind) *captures.Event {
	t.Helper()
	es := of(tl, k)
	if len(es) != 1 {
		t.Fatalf("%d events %s, want one, in %v", len(es), k, kinds(tl.Events))
	}
	return &es[0]
}

// concat joins runs of frames.
func concat(runs ...[][]byte) (all [][]byte) {
	for _, r := range runs {
		all = append(all, r...)
	}
	return all
}

func be16(v uint16) []byte { return binary.BigEndian.AppendUint16(nil, v) }

// TFTP's packets.
func rrq(name string, options ...string) []byte {
	b := append([]byte{0, 1}, name+"\x00octet\x00"...)
	for _, o := range options {
		b = append(append(b, o...), 0)
	}
	return b
}

func oack(options ...string) []byte {
	b := []byte{0, 6}
	for _, o := range options {
		b = append(append(b, o...), 0)
	}
	return b
}

func data(block uint16, payload []byte) []byte {
	return append(append([]byte{0, 3}, be16(block)...), payload...)
}
func ack(block uint16) []byte { return append([]byte{0, 4}, be16(block)...) }
func tftpError(code uint16, text string) []byte {
	return append(append(append([]byte{0, 5}, be16(code)...), text...), 0)
}
