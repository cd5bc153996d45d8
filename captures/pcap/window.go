package pcap

import (
	"io"
)

// A window is a buffered reader whose peek may be of any length and copies
// nothing. It grows only as data arrives, so that a length in a corrupt file
// costs no memory.
type window struct {
	r      io.Reader
	ahead  *ahead // in place of r
	buf    []byte
	at     int   // buf[at:] has not been taken
	offset int64 // of buf[at] in the file
	err    error
}

const windowSize = 1 << 20

// peek returns the next n bytes, which stay valid until the next call. If there
// are none it returns io.EOF, if there are fewer io.ErrUnexpectedEOF.
func (w *window) peek(n int) ([]byte, error) {
	for len(w.buf)-w.at < n {
		if w.err != nil {
			if w.err == io.EOF && len(w.buf) > w.at {
				return nil, io.ErrUnexpectedEOF
			}
			return nil, w.err
		}
		w.fill()
	}
	return w.buf[w.at : w.at+n : w.at+n], nil
}

func (w *window) fill() {
	if w.ahead != nil {
		w.buf, w.err = w.ahead.next(w.buf[w.at:])
		w.at = 0
		return
	}
	if w.at > 0 && (w.at == len(w.buf) || len(w.buf) == cap(w.buf)) {
		w.buf = w.buf[:copy(w.buf, w.buf[w.at:])]
		w.at = 0
	}
	if len(w.buf) == cap(w.buf) {
		w.buf = append(make([]byte, 0, max(windowSize, 2*cap(w.buf))), w.buf...)
	}
	for tries := 0; ; tries++ {
		n, err := w.r.Read(w.buf[len(w.buf):cap(w.buf)])
		w.buf = w.buf[:len(w.buf)+n]
		w.err = err
		if n > 0 || err != nil {
			return
		}
		if tries > 100 {
			w.err = io.ErrNoProgress
			return
		}
	}
}

// skip takes n bytes that were peeked at.
func (w *window) skip(n int) {
	w.at += n
	w.offset += int64(n)
}

// discard takes n bytes, however many, without keeping them.
func (w *window) discard(n int64) error {
	for n > 0 {
		have := int64(len(w.buf) - w.at)
		if have == 0 {
			if w.err == io.EOF {
				return io.ErrUnexpectedEOF
			}
			if w.err != nil {
				return w.err
			}
			w.fill()
			continue
		}
		k := min(n, have)
		w.skip(int(k))
		n -= k
	}
	return nil
}

func (w *window) rest() []byte { return w.buf[w.at:] }

// Read lets gzip read what was peeked at.
func (w *window) Read(p []byte) (int, error) {
	if w.at == len(w.buf) {
		if w.err != nil {
			return 0, w.err
		}
		w.fill()
	}
	n := copy(p, w.buf[w.at:])
	w.skip(n)
	if n == 0 {
		return 0, w.err
	}
	return n, nil
}
