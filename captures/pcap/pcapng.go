package pcap

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"time"
)

const (
	maxBlock      = 16 << 20
	maxInterfaces = 65536
)

// readBlock reads a block of a pcapng file; it may be a frame.
func (e *Reader) readBlock(p *Packet) (frame bool, err error) {
	b, err := e.in.peek(8)
	if err != nil {
		return false, err
	}
	kind, length := e.order.Uint32(b), e.order.Uint32(b[4:])
	if kind == blockSection { // the same in both byte orders
		if b, err = e.in.peek(12); err != nil {
			return false, err
		}
		if length, err = e.section(b); err != nil {
			return false, err
		}
	}
	if length < 12 || length%4 != 0 {
		return false, fmt.Errorf("a block of %d bytes: the file is corrupt here", length)
	}
	switch kind {
	case blockSection, blockInterface, blockOldPacket, blockSimple, blockStatistics, blockPacket:
	default:
		return false, e.in.discard(int64(length))
	}
	if length > maxBlock {
		return false, fmt.Errorf("a block of %d bytes: the file is corrupt here", length)
	}
	if b, err = e.in.peek(int(length)); err != nil {
		return false, err
	}
	if again := e.order.Uint32(b[length-4:]); again != length {
		return false, fmt.Errorf("a block begins with length %d and ends with %d: the file is corrupt here", length, again)
	}
	e.in.skip(int(length))
	return e.block(kind, b[8:length-4], p)
}

// section begins a section: it sets the byte order and forgets the interfaces.
func (e *Reader) section(b []byte) (length uint32, err error) {
	switch {
	case binary.LittleEndian.Uint32(b[8:]) == byteOrderMagic:
		e.order = binary.LittleEndian
	case binary.BigEndian.Uint32(b[8:]) == byteOrderMagic:
		e.order = binary.BigEndian
	default:
		return 0, fmt.Errorf("a section header with byte-order magic % x", b[8:12])
	}
	e.base += len(e.ifaces)
	e.ifaces = nil
	return e.order.Uint32(b[4:]), nil
}

var errShort = errors.New("a block is too short for what it holds")

// block reads one block; it is true if it is a frame.
func (e *Reader) block(kind uint32, b []byte, p *Packet) (bool, error) {
	o := e.order
	switch kind {
	case blockSection:
		if len(b) < 16 {
			return false, errShort
		}
		if major := o.Uint16(b[4:]); major != 1 {
			return false, fmt.Errorf("pcapng version %d is not known", major)
		}
	case blockInterface:
		return false, e.addInterface(b)
	case blockPacket, blockOldPacket:
		if len(b) < 20 {
			return false, errShort
		}
		id := o.Uint32(b)
		if kind == blockOldPacket {
			id = uint32(o.Uint16(b))
		}
		ts := uint64(o.Uint32(b[4:]))<<32 | uint64(o.Uint32(b[8:]))
		n := o.Uint32(b[12:])
		if uint64(n) > uint64(len(b)-20) {
			return false, errShort
		}
		if int64(id) >= int64(len(e.ifaces)) {
			return false, fmt.Errorf("a frame of interface %d, which the file has not", id)
		}
		i := &e.ifaces[id]
		*p = Packet{
			Interface: e.base + int(id), Name: i.name, Link: i.link, At: i.time(ts),
			Data: b[20 : 20+n : 20+n], Length: int(max(o.Uint32(b[16:]), n)),
		}
		if rest := b[20+min((n+3)&^3, uint32(len(b)-20)):]; len(rest) >= 4 {
			e.options(rest, func(code uint16, v []byte) {
				if code == optComment {
					p.Comments = append(p.Comments, string(v))
				}
			})
		}
		return true, nil
	case blockSimple:
		if len(b) < 4 {
			return false, errShort
		}
		if len(e.ifaces) == 0 {
			return false, errors.New("a frame before any interface")
		}
		i := &e.ifaces[0]
		length := o.Uint32(b)
		n := min(length, uint32(len(b)-4))
		if i.snap > 0 {
			n = min(n, i.snap)
		}
		*p = Packet{Interface: e.base, Name: i.name, Link: i.link, Data: b[4 : 4+n : 4+n], Length: int(max(length, n))}
		return true, nil
	case blockStatistics:
		if len(b) < 12 {
			return false, errShort
		}
		// The last statistics of an interface count; its two ways to lose add up.
		var n uint64
		e.options(b[12:], func(code uint16, v []byte) {
			if (code == optStatisticsDropped || code == optStatisticsOSDrop) && len(v) == 8 {
				n += o.Uint64(v)
			}
		})
		if id := int64(o.Uint32(b)); id < int64(len(e.ifaces)) {
			e.dropped[e.base+int(id)] = n
		}
	}
	return false, nil
}

func (e *Reader) addInterface(b []byte) error {
	if len(b) < 8 {
		return errShort
	}
	if e.base+len(e.ifaces) >= maxInterfaces {
		return fmt.Errorf("more than %d interfaces", maxInterfaces)
	}
	i := iface{link: e.order.Uint16(b), snap: e.order.Uint32(b[4:]), units: 1e6}
	e.options(b[8:], func(code uint16, v []byte) {
		switch {
		case code == optInterfaceName:
			i.name = string(v[:min(len(v), 255)])
		case code == optInterfaceResolution && len(v) >= 1:
			i.units = resolution(v[0])
		case code == optInterfaceOffset && len(v) == 8:
			i.offset = int64(e.order.Uint64(v))
		}
	})
	e.ifaces = append(e.ifaces, i)
	e.all = append(e.all, Interface{Name: i.name, Link: i.link})
	return nil
}

// resolution is if_tsresol: a negative power of 10, or of 2 if the top bit is
// set. What does not fit is taken for microseconds.
func resolution(v byte) uint64 {
	n := int(v & 0x7f)
	if v&0x80 != 0 {
		if n > 63 {
			return 1e6
		}
		return 1 << n
	}
	if n > 19 {
		return 1e6
	}
	units := uint64(1)
	for range n {
		units *= 10
	}
	return units
}

// The years 1 to 9999: a corrupt file may claim any, and RFC 3339 has no more.
const (
	firstSecond = -62135596800
	lastSecond  = 253402300799
)

// time turns a timestamp into the time that it means.
func (i *iface) time(ts uint64) time.Time {
	sec, frac := ts/i.units, ts%i.units
	hi, lo := bits.Mul64(frac, 1e9)
	ns, _ := bits.Div64(hi, lo, i.units)
	// A sum beyond int64 is beyond the years too, in the other direction.
	t := int64(min(sec, math.MaxInt64)) + i.offset
	return time.Unix(min(max(t, firstSecond), lastSecond), int64(ns)).UTC()
}

// options calls f for each option of a list.
func (e *Reader) options(b []byte, f func(code uint16, value []byte)) {
	for len(b) >= 4 {
		code, n := e.order.Uint16(b), int(e.order.Uint16(b[2:]))
		if code == optEnd || n > len(b)-4 {
			return
		}
		f(code, b[4:4+n])
		b = b[min(4+(n+3)&^3, len(b)):]
	}
}
