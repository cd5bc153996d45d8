// Package ra is a server of IPv6 Router Advertisements (RFC 4861) that says
// nothing: it is no default router and has no prefix.
//
// It is there for iPXE, which tries IPv6 before it asks DHCP: it solicits
// routers six times over up to 13 seconds, and gives up at once if any router
// answers. A network whose routers advertise does not have that wait.
package ra

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv6"
	"golang.org/x/sync/errgroup"

	"github.com/pxeproof/pxeproof/servers"
)

// Options change how a Server works. The zero value is healthy.
type Options struct {
	// Interval is the time between advertisements that nobody asked for. Zero
	// is 200 s, of the order of RFC 4861's default (section 6.2.1).
	Interval time.Duration
	// Log is told of every solicitation that is answered. It is called by a
	// goroutine of Serve. Nil is quiet.
	Log func(line string)
}

const (
	defaultInterval = 200 * time.Second
	// hopLimit is that of all neighbour discovery: a router would have made it
	// less, so a message that has it comes from the link (RFC 4861, section 3.1).
	hopLimit = 255
)

var (
	allNodes   = &net.IPAddr{IP: net.ParseIP("ff02::1")}
	allRouters = &net.IPAddr{IP: net.ParseIP("ff02::2")}
)

// A Server advertises a router that is none. It implements [servers.Server].
type Server struct {
	options Options
	conn    *ipv6.PacketConn
	iface   *net.Interface
}

var _ servers.Server = (*Server)(nil)

// New makes a server.
func New(o Options) *Server {
	if o.Interval <= 0 {
		o.Interval = defaultInterval
	}
	return &Server{options: o}
}

// Name is "ra".
func (s *Server) Name() string { return "ra" }

// Listen opens the host's ICMPv6 socket and joins the routers' group.
func (s *Server) Listen(ctx context.Context, on servers.Host) error {
	fail := func(err error) error {
		return fmt.Errorf("router advertisements on host %s: %w; the kernel needs IPv6, and %s a link-local address", on.Name(), err, on.Interface())
	}
	c, err := on.ListenPacket(ctx, "ip6:ipv6-icmp", "::")
	if err != nil {
		return fail(err)
	}
	conn := ipv6.NewPacketConn(c)
	err = on.Do(func() (err error) {
		if s.iface, err = net.InterfaceByName(on.Interface()); err != nil {
			return err
		}
		var filter ipv6.ICMPFilter
		filter.SetAll(true)
		filter.Accept(ipv6.ICMPTypeRouterSolicitation)
		return errors.Join(
			conn.JoinGroup(s.iface, allRouters),
			conn.SetMulticastInterface(s.iface),
			conn.SetMulticastHopLimit(hopLimit),
			conn.SetMulticastLoopback(false),
			conn.SetControlMessage(ipv6.FlagHopLimit, true),
			conn.SetICMPFilter(&filter),
		)
	})
	if err != nil {
		conn.Close()
		return fail(err)
	}
	s.conn = conn
	return nil
}

// Serve advertises once at its start, then to every solicitation at once, and
// every interval, until ctx ends.
func (s *Server) Serve(ctx context.Context) error {
	if s.conn == nil {
		return errors.New("ra: Serve without Listen")
	}
	defer s.conn.Close()
	if err := s.advertise(); err != nil {
		return fmt.Errorf("router advertisement: %w", err)
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.answer(ctx) })
	g.Go(func() error { return s.repeat(ctx) })
	return g.Wait()
}

func (s *Server) answer(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = s.conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	buf := make([]byte, 1500)
	for {
		n, cm, from, err := s.conn.ReadFrom(buf)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading router solicitations: %w", err)
		}
		hops := 0
		if cm != nil {
			hops = cm.HopLimit
		}
		if !solicitation(buf[:n], source(from), hops) {
			continue
		}
		s.logf("router solicitation from %s", from)
		// RFC 4861 (section 6.2.6) would have a router wait for up to half a
		// second, so that many do not answer at once. Here is one.
		if err := s.advertise(); err != nil {
			s.logf("router advertisement: %v", err)
		}
	}
}

func (s *Server) repeat(ctx context.Context) error {
	tick := time.NewTicker(s.options.Interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := s.advertise(); err != nil {
				s.logf("router advertisement: %v", err)
			}
		}
	}
}

// advertise sends to all nodes: a client in the midst of setting up its address
// might not answer the neighbour solicitation that a unicast would begin with.
func (s *Server) advertise() error {
	_, err := s.conn.WriteTo(s.advertisement(), nil, allNodes)
	return err
}

// advertisement is the message (RFC 4861, section 4.2): hop limit 64, no flags,
// router lifetime 0 (not a default router), reachable time and retransmission
// timer unspecified, and the source's link-layer address. The kernel fills in
// the checksum.
func (s *Server) advertisement() []byte {
	m := icmp.Message{Type: ipv6.ICMPTypeRouterAdvertisement, Body: &icmp.RawBody{Data: []byte{64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}}}
	b, _ := m.Marshal(nil) // a raw body always marshals
	if len(s.iface.HardwareAddr) == 6 {
		b = append(append(b, 1, 1), s.iface.HardwareAddr...)
	}
	return b
}

func source(a net.Addr) netip.Addr {
	if ip, ok := a.(*net.IPAddr); ok {
		addr, _ := netip.AddrFromSlice(ip.IP)
		return addr
	}
	return netip.Addr{}
}

// solicitation says whether a message is a valid Router Solicitation (RFC 4861,
// section 6.1.1). The kernel has seen to the checksum.
func solicitation(b []byte, from netip.Addr, hops int) bool {
	if hops != hopLimit || len(b) < 8 || b[0] != byte(ipv6.ICMPTypeRouterSolicitation) || b[1] != 0 {
		return false
	}
	for o := b[8:]; len(o) > 0; {
		if len(o) < 2 || o[1] == 0 || len(o) < 8*int(o[1]) {
			return false
		}
		if o[0] == 1 && !from.IsValid() || o[0] == 1 && from.IsUnspecified() {
			return false
		}
		o = o[8*int(o[1]):]
	}
	return true
}

func (s *Server) logf(format string, arg ...any) {
	if s.options.Log != nil {
		s.options.Log(fmt.Sprintf(format, arg...))
	}
}
