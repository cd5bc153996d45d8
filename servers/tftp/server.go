package tftp

import (
	"context"
	"errors"
	"fmt"
	"net"
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
	conns []net.PacketConn
	in    []*inlet // of conns, without EnginePin
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
		c, err := on.ListenPacket(ctx, network, address)
		if err != nil {
			s.close()
			return err
		}
		s.conns = append(s.conns, c)
		if s.config.Engine == EnginePin {
			continue
		}
		// Now, and not in Serve: of what comes before, nobody could tell which
		// address was asked.
		in, err := newInlet(c)
		if err != nil {
			s.close()
			return err
		}
		s.in = append(s.in, in)
	}
	return nil
}

// close undoes listen. The caller holds s.mu.
func (s *Server) close() {
	for _, c := range s.conns {
		c.Close()
	}
	if s.root != nil {
		s.root.Close()
	}
	s.conns, s.in, s.root = nil, nil, nil
}

// Serve answers until ctx ends.
func (s *Server) Serve(ctx context.Context) error {
	s.mu.Lock()
	conns, in := s.conns, s.in
	s.mu.Unlock()
	if conns == nil {
		return errors.New("tftp: Serve before Listen")
	}
	g, ctx := errgroup.WithContext(ctx)
	for i, c := range conns {
		if s.config.Engine == EnginePin {
			g.Go(func() error { return s.servePin(ctx, c) })
		} else {
			g.Go(func() error { return s.serveOwn(ctx, c, in[i]) })
		}
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
