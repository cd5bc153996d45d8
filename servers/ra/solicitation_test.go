package ra

import (
	"net/netip"
	"testing"
)

func TestSolicitation(t *testing.T) {
	link, none := netip.MustParseAddr("fe80::1"), netip.IPv6Unspecified()
	plain := []byte{133, 0, 0, 0, 0, 0, 0, 0}
	withMAC := append(plain[:8:8], 1, 1, 2, 0, 0, 0, 0, 1)
	for _, c := range []struct {
		name string
		b    []byte
		from netip.Addr
		hops int
		want bool
	}{
		{"plain", plain, link, 255, true},
		{"without an address", plain, none, 255, true},
		{"with its link-layer address", withMAC, link, 255, true},
		{"link-layer address of nobody", withMAC, none, 255, false},
		{"from beyond a router", plain, link, 254, false},
		{"short", plain[:7], link, 255, false},
		{"an advertisement", append([]byte{134}, plain[1:]...), link, 255, false},
		{"code", []byte{133, 1, 0, 0, 0, 0, 0, 0}, link, 255, false},
		{"option of no length", append(plain[:8:8], 1, 0, 2, 0, 0, 0, 0, 1), link, 255, false},
		{"option beyond the end", append(plain[:8:8], 1, 2, 2, 0, 0, 0, 0, 1), link, 255, false},
		{"half an option", append(plain[:8:8], 1), link, 255, false},
	} {
		if got := solicitation(c.b, c.from, c.hops); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func FuzzSolicitation(f *testing.F) {
	f.Add([]byte{133, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 0, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		solicitation(b, netip.MustParseAddr("fe80::1"), 255)
	})
}
