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
		if n.reads == nil {
			n.reads = make(map[string]*nfsRead)
		}
		n.reads[peer.host] = r
	}
	peer.node, peer.read = n, r
	return r
}

func (d *Decoder) nfsReadCall(peer *rpcPeer, n *nfsNode) { d.nfsReadOf(peer, n).under++ }

// nfsReadReply folds a READ into its transfer.
func (d *Decoder) nfsReadReply(c *rpcCallInfo, xid uint32, a rpcAnswer, status uint32, x *xdr) {
	r := d.nfsReadOf(c.peer, c.args.node)
	r.under = max(0, r.under-1)
	if !a.answered {
		if r.Transfer == nil && !r.failed {
			r.failed = true
			d.event(c.peer.host, NFSOpen, c.fields(xid, a, c.pathAndStatus(a, 0)...))
		}
		return
	}
	ok := a.ok() && status == 0
	var size, count int64 = -1, 0
	var eof bool
	if ok {
		if x.uint32() == 1 {
			if at := x.fixed(fattrLength); at != nil {
				size = int64(binary.BigEndian.Uint64(at[20:]))
			}
		}
		count, eof = int64(x.uint32()), x.uint32() == 1
		if x.short {
			return
		}
	}
	switch {
	case r.Transfer == nil || r.over && c.args.n == 0:
		// The file is opened, or read again from its beginning.
		if !d.nfsOpen(r, c, xid, a, status) {
			return
		}
	case !ok:
		d.nfsFailed(c, xid, a, status)
	}
	r.Last = d.p.At
	if !ok {
		r.Code = int(status)
		return
	}
	if size >= 0 {
		r.Size = size
	}
	r.BlockSize = max(r.BlockSize, int(c.args.m))
	from := int64(c.args.n)
	if from < 0 || from+count < from {
		return
	}
	fresh := r.seen.add(from, from+count)
	r.Bytes += fresh
	switch {
	case fresh > 0:
		r.Blocks++
	case count > 0:
		r.Resent++
	}
	if eof {
		r.eof = from + count
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
func (d *Decoder) nfsOpen(r *nfsRead, c *rpcCallInfo, xid uint32, a rpcAnswer, status uint32) bool {
	t, index := d.newTransfer(Transfer{
		Protocol: "nfs", Host: c.peer.host, Client: c.peer.client, Server: c.peer.server, Asked: c.peer.server.Addr(),
		Name: c.args.node.path, Size: -1, WindowSize: 1,
	})
	if t == nil {
		return false
	}
	*r = nfsRead{Transfer: t, index: index, eof: -1, under: r.under}
	t.Start.Number, t.Begun = c.frame, c.at
	if !a.ok() || status != 0 {
		t.Status, t.End, t.Ended = Failed, d.frame(), d.p.At
		t.Code, t.ByPeer = int(status), true
		r.over = true
	}
	f := []Field{{"nfs.transfer", index}}
	d.event(c.peer.host, NFSOpen, c.fields(xid, a, append(f, c.pathAndStatus(a, status)...)...))
	return true
}
