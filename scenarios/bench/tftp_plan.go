package bench

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/pxeproof/pxeproof/harness/link"
)

// What TFTP sweeps unless it is told otherwise.
var (
	BlockSizes  = []int{512, 1024, 1408, 1428, 1432, 1468, 4096, 8192, 65464}
	WindowSizes = []int{1, 2, 4, 8, 16, 32, 64}
	RTTs        = []time.Duration{0, time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond}
	Losses      = []float64{0, 0.01}
)

// A Link is what a client and a server are connected by: a veth pair of MTU
// 1500, and a relay in user space between where there is anything to impair.
type Link struct {
	// RTT is what the link adds to a round trip, half each way.
	RTT time.Duration `json:"rtt"`
	// Loss is the part of the frames that is lost, each way.
	Loss float64 `json:"loss"`
}

func (l Link) impairment() link.Impairment { return link.Impairment{Delay: l.RTT / 2, Loss: l.Loss} }

// String is the link in words.
func (l Link) String() string {
	text := "a veth pair"
	if l.RTT > 0 {
		text += fmt.Sprintf(" with a round trip of %v more", l.RTT)
	}
	if l.Loss > 0 {
		text += fmt.Sprintf(" that loses %.4g%% of the frames each way", 100*l.Loss)
	}
	return text
}

// A Cell is one combination that is measured.
type Cell struct {
	Link
	BlockSize  int `json:"blksize"`
	WindowSize int `json:"windowsize"`
}

// A Sweep says which cells there are. A dimension that is empty has its first
// value in base alone.
type Sweep struct {
	BlockSizes  []int
	WindowSizes []int
	RTTs        []time.Duration
	Losses      []float64
}

// base is what a dimension is while another is swept: the largest block that
// fits a frame with room for a VLAN tag and PPPoE, and nothing impaired.
var base = Cell{BlockSize: 1428, WindowSize: 1}

// Full is the whole product.
func Full() Sweep { return Sweep{BlockSizes, WindowSizes, RTTs, Losses} }

// cells are all combinations of the sweep, or, if it is empty, those that answer
// most in a few minutes: one dimension at a time, and windows over the long
// links and the lossy one, where they matter.
func (s Sweep) cells() ([]Cell, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	var all []Cell
	if s.BlockSizes == nil && s.WindowSizes == nil && s.RTTs == nil && s.Losses == nil {
		for _, part := range []Sweep{
			{BlockSizes: BlockSizes},
			{WindowSizes: WindowSizes},
			{WindowSizes: []int{1, 8, 64}, RTTs: RTTs},
			{WindowSizes: []int{1, 16}, Losses: Losses[1:]},
		} {
			all = append(all, part.product()...)
		}
	} else {
		all = s.product()
	}
	// By link first: setting one up takes longer than a transfer.
	slices.SortFunc(all, func(a, b Cell) int {
		return cmp.Or(cmp.Compare(a.Loss, b.Loss), cmp.Compare(a.RTT, b.RTT), cmp.Compare(a.BlockSize, b.BlockSize), cmp.Compare(a.WindowSize, b.WindowSize))
	})
	return slices.Compact(all), nil
}

func (s Sweep) product() []Cell {
	var all []Cell
	for _, loss := range orBase(s.Losses, base.Loss) {
		for _, rtt := range orBase(s.RTTs, base.RTT) {
			for _, b := range orBase(s.BlockSizes, base.BlockSize) {
				for _, w := range orBase(s.WindowSizes, base.WindowSize) {
					all = append(all, Cell{Link{rtt, loss}, b, w})
				}
			}
		}
	}
	return all
}

func orBase[T any](list []T, otherwise T) []T {
	if len(list) == 0 {
		return []T{otherwise}
	}
	return list
}

func (s Sweep) check() error {
	for _, b := range s.BlockSizes {
		if b < 8 || b > 65464 {
			return fmt.Errorf("a blksize is 8 to 65464 bytes (RFC 2348), not %d", b)
		}
	}
	for _, w := range s.WindowSizes {
		if w < 1 || w > 65535 {
			return fmt.Errorf("a windowsize is 1 to 65535 blocks (RFC 7440), not %d", w)
		}
	}
	for _, r := range s.RTTs {
		if r < 0 || r > time.Second {
			return fmt.Errorf("a round trip is 0 to 1 s here, not %v", r)
		}
	}
	for _, l := range s.Losses {
		if !(l >= 0 && l <= 0.5) {
			return errors.New("a loss is 0% to 50% here")
		}
	}
	return nil
}

// Sizes of files, in bytes, less one: the last block is then short whatever
// blksize divides them.
const (
	smallestFile = 16 << 10
	largestFile  = 64 << 20
)

// fileSize is how long a file takes about the wanted time in a cell, in powers
// of two. It is the same for every server.
func (c Cell) fileSize(want time.Duration) int {
	// What two virtual processors of 2026 need for a round trip, the server's
	// sleeping while the client's works, and for a block.
	window := c.RTT + 45*time.Microsecond + time.Duration(c.WindowSize)*(7*time.Microsecond+3*time.Duration(c.BlockSize))
	blocks := float64(want) / float64(window) * float64(c.WindowSize)
	if c.Loss > 0 {
		// A frame lost costs a server without an adaptive timer a second. Four of
		// them tell enough.
		blocks = min(blocks, 2/c.Loss)
	}
	n := smallestFile
	for n < largestFile && float64(n) < blocks*float64(c.BlockSize) {
		n *= 2
	}
	return n - 1
}

// takes is how long a transfer of a file of the cell's takes, about, for the
// progress.
func (c Cell) takes(want time.Duration) time.Duration {
	t := want
	if c.Loss > 0 {
		blocks := float64(c.fileSize(want)) / float64(c.BlockSize)
		t += time.Duration(blocks / float64(c.WindowSize) * c.Loss * float64(time.Second))
	}
	return t + time.Duration(math.Sqrt(float64(c.WindowSize)))*time.Millisecond
}

// String is the cell in words.
func (c Cell) String() string {
	return fmt.Sprintf("blksize %d, windowsize %d, %s", c.BlockSize, c.WindowSize, c.Link)
}
