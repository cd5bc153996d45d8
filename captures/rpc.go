package captures

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"
	"time"
)

// Sun RPC (RFC 5531).
const (
	rpcVersion  = 2
	rpcCall     = 0
	rpcReply    = 1
	rpcAccepted = 0
	rpcDenied   = 1

	progPortmap = 100000
	progNFS     = 100003
	progMount   = 100005
)

// An rpcPeer is a client's connection to a server, or its exchange of
// datagrams with one.
type rpcPeer struct {
	id             uint32
	client, server netip.AddrPort
	host           string
	tcp            bool
	node           *nfsNode // the file read last, and its reading
	read           *nfsRead
}

// callKey finds a call by its peer and xid.
type callKey struct{ peer, xid uint32 }

// An rpcCallInfo is a call that waits for its reply.
type rpcCallInfo struct {
	peer             *rpcPeer
	at               time.Time
	frame            int
	prog, vers, proc uint32
	args             rpcArgs
}

// rpcArgs are the arguments that matter for the reply.
type rpcArgs struct {
	node   *nfsNode // the file or the directory
	text   string   // a name or a path
	n      uint64   // READ: offset; GETPORT: program and version
	m      uint32   // READ: count; GETPORT: IP protocol
	served *nfsServer
}

// An rpcTracker matches replies with calls.
type rpcTracker struct {
	calls  map[callKey]rpcCallInfo
	peers  map[flow]*rpcPeer // of UDP
	order  fifo[flow]
	ids    uint32
	ports  map[netip.AddrPort]bool // where a portmapper said that RPC is
	nfs    map[netip.Addr]*nfsServer
	nodes  int // in all of nfs
	reads  int // in all of their nodes
	others map[otherCall]bool
	// later is where the result of a READ waits for the end of its data; nil:
	// the message is whole.
	later *readResult
}

// otherCall is a procedure of a program that we do not read.
type otherCall struct {
	host             string
	prog, vers, proc uint32
}

func newRPCTracker() rpcTracker {
	return rpcTracker{
		calls:  make(map[callKey]rpcCallInfo),
		peers:  make(map[flow]*rpcPeer),
		ports:  make(map[netip.AddrPort]bool),
		nfs:    make(map[netip.Addr]*nfsServer),
		others: make(map[otherCall]bool),
	}
}

// isPort says whether RPC is spoken at this port.
func (k *rpcTracker) isPort(a netip.Addr, port uint16) bool {
	return port == 111 || port == 2049 || len(k.ports) > 0 && k.ports[netip.AddrPortFrom(a, port)]
}

func (d *Decoder) rpcNewPeer(client, server netip.AddrPort, tcp bool, host string) *rpcPeer {
	d.rpc.ids++
	return &rpcPeer{id: d.rpc.ids, client: client, server: server, host: host, tcp: tcp}
}

// rpcDatagram takes the UDP datagram at hand if it is RPC.
func (d *Decoder) rpcDatagram() {
	p := &d.p
	b := p.payload
	if len(b) < 16 {
		return
	}
	switch binary.BigEndian.Uint32(b[4:]) {
	case rpcCall:
		if binary.BigEndian.Uint32(b[8:]) != rpcVersion || len(b) < 40 {
			return
		}
		f := p.flow()
		peer := d.rpc.peers[f]
		if peer == nil {
			host := d.hosts.client(p.srcMAC, p.src)
			peer = d.rpcNewPeer(p.source(), p.destination(), false, host)
			d.rpc.peers[f] = peer
			for d.rpc.order.push(f); d.rpc.order.len() > d.limits.Streams; {
				delete(d.rpc.peers, d.rpc.order.pop())
			}
		}
		d.rpcCall(peer, b)
	case rpcReply:
		peer := d.rpc.peers[p.flow().reverse()]
		if peer == nil {
			return
		}
		if p.macs {
			d.hosts.isServer(p.srcMAC)
		}
		d.rpcReply(peer, b)
	}
}

// rpcEnough is how many bytes of a message must be there before it is looked
// at: all of a reply, but not the data of a READ.
func (d *Decoder) rpcEnough(peer *rpcPeer, dir int, m []byte) int {
	// Credentials and verifier are at most 400 bytes each, a path 1024.
	const callHead, replyHead = 2048, 24
	if dir == 0 {
		return callHead
	}
	if len(m) < replyHead {
		return replyHead
	}
	if peer != nil {
		if c, ok := d.rpc.calls[callKey{peer.id, binary.BigEndian.Uint32(m)}]; ok && !c.isRead() {
			return maxMessage
		}
	}
	// The verifier's length tells where the result begins.
	return replyHead + int(min(400, binary.BigEndian.Uint32(m[16:]))) + readResultHead
}

func (c *rpcCallInfo) isRead() bool { return c.prog == progNFS && c.vers == 3 && c.proc == nfsREAD }

// rpcCall remembers a call. A call sent again keeps its first frame.
func (d *Decoder) rpcCall(peer *rpcPeer, m []byte) {
	x := xdr{b: m}
	key := callKey{peer.id, x.uint32()}
	if x.uint32() != rpcCall || x.uint32() != rpcVersion {
		return
	}
	c := rpcCallInfo{peer: peer, at: d.p.At, frame: d.p.Number, prog: x.uint32(), vers: x.uint32(), proc: x.uint32()}
	if old, ok := d.rpc.calls[key]; ok && old.prog == c.prog && old.proc == c.proc {
		return
	}
	for range 2 { // credentials, verifier
		x.uint32()
		x.opaque(400)
	}
	if x.short {
		return
	}
	switch c.prog {
	case progPortmap:
		c.args = portmapArgs(&c, &x)
	case progMount:
		c.args = mountArgs(&c, &x)
	case progNFS:
		c.args = d.nfsArgs(&c, &x)
	}
	if len(d.rpc.calls) >= d.limits.Streams {
		d.rpcFinish()
	}
	d.rpc.calls[key] = c
}

// An rpcAnswer is the head of a reply.
type rpcAnswer struct {
	answered bool
	stat     uint32 // accepted or denied
	detail   uint32 // accept_stat or reject_stat
}

func (a rpcAnswer) ok() bool { return a.answered && a.stat == rpcAccepted && a.detail == 0 }

// rpcReply finds the call and makes the event of the two.
func (d *Decoder) rpcReply(peer *rpcPeer, m []byte) {
	x := xdr{b: m}
	xid := x.uint32()
	key := callKey{peer.id, xid}
	c, ok := d.rpc.calls[key]
	if !ok || x.uint32() != rpcReply {
		return
	}
	a := rpcAnswer{answered: true, stat: x.uint32()}
	if a.stat == rpcAccepted {
		x.uint32()
		x.opaque(400)
	}
	a.detail = x.uint32()
	if x.short {
		return
	}
	delete(d.rpc.calls, key)
	d.rpcDone(&c, xid, a, &x)
}

// rpcDone makes the event of a call and its reply.
func (d *Decoder) rpcDone(c *rpcCallInfo, xid uint32, a rpcAnswer, x *xdr) {
	switch c.prog {
	case progPortmap:
		d.portmapDone(c, xid, a, x)
	case progMount:
		d.mountDone(c, xid, a, x)
	case progNFS:
		d.nfsDone(c, xid, a, x)
	default:
		d.otherDone(c, xid, a)
	}
}

// otherDone gives the first call of each procedure of a program that we do not
// read, and every one that failed.
func (d *Decoder) otherDone(c *rpcCallInfo, xid uint32, a rpcAnswer) {
	k := otherCall{c.peer.host, c.prog, c.vers, c.proc}
	if a.ok() && (d.rpc.others[k] || len(d.rpc.others) >= d.limits.Streams) {
		return
	}
	if a.ok() {
		d.rpc.others[k] = true
	}
	d.event(c.peer.host, RPCOther, c.fields(xid, a))
}

// fields are those of every RPC event.
func (c *rpcCallInfo) fields(xid uint32, a rpcAnswer, more ...Field) []Field {
	port := "udp.dstport"
	if c.peer.tcp {
		port = "tcp.dstport"
	}
	f := make([]Field, 0, 10+len(more))
	f = append(f,
		Field{"rpc.xid", int64(xid)},
		Field{"rpc.program", int64(c.prog)},
		Field{"rpc.version", int64(c.vers)},
		Field{"rpc.procedure", int64(c.proc)},
		Field{"ip.src", c.peer.client.Addr()},
		Field{"ip.dst", c.peer.server.Addr()},
		Field{port, int64(c.peer.server.Port())},
		Field{"rpc.answered", a.answered})
	if a.answered {
		f = append(f, Field{"rpc.replystat", int64(a.stat)})
		if a.stat == rpcAccepted {
			f = append(f, Field{"rpc.state_accept", int64(a.detail)})
		} else {
			f = append(f, Field{"rpc.state_reject", int64(a.detail)})
		}
	}
	return append(f, more...)
}

// rpcFinish gives the calls that nobody answered, in the order in which they
// were made, and forgets them.
func (d *Decoder) rpcFinish() {
	keys := make([]callKey, 0, len(d.rpc.calls))
	for k := range d.rpc.calls {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b callKey) int {
		return cmp.Or(cmp.Compare(d.rpc.calls[a].frame, d.rpc.calls[b].frame), cmp.Compare(a.peer, b.peer), cmp.Compare(a.xid, b.xid))
	})
	at, number, port := d.p.At, d.p.Number, d.p.Port
	d.p.Port = "" // it was not kept
	for _, k := range keys {
		c := d.rpc.calls[k]
		d.p.At, d.p.Number = c.at, c.frame
		d.rpcDone(&c, k.xid, rpcAnswer{}, &xdr{short: true})
	}
	d.p.At, d.p.Number, d.p.Port = at, number, port
	clear(d.rpc.calls)
}
