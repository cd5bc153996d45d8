package tftp

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// mapAhead is how much of a mapped file is made present at once, in bytes.
const mapAhead = 1 << 20

// A mapping is a file in memory. Its bytes are for the kernel alone, which gives
// an error for what is no longer there because the file became shorter; Go would
// get a signal.
type mapping struct {
	b       []byte
	present int // bytes that were made so
}

// mapBlocks are the blocks of a file that the kernel takes out of its own cache
// when it sends them: what is not copied costs a tenth of a large block's
// processor time less. It gives nil where that cannot be done.
func mapBlocks(f *os.File, size int64, blockSize int) *blocks {
	if size == 0 || size != int64(int(size)) {
		return nil
	}
	b, err := unix.Mmap(int(f.Fd()), 0, int(size), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil
	}
	m := &mapping{b: b}
	if m.want(1) != nil {
		m.close() // before Linux 5.14, or a file system that cannot
		return nil
	}
	last := size/int64(blockSize) + 1
	return &blocks{
		mapped: m, size: blockSize, first: 1, filled: last + 1,
		last: last, lastSize: int(size % int64(blockSize)),
	}
}

// want makes present what comes before n, so that no send waits for a disk.
func (m *mapping) want(n int) error {
	n = min(n, len(m.b))
	for m.present < n {
		to := min(m.present+mapAhead, len(m.b))
		if err := unix.Madvise(m.b[m.present:to], unix.MADV_POPULATE_READ); err != nil {
			return fmt.Errorf("its bytes from %d: %w", m.present, err)
		}
		m.present = to
	}
	return nil
}

func (m *mapping) close() {
	if m != nil {
		_ = unix.Munmap(m.b)
	}
}
