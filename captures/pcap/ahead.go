package pcap

import (
	"io"
	"sync"
)

// A file of 800 MB takes about as long to be copied from the kernel (110 ms), let
// alone to be unzipped, as to be judged. So one goroutine does the one while
// another does the other.

// A chunk is a part of a file. What the reader has left of the part before goes
// in front of it, where there is room.
type chunk struct {
	b   []byte // b[chunkRoom:] is the part
	err error  // after it
}

const (
	chunkSize  = 512 << 10 // half of a core's L2 cache and less
	chunkRoom  = 128 << 10
	chunkCount = 4
)

// ahead reads a file before it is asked to.
type ahead struct {
	full, empty chan chunk
	taken       chunk // by the window
	stop        chan struct{}
	done        sync.WaitGroup
	blocks      bool // reading may wait for somebody to write, as of a pipe
}

func readAhead(r io.Reader, blocks bool) *ahead {
	a := &ahead{blocks: blocks, full: make(chan chunk, chunkCount), empty: make(chan chunk, chunkCount), stop: make(chan struct{})}
	for range chunkCount {
		a.empty <- chunk{} // a small file needs but one
	}
	a.done.Go(func() { a.run(r) })
	return a
}

// run ends with the file, or with stop.
func (a *ahead) run(r io.Reader) {
	defer close(a.full)
	for {
		var c chunk
		select {
		case c = <-a.empty:
		case <-a.stop:
			return
		}
		if c.b == nil {
			c.b = make([]byte, chunkRoom+chunkSize)
		}
		w := window{r: r, buf: c.b[:chunkRoom]}
		for w.err == nil && len(w.buf) < cap(w.buf) {
			w.fill()
		}
		a.full <- chunk{w.buf, w.err} // there is room for all
		if w.err != nil {
			return
		}
	}
}

// next is what is left of the part before and the part after it.
func (a *ahead) next(left []byte) ([]byte, error) {
	c, ok := <-a.full
	if !ok {
		return left, io.ErrClosedPipe // it was stopped
	}
	var b []byte
	if len(left) <= chunkRoom {
		b = c.b[chunkRoom-len(left):]
		copy(b, left)
	} else {
		b = append(append(make([]byte, 0, 2*len(left)+chunkSize), left...), c.b[chunkRoom:]...)
	}
	if a.taken.b != nil {
		a.empty <- a.taken
	}
	a.taken = c
	return b, c.err
}

// close ends the goroutine. It does not wait for a Read under way that may wait
// for ever; what can be read again stands still afterwards.
func (a *ahead) close() {
	close(a.stop)
	if !a.blocks {
		a.done.Wait()
	}
}

// seekable says whether a file is one on a disk or in memory.
func seekable(r io.Reader) bool {
	s, ok := r.(io.Seeker)
	if !ok {
		return false
	}
	_, err := s.Seek(0, io.SeekCurrent)
	return err == nil
}
