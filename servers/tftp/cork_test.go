package tftp

import (
	"bytes"
	"net"
	"net/netip"
	"testing"
	"time"
)

// TestCork looks at the kernel, whose way to forget what it holds is nowhere
// promised.
func TestCork(t *testing.T) {
	for _, at := range []string{"127.0.0.1:0", "[::1]:0"} {
		for _, size := range []int{512, 40_000} { // one frame, and fragments or not, as the loopback's MTU has it
			client, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(at)))
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			s, err := newSocket(netip.Addr{}, client.LocalAddr().(*net.UDPAddr).AddrPort(), false)
			if err != nil {
				t.Fatal(err)
			}
			defer s.close()
			s.prepare(2, size)
			next := func() []byte {
				client.SetReadDeadline(time.Now().Add(10 * time.Second))
				b := make([]byte, maxDatagram)
				n, err := client.Read(b)
				if err != nil {
					t.Fatalf("%s, %d bytes: %v", at, size, err)
				}
				return b[:n]
			}
			block := func(number uint16) []byte { return bytes.Repeat([]byte{byte(number)}, size) }
			hold := func(number uint16) {
				s.set(0, number, block(number))
				if err := s.cork(1); err != nil || !s.corked {
					t.Fatalf("%s, %d bytes: corked %v, %v", at, size, s.corked, err)
				}
			}
			hold(1)
			if ok, err := s.uncork(); !ok || err != nil {
				t.Fatal(ok, err)
			}
			if got, want := next(), append([]byte{0, opDATA, 0, 1}, block(1)...); !bytes.Equal(got, want) {
				t.Errorf("%s: %d bytes came of %d held", at, len(got), len(want))
			}
			hold(2)
			hold(3) // in its place
			if err := s.send([]byte{0, opERROR}); err != nil {
				t.Fatal(err)
			}
			if got := next(); len(got) != 2 {
				t.Errorf("%s: %d bytes came that were taken back", at, len(got))
			}
			s.set(0, 4, block(4))
			if err := s.flush(1); err != nil {
				t.Fatal(err)
			}
			if got, want := next(), append([]byte{0, opDATA, 0, 4}, block(4)...); !bytes.Equal(got, want) {
				t.Errorf("%s: after that %d bytes came of %d sent", at, len(got), len(want))
			}
		}
	}
}
