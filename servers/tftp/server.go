package tftp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/pxeproof/pxeproof/servers"
	"github.com/pxeproof/pxeproof/servers/rootfs"
)

// A Server is a [servers.Server].
type Server struct {
	config Config

	mu    sync.Mutex
	on    servers.Host
	root  *rootfs.Root
	ports []port
}

// A port is where requests come in.
type port struct {
	net.PacketConn
	in    *inlet // nil for EnginePin
	mtftp *MTFTP // nil for the usual port
}

var _ servers.Server = (*Server)(nil)

// New makes a server. What is wrong with c shows in Listen.
func New(c Config) *Server { return &Server{config: c} }

// Name is "tftp".
func (s *Server) Name() string { return "tftp" }

// Listen opens the root and binds the server's port on host.
func (s *Server) Listen(ctx context.Context, on servers.Host) error {
	if err := s.listen(ctx, on); err != nil {
		return fmt.Errorf("tftp on %s: %w", on.Name(), err)
	}
	return nil
}

func (s *Server) listen(ctx context.Context, on servers.Host) (err error) {
	if err := s.config.check(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.root != nil {
		return errors.New("it already listens")
	}
	root, err := s.config.open()
	if err != nil {
		return fmt.Errorf("its root: %w", err)
	}
	s.on, s.root = on, root
	networks, address := s.config.listenAt()
	for _, network := range networks {
		if err := s.bind(ctx, network, address, nil); err != nil {
			s.close()
			return err
		}
	}
	for _, m := range s.config.MTFTP {
		at := netip.AddrPortFrom(netip.IPv4Unspecified(), m.Port)
		if a := s.config.Address.Addr(); a.Is4() {
			at = netip.AddrPortFrom(a, m.Port)
		}
		if err := s.bind(ctx, "udp4", at.String(), &m); err != nil {
			s.close()
			return err
		}
	}
	return nil
}

func (s *Server) bind(ctx context.Context, network, address string, m *MTFTP) error {
	c, err := s.on.ListenPacket(ctx, network, address)
	if err != nil {
		return err
	}
	p := port{PacketConn: c, mtftp: m}
	if s.config.Engine != EnginePin {
		// Now, and not in Serve: of what comes before, nobody could tell which
		// address was asked.
		if p.in, err = newInlet(c); err != nil {
			c.Close()
			return err
		}
	}
	s.ports = append(s.ports, p)
	return nil
}

// close undoes listen. The caller holds s.mu.
func (s *Server) close() {
	for _, p := range s.ports {
		p.Close()
	}
	if s.root != nil {
		s.root.Close()
	}
	s.ports, s.root = nil, nil
}

// Serve answers until ctx ends.
func (s *Server) Serve(ctx context.Context) error {
	s.mu.Lock()
	ports := s.ports
	s.mu.Unlock()
	if ports == nil {
		return errors.New("tftp: Serve before Listen")
	}
	g, ctx := errgroup.WithContext(ctx)
	serve := s.serveOwn
	if s.config.Engine == EnginePin {
		serve = func(ctx context.Context, p port) error { return s.servePin(ctx, p.PacketConn) }
	}
	for _, p := range ports {
		g.Go(func() error { return serve(ctx, p) })
	}
	err := g.Wait()
	s.mu.Lock()
	s.close()
	s.mu.Unlock()
	if err != nil {
		return fmt.Errorf("tftp on %s: %w", s.on.Name(), err)
	}
	return nil
}

func (s *Server) logf(format string, args ...any) {
	if s.config.Log != nil {
		s.config.Log(fmt.Sprintf(format, args...))
	}
}
