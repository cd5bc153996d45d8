package tftp_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"strconv"
	"testing"

	"github.com/pxeproof/pxeproof/servers/tftp"
)

// TestFaults asks for a file of five blocks of 8 bytes (the last is empty) from
// a server with a fault, and shows what the fault does.
func TestFaults(t *testing.T) {
	const oack = "timeout 60 blksize 8"
	begin := func(p *peer) {
		p.read("dir/f", "timeout", patient, "blksize", "8")
		p.wantOACK(oack)
		p.ack(0)
	}
	for _, tt := range []struct {
		name   string
		faults tftp.Faults
		play   func(p *peer, file []byte)
	}{
		{"healthy", tftp.Faults{}, func(p *peer, file []byte) {
			begin(p)
			for n := uint16(1); n <= 5; n++ {
				p.wantBlocks(n)
				p.ack(n)
			}
		}},
		{"stall", tftp.Faults{StallAfter: 2}, func(p *peer, file []byte) {
			begin(p)
			p.wantBlocks(1)
			p.ack(1)
			p.wantBlocks(2)
			p.ack(2)
			p.wantNothing()
		}},
		{"truncate", tftp.Faults{TruncateAt: 11}, func(p *peer, file []byte) {
			p.read("dir/f", "blksize", "8", "tsize", "0")
			p.wantOACK("blksize 8 tsize 32")
			p.ack(0)
			p.wantBlocks(1)
			p.ack(1)
			if b := p.wantBlocks(2)[0]; !bytes.Equal(b, file[8:11]) {
				p.t.Errorf("the last block is %q", b)
			}
			p.ack(2)
		}},
		{"corrupt", tftp.Faults{CorruptBlock: 2}, func(p *peer, file []byte) {
			begin(p)
			if b := p.wantBlocks(1)[0]; !bytes.Equal(b, file[:8]) {
				p.t.Errorf("the first block is %q", b)
			}
			p.ack(1)
			if b := p.wantBlocks(2)[0]; bytes.Equal(b, file[8:16]) || !bytes.Equal(b[1:], file[9:16]) {
				p.t.Errorf("the second block is %q", b)
			}
		}},
		{"repeat", tftp.Faults{RepeatBlock: 2}, func(p *peer, file []byte) {
			begin(p)
			p.wantBlocks(1)
			p.ack(1)
			p.wantBlocks(2, 2)
			p.wantNothing()
		}},
		{"drop", tftp.Faults{DropEvery: 3}, func(p *peer, file []byte) {
			p.read("dir/f", "blksize", "8", "timeout", patient, "windowsize", "5")
			p.wantOACK("blksize 8 timeout 60 windowsize 5")
			p.ack(0)
			p.wantBlocks(1, 2, 4, 5)
			p.ack(2)
			p.wantBlocks(4, 5) // block 3 is the sixth packet
		}},
		{"wrong port", tftp.Faults{WrongPortAt: 2}, func(p *peer, file []byte) {
			begin(p)
			p.wantBlocks(1)
			first := p.tid.String()
			p.ack(1)
			p.wantBlocks(2)
			if p.tid.String() == first {
				p.t.Error("block 2 comes from the same port")
			}
		}},
		{"wrong address", tftp.Faults{WrongAddress: netip.MustParseAddr("192.168.1.200")}, func(p *peer, file []byte) {
			p.read("dir/f")
			p.wantBlocks(1)
			if ip := p.tid.(*net.UDPAddr).IP.String(); ip != "192.168.1.200" {
				p.t.Errorf("block 1 comes from %s", ip)
			}
		}},
		{"error", tftp.Faults{ErrorAt: 2, Error: tftp.Error{Code: tftp.DiskFull, Text: "oops"}}, func(p *peer, file []byte) {
			begin(p)
			p.wantBlocks(1)
			p.ack(1)
			p.wantError(tftp.DiskFull, "oops")
		}},
		{"ignore options", tftp.Faults{IgnoreOptions: true}, func(p *peer, file []byte) {
			p.read("dir/f", "blksize", "8")
			if b := p.wantBlocks(1)[0]; !bytes.Equal(b, file) {
				p.t.Errorf("block 1 is %q", b)
			}
			p.ack(1)
		}},
		{"extra options", tftp.Faults{ExtraOptions: []tftp.Option{{Name: "multicast", Value: "a,b,1"}}}, func(p *peer, file []byte) {
			p.read("dir/f", "blksize", "8")
			p.wantOACK("blksize 8 multicast a,b,1")
		}},
		{"other files only", tftp.Faults{Files: "dir/x*", StallAfter: 1}, func(p *peer, file []byte) {
			begin(p)
			p.wantBlocks(1)
			p.ack(1)
			p.wantBlocks(2)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := newLab(t)
			file := l.write(t, "dir/f", 32)
			l.start(t, tftp.Config{Faults: []tftp.Faults{tt.faults}})
			tt.play(l.peer(t), file)
		})
	}
}

// TestNoise sends a server what is nearly a request, and asks it politely in
// between. PXEPROOF_NOISE is how many packets; a million takes a minute or two.
func TestNoise(t *testing.T) {
	packets := 20_000
	if n, err := strconv.Atoi(os.Getenv("PXEPROOF_NOISE")); err == nil {
		packets = n
	}
	l := newLab(t)
	l.write(t, "f", 600)
	done := l.startWatched(t, tftp.Config{Network: "udp4"})
	polite, noisy := l.peer(t), l.peer(t)
	before := descriptors(t)
	r := rand.New(rand.NewPCG(uint64(packets), 1))
	for i := range packets {
		noisy.send(string(noise(r)), noisy.server)
		if i%50 != 49 {
			continue // not more at once than the server's socket holds
		}
		polite.read("f")
		for _, block := range []uint16{1, 2} {
			// On a busy machine an acknowledgement comes late, and what was sent
			// again meanwhile is in the way.
			for b := polite.next(); binary.BigEndian.Uint16(b[2:]) != block; b = polite.next() {
				if b[1] != opDATA {
					t.Fatalf("got %.20q, want block %d", b, block)
				}
			}
			polite.ack(block)
		}
		for tr := <-done; tr.Client.String() != fmt.Sprintf("192.168.1.50:%d", polite.LocalAddr().(*net.UDPAddr).Port); tr = <-done {
			if tr.Err == nil {
				t.Errorf("noise got a file: %+v", tr)
			}
		}
	}
	// Transfers that the noise has started may still be there, one a port.
	if after := descriptors(t); after > before+2*16 {
		t.Errorf("%d descriptors are open, and %d were before", after, before)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// noise is a request with something wrong.
func noise(r *rand.Rand) []byte {
	b := binary.BigEndian.AppendUint16(nil, uint16(r.IntN(7)))
	parts := []string{"f", "..", "/", "octet", "netascii", "mail", "blksize", "tsize", "windowsize", "timeout", "0", "7", "65464",
		"99999999999999999999", "-1", "\\", "%s", "\xff\xfe", "", "rollover", "multicast", string(make([]byte, r.IntN(600)))}
	for range r.IntN(9) {
		b = append(b, parts[r.IntN(len(parts))]...)
		if r.IntN(5) > 0 {
			b = append(b, 0)
		}
	}
	for range r.IntN(3) {
		b[r.IntN(len(b))] = byte(r.Uint32())
	}
	return b[:r.IntN(len(b)+1)]
}
