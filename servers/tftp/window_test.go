package tftp

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"testing/iotest"

	pinascii "github.com/pin/tftp/v3/netascii"
)

// trickle is a source that gives little at a time.
type trickle struct {
	b    []byte
	most int
}

func (s *trickle) read(b []byte) (int, error) {
	n := copy(b[:min(len(b), s.most)], s.b)
	s.b = s.b[n:]
	if len(s.b) == 0 {
		return n, io.EOF
	}
	return n, nil
}

// TestBlocks puts a file together again from its blocks, held a window at a time.
func TestBlocks(t *testing.T) {
	for _, blockSize := range []int{8, 512, 1428, 65464} {
		for _, window := range []int{1, 3, 64} {
			for _, size := range []int{0, 1, blockSize - 1, blockSize, blockSize + 1, 3 * blockSize, 40*blockSize + 5} {
				want := make([]byte, size)
				rand.NewChaCha8([32]byte{}).Read(want)
				sources := map[string]source{
					"octets":  &octets{from: bytes.NewReader(want), size: int64(size)},
					"trickle": &trickle{want, 100},
				}
				for name, from := range sources {
					got, count := drain(t, newBlocks(from, blockSize, window), int64(window))
					if !bytes.Equal(got, want) || count != int64(size/blockSize+1) {
						t.Errorf("%s: %d bytes in blocks of %d, window %d: %d bytes in %d blocks",
							name, size, blockSize, window, len(got), count)
					}
				}
			}
		}
	}
}

// drain takes all blocks and checks that a whole window is held each time.
func drain(t *testing.T, b *blocks, window int64) (got []byte, count int64) {
	for base := int64(1); ; {
		if err := b.want(base + window - 1); err != nil {
			t.Fatal(err)
		}
		if err := b.ahead(); err != nil {
			t.Fatal(err)
		}
		end := b.end(base + window)
		if end != base+window && (b.last == 0 || end != b.last+1) {
			t.Fatalf("window %d from %d: blocks up to %d are held", window, base, end)
		}
		for n := base; n < end; n++ {
			got = append(got, b.data(n)...)
			count++
		}
		if base = end; b.last != 0 && base > b.last {
			return got, count
		}
		b.release(base)
	}
}

// TestMappedBlocks cuts a file in memory as one that is read is cut, and finds
// out that it became shorter without a signal.
func TestMappedBlocks(t *testing.T) {
	for _, blockSize := range []int{8, 512, 65464} {
		for _, size := range []int{1, blockSize - 1, blockSize, 3*blockSize + 5, 3 << 20} {
			name := filepath.Join(t.TempDir(), "f")
			want := make([]byte, size)
			rand.NewChaCha8([32]byte{}).Read(want)
			if err := os.WriteFile(name, want, 0o644); err != nil {
				t.Fatal(err)
			}
			f, err := os.Open(name)
			if err != nil {
				t.Fatal(err)
			}
			b := mapBlocks(f, int64(size), blockSize)
			if b == nil {
				t.Skip("this kernel populates no mapping")
			}
			got, count := drain(t, b, 4)
			if !bytes.Equal(got, want) || count != int64(size/blockSize+1) {
				t.Errorf("%d bytes in blocks of %d: %d bytes in %d blocks", size, blockSize, len(got), count)
			}
			b.mapped.present = 0
			if err := os.Truncate(name, 0); err != nil {
				t.Fatal(err)
			}
			if err := b.want(1); err == nil {
				t.Errorf("a file that is gone is still there")
			}
			b.mapped.close()
			f.Close()
		}
	}
}

func TestBlocksThatCannotBeRead(t *testing.T) {
	broken := errors.New("broken")
	b := newBlocks(&octets{from: readerAt{iotest.ErrReader(broken)}, size: 1000}, 512, 1)
	if err := b.want(1); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	// A file that has become shorter ends early, and does not hang.
	b = newBlocks(&octets{from: bytes.NewReader(make([]byte, 700)), size: 5000}, 512, 4)
	if err := b.want(4); err != nil || b.last != 2 || len(b.data(2)) != 700-512 {
		t.Errorf("last %d, %v", b.last, err)
	}
}

type readerAt struct{ io.Reader }

func (r readerAt) ReadAt(b []byte, _ int64) (int, error) { return r.Read(b) }

func TestWire(t *testing.T) {
	for _, tt := range []struct {
		n        int64
		rollover uint16
		want     uint16
	}{
		{0, 0, 0}, {1, 0, 1}, {65535, 0, 65535}, {65536, 0, 0}, {65537, 0, 1}, {131072, 0, 0}, {131071, 0, 65535},
		{65535, 1, 65535}, {65536, 1, 1}, {65537, 1, 2}, {131070, 1, 65535}, {131071, 1, 1},
		{65536, 65534, 65534}, {65538, 65534, 65534},
	} {
		if got := wire(tt.n, tt.rollover); got != tt.want {
			t.Errorf("wire(%d, %d) = %d, want %d", tt.n, tt.rollover, got, tt.want)
		}
	}
	for _, rollover := range []uint16{0, 1} {
		for n := int64(65500); n < 65600; n++ {
			got, ok := unwire(wire(n, rollover), rollover, n-64, n)
			if !ok || got != n {
				t.Errorf("rollover %d: block %d is read as %d, %v", rollover, n, got, ok)
			}
		}
	}
	if n, ok := unwire(7, 0, 8, 70); ok {
		t.Errorf("block 7 is found among 8 to 70 as %d", n)
	}
}

// TestNetasciiBlocks holds the conversion to another's.
func TestNetasciiBlocks(t *testing.T) {
	for _, text := range []string{"", "a", "a\nb\n", "\r\n\r\r\n\n", "\n", "\r", string(bytes.Repeat([]byte("line\r\n"), 1000))} {
		want, err := io.ReadAll(pinascii.ToReader(bytes.NewReader([]byte(text))))
		if err != nil {
			t.Fatal(err)
		}
		for _, blockSize := range []int{8, 512} {
			got, _ := drain(t, newBlocks(newNetascii(bytes.NewReader([]byte(text))), blockSize, 2), 2)
			if !bytes.Equal(got, want) {
				t.Errorf("%.20q: %.40q, want %.40q", text, got, want)
			}
		}
	}
}
