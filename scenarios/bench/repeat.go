package bench

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"time"

	"github.com/pxeproof/pxeproof/captures/pcap"
)

// A recording is the frames of one boot of one machine.
type recording struct {
	frames  []pcap.Packet
	machine net.HardwareAddr
	network []byte // the first three bytes of the addresses
}

// read takes the whole frames of a capture.
func read(r io.Reader, machine string) (*recording, error) {
	in, err := pcap.NewReader(r)
	if err != nil {
		return nil, err
	}
	rec := &recording{network: []byte{192, 168, 1}}
	if rec.machine, err = net.ParseMAC(machine); err != nil {
		return nil, err
	}
	for {
		var p pcap.Packet
		if err := in.Next(&p); err == io.EOF {
			return rec, nil
		} else if err != nil {
			return nil, err
		}
		p.Data = bytes.Clone(p.Data)
		rec.frames = append(rec.frames, p)
	}
}

// pause is how long a machine is off between two boots.
const pause = time.Minute

// repeat writes a capture of at least so many frames: the boot again and again,
// each later than the one before, of the same machine or of another in another
// subnet.
func (rec *recording) repeat(file string, frames int, same bool, res *JudgeResult) error {
	if len(rec.frames) == 0 {
		return errors.New("the boot has no frames")
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	w := pcap.NewWriter(f, "pxeproof bench")
	if _, err := w.Interface("tap0", 1); err != nil {
		return errors.Join(err, f.Close())
	}
	lasts := rec.frames[len(rec.frames)-1].At.Sub(rec.frames[0].At) + pause
	for ; res.Frames < frames; res.Boots++ {
		late := time.Duration(res.Boots) * lasts
		for _, p := range rec.frames {
			data := p.Data
			if !same {
				data = rec.readdress(data, res.Boots)
			}
			err = errors.Join(err, w.Packet(0, p.At.Add(late), data, p.Length))
			res.Frames++
		}
		if err != nil {
			break
		}
	}
	err = errors.Join(err, w.Flush())
	if fi, serr := f.Stat(); serr == nil {
		res.Bytes = fi.Size()
	}
	return errors.Join(err, f.Close())
}

// readdress makes a frame one of the nth machine's.
func (rec *recording) readdress(frame []byte, n int) []byte {
	other := binary.BigEndian.AppendUint32([]byte{0x52, 0x54}, uint32(n))
	frame = bytes.ReplaceAll(frame, rec.machine, other)
	frame = bytes.ReplaceAll(frame, rec.network, []byte{10, byte(n >> 8), byte(n)})
	mend(frame, uint32(n))
	return frame
}

// mend gives a DHCP message its own transaction ID, mends IPv4's checksum, and
// takes UDP's away: 0 says that there is none (RFC 768).
func mend(d []byte, n uint32) {
	const ether, ipv4, udp = 14, 20, 8
	be := binary.BigEndian
	if len(d) < ether+ipv4+udp || be.Uint16(d[12:]) != 0x0800 || d[ether] != 0x45 {
		return
	}
	head := d[ether : ether+ipv4]
	head[10], head[11] = 0, 0
	var sum uint32
	for i := 0; i < len(head); i += 2 {
		sum += uint32(be.Uint16(head[i:]))
	}
	for sum > 0xffff {
		sum = sum&0xffff + sum>>16
	}
	be.PutUint16(head[10:], ^uint16(sum))
	const protocolUDP = 17
	if head[9] != protocolUDP {
		return
	}
	d[ether+ipv4+6], d[ether+ipv4+7] = 0, 0
	message := d[ether+ipv4+udp:]
	if port := be.Uint16(d[ether+ipv4+2:]); (port == 67 || port == 68) && len(message) >= 8 {
		be.PutUint32(message[4:], be.Uint32(message[4:])+n)
	}
}
