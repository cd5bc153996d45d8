package captures_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/pxeproof/pxeproof/captures"
	"github.com/pxeproof/pxeproof/captures/pcap"
	"github.com/pxeproof/pxeproof/harness/network"
)

// A madeUp capture is a pcapng in memory.
type madeUp struct {
	t      testing.TB
	out    bytes.Buffer
	w      *pcap.Writer
	at     time.Time
	frames int
}

func newMadeUp(t testing.TB) *madeUp {
	m := &madeUp{t: t, at: epoch}
	m.w = pcap.NewWriter(&m.out, "test")
	if _, err := m.w.Interface("tap0", 1); err != nil {
		t.Fatal(err)
	}
	return m
}

func (m *madeUp) put(frames ...[]byte) {
	for _, f := range frames {
		m.frames++
		m.at = m.at.Add(50 * time.Microsecond)
		if err := m.w.Packet(0, m.at, f, len(f)); err != nil {
			m.t.Fatal(err)
		}
	}
}

func (m *madeUp) file() []byte {
	if err := m.w.Flush(); err != nil {
		m.t.Fatal(err)
	}
	return m.out.Bytes()
}

// putTFTP adds one transfer of so many blocks, lock-step.
func (m *madeUp) putTFTP(blocks int) {
	t := m.t
	m.put(udp(t, pc, 2000, server, 69, rrq("vmlinuz", "blksize", "1432")),
		udp(t, server, 3000, pc, 2000, oack("blksize", "1432")),
		udp(t, pc, 2000, server, 3000, ack(0)))
	d, a := udp(t, server, 3000, pc, 2000, data(0, make([]byte, 1432))), udp(t, pc, 2000, server, 3000, ack(0))
	for i := 1; i <= blocks; i++ {
		if i == blocks {
			d = udp(t, server, 3000, pc, 2000, data(0, []byte("end")))
		}
		binary.BigEndian.PutUint16(d[44:], uint16(i))
		binary.BigEndian.PutUint16(a[44:], uint16(i))
		m.put(d, a)
	}
}

// putNFS adds a file read in so many READs of 32 KiB.
func (m *madeUp) putNFS(reads int) {
	c := newConn(m.t, 800, 2049)
	file := []byte("a handle of thirty-two bytes....")
	m.put(c.open()...)
	chunk := make([]byte, 32<<10)
	size := uint64(reads * len(chunk))
	for i := range reads {
		xid := uint32(i + 1)
		m.put(c.ask(marked(readCall(xid, file, uint64(i*len(chunk)), uint32(len(chunk)))))...)
		for j, f := range c.answer(marked(readReply(xid, size, i == reads-1, chunk))) {
			m.put(f)
			if j%2 == 1 {
				m.put(tcp(m.t, pc, 800, server, 2049, "A", c.seq[0], c.seq[1], nil))
			}
		}
	}
}

func benchmarkScan(b *testing.B, file []byte, frames int, check func(*captures.Timeline)) {
	b.ReportAllocs()
	b.SetBytes(int64(len(file)))
	for b.Loop() {
		tl, err := captures.Scan(bytes.NewReader(file), captures.Options{}, func(captures.Event) {})
		if err != nil || tl.Frames != frames {
			b.Fatalf("%d frames of %d, %v", tl.Frames, frames, err)
		}
		check(tl)
	}
	b.ReportMetric(float64(frames)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mframes/s")
}

func BenchmarkTFTP(b *testing.B) {
	m := newMadeUp(b)
	m.putTFTP(100_000)
	benchmarkScan(b, m.file(), m.frames, func(tl *captures.Timeline) {
		if x := tl.Transfers[0]; x.Status != captures.Complete || x.Bytes != 99_999*1432+3 {
			b.Fatalf("%+v", x)
		}
	})
}

func BenchmarkNFS(b *testing.B) {
	m := newMadeUp(b)
	m.putNFS(4000)
	benchmarkScan(b, m.file(), m.frames, func(tl *captures.Timeline) {
		if x := tl.Transfers[0]; x.Status != captures.Complete || x.Bytes != 4000*32<<10 {
			b.Fatalf("%+v", x)
		}
	})
}

// BenchmarkRecord records a flood of frames of 1,500 bytes, to a file.
func BenchmarkRecord(b *testing.B) {
	bridge := fmt.Sprintf("f%d", bridges.Add(1))
	n, err := network.New(bridge)
	if err != nil {
		b.Fatal(err)
	}
	var hosts [2]*network.Host
	for i := range hosts {
		addr := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 2, 2, byte(i + 1)}), 24)
		if hosts[i], err = n.AddHost(network.HostConfig{Name: fmt.Sprintf("%s.%d", bridge, i), Addr: addr}); err != nil {
			b.Fatal(err)
		}
	}
	to, err := hosts[1].ListenPacket(b.Context(), "udp4", "10.2.2.2:2000")
	if err != nil {
		b.Fatal(err)
	}
	defer to.Close()
	from, err := hosts[0].ListenPacket(b.Context(), "udp4", "10.2.2.1:1000")
	if err != nil {
		b.Fatal(err)
	}
	defer from.Close()
	r, err := captures.Record(b.Context(), captures.RecordConfig{File: filepath.Join(b.TempDir(), "x.pcapng"), Exclude: []string{bridge}})
	if err != nil {
		b.Fatal(err)
	}
	frame := make([]byte, 1472)
	for b.Loop() {
		if _, err := from.WriteTo(frame, to.LocalAddr()); err != nil {
			b.Fatal(err)
		}
	}
	elapsed := b.Elapsed()
	tl, err := r.Close()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/elapsed.Seconds()/1e3, "kframes/s")
	b.ReportMetric(float64(tl.Dropped), "lost")
	b.ReportMetric(r.CPU().Seconds()/elapsed.Seconds(), "cores")
	if tl.Frames+tl.Dropped < b.N {
		b.Errorf("%d frames sent, %d seen, %d lost", b.N, tl.Frames, tl.Dropped)
	}
}

// BenchmarkMillionFrames reads a file of a million whole frames, boots by TFTP
// and NFS, beside tshark printing it with its default fields.
func BenchmarkMillionFrames(b *testing.B) {
	m := newMadeUp(b)
	for m.frames < 1_000_000 {
		m.putTFTP(10_000)
		m.putNFS(500)
	}
	file := filepath.Join(b.TempDir(), "million.pcapng")
	if err := os.WriteFile(file, m.file(), 0o600); err != nil {
		b.Fatal(err)
	}
	b.Run("ours", func(b *testing.B) {
		for b.Loop() {
			f, err := os.Open(file)
			if err != nil {
				b.Fatal(err)
			}
			if tl, err := captures.Scan(f, captures.Options{}, func(captures.Event) {}); err != nil || tl.Frames != m.frames {
				b.Fatal(tl, err)
			}
			f.Close()
		}
	})
	b.Run("tshark", func(b *testing.B) {
		program, err := exec.LookPath("tshark")
		if err != nil {
			b.Skip("tshark is missing; make setup installs it")
		}
		for b.Loop() {
			if err := exec.CommandContext(b.Context(), program, "-n", "-r", file).Run(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
