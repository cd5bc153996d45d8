package tftp

import (
	"bufio"
	"io"
)

// A source gives a file's bytes in order. Read fills as much of b as there is,
// and returns io.EOF with the last of them.
type source interface {
	read(b []byte) (int, error)
}

// octets is a file as it is. It ends at the size that the client was told,
// should the file grow meanwhile.
type octets struct {
	from io.ReaderAt
	at   int64
	size int64
}

func (o *octets) read(b []byte) (int, error) {
	b = b[:min(int64(len(b)), o.size-o.at)]
	n, err := o.from.ReadAt(b, o.at)
	o.at += int64(n)
	if err == nil && o.at >= o.size {
		err = io.EOF
	}
	return n, err
}

// netascii is a text file with its line ends as on the wire: LF becomes CR LF,
// and CR becomes CR NUL (RFC 1350, RFC 764).
type netascii struct {
	from    *bufio.Reader
	pending byte
	waiting bool // pending is to come next
}

func newNetascii(r io.Reader) *netascii { return &netascii{from: bufio.NewReader(r)} }

func (s *netascii) read(b []byte) (int, error) {
	for n := range b {
		if s.waiting {
			b[n], s.waiting = s.pending, false
			continue
		}
		c, err := s.from.ReadByte()
		if err != nil {
			return n, err
		}
		switch c {
		case '\n':
			c, s.pending, s.waiting = '\r', '\n', true
		case '\r':
			s.pending, s.waiting = 0, true
		}
		b[n] = c
	}
	if _, err := s.from.Peek(1); err == io.EOF && !s.waiting {
		return len(b), io.EOF
	}
	return len(b), nil
}
