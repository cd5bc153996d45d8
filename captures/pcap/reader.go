package pcap

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"time"
)

// A Packet is one frame of a file. Data is valid until the next call of Next.
type Packet struct {
	Interface int    // its number in the file, from 0
	Name      string // the interface's name, if the file has it
	Link      uint16 // LINKTYPE number
	At        time.Time
	Data      []byte
	Length    int // on the wire
	Comments  []string
}

// An Error is a place in a file where it could not be read on.
type Error struct {
	Offset int64 // of the block or record, in bytes from the beginning, unzipped
	Err    error
}

func (e *Error) Error() string { return fmt.Sprintf("capture file, byte %d: %v", e.Offset, e.Err) }
func (e *Error) Unwrap() error { return e.Err }

// A Reader reads a capture file, whatever its format.
type Reader struct {
	in     *window
	order  binary.ByteOrder
	next   func(*Packet) (frame bool, err error) // reads a record or block
	ifaces []iface
	// pcap
	nanos bool
	link  uint16

	dropped map[int]uint64 // by interface, over all sections
	base    int            // interfaces of the sections before
	all     []Interface    // over all sections
}

// An Interface is where frames were recorded. Its place in Reader.Interfaces is
// Packet.Interface.
type Interface struct {
	Name    string // empty if the file does not say
	Link    uint16 // LINKTYPE number
	Dropped uint64 // frames that the recorder says it lost there
}

type iface struct {
	name   string
	link   uint16
	snap   uint32
	units  uint64 // timestamp units a second
	offset int64  // seconds
}

// ErrFormat says that the file is not a capture.
var ErrFormat = errors.New("this is neither pcap nor pcapng")

// NewReader reads the file's first bytes.
func NewReader(r io.Reader) (*Reader, error) {
	r, err := unzipped(r)
	if err != nil {
		return nil, err
	}
	return newReader(&window{r: r})
}

// unzipped takes the gzip off a file that is in one.
func unzipped(r io.Reader) (io.Reader, error) {
	in := &window{r: r}
	if b, err := in.peek(2); err == nil && bytes.Equal(b, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, &Error{0, fmt.Errorf("gzip: %w", err)}
		}
		return z, nil
	}
	begin := bytes.NewReader(in.rest())
	if in.skip(begin.Len()); in.err != nil {
		return io.MultiReader(begin, in), nil // which says it again
	}
	return io.MultiReader(begin, r), nil
}

// ReadAhead is NewReader with a goroutine of its own that reads and unzips the
// file meanwhile. Close ends it. Errors of reading are those of Next.
func ReadAhead(r io.Reader) (*Reader, error) {
	if runtime.GOMAXPROCS(0) == 1 {
		return NewReader(r) // to take turns only costs
	}
	blocks := !seekable(r)
	r, err := unzipped(r)
	if err != nil {
		return nil, err
	}
	a := readAhead(r, blocks)
	e, err := newReader(&window{ahead: a})
	if err != nil {
		a.close()
		return nil, err
	}
	return e, nil
}

// Close ends what ReadAhead has begun. Nothing can be read after it.
func (e *Reader) Close() {
	if e.in.ahead != nil {
		e.in.ahead.close()
	}
}

func newReader(in *window) (*Reader, error) {
	e := &Reader{in: in, dropped: make(map[int]uint64)}
	b, err := in.peek(4)
	if err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) || err == io.EOF {
			err = fmt.Errorf("%w: it has %d bytes", ErrFormat, len(in.rest()))
		}
		return nil, &Error{0, err}
	}
	switch magic := binary.LittleEndian.Uint32(b); magic {
	case blockSection:
		e.next, e.order = e.readBlock, binary.LittleEndian
		return e, nil
	case 0xa1b2c3d4, 0xa1b23c4d:
		e.order, e.nanos = binary.LittleEndian, magic == 0xa1b23c4d
	case 0xd4c3b2a1, 0x4d3cb2a1:
		e.order, e.nanos = binary.BigEndian, magic == 0x4d3cb2a1
	default:
		return nil, &Error{0, fmt.Errorf("%w: it begins with % x", ErrFormat, b)}
	}
	b, err = in.peek(24)
	if err != nil {
		return nil, &Error{0, fmt.Errorf("the header is cut off: %w", err)}
	}
	// The upper bits say whether frames end with a checksum.
	e.link = uint16(e.order.Uint32(b[20:]))
	in.skip(24)
	e.all = []Interface{{Link: e.link}} // the file's only one
	e.next = e.readRecord
	return e, nil
}

// Next reads the next frame into p. At the end of the file it returns io.EOF;
// any other error is an *Error, and nothing can be read after it.
func (e *Reader) Next(p *Packet) error {
	for {
		at := e.in.offset
		frame, err := e.next(p)
		switch {
		case err == io.EOF:
			return err
		case errors.Is(err, io.ErrUnexpectedEOF):
			return &Error{at, fmt.Errorf("the file ends in the middle of this frame or block: %w", err)}
		case err != nil:
			return &Error{at, err}
		case frame:
			return nil
		}
	}
}

// Dropped is how many frames the recorder says that it lost, as far as the
// file has been read.
func (e *Reader) Dropped() uint64 {
	var n uint64
	for _, d := range e.dropped {
		n += d
	}
	return n
}

// Interfaces are those that the file has named as far as it has been read, over
// all its sections.
func (e *Reader) Interfaces() []Interface {
	list := slices.Clone(e.all)
	for i := range list {
		list[i].Dropped = e.dropped[i]
	}
	return list
}

// readRecord reads a record of a pcap file.
func (e *Reader) readRecord(p *Packet) (frame bool, err error) {
	head, err := e.in.peek(16)
	if err != nil {
		return false, err
	}
	sec, frac := e.order.Uint32(head), e.order.Uint32(head[4:])
	n, length := e.order.Uint32(head[8:]), e.order.Uint32(head[12:])
	if n > snapLength {
		return false, fmt.Errorf("a frame of %d bytes: the file is corrupt here", n)
	}
	b, err := e.in.peek(16 + int(n))
	if err != nil {
		return false, err
	}
	e.in.skip(len(b))
	if !e.nanos {
		frac *= 1000
	}
	*p = Packet{Link: e.link, At: time.Unix(int64(sec), int64(frac)).UTC(), Data: b[16:], Length: int(max(length, n))}
	return true, nil
}
