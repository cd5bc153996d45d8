package rpc

import (
	"context"
	"net"
	"net/netip"

	"golang.org/x/sync/errgroup"
)

// The transport protocols of a Mapping, by their IP protocol numbers.
const (
	TCP = 6
	UDP = 17
)

// A Mapping says where one version of a program answers.
type Mapping struct {
	Program, Version uint32
	Protocol         uint32 // TCP or UDP
	Port             uint16
}

// ServeConns accepts on l and runs serve on each connection in a goroutine of
// its own, at most limit at once; one that comes when limit are there is closed
// unanswered. When ctx ends it closes l and every connection, waits for the
// goroutines, and returns nil. Another error means that l broke.
//
// serve need not close its connection.
func ServeConns(ctx context.Context, l net.Listener, limit int, serve func(net.Conn)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(ctx, func() { l.Close() })()
	var g errgroup.Group
	defer g.Wait()
	defer cancel() // before the wait
	slots := make(chan struct{}, limit)
	for {
		c, err := l.Accept()
		if ctx.Err() != nil {
			if err == nil {
				c.Close()
			}
			return nil
		}
		if err != nil {
			return err
		}
		select {
		case slots <- struct{}{}:
		default:
			c.Close()
			continue
		}
		g.Go(func() error {
			defer func() { <-slots }()
			defer c.Close()
			defer context.AfterFunc(ctx, func() { c.Close() })()
			serve(c)
			return nil
		})
	}
}

// AddrPort is the address and port of a TCP or UDP address, the zero AddrPort
// for any other. An IPv4 address in IPv6 clothes comes out as IPv4.
func AddrPort(a net.Addr) netip.AddrPort {
	var p netip.AddrPort
	switch a := a.(type) {
	case *net.TCPAddr:
		p = a.AddrPort()
	case *net.UDPAddr:
		p = a.AddrPort()
	}
	return netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
}
