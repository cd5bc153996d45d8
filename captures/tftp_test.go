package captures_test

import (
	"bytes"
	"crypto/sha256"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"github.com/pxeproof/pxeproof/captures"
)

// hashAll hashes every transfer.
var hashAll = captures.Options{Digest: func(captures.Transfer) bool { return true }}

// toPC and toServer are datagrams between the client's TID 2000 and the
// server's 3000.
func toPC(t testing.TB, b []byte) []byte     { return udp(t, server, 3000, pc, 2000, b) }
func toServer(t testing.TB, b []byte) []byte { return udp(t, pc, 2000, server, 3000, b) }
func ask(t testing.TB, name string, options ...string) []byte {
	return udp(t, pc, 2000, server, 69, rrq(name, options...))
}

// content is a file that is not all the same.
func content(n int) []byte {
	b := make([]byte, n)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// lockStep is a whole file, a DATA and an ACK at a time.
func lockStep(t testing.TB, file []byte, size int, number func(block int) uint16) (frames [][]byte) {
	for block := 1; ; block++ {
		n := min(size, len(file))
		frames = append(frames, toPC(t, data(number(block), file[:n])), toServer(t, ack(number(block))))
		file = file[n:]
		if n < size {
			return frames
		}
	}
}

func plainNumber(block int) uint16 { return uint16(block) }

// A file of which all was sent has its digest, whether or not the last ACK was
// seen.
func TestTFTPLastAckLost(t *testing.T) {
	for _, n := range []int{0, 511, 512, 5120} {
		file := content(n)
		frames := lockStep(t, file, 512, plainNumber)
		tl := decode(t, hashAll, concat([][]byte{ask(t, "f")}, frames[:len(frames)-1])...)
		sum := sha256.Sum256(file)
		if x := tl.Transfers[0]; x.Status != captures.Sent || x.Bytes != int64(n) || x.End.Number != len(frames) || !bytes.Equal(x.Digest, sum[:]) {
			t.Errorf("%d bytes: %+v", n, x)
		}
		if n < 512 {
			continue
		}
		frames = slices.Delete(frames, 0, 2) // the first block is not there
		tl = decode(t, hashAll, concat([][]byte{ask(t, "f")}, frames[:len(frames)-1])...)
		if x := tl.Transfers[0]; x.Status != captures.Running || x.Digest != nil {
			t.Errorf("%d bytes, the first block missing: %+v", n, x)
		}
	}
}

func TestTFTPWithoutOptions(t *testing.T) {
	for _, n := range []int{0, 1, 511, 512, 513, 5120} {
		file := content(n)
		tl := decode(t, hashAll, concat([][]byte{ask(t, "f")}, lockStep(t, file, 512, plainNumber))...)
		want := []captures.Kind{captures.LinkFirst, captures.TFTPRequest, captures.LinkFirst, captures.TFTPStart, captures.TFTPDone}
		if !slices.Equal(kinds(tl.Events), want) {
			t.Fatalf("%d bytes: events %v, want %v", n, kinds(tl.Events), want)
		}
		x := tl.Transfers[0]
		sum := sha256.Sum256(file)
		if x.Bytes != int64(n) || x.Blocks != n/512+1 || x.BlockSize != 512 || x.WindowSize != 1 || x.Size != -1 ||
			x.Status != captures.Complete || x.Resent != 0 || !bytes.Equal(x.Digest, sum[:]) {
			t.Errorf("%d bytes: %+v", n, x)
		}
		if x.Start.Number != 1 || x.End.Number != tl.Frames || x.Host != pcMAC || x.Name != "f" {
			t.Errorf("%d bytes: %+v", n, x)
		}
	}
}

func TestTFTPFields(t *testing.T) {
	tl := decode(t, captures.Options{}, concat([][]byte{
		ask(t, "/boot/vmlinuz", "tsize", "0", "BLKSIZE", "1408", "windowsize", "4", "timeout", "2", "x", "y"),
		toPC(t, oack("tsize", "5", "blksize", "1024", "windowsize", "2")),
		toServer(t, ack(0)),
	}, lockStep(t, []byte("hello"), 1024, plainNumber))...)
	for _, c := range []struct {
		kind captures.Kind
		want []captures.Field
	}{
		{captures.TFTPRequest, []captures.Field{
			{Name: "tftp.transfer", Value: int64(0)},
			{Name: "ip.src", Value: pc.addr}, {Name: "udp.srcport", Value: int64(2000)},
			{Name: "ip.dst", Value: server.addr}, {Name: "udp.dstport", Value: int64(69)},
			{Name: "tftp.source_file", Value: "/boot/vmlinuz"}, {Name: "tftp.type", Value: "octet"},
			{Name: "tftp.option.blksize", Value: int64(1408)}, {Name: "tftp.option.tsize", Value: int64(0)},
			{Name: "tftp.option.timeout", Value: int64(2)}, {Name: "tftp.option.windowsize", Value: int64(4)},
		}},
		{captures.TFTPOack, []captures.Field{
			{Name: "tftp.transfer", Value: int64(0)}, {Name: "ip.src", Value: server.addr}, {Name: "udp.srcport", Value: int64(3000)},
			{Name: "tftp.option.blksize", Value: int64(1024)}, {Name: "tftp.option.tsize", Value: int64(5)},
			{Name: "tftp.option.windowsize", Value: int64(2)},
		}},
		{captures.TFTPDone, []captures.Field{
			{Name: "tftp.transfer", Value: int64(0)}, {Name: "tftp.source_file", Value: "/boot/vmlinuz"}, {Name: "tftp.bytes", Value: int64(5)},
			{Name: "tftp.option.blksize", Value: int64(1024)}, {Name: "tftp.option.windowsize", Value: int64(2)},
			{Name: "tftp.resent", Value: int64(0)}, {Name: "tftp.seconds", Value: "0.004000"},
		}},
	} {
		e := one(t, tl, c.kind)
		if diff := cmp.Diff(c.want, e.Fields, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.kind, diff)
		}
		if e.Host != pcMAC {
			t.Errorf("%s: host %q", c.kind, e.Host)
		}
	}
}

func TestTFTPProbe(t *testing.T) {
	tl := decode(t, captures.Options{},
		ask(t, "shim.efi", "tsize", "0"), toPC(t, oack("tsize", "77")), toServer(t, tftpError(8, "User aborted the transfer")),
		ask(t, "shim.efi"), toPC(t, data(1, []byte("x"))), toServer(t, ack(1)))
	if n := len(tl.Transfers); n != 2 {
		t.Fatalf("%d transfers", n)
	}
	if x := tl.Transfers[0]; x.Status != captures.Probed || x.Size != 77 || x.Code != 8 || x.ByPeer {
		t.Errorf("the probe: %+v", x)
	}
	if x := tl.Transfers[1]; x.Status != captures.Complete || x.Bytes != 1 {
		t.Errorf("the transfer after it: %+v", x)
	}
	if e := one(t, tl, captures.TFTPError); !e.Is("tftp.probed") || e.Is("tftp.bypeer") {
		t.Errorf("event %+v", e)
	}
}

func TestTFTPErrors(t *testing.T) {
	tl := decode(t, captures.Options{}, ask(t, "none"), toPC(t, tftpError(1, "File not found")))
	if x := tl.Transfers[0]; x.Status != captures.Failed || x.Code != 1 || x.Message != "File not found" || !x.ByPeer || x.End.Number != 2 {
		t.Errorf("not found: %+v", x)
	}
	tl = decode(t, captures.Options{}, ask(t, "f", "tsize", "0"), toPC(t, oack("tsize", "600")),
		toServer(t, ack(0)), toPC(t, data(1, content(512))), toServer(t, tftpError(0, "no room")))
	if x := tl.Transfers[0]; x.Status != captures.Failed || x.ByPeer || x.Bytes != 512 {
		t.Errorf("given up by the client: %+v", x)
	}
}

func TestTFTPNumberAfter65535(t *testing.T) {
	file := content(8*70_000 + 3)
	toOne := func(block int) uint16 { return uint16((block-1)%65535 + 1) }
	for name, number := range map[string]func(int) uint16{"to 0": plainNumber, "to 1": toOne} {
		tl := decode(t, hashAll, concat([][]byte{
			ask(t, "f", "blksize", "8"), toPC(t, oack("blksize", "8")), toServer(t, ack(0)),
		}, lockStep(t, file, 8, number))...)
		sum := sha256.Sum256(file)
		if x := tl.Transfers[0]; x.Bytes != int64(len(file)) || x.Blocks != 70_001 || x.Resent != 0 || !bytes.Equal(x.Digest, sum[:]) {
			t.Errorf("%s: %+v", name, x)
		}
	}
}

func TestTFTPWindow(t *testing.T) {
	file := content(6*512 + 9)
	block := func(n int) []byte { return toPC(t, data(uint16(n), file[(n-1)*512:min(n*512, len(file))])) }
	start := [][]byte{ask(t, "f", "windowsize", "4"), toPC(t, oack("windowsize", "4")), toServer(t, ack(0))}
	sum := sha256.Sum256(file)
	for name, c := range map[string]struct {
		frames [][]byte
		resent int
		bytes  int
		whole  bool
	}{
		"in order": {[][]byte{block(1), block(2), block(3), block(4), toServer(t, ack(4)), block(5), block(6), block(7), toServer(t, ack(7))}, 0, len(file), true},
		"2 and 3 swapped": {[][]byte{block(1), block(3), block(2), block(4), toServer(t, ack(4)), block(5), block(6), block(7), toServer(t, ack(7))},
			0, len(file), true},
		"2 lost on the wire and sent again": {[][]byte{block(1), block(3), block(4), toServer(t, ack(1)), block(2), block(3), block(4), block(5), toServer(t, ack(5)),
			block(6), block(7), toServer(t, ack(7))}, 2, len(file), true},
		"2 lost by the capture": {[][]byte{block(1), block(3), block(4), toServer(t, ack(4)), block(5), block(6), block(7), toServer(t, ack(7))}, 0, len(file) - 512, false},
	} {
		tl := decode(t, hashAll, concat(start, c.frames)...)
		x := tl.Transfers[0]
		if x.Status != captures.Complete || x.WindowSize != 4 || x.Resent != c.resent || x.Bytes != int64(c.bytes) || bytes.Equal(x.Digest, sum[:]) != c.whole {
			t.Errorf("%s: %+v", name, x)
		}
		if !c.whole && x.Digest != nil {
			t.Errorf("%s: a hash of what was not seen", name)
		}
	}
}

func TestTFTPAnswerFromElsewhere(t *testing.T) {
	fromOther := func(port uint16, b []byte) []byte { return udp(t, other, port, pc, 2000, b) }
	t.Run("and the client takes it", func(t *testing.T) {
		tl := decode(t, captures.Options{}, ask(t, "f"), fromOther(4000, data(1, []byte("x"))), udp(t, pc, 2000, other, 4000, ack(1)))
		if e := one(t, tl, captures.TFTPStray); e.Addr("ip.src") != other.addr || e.Addr("ip.dst") != server.addr {
			t.Errorf("%+v", e)
		}
		if x := tl.Transfers[0]; x.Status != captures.Complete || x.Server.Addr() != other.addr || x.Asked != server.addr {
			t.Errorf("%+v", x)
		}
	})
	t.Run("and the right one later", func(t *testing.T) {
		tl := decode(t, captures.Options{}, ask(t, "f"), fromOther(4000, data(1, []byte("x"))),
			udp(t, pc, 2000, other, 4000, tftpError(5, "who are you?")), toPC(t, data(1, []byte("x"))), toServer(t, ack(1)))
		one(t, tl, captures.TFTPStray)
		if x := tl.Transfers[0]; x.Status != captures.Complete || x.Server.Addr() != server.addr {
			t.Errorf("%+v", x)
		}
	})
	t.Run("asked by broadcast", func(t *testing.T) {
		all := station{bytes.Repeat([]byte{0xff}, 6), netip.MustParseAddr("255.255.255.255")}
		tl := decode(t, captures.Options{}, udp(t, pc, 2000, all, 69, rrq("f")), toPC(t, data(1, nil)), toServer(t, ack(1)))
		if len(of(tl, captures.TFTPStray)) != 0 || tl.Transfers[0].Status != captures.Complete {
			t.Errorf("%v %+v", kinds(tl.Events), tl.Transfers[0])
		}
	})
}

func TestTFTPRequestRepeated(t *testing.T) {
	tl := decode(t, captures.Options{}, ask(t, "f"), ask(t, "f"),
		toPC(t, data(1, []byte("x"))), udp(t, server, 3001, pc, 2000, data(1, []byte("x"))),
		udp(t, pc, 2000, server, 3001, ack(1)), // the client takes the second
		toServer(t, tftpError(5, "unknown transfer ID")))
	if len(tl.Transfers) != 1 {
		t.Fatalf("%d transfers", len(tl.Transfers))
	}
	one(t, tl, captures.TFTPRepeated)
	if len(of(tl, captures.TFTPError)) != 0 {
		t.Error("the refusal of the other answer is no error of the transfer")
	}
	if x := tl.Transfers[0]; x.Server.Port() != 3001 || x.Status != captures.Complete {
		t.Errorf("%+v", x)
	}
}

func TestTFTPSinglePort(t *testing.T) {
	tl := decode(t, captures.Options{}, ask(t, "f"), udp(t, server, 69, pc, 2000, data(1, []byte("x"))), udp(t, pc, 2000, server, 69, ack(1)),
		ask(t, "g"), udp(t, server, 69, pc, 2000, data(1, []byte("yz"))), udp(t, pc, 2000, server, 69, ack(1)))
	if len(tl.Transfers) != 2 || tl.Transfers[0].Bytes != 1 || tl.Transfers[1].Bytes != 2 || tl.Transfers[1].Status != captures.Complete {
		t.Errorf("%+v", tl.Transfers)
	}
}

func TestTFTPCutBySnapLength(t *testing.T) {
	frames := concat([][]byte{ask(t, "f")}, lockStep(t, content(1000), 512, plainNumber))
	for i, f := range frames {
		frames[i] = f[:min(len(f), 100)]
	}
	tl := decode(t, hashAll, frames...)
	if x := tl.Transfers[0]; x.Bytes != 1000 || x.Status != captures.Complete || x.Digest != nil {
		t.Errorf("%+v", x)
	}
}

// pieces cuts an IPv4 frame into fragments of n bytes of payload.
func pieces(t testing.TB, frame []byte, n int) (frames [][]byte) {
	t.Helper()
	p := gopacket.NewPacket(frame, layers.LayerTypeEthernet, gopacket.Default)
	eth, ip := p.LinkLayer().(*layers.Ethernet), p.NetworkLayer().(*layers.IPv4)
	rest := ip.Payload
	for off := 0; off < len(rest); off += n {
		part := *ip
		part.Id, part.FragOffset, part.Flags = 77, uint16(off/8), 0
		if off+n < len(rest) {
			part.Flags = layers.IPv4MoreFragments
		}
		frames = append(frames, serialize(t, eth, &part, gopacket.Payload(rest[off:min(off+n, len(rest))])))
	}
	return frames
}

func TestTFTPInFragments(t *testing.T) {
	file := content(4000)
	for name, order := range map[string][]int{"in order": {0, 1, 2}, "backwards": {2, 1, 0}, "one twice": {0, 1, 1, 2}} {
		var split [][]byte
		all := pieces(t, toPC(t, data(1, file)), 1480)
		for _, i := range order {
			split = append(split, all[i])
		}
		tl := decode(t, hashAll, concat([][]byte{ask(t, "f", "blksize", "8000"), toPC(t, oack("blksize", "8000")), toServer(t, ack(0))},
			split, [][]byte{toServer(t, ack(1))})...)
		sum := sha256.Sum256(file)
		if x := tl.Transfers[0]; !x.Fragments || x.Bytes != 4000 || x.Status != captures.Complete || !bytes.Equal(x.Digest, sum[:]) {
			t.Errorf("%s: %+v", name, x)
		}
		if e := one(t, tl, captures.TFTPStart); e.Frame.Number != 3+len(order) {
			t.Errorf("%s: the first DATA is frame %d", name, e.Frame.Number)
		}
	}
}

func TestTFTPOverIPv6(t *testing.T) {
	six := func(s station, a string) station { return station{s.mac, netip.MustParseAddr(a)} }
	c, s := six(pc, "fe80::a"), six(server, "fe80::3")
	tl := decode(t, captures.Options{}, udp(t, c, 2000, s, 69, rrq("f")), udp(t, s, 3000, c, 2000, data(1, []byte("x"))), udp(t, c, 2000, s, 3000, ack(1)))
	if x := tl.Transfers[0]; x.Status != captures.Complete || x.Client.Addr() != c.addr || x.Host != pcMAC {
		t.Errorf("%+v", x)
	}
}

func TestTFTPWrite(t *testing.T) {
	req := append([]byte{0, 2}, "up\x00octet\x00"...)
	tl := decode(t, captures.Options{}, udp(t, pc, 2000, server, 69, req), toPC(t, ack(0)), toServer(t, data(1, []byte("x"))), toPC(t, ack(1)))
	if e := one(t, tl, captures.TFTPWrite); e.Text("tftp.destination_file") != "up" {
		t.Errorf("%+v", e)
	}
	if x := tl.Transfers[0]; x.Status != captures.Complete || x.Bytes != 1 {
		t.Errorf("%+v", x)
	}
}

func TestTFTPLimits(t *testing.T) {
	var frames [][]byte
	for i := range 20 {
		frames = append(frames, udp(t, pc, uint16(2000+i), server, 69, rrq("f")))
	}
	o := captures.Options{Limits: captures.Limits{Transfers: 10, Streams: 4}}
	if tl := decode(t, o, frames...); len(tl.Transfers) != 10 || len(of(tl, captures.TFTPRequest)) != 10 {
		t.Errorf("%d transfers with room for 10", len(tl.Transfers))
	}
}

func TestTFTPMalformed(t *testing.T) {
	for _, b := range [][]byte{{}, {0}, {0, 1}, {0, 1, 0, 0}, {0, 1, 'a'}, {0, 9, 0, 0}, rrq("f", "blksize"), rrq("f", "blksize", "-1", "tsize", "99999999999999999999")} {
		decode(t, captures.Options{}, udp(t, pc, 2000, server, 69, b), toPC(t, b), toServer(t, b))
	}
}

func TestTFTPFromTheMiddle(t *testing.T) {
	file := content(5*512 + 7)
	frames := lockStep(t, file, 512, plainNumber)
	tl := decode(t, hashAll, frames[4:]...) // from block 3 on
	x := tl.Transfers[0]
	if x.Name != "" || x.Host != pcMAC || x.Bytes != 3*512+7 || x.Status != captures.Complete || x.BlockSize != 512 || x.Digest != nil || x.Server.Port() != 3000 {
		t.Errorf("%+v", x)
	}
	one(t, tl, captures.TFTPStart)
	one(t, tl, captures.TFTPDone)
}

func TestTFTPStalled(t *testing.T) {
	block := toPC(t, data(1, content(512)))
	tl := decode(t, captures.Options{}, ask(t, "f"), block, block, block, block, block)
	if es := of(tl, captures.TFTPStalled); len(es) != 2 || !es[0].Is("tftp.bypeer") || es[0].Int("tftp.block") != 1 || es[0].Frame.Number != 5 ||
		es[1].Int("tftp.repeats") != 4 || es[1].Text("tftp.seconds") != "0.004000" {
		t.Errorf("the client is silent: %+v", es)
	}
	tl = decode(t, captures.Options{}, ask(t, "f"), block, toServer(t, ack(1)), toServer(t, ack(1)), toServer(t, ack(1)), toServer(t, ack(1)))
	if e := one(t, tl, captures.TFTPStalled); e.Is("tftp.bypeer") || e.Frame.Number != 6 {
		t.Errorf("the server is silent: %+v", e)
	}
	options := toPC(t, oack("tsize", "5"))
	tl = decode(t, captures.Options{}, ask(t, "f", "tsize", "0"), options, options, options, options)
	if e := one(t, tl, captures.TFTPStalled); !e.Is("tftp.bypeer") || e.Int("tftp.block") != 0 {
		t.Errorf("the client does not take the options: %+v", e)
	}
	agreed := toServer(t, ack(0))
	tl = decode(t, captures.Options{}, ask(t, "f", "tsize", "0"), options, agreed, agreed, agreed, agreed)
	if e := one(t, tl, captures.TFTPStalled); e.Is("tftp.bypeer") || e.Frame.Number != 6 {
		t.Errorf("the server agrees and is silent: %+v", e)
	}
	many := [][]byte{ask(t, "f")}
	for range 1 + 100 {
		many = append(many, block)
	}
	if n := len(of(decode(t, captures.Options{}, many...), captures.TFTPStalled)); n != 6+3 { // 3 to 8, 16, 32, 64
		t.Errorf("%d events for a block sent again 100 times", n)
	}
	// Lost and sent again is not stalled.
	tl = decode(t, captures.Options{}, ask(t, "f"), block, block, toServer(t, ack(1)), toPC(t, data(2, content(512))), toPC(t, data(2, content(512))), toServer(t, ack(2)))
	if n := len(of(tl, captures.TFTPStalled)); n != 0 {
		t.Errorf("%d stalls in a transfer that goes on", n)
	}
}

func TestTFTPFragmentsThatNeverArrive(t *testing.T) {
	first := pieces(t, toPC(t, data(1, content(4000))), 1480)[0]
	tl := decode(t, captures.Options{}, ask(t, "f", "blksize", "4000"), toPC(t, oack("blksize", "4000")), toServer(t, ack(0)), first, first)
	if x := tl.Transfers[0]; !x.Fragments || x.Bytes != 0 {
		t.Errorf("%+v", x)
	}
}
