// Package tftp is a read-only TFTP server (RFC 1350) that answers as tftpd-hpa's
// in.tftpd does: the same names are found, the same are refused with the same
// code, and the same options are taken (RFC 2347, 2348, 2349).
//
// Start with [Config] and [New].
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

// Port is where a TFTP server listens (RFC 1350 section 4).
const Port = 69

// MaxBlockSize is the largest blksize there is (RFC 2348).
const MaxBlockSize = 65464

// An Engine is what moves the blocks.
type Engine string

// EnginePin is github.com/pin/tftp: lock-step, blksize and tsize only.
const EnginePin Engine = "pin"

// A Config says what a server gives out. The zero value of every field but
// Root is a healthy server, run as "in.tftpd -s Root".
type Config struct {
	// Root is the directory that no request leaves, whatever its dots,
	// slashes and symbolic links.
	Root string

	// Absolute makes the server behave as in.tftpd without -s: a name must be
	// absolute, must not hold "/../", and must begin with one of Dirs if there
	// are any. They count from Root.
	Absolute bool
	Dirs     []string

	// Permissive serves a file that is not world-readable, as in.tftpd -p.
	Permissive bool

	// BlockSizeMax clamps the blksize that a client asks for, as in.tftpd -B
	// does; in bytes, 512 to 65464. Default 65464: who asks for a block that
	// does not fit the link's MTU gets it in fragments, as from in.tftpd.
	BlockSizeMax int

	// Refuse names options that the server does not know, as in.tftpd -r.
	Refuse []string

	// Network is "udp4", "udp6" or "udp" for both. Default "udp".
	Network string

	// Engine is EnginePin, which is the default.
	Engine Engine

	// Log, if not nil, is told of each request and how it ended, one line at a
	// time. It may be called from several goroutines at once.
	Log func(line string)
}

// A Server is a [servers.Server].
type Server struct {
	config Config

	mu    sync.Mutex
	on    servers.Host
	root  *rootfs.Root
	conns []net.PacketConn
}

var _ servers.Server = (*Server)(nil)

// New makes a server. What is wrong with c shows in Listen.
func New(c Config) *Server { return &Server{config: c} }

// Name is "tftp".
func (s *Server) Name() string { return "tftp" }

// Listen opens the root and binds port 69 on host, on the addresses that it
// has or will have.
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
	root, err := rootfs.Open(s.config.Root)
	if err != nil {
		return fmt.Errorf("its root: %w", err)
	}
	s.on, s.root = on, root
	networks := []string{s.config.Network}
	if s.config.Network == "" || s.config.Network == "udp" {
		// Two sockets, so that what is asked over IPv4 is answered over an
		// IPv4 socket, whose addresses are not IPv6-mapped ones.
		networks = []string{"udp4", "udp6"}
	}
	for _, network := range networks {
		c, err := on.ListenPacket(ctx, network, fmt.Sprintf(":%d", Port))
		if err != nil {
			s.close()
			return err
		}
		s.conns = append(s.conns, c)
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
	s.conns, s.root = nil, nil
}

// Serve answers until ctx ends.
func (s *Server) Serve(ctx context.Context) error {
	s.mu.Lock()
	conns := s.conns
	s.mu.Unlock()
	if conns == nil {
		return errors.New("tftp: Serve before Listen")
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, c := range conns {
		g.Go(func() error { return s.servePin(ctx, c) })
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

func (c *Config) check() error {
	switch {
	case c.Root == "":
		return errors.New("it needs a root directory")
	case c.BlockSizeMax != 0 && (c.BlockSizeMax < 512 || c.BlockSizeMax > MaxBlockSize):
		return fmt.Errorf("a maximum block size of %d is outside 512 to %d", c.BlockSizeMax, MaxBlockSize)
	case c.Engine != "" && c.Engine != EnginePin:
		return fmt.Errorf("there is no engine %q: use %q", c.Engine, EnginePin)
	}
	switch c.Network {
	case "", "udp", "udp4", "udp6":
		return nil
	}
	return fmt.Errorf("there is no network %q: use udp, udp4 or udp6", c.Network)
}
