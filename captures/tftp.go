package captures

import (
	"net/netip"
	"strconv"
	"time"
)

// tftpFrame takes the datagram at hand if it is TFTP's.
func (d *Decoder) tftpFrame() bool {
	p := &d.p
	op := tftpOpcode(p.payload)
	if op == 0 {
		return p.sport == tftpPort || p.dport == tftpPort
	}
	if p.dport == tftpPort && (op == tftpRRQ || op == tftpWRQ) {
		d.tftpRequest(op)
		return true
	}
	if op == tftpDATA && p.dst.IsMulticast() && d.tftpMulticast() {
		return true
	}
	if e, ok := d.tftp.find(p.flow()); ok {
		if e.byClient {
			d.tftpFromClient(e.t, op)
		} else {
			d.tftpFromServer(e.t, op)
		}
		return true
	}
	if t := d.tftp.clients[p.destination()]; t != nil && op >= tftpDATA {
		return d.tftpAnswer(t, op)
	}
	// A server that heard the request twice may have answered from two TIDs;
	// the client's first word says which one it took.
	if t := d.tftp.clients[p.source()]; t != nil && !t.heard && !t.over && op >= tftpDATA {
		if op != tftpERROR || tftpBlock(p.payload) != tftpUnknownTID {
			d.tftp.bind(t, p.destination())
			d.tftpFromClient(t, op)
		}
		return true
	}
	if op == tftpRRQ && isMTFTPOpen(p.payload) {
		d.tftpRequest(op)
		return true
	}
	if op == tftpDATA || op == tftpACK {
		d.tftpMiddle(op)
	}
	return p.sport == tftpPort || p.dport == tftpPort
}

// tftpRequest begins a transfer, or repeats the beginning.
func (d *Decoder) tftpRequest(op int) {
	p := &d.p
	name, rest, _ := cutString(p.payload[2:])
	mode, rest, _ := cutString(rest)
	name, mode = clip(name, maxFileName), clip(mode, maxFileName)
	o := readTFTPOptions(rest)
	if t := d.tftp.clients[p.source()]; t != nil && !t.over && t.acked == 0 && !t.heard &&
		t.Name == name && t.write == (op == tftpWRQ) && t.Asked == p.dst && t.asks == o {
		t.Last = p.At
		d.event(t.Host, TFTPRepeated, []Field{
			{"tftp.transfer", t.index},
			{"tftp.source_file", name},
			{"ip.dst", p.dst},
		})
		return
	}
	host := d.hosts.client(p.srcMAC, p.src)
	tr, index := d.newTransfer(Transfer{
		Protocol: "tftp", Host: host, Client: p.source(), Server: p.destination(), Asked: p.dst,
		Name: name, Size: -1, BlockSize: tftpDefaultBlock, WindowSize: 1,
	})
	if tr == nil {
		return
	}
	t := &tftpTransfer{Transfer: tr, index: index, write: op == tftpWRQ, asks: o, tftpBlocks: newTFTPBlocks()}
	if old := d.tftp.clients[t.Client]; old != nil {
		d.tftp.forget(old)
	}
	d.tftpFollow(t)
	if p.dport != tftpPort {
		d.tftp.groups.wait(t)
	}
	kind, file := TFTPRequest, "tftp.source_file"
	if t.write {
		kind, file = TFTPWrite, "tftp.destination_file"
	}
	d.event(host, kind, o.fields([]Field{
		{"tftp.transfer", index},
		{"ip.src", p.src},
		{"udp.srcport", int64(p.sport)},
		{"ip.dst", p.dst},
		{"udp.dstport", int64(p.dport)},
		{file, name},
		{"tftp.type", mode},
	}))
}

// tftpFollow has a transfer found by its client from now on.
func (d *Decoder) tftpFollow(t *tftpTransfer) {
	d.tftp.clients[t.Client] = t
	for d.tftp.order.push(t); d.tftp.order.len() > d.limits.Streams; {
		d.tftp.forget(d.tftp.order.pop())
	}
}

// tftpAnswer is a datagram to a client's TID from a TID that is not, or not
// yet, its server's.
func (d *Decoder) tftpAnswer(t *tftpTransfer, op int) bool {
	p := &d.p
	if p.macs {
		d.hosts.isServer(p.srcMAC)
	}
	asked := t.Asked == p.src || t.Asked.IsMulticast() || isBroadcast(t.Asked)
	if !asked && !containsAddr(t.strays, p.src) && len(t.strays) < 8 {
		t.strays = append(t.strays, p.src)
		d.event(t.Host, TFTPStray, []Field{
			{"tftp.transfer", t.index},
			{"ip.src", p.src},
			{"ip.dst", t.Asked},
		})
	}
	// A second TID is taken in place of the first only if the first was an
	// outsider's to whom the client has not answered: it is the server at last.
	if t.over || t.bound && (t.heard || !asked || !containsAddr(t.strays, t.Server.Addr())) {
		return true
	}
	if t.bound {
		d.tftp.restart(t)
	}
	d.tftp.bind(t, p.source())
	d.tftpFromServer(t, op)
	return true
}

func containsAddr(list []netip.Addr, a netip.Addr) bool {
	for _, x := range list {
		if x == a {
			return true
		}
	}
	return false
}

func isBroadcast(a netip.Addr) bool {
	// The subnet's own broadcast address cannot be told without its mask; .255
	// is it nearly always, and a server at .255 is no server.
	return a.Is4() && a.As4()[3] == 255
}

// tftpFromServer is a datagram from the server's TID.
func (d *Decoder) tftpFromServer(t *tftpTransfer, op int) {
	t.fromPeer = true
	switch op {
	case tftpDATA:
		// MTFTP's first block comes to the one that acknowledges alone, too.
		if !t.write && !(t.grouped && t.acked == 0 && t.Blocks > 0) {
			d.tftpData(t)
		}
	case tftpACK:
		if t.write {
			d.tftpAck(t)
		}
	case tftpOACK:
		d.tftpOack(t)
	case tftpERROR:
		d.tftpError(t, true)
	}
}

// tftpFromClient is a datagram from the client to the server's TID.
func (d *Decoder) tftpFromClient(t *tftpTransfer, op int) {
	if op == tftpERROR && tftpBlock(d.p.payload) == tftpUnknownTID && !t.heard {
		// It refuses this answer, and waits for another.
		d.tftp.unbind(t)
		d.tftp.restart(t)
		return
	}
	t.heard, t.fromPeer = true, false
	switch op {
	case tftpACK:
		if !t.write {
			d.tftpAck(t)
		}
	case tftpDATA:
		if t.write {
			d.tftpData(t)
		}
	case tftpERROR:
		d.tftpError(t, false)
	}
}

func (d *Decoder) tftpData(t *tftpTransfer) {
	p := &d.p
	n := len(p.payload) - 4 + p.cut
	if t.Blocks == 0 && t.Resent == 0 && !t.over {
		d.event(t.Host, TFTPStart, []Field{
			{"tftp.transfer", t.index},
			{"ip.src", p.src},
			{"udp.srcport", int64(p.sport)},
			{"tftp.source_file", t.Name},
		})
		if d.opts.Digest != nil && d.opts.Digest(*t.Transfer) {
			t.startHash()
		}
	}
	t.Last = p.At
	if p.joined {
		t.Fragments = true
	}
	block, fresh := t.data(tftpBlock(p.payload), n, t.BlockSize)
	if !fresh {
		t.Resent++
		d.tftpAgain(t, block > t.acked)
	} else {
		t.Blocks++
		t.Bytes += int64(n)
		t.Moved = p.At
		t.repeats = [2]int{}
	}
	if t.middle && n > t.BlockSize {
		t.BlockSize = n
	}
	if t.hash != nil && p.cut == 0 {
		t.add(block, p.payload[4:], &d.tftp.ahead)
	}
	if fresh && t.last != 0 && len(t.gaps.r) == 0 && !t.write && !t.over {
		t.Status, t.End, t.Ended, t.Digest = Sent, d.frame(), p.At, t.digest()
	}
}

// tftpAgain counts what a side sends again, if it is for want of an answer.
func (d *Decoder) tftpAgain(t *tftpTransfer, unanswered bool) {
	const patience, often = 3, 8
	if !unanswered || t.over {
		return
	}
	side := 0
	if t.fromPeer {
		side = 1
	}
	t.repeats[side]++
	n := t.repeats[side]
	if n < patience || n > often && n&(n-1) != 0 {
		return
	}
	var block uint16
	if tftpOpcode(d.p.payload) != tftpOACK {
		block = tftpBlock(d.p.payload)
	}
	d.event(t.Host, TFTPStalled, []Field{
		{"tftp.transfer", t.index},
		{"tftp.source_file", t.Name},
		{"tftp.block", int64(block)},
		{"tftp.repeats", int64(n)},
		{"tftp.seconds", decimal(d.p.At.Sub(t.Moved))},
		{"tftp.bypeer", t.fromPeer},
	})
}

func (d *Decoder) tftpAck(t *tftpTransfer) {
	p := &d.p
	t.Last = p.At
	block := t.number(tftpBlock(p.payload))
	if block > t.acked {
		t.acked = block
		t.repeats = [2]int{}
	} else {
		d.tftpAgain(t, block == t.acked && block == t.next-1 && t.agreed)
	}
	t.agreed = true
	if t.last == 0 || block < t.last || t.over {
		return
	}
	d.tftpFinish(t)
}

// tftpFinish ends a transfer whose client has everything.
func (d *Decoder) tftpFinish(t *tftpTransfer) {
	p := &d.p
	t.over = true
	t.Status, t.End, t.Ended = Complete, d.frame(), p.At
	if len(t.gaps.r) == 0 {
		t.Digest = t.digest()
	}
	t.stopHash(&d.tftp.ahead)
	d.event(t.Host, TFTPDone, t.TFTPDone(t.index))
}

// TFTPDone are the fields of the event of that kind that ends the transfer, which
// has this index. They are of use for one that is Sent.
func (t *Transfer) TFTPDone(index int64) []Field {
	return []Field{
		{"tftp.transfer", index},
		{"tftp.source_file", t.Name},
		{"tftp.bytes", t.Bytes},
		{"tftp.option.blksize", int64(t.BlockSize)},
		{"tftp.option.windowsize", int64(t.WindowSize)},
		{"tftp.resent", int64(t.Resent)},
		{"tftp.seconds", decimal(t.Ended.Sub(t.Begun))},
	}
}

// decimal is a time in seconds, to the microsecond.
func decimal(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 6, 64) }

func (d *Decoder) tftpOack(t *tftpTransfer) {
	p := &d.p
	t.Last = p.At
	if t.oacked && !t.heard {
		d.tftpAgain(t, true)
	}
	if t.oacked || t.over || t.Blocks > 0 {
		return
	}
	t.oacked, t.Moved = true, p.At
	o := readTFTPOptions(p.payload[2:])
	// RFC 2348: 8 to 65464; RFC 7440: 1 to 65535.
	if o.blksize >= 8 && o.blksize <= 65464 {
		t.BlockSize = int(o.blksize)
	}
	if o.windowsize >= 1 && o.windowsize <= 65535 {
		t.WindowSize = int(o.windowsize)
	}
	if o.tsize >= 0 {
		t.Size = o.tsize
	}
	if g, ok := groupOf(o.multicast); ok {
		t.group = g
		d.tftp.groups.wait(t)
	}
	d.event(t.Host, TFTPOack, o.fields([]Field{
		{"tftp.transfer", t.index},
		{"ip.src", p.src},
		{"udp.srcport", int64(p.sport)},
	}))
}

func (d *Decoder) tftpError(t *tftpTransfer, byPeer bool) {
	p := &d.p
	t.Last = p.At
	if t.over {
		return
	}
	t.over = true
	code := int(tftpBlock(p.payload))
	t.Code, t.Message, t.ByPeer = code, clip(cString(p.payload[4:]), maxErrorText), byPeer
	t.Status, t.End, t.Ended = Failed, d.frame(), p.At
	// EDK2 asks for the size first, and refuses the file (ERROR 8) once it has
	// it; old Intel ROMs say ERROR 0 for the same.
	if !byPeer && t.oacked && t.Size >= 0 && t.Blocks == 0 {
		t.Status = Probed
	}
	t.stopHash(&d.tftp.ahead)
	d.event(t.Host, TFTPError, []Field{
		{"tftp.transfer", t.index},
		{"ip.src", p.src},
		{"ip.dst", p.dst},
		{"tftp.error.code", int64(code)},
		{"tftp.error.message", t.Message},
		{"tftp.source_file", t.Name},
		{"tftp.bypeer", byPeer},
		{"tftp.probed", t.Status == Probed},
	})
}
