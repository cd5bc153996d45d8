package dhcp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pxeproof/pxeproof/servers"
	"github.com/pxeproof/pxeproof/servers/conf/dhcpd"
)

// Options change how a Server works. The zero value is a faithful server that
// says nothing.
type Options struct {
	// Fast adds "no-pxedhcp" (option 175, sub-option 176 = 1) to the answers to
	// boot firmware, which saves iPXE the seconds that it waits for a ProxyDHCP
	// server. It changes what is under test.
	Fast bool
	// Faults are what is wrong on purpose.
	Faults Faults
	// Log is told, in dhcpd's manner, of every message and what became of it. It
	// is called by the goroutine that runs Serve, and for answers that a fault
	// delays by theirs. Nil is quiet.
	Log func(line string)
	// Clock is the time that leases live by. Nil is time.Now.
	Clock func() time.Time
}

// A Server is a DHCP server. It implements [servers.Server].
type Server struct {
	cfg     *dhcpd.Config
	options Options
	clock   func() time.Time
	dropped atomic.Uint64
	sockets *sockets
	late    sync.WaitGroup // answers that the fault Delay holds back

	// What follows belongs to the goroutine that runs Serve.
	addr       netip.Addr
	leases     *leases
	now        time.Time
	nakMessage string
}

var _ servers.Server = (*Server)(nil)

// New makes a server of a configuration. The configuration is read only, so
// that several servers may share it.
func New(cfg *dhcpd.Config, o Options) *Server {
	s := &Server{cfg: cfg, options: o, clock: o.Clock, leases: newLeases()}
	if s.clock == nil {
		s.clock = time.Now
	}
	return s
}

// Name is "dhcp".
func (s *Server) Name() string { return "dhcp" }

// Dropped counts messages that were malformed.
func (s *Server) Dropped() uint64 { return s.dropped.Load() }

// Listen binds port 67 of the host's interface. It fails if the port is taken,
// and if the configuration has no subnet for the host's address, as dhcpd does.
func (s *Server) Listen(ctx context.Context, on servers.Host) error {
	s.addr = on.Addr().Addr()
	if s.cfg.Subnet(s.addr) == nil {
		return fmt.Errorf("%s: no subnet declaration holds %s, the address of host %s on %s; declare that subnet, or give the host an address in one of those declared",
			s.cfg.File, s.addr, on.Name(), on.Interface())
	}
	sockets, err := open(ctx, on)
	if err != nil {
		return fmt.Errorf("dhcp on host %s: %w", on.Name(), err)
	}
	sockets.badChecksum = s.options.Faults.BadChecksum
	s.sockets = sockets
	return nil
}

// Serve answers until ctx ends.
func (s *Server) Serve(ctx context.Context) error {
	if s.sockets == nil {
		return errors.New("dhcp: Serve without Listen")
	}
	defer s.leases.close()
	defer s.sockets.close()
	defer s.late.Wait()
	stop := context.AfterFunc(ctx, s.sockets.interrupt)
	defer stop()
	buf := make([]byte, 64<<10)
	for {
		n, from, err := s.sockets.read(buf)
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, net.ErrClosed) {
			return fmt.Errorf("dhcp: %w", err)
		}
		if err != nil {
			// An ICMP error to an earlier reply is told to the next read.
			s.logf("reading: %v", err)
			continue
		}
		if out, ok := s.handle(buf[:n:n], from); ok {
			s.send(ctx, out)
		}
	}
}

func (s *Server) logf(format string, arg ...any) {
	if s.options.Log != nil {
		s.options.Log(fmt.Sprintf(format, arg...))
	}
}
