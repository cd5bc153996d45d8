// Package portmap is a portmapper with a table that never changes: port 111,
// UDP and TCP, portmapper version 2 and rpcbind versions 3 and 4 (RFC 1833).
//
// It answers what a booting client and rpcinfo ask: NULL, GETPORT, DUMP, and
// GETADDR, GETVERSADDR and DUMP of rpcbind. SET and UNSET are refused as
// rpcbind refuses them to other machines; CALLIT, with which a portmapper calls
// on a client's behalf, and the rest are answered PROC_UNAVAIL.
package portmap

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"

	"golang.org/x/sync/errgroup"

	"github.com/pxeproof/pxeproof/servers"
	"github.com/pxeproof/pxeproof/servers/rpc"
)

// Port is where a portmapper lives, UDP and TCP.
const Port = 111

// maxMessage is the largest message taken, in bytes. The largest real one is a
// GETADDR of a few hundred.
const maxMessage = 8 << 10

// maxConns is how many TCP connections are served at once.
const maxConns = 256

// A Config says what a portmapper knows.
type Config struct {
	// Mappings is what it tells. The portmapper itself need not be among them.
	Mappings []rpc.Mapping
	// Log, if not nil, is told of each question and its answer, in one line.
	// It is called from several goroutines.
	Log func(string)
}

// A Server is a portmapper. It implements [servers.Server].
type Server struct {
	table []rpc.Mapping
	log   func(string)
	addr  netip.Addr
	udp   net.PacketConn
	tcp   net.Listener
}

var _ servers.Server = (*Server)(nil)

// New makes a portmapper.
func New(c Config) *Server {
	s := &Server{log: c.Log}
	if s.log == nil {
		s.log = func(string) {}
	}
	for v := uint32(4); v >= 2; v-- {
		s.table = append(s.table,
			rpc.Mapping{Program: program, Version: v, Protocol: rpc.TCP, Port: Port},
			rpc.Mapping{Program: program, Version: v, Protocol: rpc.UDP, Port: Port})
	}
	s.table = append(s.table, c.Mappings...)
	return s
}

// Name is "portmap".
func (s *Server) Name() string { return "portmap" }

// Listen binds port 111, UDP and TCP.
func (s *Server) Listen(ctx context.Context, on servers.Host) error {
	s.addr = on.Addr().Addr()
	at := net.JoinHostPort(s.addr.String(), strconv.Itoa(Port))
	udp, err := on.ListenPacket(ctx, "udp4", at)
	if err != nil {
		return fmt.Errorf("portmap: %w", err)
	}
	tcp, err := on.Listen(ctx, "tcp4", at)
	if err != nil {
		udp.Close()
		return fmt.Errorf("portmap: %w", err)
	}
	s.udp, s.tcp = udp, tcp
	return nil
}

// Serve answers until ctx ends.
func (s *Server) Serve(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.serveUDP(ctx) })
	g.Go(func() error { return rpc.ServeConns(ctx, s.tcp, maxConns, s.serveConn) })
	if err := g.Wait(); err != nil {
		return fmt.Errorf("portmap: %w", err)
	}
	return nil
}

func (s *Server) serveUDP(ctx context.Context) error {
	defer s.udp.Close()
	defer context.AfterFunc(ctx, func() { s.udp.Close() })()
	buf := make([]byte, maxMessage)
	for {
		n, from, err := s.udp.ReadFrom(buf)
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return nil
			}
			return err
		}
		if reply := s.answer(nil, buf[:n], rpc.UDP, from); reply != nil {
			// A client that cannot be reached is the client's loss.
			_, _ = s.udp.WriteTo(reply, from)
		}
	}
}

func (s *Server) serveConn(c net.Conn) {
	var buf []byte
	for {
		msg, err := rpc.ReadRecord(c, buf[:0], maxMessage)
		if err != nil {
			return
		}
		buf = msg
		reply := s.answer(make([]byte, rpc.MarkSize), msg, rpc.TCP, c.RemoteAddr())
		if reply == nil {
			return
		}
		rpc.PutMark(reply)
		if _, err := c.Write(reply); err != nil {
			return
		}
	}
}
