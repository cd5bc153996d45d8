package tftp

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Limits of transfers at once.
const (
	// maxBlocking have a thread to themselves. The next ones share.
	maxBlocking = 16
	// maxTransfers bounds what a flood of requests can take.
	maxTransfers = 8192
)

// A desk takes the requests that come to one socket and starts their transfers.
type desk struct {
	server *Server
	mtftp  *MTFTP // nil at the usual port
	wg     sync.WaitGroup

	// eager is taken by the transfer that waits without the scheduler.
	eager atomic.Bool

	// Of the goroutine that takes requests alone.
	groups    map[groupKey]*group
	nextGroup int

	mu       sync.Mutex
	open     map[netip.AddrPort]*transfer // by client
	total    int
	blocking int // of total
}

// serveOwn answers requests that come to a port until ctx ends. It stays on one
// thread inside the host, so that the sockets it makes are the host's.
func (s *Server) serveOwn(ctx context.Context, p port) error {
	d := &desk{server: s, mtftp: p.mtftp, open: map[netip.AddrPort]*transfer{}, groups: map[groupKey]*group{}}
	stop := context.AfterFunc(ctx, func() {
		p.Close()
		d.wakeAll()
	})
	defer stop()
	err := s.on.Do(func() error { return d.serve(ctx, p.in) })
	p.Close()
	d.wakeAll()
	d.wg.Wait()
	return err
}

// wakeAll ends all transfers.
func (d *desk) wakeAll() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, t := range d.open {
		t.sock.wake()
	}
}

// serve takes requests until ctx ends.
func (d *desk) serve(ctx context.Context, in *inlet) error {
	for {
		b, from, local, err := in.receive()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if allow := d.server.config.Allow; allow != nil && !allow(from.Addr()) {
			d.server.logf("a packet from %v: not allowed", from)
			continue
		}
		if r, e := parseRequest(b); r != nil || e != nil {
			d.take(ctx, r, e, from, local)
		}
	}
}

// take answers one request, or the error in it.
func (d *desk) take(ctx context.Context, r *request, e *Error, from netip.AddrPort, local netip.Addr) {
	s := d.server
	if e == nil && d.repeated(from, r.name) {
		return
	}
	if e == nil && d.mtftp != nil {
		e = d.mtftp.check(r)
	}
	var t *transfer
	if e == nil {
		t, e = s.newTransfer(r, from)
	}
	if e != nil {
		s.logf("%v from %v: %s", r, from, e.Text)
		d.refuse(from, local, e)
		return
	}
	s.logf("%v from %v", r, from)
	if d.mtftp != nil || s.config.multicast(r, t) {
		err := d.join(ctx, t, local)
		if err == nil {
			return
		}
		s.logf("no multicast for %v: %v", from, err)
		if d.mtftp != nil {
			t.file.Close()
			d.refuse(from, local, &Error{NotDefined, "No multicast"})
			return
		}
		// It is served alone, then.
	}
	polled, ok := d.reserve()
	if !ok {
		t.file.Close()
		s.logf("%v from %v: too many transfers", r, from)
		return
	}
	if err := t.connect(local, polled); err != nil {
		d.leave(t, polled)
		t.file.Close()
		s.logf("answering %v: %v", from, err)
		return
	}
	d.enter(t)
	if ctx.Err() != nil {
		t.sock.wake() // wakeAll may have missed it
	}
	d.wg.Go(func() {
		if !polled {
			t.turn = &d.eager
			// A thread of its own keeps the scheduler out of each block.
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
		}
		began := time.Now()
		t.Err = t.run()
		t.Took = t.heard.Sub(began)
		d.leave(t, polled)
		t.close()
		s.report(&t.Transfer)
	})
}

// repeated says whether a client has only asked again because the answer is
// late. It gets that soon.
func (d *desk) repeated(from netip.AddrPort, name string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.open[from]
	return t != nil && t.Name == name && !t.began.Load()
}

// reserve finds a place for a transfer, with a thread to itself or not.
func (d *desk) reserve() (polled, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.total >= maxTransfers {
		return false, false
	}
	d.total++
	if polled = d.blocking >= maxBlocking; !polled {
		d.blocking++
	}
	return polled, true
}

// enter makes a transfer known. A later one of the same client's port takes the
// place of an earlier, which ends by itself.
func (d *desk) enter(t *transfer) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open[t.Client] = t
}

// leave gives the place back.
func (d *desk) leave(t *transfer, polled bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.total--
	if !polled {
		d.blocking--
	}
	if d.open[t.Client] == t {
		delete(d.open, t.Client)
	}
}

// connect makes the transfer's socket.
func (t *transfer) connect(local netip.Addr, polled bool) (err error) {
	f := t.faults
	if f != nil && f.WrongAddress.IsValid() {
		local = f.WrongAddress
	}
	if t.sock, err = newSocket(local, t.Client, polled); err != nil {
		return err
	}
	if f != nil && f.WrongPortAt > 0 {
		if f.wrong, err = newSocket(local, t.Client, true); err != nil {
			t.sock.close()
			return err
		}
		f.wrong.prepare(1, t.terms.blockSize)
	}
	return err
}

// refuse sends an ERROR from a port of its own.
func (d *desk) refuse(to netip.AddrPort, local netip.Addr, e *Error) {
	sock, err := newSocket(local, to, false)
	if err == nil {
		err = sock.send(e.packet())
		sock.close()
	}
	if err != nil {
		d.server.logf("answering %v: %v", to, err)
	}
}

// newTransfer finds the file and settles the options.
func (s *Server) newTransfer(r *request, from netip.AddrPort) (*transfer, *Error) {
	f, info, e := s.resolve(r)
	if e != nil {
		return nil, e
	}
	terms, e := s.config.negotiate(r, info)
	if e != nil {
		f.Close()
		return nil, e
	}
	faults := s.config.faultsOf(r.name)
	terms = faults.options(terms)
	return &transfer{
		Transfer: Transfer{Client: from, Name: r.name, BlockSize: terms.blockSize, WindowSize: terms.windowSize},
		file:     f, size: info.Size(), mode: r.mode, terms: terms, faults: faults,
	}, nil
}

func (t *transfer) close() {
	t.sock.close()
	t.file.Close()
	if t.faults != nil && t.faults.wrong != nil {
		t.faults.wrong.close()
	}
}

// report tells of a transfer that has ended.
func (s *Server) report(t *Transfer) {
	if s.config.Log != nil {
		outcome := "sent"
		if t.Err != nil && !errors.Is(t.Err, ErrAborted) {
			outcome = fmt.Sprintf("stopped (%v) after", t.Err)
		} else if t.Err != nil {
			outcome = fmt.Sprintf("%v after", t.Err)
		}
		s.logf("%q to %v: %s %d bytes in %v, blksize %d, windowsize %d, %d of %d packets sent again",
			t.Name, t.Client, outcome, t.Bytes, t.Took.Round(time.Microsecond), t.BlockSize, t.WindowSize, t.Resent, t.Sent)
	}
	if s.config.Done != nil {
		s.config.Done(*t)
	}
}
