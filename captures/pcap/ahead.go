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
}

func readAhead(r io.Reader) *ahead {
	a := &ahead{full: make(chan chunk, chunkCount), empty: make(chan chunk, chunkCount), stop: make(chan struct{})}
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

// close ends the goroutine, once a Read that is under way returns.
func (a *ahead) close() {
	close(a.stop)
	a.done.Wait()
}
