// Package ring captures frames from the network interfaces of the current
// network namespace through a TPACKET_V3 ring that the kernel fills and this
// process reads, without a copy and without a system call a frame.
//
// See packet_mmap in the kernel's documentation.
package ring

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Config says how large the ring is. The zero value is 512 blocks of 128 KiB,
// enough for 460,000 frames a second and more on two cores.
type Config struct {
	Blocks    int // default 512
	BlockSize int // bytes, a multiple of the page size; default 128 KiB
	// Retire is how long the kernel may keep a block that has frames but is not
	// full, rounded up to milliseconds; default 8 ms.
	Retire time.Duration
	// Outgoing has frames that leave at an interface captured too.
	Outgoing bool
}

// A Frame is one frame as it entered at an interface. Data is the ring's own
// memory.
type Frame struct {
	Index    int    // the interface's index
	Ethernet bool   // false for loopback and for what has no Ethernet header
	Outgoing bool   // it left here; only if Config.Outgoing
	Mark     uint64 // not 0: it is this mark, and no frame of anybody
	At       time.Time
	Data     []byte
	Length   int // on the wire
}

// Statistics are the kernel's counts since the ring was opened.
type Statistics struct {
	Received uint64 // frames that came by, the lost ones included
	Dropped  uint64 // frames lost because the ring was full
}

// A Ring is open. Wait, Read and Close are for one goroutine each: one may wait
// while another reads.
type Ring struct {
	file   *os.File // owns the socket
	marker *marker
	raw    syscall.RawConn
	blocks [][]byte
	memory []byte
	next   atomic.Int32 // the block to be read
}

// Open opens a ring that sees each frame that enters at any interface of the
// namespace, once, and none that leave unless asked to: on a bridge every frame enters at one
// port. It needs CAP_NET_RAW. When it returns, frames are being captured.
func Open(c Config) (*Ring, error) {
	// Many small blocks: on a quiet network the kernel hands a block over at
	// every retire time, full or not, so their number is how long the reader
	// may be kept from running (512 × 8 ms = 4 s) before frames are lost.
	if c.Blocks <= 0 {
		c.Blocks = 512
	}
	if c.BlockSize <= 0 {
		c.BlockSize = 128 << 10
	}
	if c.Retire <= 0 {
		c.Retire = 8 * time.Millisecond
	}
	// With protocol 0 nothing arrives until bind says otherwise: no frame gets
	// in before the ring has its options.
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("capture: packet socket: %w", err)
	}
	r, err := setUp(fd, c)
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("capture: %w", err)
	}
	return r, nil
}

func setUp(fd int, c Config) (*Ring, error) {
	option := func(what string, opt, value int) error {
		if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, opt, value); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		return nil
	}
	const reserve = vlanTag // room to put back a tag that the kernel took off
	err := errors.Join(
		option("TPACKET_V3", unix.PACKET_VERSION, unix.TPACKET_V3),
		option("PACKET_RESERVE", unix.PACKET_RESERVE, reserve))
	if !c.Outgoing {
		err = errors.Join(err, option("PACKET_IGNORE_OUTGOING (Linux 4.20 or newer)", unix.PACKET_IGNORE_OUTGOING, 1))
	}
	if err != nil {
		return nil, err
	}
	const frameSize = 1 << 11 // TPACKET_V3 packs frames; this only has to divide the block
	req := unix.TpacketReq3{
		Block_size:     uint32(c.BlockSize),
		Block_nr:       uint32(c.Blocks),
		Frame_size:     frameSize,
		Frame_nr:       uint32(c.BlockSize / frameSize * c.Blocks),
		Retire_blk_tov: uint32((c.Retire + time.Millisecond - 1) / time.Millisecond),
	}
	if err := unix.SetsockoptTpacketReq3(fd, unix.SOL_PACKET, unix.PACKET_RX_RING, &req); err != nil {
		return nil, fmt.Errorf("a ring of %d blocks of %d bytes: %w", c.Blocks, c.BlockSize, err)
	}
	memory, err := unix.Mmap(fd, 0, c.Blocks*c.BlockSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("mapping the ring: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: swap16(unix.ETH_P_ALL)}); err != nil {
		return nil, errors.Join(fmt.Errorf("bind: %w", err), unix.Munmap(memory))
	}
	marker, err := openMarker()
	if err != nil {
		return nil, errors.Join(err, unix.Munmap(memory))
	}
	r := &Ring{file: os.NewFile(uintptr(fd), "packet ring"), marker: marker, memory: memory}
	for i := range c.Blocks {
		r.blocks = append(r.blocks, memory[i*c.BlockSize:(i+1)*c.BlockSize])
	}
	if r.raw, err = r.file.SyscallConn(); err != nil {
		return nil, errors.Join(err, unix.Munmap(memory))
	}
	return r, nil
}

func swap16(v uint16) uint16 { return v<<8 | v>>8 }

// Wait returns when a block can be read, unless a Read under way took it;
// [os.ErrDeadlineExceeded] when that took longer than timeout (none if zero),
// [os.ErrClosed] after Close.
func (r *Ring) Wait(timeout time.Duration) error {
	var deadline time.Time
	if timeout > 0 {
		deadline = time.Now().Add(timeout)
	}
	err := r.file.SetReadDeadline(deadline)
	if err == nil {
		err = r.raw.Read(func(uintptr) bool { return r.ready() })
	}
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		return os.ErrClosed // nothing else goes wrong with waiting; os has no name for it here
	}
	return err
}

func (r *Ring) header() *unix.TpacketHdrV1 {
	d := (*unix.TpacketBlockDesc)(unsafe.Pointer(&r.blocks[r.next.Load()][0]))
	return (*unix.TpacketHdrV1)(unsafe.Pointer(&d.Hdr))
}

func (r *Ring) ready() bool {
	return atomic.LoadUint32(&r.header().Block_status)&unix.TP_STATUS_USER != 0
}

// Read calls f for each frame of the next block and gives the block back to the
// kernel. It is false, at once, if no block is ready. Frames are valid during f.
func (r *Ring) Read(f func(*Frame)) bool {
	h := r.header()
	if !r.ready() {
		return false
	}
	next := r.next.Load()
	block := r.blocks[next]
	var frame Frame
	at := int(h.Offset_to_first_pkt)
	for range h.Num_pkts {
		h := (*unix.Tpacket3Hdr)(unsafe.Pointer(&block[at]))
		frame.fill(block, at, h)
		if !frame.Ethernet {
			frame.Mark = r.marker.number(frame.Data)
		}
		f(&frame)
		at += int(h.Next_offset)
	}
	atomic.StoreUint32(&h.Block_status, unix.TP_STATUS_KERNEL)
	r.next.Store((next + 1) % int32(len(r.blocks)))
	return true
}

const (
	vlanTag  = 4
	macBytes = 12 // two addresses; the tag comes after them
)

// fill reads the frame at block[at:].
func (f *Frame) fill(block []byte, at int, h *unix.Tpacket3Hdr) {
	const tpacketAlignment = 16
	ll := (*unix.RawSockaddrLinklayer)(unsafe.Pointer(&block[at+(unix.SizeofTpacket3Hdr+tpacketAlignment-1)&^(tpacketAlignment-1)]))
	start := at + int(h.Mac)
	end := start + int(h.Snaplen)
	f.Index, f.Ethernet = int(ll.Ifindex), ll.Hatype == unix.ARPHRD_ETHER
	f.Mark, f.Outgoing = 0, ll.Pkttype == unix.PACKET_OUTGOING
	f.At = time.Unix(int64(h.Sec), int64(h.Nsec)).UTC()
	f.Data, f.Length = block[start:end:end], int(h.Len)
	if h.Status&unix.TP_STATUS_VLAN_VALID == 0 || len(f.Data) < macBytes || int(h.Mac) < vlanTag {
		return
	}
	// The kernel took the VLAN tag off. What was on the wire is what a capture
	// shows.
	tpid := uint16(unix.ETH_P_8021Q)
	if h.Status&unix.TP_STATUS_VLAN_TPID_VALID != 0 {
		tpid = h.Hv1.Vlan_tpid
	}
	tagged := block[start-vlanTag : end : end]
	copy(tagged, tagged[vlanTag:vlanTag+macBytes])
	tci := h.Hv1.Vlan_tci
	copy(tagged[macBytes:], []byte{byte(tpid >> 8), byte(tpid), byte(tci >> 8), byte(tci)})
	f.Data, f.Length = tagged, f.Length+vlanTag
}

// Statistics reads the kernel's counters and sets them back to zero.
func (r *Ring) Statistics() (s Statistics, err error) {
	cerr := r.raw.Control(func(fd uintptr) {
		var st *unix.TpacketStatsV3
		if st, err = unix.GetsockoptTpacketStatsV3(int(fd), unix.SOL_PACKET, unix.PACKET_STATISTICS); err == nil {
			s = Statistics{Received: uint64(st.Packets), Dropped: uint64(st.Drops)}
		}
	})
	return s, errors.Join(cerr, err)
}

// InterfaceName is the name of the interface with this index, in the ring's
// namespace whatever thread asks.
func (r *Ring) InterfaceName(index int) (name string, err error) {
	cerr := r.raw.Control(func(fd uintptr) {
		var ifr *unix.Ifreq
		if ifr, err = unix.NewIfreq(""); err != nil {
			return
		}
		ifr.SetUint32(uint32(index))
		if err = unix.IoctlIfreq(int(fd), unix.SIOCGIFNAME, ifr); err == nil {
			name = ifr.Name()
		}
	})
	return name, errors.Join(cerr, err)
}

// Close ends the capture and a Wait under way. Frames may not be used after it;
// no Read may be under way.
func (r *Ring) Close() error {
	// The file's Close returns once nobody is inside Wait any more, so nobody
	// looks at the memory when it goes.
	return errors.Join(r.file.Close(), unix.Munmap(r.memory), unix.Close(r.marker.fd))
}
