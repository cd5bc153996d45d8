// Package client has emulated clients: for scale, for measuring and for answers
// in milliseconds. The truth about firmware is QEMU's.
//
// [TFTP] reads files from a TFTP server.
package client

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// A TFTP reads files, one a call, from a TFTP server (RFC 1350), with options
// (RFC 2347, 2348, 2349) and windows (RFC 7440) if they are asked for. It costs
// as little as a client can, two system calls a window and one more a block, so
// that what is measured is the server and the link. The zero value of all fields
// but Server is a client without options.
//
// A TFTP may be used by many goroutines at once. Each Fetch keeps a thread busy.
type TFTP struct {
	// Server is where requests go. Port 0 is 69.
	Server netip.AddrPort

	// BlockSize and WindowSize are asked for as blksize, in bytes, and
	// windowsize, in blocks. Zero does not ask. Values that no RFC allows are
	// asked for as they are.
	BlockSize, WindowSize int
	// AskTimeout asks for timeout, in whole seconds, and TSize for tsize.
	AskTimeout time.Duration
	TSize      bool

	// Rollover is the number of the block after 65535: 0, or 1 for servers that
	// do so.
	Rollover uint16

	// Wait is how long to wait for a packet before the last one is sent again.
	// Default 1 s. AskTimeout is what the server is told; nothing makes the two
	// equal.
	Wait time.Duration
	// Tries is how often in a row to wait. Default 6.
	Tries int

	// Poll waits as boot firmware does, which has no scheduler and asks its card
	// again and again: a processor is busy all the time, and nobody is woken. A
	// program of an operating system sleeps, which is the default.
	Poll bool

	// Hash has the SHA-256 made of what comes, at about 0.7 s a GB.
	Hash bool
	// To, if not nil, is given the file's bytes in order. It must not keep them.
	To func(data []byte) error `json:"-"`
}

// A Result is what a [TFTP] has got. It is filled as far as it goes when there
// is an error, too.
type Result struct {
	// Bytes and Blocks count what came, each block once.
	Bytes, Blocks int64
	// SHA256 is of these bytes, if it was wanted.
	SHA256 [sha256.Size]byte
	// BlockSize and WindowSize are what the server agreed to: 512 and 1 if it
	// did not say.
	BlockSize, WindowSize int
	// Size is the tsize of the server, -1 if it did not say.
	Size int64
	// Timeouts counts waits in vain: the request or an ACK was then sent again.
	Timeouts int64
	// Gaps counts the ACKs that said early that a block was lost (RFC 7440), and
	// Stray the DATA packets that were not the next one: repeated, or behind a
	// gap. Stray blocks count as often as they come.
	Gaps, Stray int64
	// Began is when the request left, and Took the time from then to the last
	// block. Answered is the time to the server's first packet.
	Began          time.Time
	Took, Answered time.Duration
}

// Rate is in bytes a second.
func (r *Result) Rate() float64 {
	if r.Took <= 0 {
		return 0
	}
	return float64(r.Bytes) / r.Took.Seconds()
}

// A ServerError is the ERROR packet with which a server ended it.
type ServerError struct {
	Code uint16
	Text string
}

func (e *ServerError) Error() string {
	return fmt.Sprintf("the server says: error %d %.200q", e.Code, e.Text)
}

// ErrSilence is a server that does not answer, or no longer.
var ErrSilence = errors.New("the server is silent")

// Fetch reads the file called name. It must be called on a thread inside the
// client's host ([github.com/pxeproof/pxeproof/servers.Host].Do), or anywhere if
// the client is to live where the process does. When ctx ends, so does Fetch,
// with the context's error.
func (c TFTP) Fetch(ctx context.Context, name string) (Result, error) {
	r := Result{BlockSize: 512, WindowSize: 1, Size: -1}
	if c.Server.Port() == 0 {
		c.Server = netip.AddrPortFrom(c.Server.Addr(), 69)
	}
	if c.Wait <= 0 {
		c.Wait = time.Second
	}
	if c.Tries <= 0 {
		c.Tries = 6
	}
	s, err := newSocket(c.Server, c.Wait, c.Poll)
	if err != nil {
		return r, err
	}
	stop := context.AfterFunc(ctx, s.wake)
	defer func() {
		stop()
		s.close()
	}()
	t := &transfer{TFTP: c, result: &r, socket: s}
	if c.Hash {
		t.sum = sha256.New()
	}
	err = t.run(name)
	if t.sum != nil {
		t.sum.Sum(r.SHA256[:0])
	}
	switch {
	case err == nil:
		return r, nil
	case ctx.Err() != nil && errors.Is(err, net.ErrClosed):
		err = ctx.Err()
	}
	return r, fmt.Errorf("fetching %q from %v: %w", name, c.Server, err)
}
