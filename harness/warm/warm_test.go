package warm

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// keep puts a snapshot of size bytes into the cache.
func keep(t testing.TB, c *Cache, k Key, size int) {
	t.Helper()
	d, err := c.Create(k)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := d.File().Write(bytes.Repeat([]byte{k[0]}, size)); err != nil {
		t.Fatal(err)
	}
	if err := d.Keep(About{Machine: "pc", QEMU: "1.0"}, [][]byte{[]byte("discover")}); err != nil {
		t.Fatal(err)
	}
}

func TestKeepAndOpen(t *testing.T) {
	c := &Cache{Dir: filepath.Join(t.TempDir(), "warm")}
	k := Key{1, 2, 3}
	if _, err := c.Open(k); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("an empty cache: %v", err)
	}
	keep(t, c, k, 1000)
	s, err := c.Open(k)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if len(s.Frames) != 1 || string(s.Frames[0]) != "discover" || s.Machine != "pc" || s.QEMU != "1.0" || s.Made.IsZero() {
		t.Errorf("it says of itself: %+v", s.About)
	}
	state := make([]byte, 1000)
	if _, err := io.ReadFull(s.State(), state); err != nil || !bytes.Equal(state, bytes.Repeat([]byte{1}, 1000)) {
		t.Errorf("another state than was written, %v", err)
	}
	list, err := c.List()
	if err != nil || len(list) != 1 || list[0].Key != k.String() || list[0].Size < 1000 {
		t.Errorf("list: %+v, %v", list, err)
	}
	if n, size, err := c.Clear(); n != 1 || size < 1000 || err != nil {
		t.Errorf("cleared %d of %d bytes, %v", n, size, err)
	}
	if _, err := c.Open(k); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after clearing: %v", err)
	}
}

// TestDamage changes every byte of a snapshot in turn, and cuts it off
// everywhere.
func TestDamage(t *testing.T) {
	c := &Cache{Dir: t.TempDir()}
	k := Key{7}
	keep(t, c, k, 64)
	whole, err := os.ReadFile(c.path(k))
	if err != nil {
		t.Fatal(err)
	}
	wantCorrupt := func(what string, b []byte) {
		t.Helper()
		if err := os.WriteFile(c.path(k), b, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := c.Open(k)
		if err == nil {
			err = s.Check()
			s.Close()
		}
		if _, ok := errors.AsType[*CorruptError](err); !ok {
			t.Errorf("%s: %v, %v", what, s, err)
		}
	}
	for i := range whole {
		b := bytes.Clone(whole)
		b[i] ^= 0x40
		wantCorrupt(fmt.Sprintf("byte %d changed", i), b)
		wantCorrupt(fmt.Sprintf("cut off after %d bytes", i), whole[:i])
	}
	// Another machine's snapshot, whole but in the wrong place.
	other := Key{8}
	keep(t, c, other, 64)
	if err := os.Rename(c.path(other), c.path(k)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Open(k); err == nil {
		t.Error("another machine's snapshot was taken")
	}
}

// TestUnkeptLeavesNothing begins a snapshot and does not finish it, as one whose
// process is killed.
func TestUnkeptLeavesNothing(t *testing.T) {
	c := &Cache{Dir: t.TempDir()}
	d, err := c.Create(Key{1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.File().WriteString("half a machine"); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(c.Dir)
	if err != nil || len(left) != 0 {
		t.Errorf("while it is being written there is %v, %v", left, err)
	}
	d.Close()
}

func TestEviction(t *testing.T) {
	c := &Cache{Dir: t.TempDir(), Limit: 10_000}
	for i := range 4 {
		k := Key{byte(i)}
		keep(t, c, k, 4000)
		at := time.Now().Add(time.Duration(i-10) * time.Hour)
		if err := os.Chtimes(c.path(k), at, at); err != nil {
			t.Fatal(err)
		}
	}
	// Of four of 4 kB two have room; 2 has been used after 3 now.
	s, err := c.Open(Key{2})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	keep(t, c, Key{4}, 4000)
	var left []byte
	list, err := c.List()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		var b byte
		if _, err := fmt.Sscanf(e.Key, "%2x", &b); err != nil {
			t.Fatal(err)
		}
		left = append(left, b)
	}
	if !bytes.Equal(left, []byte{4, 2}) {
		t.Errorf("left, latest first: %v, want 4 and 2", left)
	}
	// One that is too large by itself stays: it is the one that is wanted.
	keep(t, c, Key{5}, 20_000)
	if list, err := c.List(); err != nil || len(list) != 1 || list[0].Key[:2] != "05" {
		t.Errorf("after a large one: %v, %v", list, err)
	}
}

// TestManyAtOnce has many keep, open and clear the same machine at once: whoever
// finds it finds it whole.
func TestManyAtOnce(t *testing.T) {
	c := &Cache{Dir: t.TempDir()}
	k := Key{9}
	var g errgroup.Group
	for i := range 8 {
		g.Go(func() error {
			for range 20 {
				if i%2 == 0 {
					keep(t, c, k, 100_000)
					continue
				}
				if i == 7 {
					if _, _, err := c.Clear(); err != nil {
						return err
					}
				}
				s, err := c.Open(k)
				if errors.Is(err, fs.ErrNotExist) {
					continue
				}
				if err != nil {
					return err
				}
				b, err := io.ReadAll(io.LimitReader(s.State(), 100_000))
				s.Close()
				if err != nil || len(b) != 100_000 {
					return fmt.Errorf("%d bytes of state, %w", len(b), err)
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
}

func FuzzAbout(f *testing.F) {
	c := &Cache{Dir: f.TempDir()}
	keep(f, c, Key{1}, 10)
	b, err := os.ReadFile(c.path(Key{1}))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, size, _, err := about(bytes.NewReader(b))
		if size != int64(len(b)) {
			t.Errorf("%d bytes, and it says %d", len(b), size)
		}
		if err != nil && len(a.Frames) > 0 {
			t.Errorf("frames of a file that is wrong: %v", err)
		}
	})
}
