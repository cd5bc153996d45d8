package portmap

import (
	"encoding/binary"
	"math/rand/v2"
	"net"
	"net/netip"
	"testing"

	"github.com/pxeproof/pxeproof/servers/rpc"
)

func FuzzAnswer(f *testing.F) {
	for _, c := range calls() {
		f.Add(c)
	}
	s := New(Config{Mappings: []rpc.Mapping{{Program: 100003, Version: 3, Protocol: rpc.TCP, Port: 2049}}})
	s.addr = netip.MustParseAddr("192.168.1.103")
	f.Fuzz(func(t *testing.T, msg []byte) { check(t, s, msg) })
}

// TestMillion sends a million calls that are nearly right.
func TestMillion(t *testing.T) {
	s := New(Config{})
	s.addr = netip.MustParseAddr("192.168.1.103")
	good := calls()
	r := rand.New(rand.NewPCG(1, 2))
	msg := make([]byte, 0, 256)
	for range 1_000_000 {
		msg = append(msg[:0], good[r.IntN(len(good))]...)
		for range r.IntN(4) {
			msg[r.IntN(len(msg))] = byte(r.Uint32())
		}
		check(t, s, msg[:len(msg)-r.IntN(2)*r.IntN(len(msg))])
	}
}

// check asks for an answer and sees that it is one to this call, and no larger
// than a datagram's: a forged sender must not get much out of it.
func check(t *testing.T, s *Server, msg []byte) {
	reply := s.answer(nil, msg, rpc.UDP, &net.UDPAddr{})
	if reply == nil {
		return
	}
	if len(reply) < 12 || len(reply) > 1472 || len(msg) < 4 || binary.BigEndian.Uint32(reply) != binary.BigEndian.Uint32(msg) {
		t.Fatalf("% x is answered with % x", msg, reply)
	}
}

// calls are well-formed calls of every procedure of every version.
func calls() [][]byte {
	var all [][]byte
	for version := uint32(1); version <= 5; version++ {
		for proc := range uint32(11) {
			var b []byte
			for _, w := range []uint32{9, 0, 2, program, version, proc, 0, 0, 0, 0, 100003, 3, 6, 0} {
				b = binary.BigEndian.AppendUint32(b, w)
			}
			if version > 2 {
				b = b[:len(b)-8]
				for _, s := range []string{"tcp", "192.168.1.103.0.111", "pxe"} {
					b = rpc.AppendOpaque(b, s)
				}
			}
			all = append(all, b)
		}
	}
	return all
}
