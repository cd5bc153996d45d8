package nfs

import (
	"encoding/binary"
	"io"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/pxeproof/pxeproof/servers/rpc"
)

// replies has room for the largest READ's reply, for a while: connections that
// do not read hold none.
var replies = sync.Pool{New: func() any { return new(make([]byte, maxData+512)) }}

// An openFile is the file that a session read last, kept open for the READ that
// most likely comes next.
type openFile struct {
	handle handle
	target target
	f      *os.File
}

// lastRead is the target of a handle if it is the one that was read last and
// has not been removed. Its attributes are fresh.
func (s *session) lastRead(b []byte) (target, bool) {
	if s.last.f == nil || string(b) != string(s.last.handle[:]) {
		return target{}, false
	}
	i := &info{name: s.last.target.info.name}
	if unix.Fstat(int(s.last.f.Fd()), &i.st) != nil || i.st.Nlink == 0 {
		s.forgetLast()
		return target{}, false
	}
	t := s.last.target
	t.info = i
	return t, true
}

func (s *session) forgetLast() {
	if s.last.f != nil {
		s.last.f.Close()
	}
	s.last = openFile{}
}

// open gives the file of a target that READ may read.
func (s *session) open(b []byte, t target) (*os.File, error) {
	if s.last.f != nil && string(b) == string(s.last.handle[:]) {
		return s.last.f, nil
	}
	f, err := t.view.open(t.path, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	s.forgetLast()
	s.last = openFile{handle(b), t, f}
	return f, nil
}

// read is READ: this is the procedure whose speed a boot feels, and here the
// data goes from the file into the reply and no further.
func (s *session) read(xid uint32, a *arguments, t target, _ *credential) []byte {
	f, err := s.open(a.handle, t)
	if err != nil {
		return failed(xid, procRead, statusOf(err))
	}
	s.room = replies.Get().(*[]byte) // Read gives it back when it has sent
	b := rpc.AppendAccepted((*s.room)[:rpc.MarkSize], xid, rpc.Success)
	b = appendAttr(binary.BigEndian.AppendUint32(b, uint32(ok)), t.info)
	const words = 12 // count, eof, length
	data := b[len(b)+words : len(b)+words+int(min(a.count, maxData))]
	n, err := f.ReadAt(data, int64(a.offset))
	if err != nil && err != io.EOF {
		return failed(xid, procRead, statusOf(err))
	}
	b = binary.BigEndian.AppendUint32(b, uint32(n))
	b = rpc.AppendBool(b, err == io.EOF || int64(a.offset)+int64(n) >= t.info.st.Size)
	b = binary.BigEndian.AppendUint32(b, uint32(n))
	b = b[:len(b)+n]
	return append(b, make([]byte, -n&3)...)
}
