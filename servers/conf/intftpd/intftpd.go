// Package intftpd reads how in.tftpd, the server of tftpd-hpa 5.2, is started:
// its arguments, and the places where distributions keep them, which are
// xinetd's service tftp and Debian's /etc/default/tftpd-hpa.
//
// [ReadXinetd], [ReadDefault] and [ParseArgs] give the same [Service].
package intftpd

import (
	"net/netip"
	"strings"
	"time"

	"github.com/pxeproof/pxeproof/servers/conf"
	"github.com/pxeproof/pxeproof/servers/conf/xinetd"
)

// Limits of -B, in bytes.
const (
	MinBlockSize = 512
	MaxBlockSize = 65464
)

// Port is where a TFTP server listens unless it is told otherwise.
const Port = 69

// A Value is one word and where it stands.
type Value = xinetd.Value

// A Number is a word that is a number.
type Number struct {
	N   int
	Pos conf.Pos
}

// A Service is a TFTP server as it would run.
type Service struct {
	// Off is where the configuration keeps it from running, and Why the reason
	// in a sentence. Off is zero for a service that runs.
	Off conf.Pos
	Why string

	// Dirs are the directories named: with Secure exactly one, which becomes
	// the root; without, the beginnings of the names that are served, and
	// everything if there are none.
	Dirs   []Value
	Secure Value // -s

	User       Value // -u; "nobody" with no Pos if not given
	Create     Value // -c: files may be written that do not exist
	Permissive Value // -p: files are served that are not world-readable

	// BlockSizeMax is -B. It is MaxBlockSize with no Pos if not given.
	BlockSizeMax Number
	Refuse       []Value // -r: options that are not negotiated
	MapFile      Value   // -m
	// Retransmit is how long it waits for an answer before it sends again
	// (-T), one second with no Pos if not given.
	Retransmit time.Duration
	PortRange  Value // -R

	// Network is "udp4", "udp6" or "udp".
	Network string
	// Address is where it listens, with port; an address that is not valid is
	// all of the host's.
	Address netip.AddrPort

	// Xinetd is the entry that starts it, nil if it runs by itself.
	Xinetd *xinetd.Service
}

// Runs says whether there would be a server.
func (s *Service) Runs() bool { return !s.Off.IsValid() }

// Root is the directory that a -s server gives out, and "" without -s.
func (s *Service) Root() Value {
	if !s.Secure.IsSet() || len(s.Dirs) != 1 {
		return Value{}
	}
	return s.Dirs[0]
}

// Allows says whether a client is answered. Only xinetd refuses any.
func (s *Service) Allows(client netip.Addr) bool {
	return s.Xinetd == nil || s.Xinetd.Allows(client)
}

// off keeps the server from running. The first reason stays.
func (s *Service) off(pos conf.Pos, why string) {
	if !s.Off.IsValid() {
		s.Off, s.Why = pos, why
	}
}

// newService has in.tftpd's own defaults. Run by xinetd or inetd it listens on
// the socket that it is given.
func newService() *Service {
	return &Service{
		User:         Value{Text: "nobody"},
		BlockSizeMax: Number{N: MaxBlockSize},
		Retransmit:   time.Second,
		Network:      "udp",
		Address:      netip.AddrPortFrom(netip.Addr{}, Port),
	}
}

// parseAddress reads the argument of -a: an address, ":port", or both.
func parseAddress(s string) (netip.AddrPort, bool) {
	host, port := s, ""
	if i := strings.LastIndexByte(s, ':'); i >= 0 && !strings.HasSuffix(s, "]") {
		host, port = s[:i], s[i+1:]
	}
	n := Port
	if port != "" && port != "tftp" {
		v, ok := atoi(port)
		if !ok || v < 1 || v > 65535 {
			return netip.AddrPort{}, false
		}
		n = v
	}
	if host == "" {
		return netip.AddrPortFrom(netip.Addr{}, uint16(n)), true
	}
	bare, bracket := strings.CutPrefix(host, "[")
	if bracket {
		if bare, bracket = strings.CutSuffix(bare, "]"); !bracket {
			return netip.AddrPort{}, false
		}
	}
	a, err := netip.ParseAddr(bare)
	if err != nil || a.Is6() != (host != bare) {
		return netip.AddrPort{}, false
	}
	return netip.AddrPortFrom(a, uint16(n)), true
}
