package nfs

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/netip"
	"sync"

	gonfs "github.com/willscott/go-nfs"

	"github.com/pxeproof/pxeproof/servers/rpc"
)

const (
	programNFS   = 100003
	programMount = 100005
)

// maxData is the most that one READ or WRITE carries, in bytes. It is the most
// that Linux asks for.
const maxData = 1 << 20

// maxCall is the largest call taken, in bytes: a WRITE, its credential and
// arguments.
const maxCall = maxData + 4<<10

// A session is one client's connection. To go-nfs it is the connection: go-nfs
// reads from it the calls that it is to answer, and writes its replies to it.
//
// One call is worked at, at a time: Read gives the next only when the reply to
// the last has been sent. So replies do not mix, and cred, set when a call is
// handed over, is that of the call which go-nfs is working at.
type session struct {
	net.Conn // the client's
	server   *Server
	peer     netip.AddrPort
	in       *bufio.Reader

	done   chan struct{}      // closed when go-nfs is done with the connection
	once   sync.Once          // over closing done
	cancel context.CancelFunc // ends go-nfs's work for this session
	stop   <-chan struct{}    // closed by cancel

	// The reader's.
	call    []byte        // room for a call
	pending []byte        // what go-nfs has not read yet of the call handed over
	handed  bool          // a call was handed over: sent will tell
	sent    chan struct{} // that its reply was sent
	cred    credential
	current *view            // the export that call is about
	views   map[string]*view // by export
	last    openFile
	room    *[]byte // of replies, if the reply to be sent is in it

	// The writer's: a reply of go-nfs that is not whole yet.
	reply []byte
}

func newSession(s *Server, c net.Conn) *session {
	return &session{
		Conn: c, server: s, peer: rpc.AddrPort(c.RemoteAddr()), in: bufio.NewReaderSize(c, 64<<10),
		done: make(chan struct{}), sent: make(chan struct{}, 1), views: map[string]*view{},
	}
}

// serve returns when the client is gone.
func (s *session) serve(ctx context.Context) {
	ctx, s.cancel = context.WithCancel(ctx)
	defer s.cancel()
	s.stop = ctx.Done()
	srv := &gonfs.Server{Handler: &handler{s}, Context: ctx, ID: s.server.id}
	// Serve wants a listener: it gets one that has this connection, and then
	// returns, while the connection is served on.
	_ = srv.Serve(&one{s: s})
	<-s.done
	s.forgetLast()
}

// Close is called by go-nfs, once or twice, and ends the session.
func (s *session) Close() error {
	s.once.Do(func() { close(s.done) })
	return s.Conn.Close()
}

// Read gives go-nfs the next call that is for it, and answers those that are
// not. Any failure is the end of the stream to go-nfs: it closes the connection
// at that and at nothing else.
func (s *session) Read(p []byte) (int, error) {
	if len(s.pending) == 0 {
		if err := s.next(); err != nil {
			return 0, io.EOF
		}
	}
	n := copy(p, s.pending)
	s.pending = s.pending[n:]
	return n, nil
}

// next makes the next call for go-nfs pending.
func (s *session) next() error {
	if s.handed {
		select {
		case <-s.sent:
			s.handed = false
		case <-s.stop:
			return net.ErrClosed
		}
	}
	for {
		if cap(s.call) > roomForCalls {
			s.call = nil
		}
		msg, err := rpc.ReadRecord(s.in, append(s.call[:0], make([]byte, rpc.MarkSize)...), maxCall)
		if err != nil {
			return err
		}
		s.call = msg
		reply, err := s.guard(msg[rpc.MarkSize:])
		if err != nil {
			return err
		}
		if reply == nil {
			rpc.PutMark(msg)
			s.pending, s.handed = msg, true
			return nil
		}
		rpc.PutMark(reply)
		_, err = s.Conn.Write(reply)
		if s.room != nil {
			replies.Put(s.room)
			s.room = nil
		}
		if err != nil {
			return err
		}
	}
}

// roomForCalls is how much of a call's room a session keeps, in bytes: large
// WRITEs need more, but seldom and not at once.
const roomForCalls = 128 << 10

// Write takes a reply of go-nfs, which comes in pieces, and sends it when it is
// whole.
func (s *session) Write(p []byte) (int, error) {
	s.reply = append(s.reply, p...)
	if len(s.reply) < rpc.MarkSize || len(s.reply) < rpc.MarkSize+rpc.MarkedSize(s.reply) {
		return len(p), nil
	}
	_, err := s.Conn.Write(s.reply)
	s.reply = s.reply[:0]
	if err != nil {
		// go-nfs stops writing without a word, and would wait for ever to hand
		// the next reply over.
		s.cancel()
		return 0, err
	}
	s.sent <- struct{}{}
	return len(p), nil
}

// one is a listener that accepts one session.
type one struct{ s *session }

func (l *one) Accept() (net.Conn, error) {
	if l.s == nil {
		return nil, net.ErrClosed
	}
	s := l.s
	l.s = nil
	return s, nil
}

func (l *one) Close() error   { return nil }
func (l *one) Addr() net.Addr { return nil }
