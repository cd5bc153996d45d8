package portmap

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"

	"github.com/pxeproof/pxeproof/servers/rpc"
)

// program is the portmapper's own number.
const program = 100000

// The procedures (RFC 1833, sections 2.1 and 3.1). The first three are the same
// in every version.
const (
	procNull  = 0
	procSet   = 1
	procUnset = 2
	// version 2
	procGetport = 3
	procDump2   = 4
	// versions 3 and 4
	procGetaddr     = 3
	procDump        = 4
	procGetversaddr = 9 // version 4 alone
)

// answer appends the reply to one message to b. It returns nil for a message
// that deserves none.
func (s *Server) answer(b, msg []byte, protocol uint32, from net.Addr) []byte {
	c, err := rpc.ParseCall(msg)
	if err != nil {
		return nil
	}
	if refusal := rpc.Refuse(c, rpc.Program{Number: program, Low: 2, High: 4}); refusal != nil {
		return append(b, refusal...)
	}
	head := len(b)
	b = rpc.AppendAccepted(b, c.XID, rpc.Success)
	var status rpc.Status
	switch {
	case c.Proc == procNull:
	case c.Proc == procSet, c.Proc == procUnset:
		b = rpc.AppendBool(b, false)
	case c.Version == 2:
		b, status = s.portmap(b, c, from)
	default:
		b, status = s.rpcbind(b, c, protocol, from)
	}
	if status != rpc.Success {
		return rpc.AppendAccepted(b[:head], c.XID, status)
	}
	return b
}

// portmap appends the results of version 2.
func (s *Server) portmap(b []byte, c rpc.Call, from net.Addr) ([]byte, rpc.Status) {
	switch c.Proc {
	case procGetport:
		d := rpc.NewDecoder(c.Args)
		number, version, protocol := d.Uint32(), d.Uint32(), d.Uint32()
		d.Uint32() // the port, without meaning in a question
		if d.Err() != nil {
			return b, rpc.GarbageArguments
		}
		port := s.lookup(number, version, protocol, false)
		s.log(fmt.Sprintf("portmap: %v asks for program %d version %d protocol %d: port %d", from, number, version, protocol, port))
		return binary.BigEndian.AppendUint32(b, uint32(port)), rpc.Success
	case procDump2:
		s.log(fmt.Sprintf("portmap: %v asks for all programs", from))
		for _, m := range s.table {
			b = rpc.AppendBool(b, true)
			b = binary.BigEndian.AppendUint32(b, m.Program)
			b = binary.BigEndian.AppendUint32(b, m.Version)
			b = binary.BigEndian.AppendUint32(b, m.Protocol)
			b = binary.BigEndian.AppendUint32(b, uint32(m.Port))
		}
		return rpc.AppendBool(b, false), rpc.Success
	}
	return b, rpc.ProcUnavailable
}

// maxString bounds the strings of an rpcb, in bytes.
const maxString = 1024

// rpcbind appends the results of versions 3 and 4.
func (s *Server) rpcbind(b []byte, c rpc.Call, protocol uint32, from net.Addr) ([]byte, rpc.Status) {
	switch {
	case c.Proc == procGetaddr, c.Proc == procGetversaddr && c.Version == 4:
		d := rpc.NewDecoder(c.Args)
		number, version := d.Uint32(), d.Uint32()
		for range 3 { // netid, address, owner: the transport in use decides
			d.Opaque(maxString)
		}
		if d.Err() != nil {
			return b, rpc.GarbageArguments
		}
		addr := ""
		if port := s.lookup(number, version, protocol, c.Proc == procGetversaddr); port != 0 {
			addr = universal(s.addr, port)
		}
		s.log(fmt.Sprintf("portmap: %v asks for program %d version %d: %q", from, number, version, addr))
		return rpc.AppendOpaque(b, addr), rpc.Success
	case c.Proc == procDump:
		s.log(fmt.Sprintf("portmap: %v asks for all programs", from))
		for _, m := range s.table {
			b = rpc.AppendBool(b, true)
			b = binary.BigEndian.AppendUint32(b, m.Program)
			b = binary.BigEndian.AppendUint32(b, m.Version)
			b = rpc.AppendOpaque(b, netid(m.Protocol))
			b = rpc.AppendOpaque(b, universal(s.addr, m.Port))
			b = rpc.AppendOpaque(b, "superuser")
		}
		return rpc.AppendBool(b, false), rpc.Success
	}
	return b, rpc.ProcUnavailable
}

// lookup finds a port, 0 if there is none. Unless the version must be exact, a
// program that is known in another version alone gives that one's port: the
// client then hears from the program itself which versions there are.
func (s *Server) lookup(number, version, protocol uint32, exact bool) uint16 {
	var port uint16
	for _, m := range s.table {
		if m.Program != number || m.Protocol != protocol {
			continue
		}
		if m.Version == version {
			return m.Port
		}
		if !exact {
			port = m.Port
		}
	}
	return port
}

// netid names a transport (RFC 5665, section 5.1).
func netid(protocol uint32) string {
	if protocol == rpc.UDP {
		return "udp"
	}
	return "tcp"
}

// universal writes an address and port as RFC 5665, section 5.2.3.3, does:
// 192.168.1.103.8.1 is port 2049.
func universal(a netip.Addr, port uint16) string {
	return fmt.Sprintf("%s.%d.%d", a, port>>8, port&0xff)
}
