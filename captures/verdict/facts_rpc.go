package verdict

import (
	"net/netip"

	"github.com/pxeproof/pxeproof/captures"
)

// nfsFacts are what went wrong with portmap, MOUNT and NFS. Only what did is
// kept; what went well is in the outcomes.
type nfsFacts struct {
	faults  []rpcFault
	mounted bool
	syns    map[netip.AddrPort]*seen // TCP connections begun
	reset   map[netip.AddrPort]*seen // and refused
}

// An rpcFault is a call without the answer that a boot needs.
type rpcFault struct {
	kind     captures.Kind
	at       seen
	server   netip.Addr
	path     string
	program  int64
	version  int64
	status   int64 // of MOUNT or NFS; -1 if it came to none
	answered bool
	words    string
	accept   int64 // rpc.state_accept; -1
	denied   bool  // rpc.replystat 1: MSG_DENIED (RFC 5531, 9)
	port     int64 // portmap's answer; -1
}

// Numbers of RFC 5531 and of the programs.
const (
	rpcProgUnavailable = 1
	rpcProgMismatch    = 2
	programPortmap     = 100000
	programNFS         = 100003
	programMount       = 100005
	portPortmap        = 111
	portNFS            = 2049
)

func (f *facts) seeRPC(e *captures.Event) {
	n := &f.nfs
	if n.reset == nil {
		n.reset, n.syns = map[netip.AddrPort]*seen{}, map[netip.AddrPort]*seen{}
	}
	if f.tftp.done > 0 && e.Kind != captures.TCPSyn && e.Kind != captures.TCPRefused {
		f.osAt.mark(e)
	}
	switch e.Kind {
	case captures.TCPSyn, captures.TCPRefused:
		port := e.Int("tcp.dstport")
		if !e.Addr("ip.dst").IsValid() || port < 0 || port > 65535 {
			return
		}
		table := n.syns
		if e.Kind == captures.TCPRefused {
			table = n.reset
		}
		to := netip.AddrPortFrom(e.Addr("ip.dst"), uint16(port))
		if table[to] == nil && len(table) < maxARPs {
			table[to] = &seen{}
		}
		if s := table[to]; s != nil {
			s.mark(e)
		}
		return
	case captures.NFSDone:
		return // a milestone of the transfer, and no call
	case captures.MountMnt:
		if e.Is("rpc.answered") && e.Int("mount.status") == 0 {
			n.mounted = true
			return
		}
	case captures.PortmapGetport:
		if e.Is("rpc.answered") && e.Int("portmap.port") > 0 {
			return
		}
	case captures.NFSLookup, captures.NFSError, captures.NFSOpen:
		if e.Is("rpc.answered") && e.Int("nfs.status") == 0 {
			return
		}
	case captures.NFSAccess: // it is a refusal
	default:
		if e.Is("rpc.answered") && e.Int("rpc.state_accept") <= 0 && e.Int("rpc.replystat") <= 0 {
			return
		}
	}
	if len(n.faults) >= maxLines {
		copy(n.faults[maxLines/2:], n.faults[maxLines/2+1:])
		n.faults = n.faults[:maxLines-1]
	}
	fault := rpcFault{
		kind: e.Kind, server: e.Addr("ip.dst"), program: e.Int("rpc.program"), version: e.Int("rpc.version"),
		answered: e.Is("rpc.answered"), accept: e.Int("rpc.state_accept"), denied: e.Int("rpc.replystat") == 1,
		port: e.Int("portmap.port"), status: -1, words: describe(e),
	}
	switch e.Kind {
	case captures.MountMnt:
		fault.path, fault.status = e.Text("mount.path"), e.Int("mount.status")
	case captures.PortmapGetport:
		fault.program = e.Int("portmap.prog")
		fault.version = e.Int("portmap.vers")
	case captures.NFSAccess:
		fault.path = e.Text("nfs.path")
	case captures.NFSLookup, captures.NFSError, captures.NFSOpen:
		fault.path, fault.status = nfsName(e), e.Int("nfs.status")
	}
	fault.at.mark(e)
	n.faults = append(n.faults, fault)
}
