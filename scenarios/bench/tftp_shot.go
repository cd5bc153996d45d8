package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/pxeproof/pxeproof/harness/client"
	"github.com/pxeproof/pxeproof/harness/network"
)

// A shot is one transfer, measured.
type shot struct {
	bytes, blocks         int64
	seconds               float64
	serverCPU, clientCPU  time.Duration
	blockSize, windowSize int // as agreed
	resent, timeouts      int64
}

// errNotGranted is a server that does not take the blksize or windowsize that is
// measured.
var errNotGranted = errors.New("not granted")

// A range of files is served to the client; content is that of the longest, and
// the beginning of it that of the others.
type gallery struct {
	on      *network.Host
	cpu     int
	poll    bool // the client does
	content []byte
}

func fileName(size int) string { return fmt.Sprintf("file-%d", size) }

// fetch reads a file from a server, and measures from the request to the last
// DATA. What it spends on comparing the bytes with the file's is the same for
// every server.
func (g *gallery) fetch(ctx context.Context, from *running, c Cell, size int) (s shot, err error) {
	sent, err := framesSent(from.pid)
	if err != nil {
		return s, err
	}
	before := taskTimes(from.pid)
	var received int
	var ended time.Time
	var after map[string]time.Duration
	var cpu [2]time.Duration
	tftp := client.TFTP{
		Server: netip.AddrPortFrom(from.addr, 69), BlockSize: c.BlockSize, Poll: g.poll,
		To: func(data []byte) error {
			if received+len(data) > size || !bytes.Equal(data, g.content[received:received+len(data)]) {
				return fmt.Errorf("what it sends at byte %d is not the file", received)
			}
			if received += len(data); received == size {
				// The last DATA, not yet acknowledged: the server is still there to be
				// asked what it has used.
				ended, cpu[1] = time.Now(), threadTime()
				after = taskTimes(from.pid)
				now, err := framesSent(from.pid)
				sent = now - sent
				return err
			}
			return nil
		},
	}
	if c.WindowSize > 1 {
		tftp.WindowSize = c.WindowSize
	}
	var r client.Result
	err = g.on.Do(func() error {
		restore, err := keepOn(g.cpu)
		if err != nil {
			return err
		}
		cpu[0] = threadTime()
		r, err = tftp.Fetch(ctx, fileName(size))
		return errors.Join(err, restore())
	})
	if err != nil {
		return s, err
	}
	s = shot{
		bytes: r.Bytes, blocks: r.Blocks, seconds: ended.Sub(r.Began).Seconds(),
		serverCPU: spent(before, after), clientCPU: cpu[1] - cpu[0],
		blockSize: r.BlockSize, windowSize: r.WindowSize, timeouts: r.Timeouts,
	}
	s.resent = r.Stray
	if c.Loss > 0 {
		// What was lost on the way the client has not seen. One packet of the
		// server's is the OACK, all others are DATA, but for a stray ARP.
		full := framesOf(r.BlockSize)
		least := 1 + (r.Blocks-1)*full + framesOf(int(r.Bytes%int64(r.BlockSize)))
		s.resent = max(0, (sent-least+full/2)/full)
	}
	if s.blockSize != c.BlockSize || s.windowSize != c.WindowSize {
		return s, fmt.Errorf("%w: it gives blksize %d, windowsize %d", errNotGranted, s.blockSize, s.windowSize)
	}
	return s, nil
}

// framesOf is how many frames DATA of so many bytes needs with MTU 1500.
func framesOf(data int) int64 {
	const header, most = 4 + 8, 1500 - 20
	return int64(max(1, (header+data+most-1)/most))
}

// awaken waits until a server answers, and has it read the files once.
func (g *gallery) awaken(ctx context.Context, s *running, sizes []int) error {
	const patience = 50 * time.Millisecond
	tftp := client.TFTP{
		Server: netip.AddrPortFrom(s.addr, 69), BlockSize: base.BlockSize,
		Wait: patience, Tries: int(readyTime / patience),
	}
	for _, size := range sizes {
		err := g.on.Do(func() error {
			_, err := tftp.Fetch(ctx, fileName(size))
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
