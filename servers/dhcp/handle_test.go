package dhcp

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pxeproof/pxeproof/servers/conf/dhcpd"
)

// A bench is a server without sockets, whose clock the test holds.
type bench struct {
	*Server
	t   testing.TB
	now time.Time
}

func newBench(t testing.TB, text string, o Options) *bench {
	t.Helper()
	cfg, _, err := dhcpd.Parse("dhcpd.conf", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	o.Clock = func() time.Time { return b.now }
	b.Server = New(cfg, o)
	b.addr = netip.MustParseAddr("10.0.0.1")
	t.Cleanup(b.leases.close)
	return b
}

// say makes the message of the client with this number.
func say(client byte, kind dhcpd.MessageType, options ...[]byte) []byte {
	m := make([]byte, headerLen, 400)
	m[0], m[1], m[2] = 1, 1, 6
	m[28], m[33] = 2, client
	m = append(m, cookie...)
	m = append(m, 53, 1, byte(kind))
	for _, o := range options {
		m = append(append(m, o[0], byte(len(o)-1)), o[1:]...)
	}
	return append(m, 255)
}

func wants(a netip.Addr) []byte { return append([]byte{50}, a.AsSlice()...) }

// ask returns the answer's type and address.
func (b *bench) ask(m []byte) (dhcpd.MessageType, netip.Addr) {
	b.t.Helper()
	out, ok := b.handle(m, netip.AddrPortFrom(netip.IPv4Unspecified(), clientPort))
	if !ok {
		return 0, netip.Addr{}
	}
	i := bytes.Index(out.message[headerLen:], []byte{53, 1})
	return dhcpd.MessageType(out.message[headerLen+i+2]), netip.AddrFrom4([4]byte(out.message[16:20]))
}

// lease takes a client through discover and request.
func (b *bench) lease(client byte, options ...[]byte) netip.Addr {
	b.t.Helper()
	kind, a := b.ask(say(client, dhcpd.Discover, options...))
	if kind != dhcpd.Offer {
		return netip.Addr{}
	}
	if kind, _ := b.ask(say(client, dhcpd.Request, append(options, wants(a))...)); kind != dhcpd.ACK {
		b.t.Fatalf("client %d was offered %s and then not given it: %s", client, a, kind)
	}
	return a
}

const three = `authoritative;
default-lease-time 600;
subnet 10.0.0.0 netmask 255.255.255.0 { range 10.0.0.10 10.0.0.12; option routers 10.0.0.254; }
`

func addr4(last byte) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, last}) }

func TestLeaseEnds(t *testing.T) {
	b := newBench(t, three, Options{})
	for i := byte(1); i <= 3; i++ {
		if a := b.lease(i); a != addr4(9+i) {
			t.Fatalf("client %d has %s", i, a)
		}
		b.now = b.now.Add(time.Second)
	}
	if a := b.lease(4); a.IsValid() {
		t.Fatalf("client 4 got %s, which somebody has", a)
	}
	if kind, _ := b.ask(say(4, dhcpd.Request, wants(addr4(10)))); kind != dhcpd.NAK {
		t.Errorf("a REQUEST for somebody's address: %s", kind)
	}
	b.now = b.now.Add(9 * time.Minute)
	if a := b.lease(2); a != addr4(11) {
		t.Errorf("client 2 renewed and got %s", a)
	}
	b.now = b.now.Add(time.Minute)
	if a := b.lease(4); a != addr4(10) {
		t.Errorf("client 4 got %s, want the address that ended first", a)
	}
	if a := b.lease(1); a != addr4(12) {
		t.Errorf("client 1, whose address is gone, got %s", a)
	}
}

func TestOfferKeepsItsAddress(t *testing.T) {
	b := newBench(t, three, Options{})
	for i := byte(1); i <= 3; i++ {
		b.ask(say(i, dhcpd.Discover))
	}
	if kind, a := b.ask(say(4, dhcpd.Discover)); kind != 0 {
		t.Errorf("%s was offered twice", a)
	}
	if _, a := b.ask(say(2, dhcpd.Discover)); a != addr4(11) {
		t.Errorf("client 2 was offered %s the second time", a)
	}
	b.now = b.now.Add(offerTime)
	if _, a := b.ask(say(4, dhcpd.Discover)); a != addr4(10) {
		t.Errorf("when the offer was over, client 4 was offered %s", a)
	}
}

func TestDeclineAndRelease(t *testing.T) {
	b := newBench(t, "abandon-lease-time 1000;\n"+three, Options{})
	first := b.lease(1)
	b.ask(say(1, dhcpd.Decline, wants(first)))
	for i := byte(1); i <= 2; i++ {
		if a := b.lease(i); a == first {
			t.Errorf("client %d got the address that was declined", i)
		}
	}
	if a := b.lease(3); a != first {
		t.Errorf("when nothing else is left, client 3 got %s", a)
	}
	b.now = b.now.Add(time.Second)
	m := say(2, dhcpd.Release)
	second := b.leases.byHardware[string([]byte{1, 2, 0, 0, 0, 0, 2})][0].addr
	copy(m[12:], second.AsSlice())
	b.ask(m)
	if a := b.lease(4); a != second {
		t.Errorf("client 4 got %s, want the released %s", a, second)
	}
}

func TestOneLeasePerClient(t *testing.T) {
	b := newBench(t, "one-lease-per-client true;\nshared-network x { subnet 10.0.0.0 netmask 255.255.255.0 { range 10.0.0.10 10.0.0.20; } }", Options{})
	id := []byte{61, 'm', 'e'}
	first := b.lease(1, id)
	if kind, a := b.ask(say(1, dhcpd.Request, id, wants(addr4(15)))); kind != dhcpd.ACK || a != addr4(15) {
		t.Fatalf("%s %s", kind, a)
	}
	if le := b.leases.byAddr[first]; le.state != free {
		t.Errorf("the client still has %s", first)
	}
}

// TestNoProxy looks at the one thing that Fast changes.
func TestNoProxy(t *testing.T) {
	added := []byte{175, 3, 176, 1, 1, 255}
	pxe := append([]byte{60}, "PXEClient:Arch:00007:UNDI:003000"...)
	for _, c := range []struct {
		name  string
		conf  string
		fast  bool
		class []byte
		want  bool
	}{
		{"faithful", three, false, pxe, false},
		{"fast", three, true, pxe, true},
		{"fast, not firmware", three, true, append([]byte{60}, "MSFT 5.0"...), false},
		{"fast, iPXE by its user class", three, true, append([]byte{77}, "iPXE"...), true},
		{"fast, with a word of the file's own", "option e code 175 = string; option e 01:02:03;\n" + three, true, pxe, false},
	} {
		b := newBench(t, c.conf, Options{Fast: c.fast})
		out, ok := b.handle(say(1, dhcpd.Discover, c.class), netip.AddrPort{})
		if !ok {
			t.Fatal("no answer")
		}
		if got := bytes.Contains(out.message, added); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestMalformed(t *testing.T) {
	b := newBench(t, three, Options{})
	good := say(1, dhcpd.Discover)
	long := slices.Clone(good)
	long[2] = 17
	reply := slices.Clone(good)
	reply[0] = 2
	overload := say(1, dhcpd.Discover, []byte{52, 1})
	overload[fileAt], overload[fileAt+1] = 12, 200
	for i, m := range [][]byte{nil, good[:10], good[:headerLen-1], long, reply, append(good[:len(good)-1:len(good)-1], 12, 9, 'x'),
		append(good[:len(good)-1:len(good)-1], 12), say(1, dhcpd.Discover, []byte{61}), overload} {
		if _, ok := b.handle(m, netip.AddrPort{}); ok {
			t.Errorf("message %d was answered", i)
		}
	}
	if b.Dropped() != 9 {
		t.Errorf("%d of 9 were counted", b.Dropped())
	}
	if kind, _ := b.ask(good[:len(good)-1]); kind != dhcpd.Offer {
		t.Error("a message without an end option was not answered")
	}
	in := say(1, dhcpd.Discover, []byte{52, 1})
	copy(in[fileAt:], []byte{50, 4, 10, 0, 0, 12, 255})
	if _, a := b.ask(in); a != addr4(12) {
		t.Errorf("the option in the file field was not read: offered %s", a)
	}
}

// TestMillion sends a million damaged messages. Whatever they do to the leases,
// the server stays up, and an address is never two clients'.
func TestMillion(t *testing.T) {
	n := 1_000_000
	if testing.Short() || raceEnabled {
		n = 50_000
	}
	text, err := os.ReadFile("testdata/corpus/redhat.conf")
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, strings.ReplaceAll(string(text), "192.168.124.", "10.0.0."), Options{})
	rng := rand.New(rand.NewPCG(1, 2))
	kinds := []dhcpd.MessageType{dhcpd.Discover, dhcpd.Request, dhcpd.Decline, dhcpd.Release, dhcpd.Inform, dhcpd.BOOTP}
	for i := range n {
		m := say(byte(rng.IntN(20)), kinds[rng.IntN(len(kinds))], wants(addr4(byte(rng.IntN(256)))),
			[]byte{60, 'P', 'X', 'E', 'C', 'l', 'i', 'e', 'n', 't'}, []byte{93, 0, byte(rng.IntN(20))}, []byte{61, 1, byte(rng.IntN(9))})
		for range rng.IntN(4) {
			m[rng.IntN(len(m))] = byte(rng.Uint32())
		}
		if rng.IntN(10) == 0 {
			m = m[:rng.IntN(len(m))]
		}
		b.now = b.now.Add(time.Duration(rng.IntN(100)) * time.Millisecond)
		if out, ok := b.handle(m, netip.AddrPortFrom(addr4(200), 68)); ok && len(out.message) < minMessage {
			t.Fatalf("message %d: a reply of %d bytes", i, len(out.message))
		}
	}
	for key, list := range b.leases.byHardware {
		for _, le := range list {
			if le.hardware != key || b.leases.byAddr[le.addr] != le {
				t.Fatalf("the lease of %s is kept under another's address", le.addr)
			}
		}
	}
}

func FuzzHandle(f *testing.F) {
	f.Add(say(1, dhcpd.Discover, []byte{55, 1, 3, 6}), uint16(0))
	f.Add(say(1, dhcpd.Request, wants(addr4(10)), []byte{61, 1, 2}), uint16(700))
	f.Add(say(2, dhcpd.Inform), uint16(1))
	f.Add(say(2, dhcpd.Discover, []byte{82, 1, 2, 'a', 'b', 5, 4, 10, 0, 0, 0}), uint16(1))
	f.Add(make([]byte, 300), uint16(0))
	b := newBench(f, three+"class \"x\" { match option agent.circuit-id; }\nhost h { hardware ethernet 02:00:00:00:00:02; fixed-address 10.0.0.5; }\n", Options{Fast: true})
	f.Fuzz(func(t *testing.T, m []byte, seconds uint16) {
		b.now = b.now.Add(time.Duration(seconds) * time.Second)
		out, ok := b.handle(m, netip.AddrPortFrom(addr4(77), 68))
		if !ok {
			return
		}
		r := out.message
		if len(r) < minMessage || len(r) > 1500 && len(m) < 1400 {
			t.Fatalf("a reply of %d bytes to a message of %d", len(r), len(m))
		}
		if r[0] != 2 || !bytes.Equal(r[4:8], m[4:8]) || !bytes.Equal(r[28:44], m[28:44]) || binary.BigEndian.Uint32(r[24:]) != binary.BigEndian.Uint32(m[24:]) {
			t.Fatal("the reply is not to the message")
		}
	})
}
