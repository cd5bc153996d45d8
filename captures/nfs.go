package captures

import (
	"net/netip"
	"strings"
)

// NFS version 3 (RFC 1813).
const (
	nfsLOOKUP      = 3
	nfsACCESS      = 4
	nfsREAD        = 6
	nfsREADDIRPLUS = 17

	maxName     = 255
	maxNFSPath  = 2048
	fattrLength = 84
)

// An nfsServer is the handles that a server has given out.
type nfsServer struct {
	handles map[string]*nfsNode
}

// An nfsNode is a file or directory that a handle stands for.
type nfsNode struct {
	// path is the export's path as it was mounted and the names below it. It
	// begins with "?" if the mount was not seen, and is empty if no name of the
	// file was.
	path  string
	reads map[string]*nfsRead // by host
}

func (d *Decoder) nfsServer(a netip.Addr) *nfsServer {
	s := d.rpc.nfs[a]
	if s == nil {
		s = &nfsServer{handles: make(map[string]*nfsNode)}
		if len(d.rpc.nfs) < d.limits.Machines {
			d.rpc.nfs[a] = s
		}
	}
	return s
}

// node is what the handle stands for; new if need be.
func (s *nfsServer) node(d *Decoder, handle []byte) *nfsNode {
	if n := s.handles[string(handle)]; n != nil {
		return n
	}
	n := &nfsNode{}
	if len(handle) > 0 && d.rpc.nodes < d.limits.Handles {
		d.rpc.nodes++
		s.handles[string(handle)] = n
	}
	return n
}

// root names the handle that a mount gave.
func (s *nfsServer) root(d *Decoder, handle []byte, path string) {
	s.node(d, handle).path = path
}

// child names a handle that was found in a directory.
func (s *nfsServer) child(d *Decoder, dir *nfsNode, name string, handle []byte) {
	if name == "." || name == ".." || len(handle) == 0 {
		return
	}
	s.node(d, handle).path = dir.join(name)
}

// join is the path of name in the directory n.
func (n *nfsNode) join(name string) string {
	dir := strings.TrimSuffix(n.path, "/")
	if n.path == "" || len(dir)+len(name) >= maxNFSPath {
		dir = "?"
	}
	return dir + "/" + name
}

// nfsArgs reads the arguments that a reply will need.
func (d *Decoder) nfsArgs(c *rpcCallInfo, x *xdr) rpcArgs {
	if c.vers != 3 || c.proc == 0 {
		return rpcArgs{}
	}
	s := d.nfsServer(c.peer.server.Addr())
	// Every procedure's arguments begin with a handle.
	a := rpcArgs{served: s, node: s.node(d, x.opaque(maxHandle))}
	switch c.proc {
	case nfsLOOKUP:
		a.text = x.string(maxName)
	case nfsACCESS:
		a.m = x.uint32()
	case nfsREAD:
		a.n, a.m = x.uint64(), x.uint32()
		d.nfsReadCall(c.peer, a.node)
	}
	return a
}

func (d *Decoder) nfsDone(c *rpcCallInfo, xid uint32, a rpcAnswer, x *xdr) {
	if c.vers != 3 || c.proc == 0 {
		if a.ok() {
			if c.proc != 0 {
				d.otherDone(c, xid, a)
			}
			return
		}
		d.event(c.peer.host, NFSError, c.fields(xid, a))
		return
	}
	var status uint32
	if a.ok() {
		status = x.uint32()
	}
	switch c.proc {
	case nfsREAD:
		d.nfsReadReply(c, xid, a, status, x)
		return
	case nfsLOOKUP:
		if a.ok() && status == 0 {
			c.args.served.child(d, c.args.node, c.args.text, x.opaque(maxHandle))
		}
		more := []Field{{"nfs.name", c.args.text}}
		if a.ok() {
			more = append(more, Field{"nfs.status", int64(status)})
		}
		more = append(more, Field{"nfs.path", c.args.node.join(c.args.text)})
		d.event(c.peer.host, NFSLookup, c.fields(xid, a, more...))
		return
	case nfsREADDIRPLUS:
		if a.ok() && status == 0 {
			d.nfsEntries(c, x)
		}
	case nfsACCESS:
		if a.ok() && status == 0 {
			d.nfsAccess(c, xid, a, x)
		}
	}
	if !a.ok() || status != 0 {
		d.nfsFailed(c, xid, a, status)
	}
}

// Rights that ACCESS asks for, and a type of file (RFC 1813, 3.3.4 and 2.3.2).
const (
	accessRead      = 1
	accessLookup    = 2
	typeDirectory   = 2
	withAttributes  = 1
	attributesAfter = fattrLength - 4 // after the type
)

// nfsAccess tells of rights that a client needs and does not get. It then fails by
// itself, and no status says so.
func (d *Decoder) nfsAccess(c *rpcCallInfo, xid uint32, a rpcAnswer, x *xdr) {
	need := uint32(accessRead)
	if x.uint32() == withAttributes {
		if x.uint32() == typeDirectory {
			need = accessLookup
		}
		x.skip(attributesAfter)
	}
	granted := x.uint32()
	if x.short || c.args.m&need == 0 || granted&need != 0 {
		return
	}
	var f []Field
	if p := c.args.node.path; p != "" {
		f = append(f, Field{"nfs.path", p})
	}
	d.event(c.peer.host, NFSAccess, c.fields(xid, a, append(f,
		Field{"nfs.access_check", int64(c.args.m)}, Field{"nfs.access_rights", int64(granted)})...))
}

// nfsFailed gives the event of a call that failed or was not answered.
func (d *Decoder) nfsFailed(c *rpcCallInfo, xid uint32, a rpcAnswer, status uint32) {
	d.event(c.peer.host, NFSError, c.fields(xid, a, c.pathAndStatus(a, status)...))
}

func (c *rpcCallInfo) pathAndStatus(a rpcAnswer, status uint32) []Field {
	var f []Field
	if p := c.args.node.path; p != "" {
		f = append(f, Field{"nfs.path", p})
	}
	if a.ok() {
		f = append(f, Field{"nfs.status", int64(status)})
	}
	return f
}

// nfsEntries learns the handles in a READDIRPLUS reply.
func (d *Decoder) nfsEntries(c *rpcCallInfo, x *xdr) {
	skipAttributes(x)
	x.uint64() // cookie verifier
	for x.uint32() == 1 && !x.short {
		x.uint64() // fileid
		name := x.string(maxName)
		x.uint64() // cookie
		skipAttributes(x)
		if x.uint32() == 1 {
			handle := x.opaque(maxHandle)
			if !x.short {
				c.args.served.child(d, c.args.node, name, handle)
			}
		}
	}
}

// skipAttributes passes over a post_op_attr.
func skipAttributes(x *xdr) {
	if x.uint32() == 1 {
		x.skip(fattrLength)
	}
}
