package bench

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestDefaultSweep(t *testing.T) {
	cells, err := Sweep{}.cells()
	if err != nil {
		t.Fatal(err)
	}
	links := map[Link]int{}
	for i, c := range cells {
		if i == 0 || c.Link != cells[i-1].Link {
			links[c.Link]++
		}
		if slices.Contains(cells[:i], c) {
			t.Errorf("%v is there twice", c)
		}
	}
	for l, n := range links {
		if n != 1 {
			t.Errorf("%v is made %d times", l, n)
		}
	}
	var want []Cell
	for _, b := range BlockSizes {
		want = append(want, Cell{BlockSize: b, WindowSize: 1})
	}
	for _, w := range WindowSizes {
		want = append(want, Cell{BlockSize: 1428, WindowSize: w})
	}
	for _, rtt := range RTTs {
		want = append(want, Cell{Link{RTT: rtt}, 1428, 1}, Cell{Link{RTT: rtt}, 1428, 64})
	}
	want = append(want, Cell{Link{Loss: 0.01}, 1428, 16})
	for _, c := range want {
		if !slices.Contains(cells, c) {
			t.Errorf("%v is not measured", c)
		}
	}
}

func TestSweepIsTheProduct(t *testing.T) {
	cells, err := Sweep{BlockSizes: []int{512, 1024}, WindowSizes: []int{8, 8}, Losses: []float64{0, 0.1}}.cells()
	if err != nil || len(cells) != 4 {
		t.Errorf("%v, %v", cells, err)
	}
	for _, c := range cells {
		if c.WindowSize != 8 || c.RTT != 0 {
			t.Errorf("%v", c)
		}
	}
	if cells, err := Full().cells(); err != nil || len(cells) != 9*7*4*2 {
		t.Errorf("%d cells, %v", len(cells), err)
	}
}

func TestSweepRefuses(t *testing.T) {
	for _, c := range []struct {
		s    Sweep
		want string
	}{
		{Sweep{BlockSizes: []int{7}}, "blksize is 8 to 65464"},
		{Sweep{BlockSizes: []int{65465}}, "blksize is 8 to 65464"},
		{Sweep{WindowSizes: []int{0}}, "windowsize is 1 to 65535"},
		{Sweep{RTTs: []time.Duration{-1}}, "round trip"},
		{Sweep{Losses: []float64{0.9}}, "loss"},
	} {
		if _, err := c.s.cells(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v", c.s, err)
		}
	}
}

// The last block must be short whatever the blksize, so that the file ends where
// its last byte does, and a slow link must not have a file that takes minutes.
func TestFileSizes(t *testing.T) {
	for _, c := range Full().product() {
		for _, want := range []time.Duration{time.Millisecond, DefaultEach, time.Minute} {
			n := c.fileSize(want)
			if n < smallestFile-1 || n >= largestFile || n%c.BlockSize == 0 {
				t.Errorf("%v: %d bytes", c, n)
			}
		}
		slow := c
		slow.RTT += 100 * time.Millisecond
		if slow.fileSize(DefaultEach) > c.fileSize(DefaultEach) {
			t.Errorf("%v: a longer link has a longer file", c)
		}
	}
	far := Cell{Link{RTT: time.Second}, 512, 1}
	if n := far.fileSize(DefaultEach); n != smallestFile-1 {
		t.Errorf("over a second's link %d bytes", n)
	}
}
