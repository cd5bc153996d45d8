package tftp

import (
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	pin "github.com/pin/tftp/v3"
)

// pinTimeout is how long the pin engine waits for an ACK. Its own default of
// five seconds makes one lost packet cost as much.
const pinTimeout = 500 * time.Millisecond

// servePin answers requests that come to c with pin/tftp until ctx ends. It
// stays on one thread inside the host: pin opens a transfer's socket in the
// goroutine that read the request, and that socket has to be the host's.
func (s *Server) servePin(ctx context.Context, c net.PacketConn) error {
	server := pin.NewServer(s.readPin, nil)
	server.SetTimeout(pinTimeout)
	server.SetBackoff(func(int) time.Duration { return 0 })
	// The clamp to the MTU forgets the four bytes of the TFTP header; the gate
	// clamps instead.
	server.SetBlockSizeNegotiation(false)

	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(done)
		server.Shutdown() // returns when the last transfer has ended
	})
	err := s.on.Do(func() error { return server.Serve(&gate{PacketConn: c, ctx: ctx, server: s}) })
	if stop() {
		server.Shutdown()
	} else {
		<-done
	}
	return err
}

// readPin is pin's read handler. The gate has found the file already, so that
// an error is about a file that went away since.
func (s *Server) readPin(name string, to io.ReaderFrom) error {
	f, _, e := s.resolve(&request{op: opRRQ, name: name, mode: "octet"})
	if e != nil {
		return fmt.Errorf("%s", e.Text)
	}
	defer f.Close()
	n, err := to.ReadFrom(f)
	if err != nil {
		s.logf("%q: stopped after %d bytes: %v", name, n, err)
		return nil // pin has told the client
	}
	s.logf("%q: sent %d bytes", name, n)
	return nil
}

// A gate hands pin only the requests that it can answer rightly. The others it
// answers itself, because pin knows one error code.
type gate struct {
	net.PacketConn
	ctx    context.Context
	server *Server
}

// ReadFrom returns the next request for pin.
func (g *gate) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, from, err := g.PacketConn.ReadFrom(b)
		if err != nil {
			// Pin asks again at once after any error, until Shutdown.
			<-g.ctx.Done()
			return 0, from, err
		}
		request, e := parseRequest(b[:n])
		if request == nil && e == nil {
			continue
		}
		if e == nil {
			e = g.check(request)
		}
		if e != nil {
			g.server.logf("%v from %v: %s", request, from, e.Text)
			g.refuse(from, e)
			continue
		}
		g.server.logf("%v from %v", request, from)
		return copy(b, request.packet()), from, nil
	}
}

// check finds out whether the request will be answered with the file, and
// leaves in it the options that pin may see.
func (g *gate) check(r *request) *Error {
	f, _, e := g.server.resolve(r)
	if e != nil {
		return e
	}
	f.Close()
	c := g.server.config
	r.options = slices.DeleteFunc(r.options, func(o Option) bool { return c.refuses(o.Name) })
	for i, o := range r.options {
		size, err := strconv.Atoi(o.Value)
		if strings.EqualFold(o.Name, "blksize") && err == nil && c.BlockSizeMax != 0 && size > c.BlockSizeMax {
			r.options[i].Value = strconv.Itoa(c.BlockSizeMax)
		}
	}
	return nil
}

// refuse sends an ERROR, from a port of its own as any answer (RFC 1350
// section 4). It runs in the goroutine of servePin, which is inside the host.
func (g *gate) refuse(to net.Addr, e *Error) {
	udp, ok := to.(*net.UDPAddr)
	if !ok {
		return
	}
	c, err := net.DialUDP("udp", nil, udp)
	if err != nil {
		g.server.logf("answering %v: %v", to, err)
		return
	}
	defer c.Close()
	if _, err := c.Write(e.packet()); err != nil {
		g.server.logf("answering %v: %v", to, err)
	}
}

// String is the request as a log shows it.
func (r *request) String() string {
	if r == nil {
		return "malformed request"
	}
	var b strings.Builder
	b.WriteString(map[uint16]string{opRRQ: "RRQ", opWRQ: "WRQ"}[r.op])
	fmt.Fprintf(&b, " %q %.20q", r.name, r.mode)
	for _, o := range r.options {
		fmt.Fprintf(&b, " %.20q=%.20q", o.Name, o.Value)
	}
	return b.String()
}
