package dhcp

import (
	"context"
	"net/netip"
	"time"

	"github.com/pxeproof/pxeproof/servers/conf/dhcpd"
)

// Faults is what is wrong with answers on purpose. Its zero value is nothing.
type Faults struct {
	// BadChecksum spoils the UDP checksum of answers to clients without an
	// address, as a network card does that leaves it to nobody.
	BadChecksum bool
	// Delay is how late each answer is sent.
	Delay time.Duration
	// NextServer takes the place of siaddr in ACKs, whatever the configuration
	// says.
	NextServer netip.Addr
}

// spoil changes an answer.
func (f Faults) spoil(a *dhcpd.Answer) {
	if f.NextServer.Is4() && a.Reply == dhcpd.AckReply {
		a.SIAddr.Value = f.NextServer
	}
}

// send sends an answer, at once or late.
func (s *Server) send(ctx context.Context, out outgoing) {
	now := func() {
		if err := s.sockets.send(out); err != nil {
			s.logf("sending to %s: %v", out.to, err)
		}
	}
	if s.options.Faults.Delay <= 0 {
		now()
		return
	}
	s.late.Go(func() {
		t := time.NewTimer(s.options.Faults.Delay)
		defer t.Stop()
		select {
		case <-t.C:
			now()
		case <-ctx.Done():
		}
	})
}
