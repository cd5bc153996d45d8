package captures

import (
	"net/netip"
	"strconv"
	"strings"
)

// The port mapper, version 2 (RFC 1833, section 3), and rpcbind, 3 and 4.

const portmapGETPORT = 3 // and rpcbind's GETADDR

// portmapArgs keeps what GETPORT asks for: program and version in n, the IP
// protocol in m.
func portmapArgs(c *rpcCallInfo, x *xdr) rpcArgs {
	if c.proc != portmapGETPORT {
		return rpcArgs{}
	}
	a := rpcArgs{n: x.uint64()}
	if c.vers == 2 {
		a.m = x.uint32()
		return a
	}
	switch netid := x.string(64); netid {
	case "tcp", "tcp6":
		a.m = protoTCP
	case "udp", "udp6":
		a.m = protoUDP
	}
	return a
}

func (d *Decoder) portmapDone(c *rpcCallInfo, xid uint32, a rpcAnswer, x *xdr) {
	if c.proc != portmapGETPORT {
		if c.proc != 0 || !a.ok() {
			d.event(c.peer.host, PortmapOther, c.fields(xid, a))
		}
		return
	}
	var port int64
	if a.ok() {
		if c.vers == 2 {
			port = int64(x.uint32())
		} else {
			port = universalPort(x.string(256))
		}
	}
	more := []Field{
		{"portmap.prog", int64(c.args.n >> 32)},
		{"portmap.vers", int64(uint32(c.args.n))},
		{"portmap.proto", int64(c.args.m)},
	}
	if a.ok() {
		more = append(more, Field{"portmap.port", port})
		if port > 0 && port <= 65535 && len(d.rpc.ports) < d.limits.Streams {
			d.rpc.ports[netip.AddrPortFrom(c.peer.server.Addr(), uint16(port))] = true
		}
	}
	d.event(c.peer.host, PortmapGetport, c.fields(xid, a, more...))
}

// universalPort is the port of a universal address, "192.168.1.3.8.1" (RFC
// 5665, section 5.2.3.3): its last two numbers. 0 if it is none.
func universalPort(s string) int64 {
	parts := strings.Split(s, ".")
	if len(parts) < 2 {
		return 0
	}
	hi, err1 := strconv.ParseUint(parts[len(parts)-2], 10, 8)
	lo, err2 := strconv.ParseUint(parts[len(parts)-1], 10, 8)
	if err1 != nil || err2 != nil {
		return 0
	}
	return int64(hi<<8 | lo)
}
