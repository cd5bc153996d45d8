package captures

// The MOUNT protocol: version 3 (RFC 1813, appendix I), 1 and 2 (RFC 1094,
// appendix A).
const (
	mountMNT  = 1
	mountUMNT = 3

	maxPath   = 1024
	maxHandle = 64
)

func mountArgs(c *rpcCallInfo, x *xdr) rpcArgs {
	if c.proc == mountMNT || c.proc == mountUMNT {
		return rpcArgs{text: x.string(maxPath)}
	}
	return rpcArgs{}
}

func (d *Decoder) mountDone(c *rpcCallInfo, xid uint32, a rpcAnswer, x *xdr) {
	switch c.proc {
	case mountMNT:
		more := []Field{{"mount.path", c.args.text}}
		if a.ok() {
			status := x.uint32()
			more = append(more, Field{"mount.status", int64(status)})
			if status == 0 {
				var handle []byte
				if c.vers == 3 {
					handle = x.opaque(maxHandle)
				} else {
					handle = x.fixed(32)
				}
				d.nfsServer(c.peer.server.Addr()).root(d, handle, c.args.text)
			}
		}
		d.event(c.peer.host, MountMnt, c.fields(xid, a, more...))
	case mountUMNT:
		d.event(c.peer.host, MountUmnt, c.fields(xid, a, Field{"mount.path", c.args.text}))
	case 0:
		if !a.ok() {
			d.event(c.peer.host, MountOther, c.fields(xid, a))
		}
	default:
		d.event(c.peer.host, MountOther, c.fields(xid, a))
	}
}
