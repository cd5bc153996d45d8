package dhcpd

import (
	"encoding/binary"
	"iter"
	"net/netip"
)

// leaseBuckets is the size of the table in which dhcpd keeps its leases by
// address. With an empty lease file they are handed out in the order of the
// table, which is that of the addresses but for a jump at each multiple.
const leaseBuckets = 100003

// Addresses are the pool's addresses in the order in which a dhcpd without any
// leases hands them out: 192.168.1.10 first of "range 192.168.1.10 192.168.1.20".
func (p *Pool) Addresses() iter.Seq[netip.Addr] {
	return func(yield func(netip.Addr) bool) {
		// Pieces of ranges within which the bucket goes up with the address.
		type piece struct{ at, end uint32 }
		var pieces []piece
		for _, r := range p.Ranges {
			low, high := uint32Of(r.Low), uint32Of(r.High)
			for {
				end := min(high, low-low%leaseBuckets+leaseBuckets-1)
				if end < low { // beyond the last address there is
					end = high
				}
				pieces = append(pieces, piece{low, end})
				if end == high {
					break
				}
				low = end + 1
			}
		}
		for len(pieces) > 0 {
			first := 0
			for i := range pieces {
				if pieces[i].at%leaseBuckets < pieces[first].at%leaseBuckets {
					first = i
				}
			}
			f := &pieces[first]
			if !yield(netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, f.at)))) {
				return
			}
			if f.at == f.end {
				pieces = append(pieces[:first], pieces[first+1:]...)
			} else {
				f.at++
			}
		}
	}
}

func uint32Of(a netip.Addr) uint32 {
	b := a.As4()
	return binary.BigEndian.Uint32(b[:])
}

// first is the first of Addresses.
func (p *Pool) first() netip.Addr {
	for a := range p.Addresses() {
		return a
	}
	return netip.Addr{}
}
