package acd

import (
	"net"
	"testing"
)

// TestConflict holds frames against a host with the address 10.0.0.1.
func TestConflict(t *testing.T) {
	s := &Server{mac: net.HardwareAddr{2, 0, 0, 0, 0, 1}, addr: []byte{10, 0, 0, 1}}
	other := &Server{mac: net.HardwareAddr{2, 0, 0, 0, 0, 2}, addr: []byte{10, 0, 0, 1}}
	third := &Server{mac: net.HardwareAddr{2, 0, 0, 0, 0, 2}, addr: []byte{10, 0, 0, 2}}
	asks := third.announcement() // a request for somebody's address
	copy(asks[len(asks)-4:], s.addr)
	probe := other.announcement() // RFC 5227, 2.1.1: the sender's address is zero
	copy(probe[senderIP:], []byte{0, 0, 0, 0})
	reply := other.announcement()
	reply[operation+1] = 2
	for name, c := range map[string]struct {
		frame []byte
		want  bool
	}{
		"somebody else's announcement of it": {other.announcement(), true},
		"its own":                            {s.announcement(), false},
		"another address":                    {third.announcement(), false},
		"a question for it":                  {asks, false},
		"a probe":                            {probe, false},
		"a reply":                            {reply, false},
		"half a packet":                      {other.announcement()[:40], false},
		"nothing":                            {nil, false},
	} {
		who, got := s.conflict(c.frame)
		if got != c.want || got && who.String() != "02:00:00:00:00:02" {
			t.Errorf("%s: %v by %s", name, got, who)
		}
	}
}
