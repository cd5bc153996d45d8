package captures

import (
	"encoding/binary"
	"net/netip"
)

// A checksumState is what a UDP checksum says.
type checksumState uint8

const (
	checksumUnknown checksumState = iota // none was sent, or the frame was cut
	checksumGood
	checksumPartial // only of the pseudo-header: left to the network card, the capture is from before it
	checksumBad
)

// udpChecksum verifies the checksum of p's datagram (RFC 768, RFC 8200).
func (p *packet) udpChecksum() checksumState {
	if len(p.segment) < 8 || p.cut > 0 {
		return checksumUnknown
	}
	sent := binary.BigEndian.Uint16(p.segment[6:])
	if sent == 0 {
		return checksumUnknown
	}
	pseudo := sum(addrBytes(p.src), 0)
	pseudo = sum(addrBytes(p.dst), pseudo)
	pseudo += uint64(protoUDP) + uint64(binary.BigEndian.Uint16(p.segment[4:]))
	if fold(sum(p.segment, pseudo)) == 0xffff {
		return checksumGood
	}
	if fold(pseudo) == sent {
		return checksumPartial
	}
	return checksumBad
}

func addrBytes(a netip.Addr) []byte { return a.AsSlice() }

// sum adds b, as 16-bit numbers, to s.
func sum(b []byte, s uint64) uint64 {
	for ; len(b) >= 2; b = b[2:] {
		s += uint64(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		s += uint64(b[0]) << 8
	}
	return s
}

func fold(s uint64) uint16 {
	for s>>16 != 0 {
		s = s&0xffff + s>>16
	}
	return uint16(s)
}
