package pcap

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"time"
)

// A Writer writes a pcapng file with one section, in little-endian order, with
// timestamps in nanoseconds. Blocks are gathered and written by and by; call
// Flush at the end. After an error every call returns it.
type Writer struct {
	w          *bufio.Writer
	block      []byte
	options    bool // the block has options
	interfaces int
	err        error
}

// NewWriter begins a file. The app's name goes into its header.
func NewWriter(w io.Writer, app string) *Writer {
	e := &Writer{w: bufio.NewWriterSize(w, 1<<18)}
	e.begin(blockSection)
	e.uint32(byteOrderMagic)
	e.uint16(1) // version 1.0
	e.uint16(0)
	e.uint64(1<<64 - 1) // the section's length is not given
	e.option(optSectionApp, []byte(app))
	e.end()
	return e
}

// Interface adds an interface and returns its number, for Packet. The link
// type is one of pcap's LINKTYPE numbers, 1 for Ethernet.
func (e *Writer) Interface(name string, link uint16) (int, error) {
	e.begin(blockInterface)
	e.uint16(link)
	e.uint16(0)
	e.uint32(snapLength)
	if name != "" {
		e.option(optInterfaceName, []byte(name))
	}
	e.option(optInterfaceResolution, []byte{9}) // 10^-9 s
	e.end()
	e.interfaces++
	return e.interfaces - 1, e.err
}

// Packet adds a frame. Length is what it had on the wire. Comments are shown
// by Wireshark beside the frame.
func (e *Writer) Packet(iface int, at time.Time, data []byte, length int, comments ...string) error {
	if iface < 0 || iface >= e.interfaces {
		return errors.Join(e.err, errors.New("pcap: a packet of an interface that was not added"))
	}
	ns := uint64(at.UnixNano())
	e.begin(blockPacket)
	e.uint32(uint32(iface))
	e.uint32(uint32(ns >> 32))
	e.uint32(uint32(ns))
	e.uint32(uint32(len(data)))
	e.uint32(uint32(length))
	e.padded(data)
	for _, c := range comments {
		e.option(optComment, []byte(c))
	}
	e.end()
	return e.err
}

// Statistics says how many frames of an interface were seen and how many lost
// by the recorder up to at.
func (e *Writer) Statistics(iface int, at time.Time, received, dropped uint64) error {
	if iface < 0 || iface >= e.interfaces {
		return errors.Join(e.err, errors.New("pcap: statistics of an interface that was not added"))
	}
	ns := uint64(at.UnixNano())
	e.begin(blockStatistics)
	e.uint32(uint32(iface))
	e.uint32(uint32(ns >> 32))
	e.uint32(uint32(ns))
	e.option(optStatisticsReceived, binary.LittleEndian.AppendUint64(nil, received))
	e.option(optStatisticsDropped, binary.LittleEndian.AppendUint64(nil, dropped))
	e.end()
	return e.err
}

// Flush writes out what was gathered.
func (e *Writer) Flush() error {
	if e.err == nil {
		e.err = e.w.Flush()
	}
	return e.err
}

func (e *Writer) begin(kind uint32) {
	e.block = binary.LittleEndian.AppendUint32(e.block[:0], kind)
	e.uint32(0) // the length, which end fills in
	e.options = false
}

func (e *Writer) uint16(v uint16) { e.block = binary.LittleEndian.AppendUint16(e.block, v) }
func (e *Writer) uint32(v uint32) { e.block = binary.LittleEndian.AppendUint32(e.block, v) }
func (e *Writer) uint64(v uint64) { e.block = binary.LittleEndian.AppendUint64(e.block, v) }

// padded adds b and zeros up to the next 32-bit boundary.
func (e *Writer) padded(b []byte) {
	e.block = append(e.block, b...)
	for len(e.block)%4 != 0 {
		e.block = append(e.block, 0)
	}
}

// option adds an option; one that is too long for its 16-bit length is cut.
func (e *Writer) option(code uint16, value []byte) {
	value = value[:min(len(value), 1<<16-1)]
	e.uint16(code)
	e.uint16(uint16(len(value)))
	e.padded(value)
	e.options = true
}

// end closes the block and hands it on.
func (e *Writer) end() {
	if e.options {
		e.uint32(optEnd)
	}
	n := uint32(len(e.block) + 4)
	e.uint32(n)
	binary.LittleEndian.PutUint32(e.block[4:], n)
	if e.err == nil {
		_, e.err = e.w.Write(e.block)
	}
}
