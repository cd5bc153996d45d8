package captures

import "encoding/binary"

// A tftpGuess is a datagram that may be DATA of a transfer whose request the
// capture does not have.
type tftpGuess struct {
	block uint16
	bytes int
	frame Frame
}

// maxGuesses bounds what is remembered of them.
const maxGuesses = 1024

// tftpMiddle looks at what could be DATA or ACK between ports that nobody asked
// for. DATA that the other side acknowledges is a transfer.
func (d *Decoder) tftpMiddle(op int) {
	p, k := &d.p, &d.tftp
	block := tftpBlock(p.payload)
	if op == tftpDATA {
		if len(k.guesses) >= maxGuesses {
			clear(k.guesses)
		}
		k.guesses[p.flow()] = tftpGuess{block, len(p.payload) - 4 + p.cut, d.frame()}
		return
	}
	g, ok := k.guesses[p.flow().reverse()]
	if !ok || g.block != block || len(p.payload)+p.cut != 4 || block == 0 {
		return
	}
	delete(k.guesses, p.flow().reverse())
	tr, index := d.newTransfer(Transfer{
		Protocol: "tftp", Host: d.hosts.client(p.srcMAC, p.src), Client: p.source(), Server: p.destination(), Asked: p.dst,
		Size: -1, BlockSize: g.bytes, WindowSize: 1, Bytes: int64(g.bytes), Blocks: 1,
	})
	if tr == nil {
		return
	}
	tr.Start = g.frame
	t := &tftpTransfer{Transfer: tr, index: index, middle: true, heard: true, tftpBlocks: newTFTPBlocks()}
	t.next, t.acked = int64(block)+1, int64(block)
	d.tftpFollow(t)
	k.bind(t, p.destination())
	d.event(t.Host, TFTPStart, []Field{
		{"tftp.transfer", index},
		{"ip.src", p.dst},
		{"udp.srcport", int64(p.dport)},
		{"tftp.source_file", ""},
	})
}

// tftpFragment is called for the first piece of a datagram: the transfer that
// it belongs to has fragments, whether or not the others ever arrive.
func (d *Decoder) tftpFragment() {
	p := &d.p
	if p.proto != protoUDP || p.fragment.offset != 0 || len(p.payload) < 8 {
		return
	}
	f := p.flow()
	f.sport, f.dport = binary.BigEndian.Uint16(p.payload), binary.BigEndian.Uint16(p.payload[2:])
	e, ok := d.tftp.find(f)
	t := e.t
	if !ok {
		p.sport, p.dport = f.sport, f.dport
		t = d.tftp.clients[p.destination()]
	}
	if t != nil && !t.over {
		t.Fragments = true
	}
}
