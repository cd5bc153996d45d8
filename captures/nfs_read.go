package captures

import "encoding/binary"

// An nfsRead is one machine's reading of one file.
type nfsRead struct {
	*Transfer    // nil before the first reply
	index        int64
	seen         ranges // bytes
	eof          int64  // the file's end; -1 until it was read
	under        int    // calls without a reply
	over, failed bool
}

// nfsRead is the reading of n by the peer's machine; new if need be.
func (d *Decoder) nfsReadOf(peer *rpcPeer, n *nfsNode) *nfsRead {
	if peer.node == n {
		return peer.read
	}
	r := n.reads[peer.host]
	if r == nil {
		r = &nfsRead{eof: -1}
		if d.rpc.reads < d.limits.Handles {
			d.rpc.reads++
			if n.reads == nil {
				n.reads = make(map[string]*nfsRead)
			}
			n.reads[peer.host] = r
		}
	}
	peer.node, peer.read = n, r
	return r
}

func (d *Decoder) nfsReadCall(peer *rpcPeer, n *nfsNode) { d.nfsReadOf(peer, n).under++ }

// readResultHead is a READ's result without its data, attributes included.
const readResultHead = 4 + 4 + fattrLength + 4 + 4 + 4

// A readResult is a READ with its reply.
type readResult struct {
	ok     bool // there is one
	c      rpcCallInfo
	xid    uint32
	answer rpcAnswer
	status uint32
	size   int64 // of the file; -1: not said
	count  int64
	eof    bool
}

// granted says that the READ gave data.
func (r *readResult) granted() bool { return r.answer.ok() && r.status == 0 }

// nfsReadReply reads the head of a READ's reply. The data that follow count
// once they are there.
func (d *Decoder) nfsReadReply(c *rpcCallInfo, xid uint32, a rpcAnswer, status uint32, x *xdr) {
	res := readResult{ok: true, c: *c, xid: xid, answer: a, status: status, size: -1}
	if res.granted() {
		if x.uint32() == 1 {
			if at := x.fixed(fattrLength); at != nil {
				res.size = int64(binary.BigEndian.Uint64(at[20:]))
			}
		}
		res.count, res.eof = int64(x.uint32()), x.uint32() == 1
		if x.short {
			return
		}
	}
	if d.rpc.later != nil {
		*d.rpc.later = res
		return
	}
	d.nfsReadFold(&res)
}

// nfsReadFold folds a READ into its transfer.
func (d *Decoder) nfsReadFold(res *readResult) {
	c := &res.c
	r := d.nfsReadOf(c.peer, c.args.node)
	r.under = max(0, r.under-1)
	if !res.answer.answered {
		if r.Transfer == nil && !r.failed {
			r.failed = true
			d.event(c.peer.host, NFSOpen, c.fields(res.xid, res.answer, c.pathAndStatus(res.answer, 0)...))
		}
		return
	}
	switch {
	case r.Transfer == nil || r.over && c.args.n == 0:
		// The file is opened, or read again from its beginning.
		if !d.nfsOpen(r, res) {
			return
		}
	case !res.granted():
		d.nfsFailed(c, res.xid, res.answer, res.status)
	}
	r.Last = d.p.At
	if !res.granted() {
		r.Code = int(res.status)
		return
	}
	if res.size >= 0 {
		r.Size = res.size
	}
	r.BlockSize = max(r.BlockSize, int(c.args.m))
	from := int64(c.args.n)
	to := from + res.count
	if from < 0 || to < from {
		return
	}
	fresh := r.seen.add(from, to)
	r.Bytes += fresh
	switch {
	case fresh > 0:
		r.Blocks++
	case res.count > 0:
		r.Resent++
	}
	if res.eof {
		r.eof = to
	}
	if r.eof >= 0 && !r.over && (r.under == 0 || r.seen.covers(0, r.eof)) {
		r.over = true
		r.Status, r.End, r.Ended = Complete, d.frame(), d.p.At
		f := []Field{{"nfs.transfer", r.index}}
		if p := c.args.node.path; p != "" {
			f = append(f, Field{"nfs.path", p})
		}
		d.event(c.peer.host, NFSDone, append(f, Field{"nfs.bytes", r.Bytes}))
	}
}

// nfsOpen begins the transfer. It is false if there are too many.
func (d *Decoder) nfsOpen(r *nfsRead, res *readResult) bool {
	c := &res.c
	t, index := d.newTransfer(Transfer{
		Protocol: "nfs", Host: c.peer.host, Client: c.peer.client, Server: c.peer.server, Asked: c.peer.server.Addr(),
		Name: c.args.node.path, Size: -1, WindowSize: 1,
	})
	if t == nil {
		return false
	}
	*r = nfsRead{Transfer: t, index: index, eof: -1, under: r.under}
	t.Start.Number, t.Begun = c.frame, c.at
	if !res.granted() {
		t.Status, t.End, t.Ended = Failed, d.frame(), d.p.At
		t.Code, t.ByPeer = int(res.status), true
		r.over = true
	}
	f := []Field{{"nfs.transfer", index}}
	d.event(c.peer.host, NFSOpen, c.fields(res.xid, res.answer, append(f, c.pathAndStatus(res.answer, res.status)...)...))
	return true
}
