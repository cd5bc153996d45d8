package scenarios_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pxeproof/pxeproof/captures/pcap"
	"github.com/pxeproof/pxeproof/captures/verdict"
	"github.com/pxeproof/pxeproof/scenarios"
	"github.com/pxeproof/pxeproof/scenarios/report"
)

// manyBoots writes a capture of at least so many frames: one captured boot over
// TFTP and one that reads its kickstart over NFS, again and again, of another
// machine in another subnet, and later, each time.
func manyBoots(t testing.TB, file string, least int) (frames, machines int) {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := pcap.NewWriter(f, "test")
	if _, err := w.Interface("tap0", 1); err != nil {
		t.Fatal(err)
	}
	boots := [][]pcap.Packet{
		withImage(templates(t, "ipxe-pxelinux.pcapng.gz")),
		templates(t, "linux-nfs.pcapng"),
	}
	// The machine and the network of both.
	mac, network := []byte{0x52, 0x54, 0x00, 0x12, 0x34, 0x56}, []byte{192, 168, 1}
	at := time.Unix(1_700_000_000, 0)
	for ; frames < least; machines++ {
		other := binary.BigEndian.AppendUint32([]byte{0x52, 0x54}, uint32(machines))
		for _, p := range boots[machines%len(boots)] {
			data := bytes.ReplaceAll(p.Data, mac, other)
			data = bytes.ReplaceAll(data, network, []byte{10, byte(machines >> 8), byte(machines)})
			mendChecksums(data)
			if err := w.Packet(0, at.Add(time.Duration(p.At.UnixNano())), data, len(data)); err != nil {
				t.Fatal(err)
			}
			frames++
		}
		at = at.Add(time.Minute)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return frames, machines
}

// imageBlocks is how many blocks a distribution's kernel and initrd for
// installing take, 8 MB; the captured boot has files of random bytes in their
// place that take but a few.
const imageBlocks = 6000

// withImage has the machine of a captured boot fetch one more file, lock-step.
func withImage(boot []pcap.Packet) []pcap.Packet {
	const blksize = 1408
	server := []byte{0x02, 0x00, 0xc0, 0xa8, 0x01, 0x03, 192, 168, 1, 3} // its MAC and address
	client := []byte{0x52, 0x54, 0x00, 0x12, 0x34, 0x56, 192, 168, 1, 18}
	at := boot[len(boot)-1].At
	put := func(from, to []byte, sport, dport uint16, payload []byte) {
		be := binary.BigEndian
		d := append(bytes.Clone(to[:6]), from[:6]...)
		d = append(d, 8, 0, 0x45, 0)
		d = be.AppendUint16(d, uint16(20+8+len(payload)))
		d = append(d, 0, 0, 0x40, 0, 64, 17, 0, 0)
		d = append(append(d, from[6:]...), to[6:]...)
		d = be.AppendUint16(be.AppendUint16(d, sport), dport)
		d = be.AppendUint16(d, uint16(8+len(payload)))
		d = append(append(d, 0, 0), payload...)
		at = at.Add(100 * time.Microsecond)
		boot = append(boot, pcap.Packet{At: at, Data: d})
	}
	const tid, serverTID = 40000, 50000
	put(client, server, tid, 69, []byte("\x00\x01initrd2.img\x00octet\x00blksize\x001408\x00"))
	put(server, client, serverTID, tid, []byte("\x00\x06blksize\x001408\x00"))
	put(client, server, tid, serverTID, []byte{0, 4, 0, 0})
	data := make([]byte, 4+blksize)
	for n := 1; n <= imageBlocks; n++ {
		data[1], data[2], data[3] = 3, byte(n>>8), byte(n)
		if n == imageBlocks {
			data = data[:100]
		}
		put(server, client, serverTID, tid, data)
		put(client, server, tid, serverTID, []byte{0, 4, byte(n >> 8), byte(n)})
	}
	return boot
}

// mendChecksums mends that of IPv4 and takes that of UDP away (0 says that there
// is none, RFC 768).
func mendChecksums(d []byte) {
	const ether, ipv4, udp = 14, 20, 17
	if len(d) < ether+ipv4+8 || d[12] != 8 || d[13] != 0 || d[ether] != 0x45 {
		return
	}
	head := d[ether : ether+ipv4]
	head[10], head[11] = 0, 0
	var sum uint32
	for i := 0; i < len(head); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(head[i:]))
	}
	for sum > 0xffff {
		sum = sum&0xffff + sum>>16
	}
	binary.BigEndian.PutUint16(head[10:], ^uint16(sum))
	if head[9] == udp {
		d[ether+ipv4+6], d[ether+ipv4+7] = 0, 0
	}
}

// templates are a capture's whole frames, with their times from its beginning.
func templates(t testing.TB, name string) []pcap.Packet {
	t.Helper()
	var r io.Reader = bytes.NewReader(readFile(t, filepath.Join(foreign, name)))
	if filepath.Ext(name) == ".gz" {
		z, err := gzip.NewReader(r)
		if err != nil {
			t.Fatal(err)
		}
		r = z
	}
	in, err := pcap.NewReader(r)
	if err != nil {
		t.Fatal(err)
	}
	var all []pcap.Packet
	var begin time.Time
	for {
		var p pcap.Packet
		err := in.Next(&p)
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		if begin.IsZero() {
			begin = p.At
		}
		p.Data, p.At = bytes.Clone(p.Data), time.Unix(0, int64(p.At.Sub(begin)))
		all = append(all, p)
	}
}

func judgeFile(t testing.TB, file string) verdict.Verdict {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	v, _, err := scenarios.JudgeCapture(f)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestJudgeManyBoots judges a capture of many machines: every one of them
// is judged, and as it is when it is alone.
func TestJudgeManyBoots(t *testing.T) {
	file := filepath.Join(t.TempDir(), "many.pcapng")
	_, machines := manyBoots(t, file, 60_000)
	v := judgeFile(t, file)
	// The captures hold a server's own traffic too, with its own MAC.
	if len(v.Clients) != machines {
		t.Fatalf("%d machines were judged, want %d", len(v.Clients), machines)
	}
	for i, c := range v.Clients {
		want := verdict.Pass
		if i%2 == 1 {
			want = verdict.Inconclusive // it lacks the boot program
		}
		if c.Status != want {
			t.Errorf("machine %d: %s, want %s: %+v", i, c.Status, want, c.Findings)
		}
		for _, f := range c.Findings {
			if f.Severity != verdict.Note {
				t.Errorf("machine %d: %s %s: %s", i, f.Severity, f.ID, f.Summary)
			}
		}
	}
}

// TestJudgeOneMachineAgain tells the boots of one machine apart, each with its
// own time, however often it boots.
func TestJudgeOneMachineAgain(t *testing.T) {
	const boots = 3
	var frames []pcap.Packet
	for n := range boots {
		for _, p := range templates(t, "ipxe-pxelinux.pcapng.gz") {
			p.At = p.At.Add(time.Duration(n) * time.Hour)
			frames = append(frames, p)
		}
	}
	v, tl, err := scenarios.JudgeCapture(bytes.NewReader(written(t, frames)))
	if err != nil || len(v.Clients) != boots || v.Status != verdict.Pass {
		t.Fatalf("%d boots, %s, %v", len(v.Clients), v.Status, err)
	}
	for n, c := range v.Clients {
		if c.Decided != v.Clients[0].Decided || c.Reached != verdict.Kernel || n > 0 && c.Boot != n+1 {
			t.Errorf("boot %d: %d, as far as %s in %s", n+1, c.Boot, c.Reached, c.Decided)
		}
	}
	var out strings.Builder
	if err := report.WriteVerdict(&out, v, report.Options{Transfers: report.Transfers(tl, v)}); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "52:54:00:12:34:56 boot 3  kernel "); n != 1 {
		t.Errorf("%d lines of the third boot's kernel:\n%s", n, out.String())
	}
}

// TestJudgeFromTheMiddle takes no kernel for the boot program, though it is the
// first file that the capture shows.
func TestJudgeFromTheMiddle(t *testing.T) {
	all := templates(t, "ipxe-pxelinux.pcapng.gz")
	from := slices.IndexFunc(all, func(p pcap.Packet) bool { return bytes.Contains(p.Data, []byte("\x00\x01vmlinuz\x00")) })
	if from < 0 {
		t.Fatal("nobody asks for vmlinuz")
	}
	v, _, err := scenarios.JudgeCapture(bytes.NewReader(written(t, all[from:])))
	if err != nil || len(v.Clients) != 1 || v.Status != verdict.Pass {
		t.Fatalf("%+v, %v", v, err)
	}
	for _, s := range v.Clients[0].Stages {
		want := map[verdict.Stage]verdict.Status{verdict.DHCP: verdict.Skipped, verdict.NBP: verdict.Skipped, verdict.Kernel: verdict.Pass}
		if st, ok := want[s.Stage]; ok && s.Status != st {
			t.Errorf("%s: %s, want %s", s.Stage, s.Status, st)
		}
	}
}

// TestJudgeEndsInTransfer calls nothing stalled that goes on to the end of the
// capture, and stalled what has not gone on for long.
func TestJudgeEndsInTransfer(t *testing.T) {
	all := templates(t, "ipxe-pxelinux.pcapng.gz")
	from := slices.IndexFunc(all, func(p pcap.Packet) bool { return bytes.Contains(p.Data, []byte("\x00\x01ldlinux.c32\x00")) })
	if from < 0 {
		t.Fatal("nobody asks for ldlinux.c32")
	}
	cut := all[:from+40]
	late := cut[len(cut)-1]
	late.At = late.At.Add(time.Minute)
	late.Data = slices.Concat(late.Data[:12], []byte{0x88, 0xcc}, make([]byte, 46)) // LLDP, of the same host
	for _, c := range []struct {
		name     string
		frames   []pcap.Packet
		status   verdict.Status
		findings int
	}{
		{"going on", cut, verdict.Inconclusive, 0},
		{"stopped", append(slices.Clone(cut), late), verdict.Fail, 1},
	} {
		v, _, err := scenarios.JudgeCapture(bytes.NewReader(written(t, c.frames)))
		if err != nil || len(v.Clients) != 1 || v.Status != c.status {
			t.Errorf("%s: %s, want %s: %v, %s", c.name, v.Status, c.status, err, explain(v))
			continue
		}
		n := 0
		for _, f := range v.Clients[0].Findings {
			if f.ID == "tftp-stalled" {
				n++
			}
		}
		if n != c.findings {
			t.Errorf("%s: %d times stalled, want %d", c.name, n, c.findings)
		}
	}
}

// written is a capture of these frames.
func written(t *testing.T, frames []pcap.Packet) []byte {
	t.Helper()
	var b bytes.Buffer
	w := pcap.NewWriter(&b, "test")
	if _, err := w.Interface("tap0", 1); err != nil {
		t.Fatal(err)
	}
	for _, p := range frames {
		if err := w.Packet(0, p.At, p.Data, len(p.Data)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
