// Package warm keeps machines that have been stopped at their first DHCP
// DISCOVER, so that a later boot can begin there: firmware that has found its
// network card and has asked for an address is the same in every run, and is
// most of what a boot takes.
//
// A [Key] stands for everything that such a machine is made of, a [Cache] is a
// folder with a file for each. Such a file is there whole or not at all, however
// its writer ended, and has a checksum. What is in the cache may be removed at
// any time: the next boot is a cold one and makes it again.
package warm

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// DefaultLimit is how much a cache holds, in bytes. A BIOS machine's state takes
// some 10 MB, a UEFI machine's some 40 MB.
const DefaultLimit = 1 << 30

// A Cache is a folder of snapshots. Any number of processes may use it at once.
type Cache struct {
	// Dir is the folder; it is made when something is kept.
	Dir string
	// Limit is how much it holds, in bytes: what has not been used for longest
	// goes first. Default DefaultLimit.
	Limit int64
}

// ending is that of a snapshot's file; the rest of its name is the key.
const ending = ".snapshot"

func (c *Cache) path(k Key) string { return filepath.Join(c.Dir, k.String()+ending) }

// Open finds the snapshot of a key. The error is [fs.ErrNotExist] if there is
// none, and a [*CorruptError] if that shows already that the file is damaged;
// Forget it then, as when [Snapshot.Check] finds it.
func (c *Cache) Open(k Key) (*Snapshot, error) {
	path := c.path(k)
	s, err := open(path)
	if err != nil {
		return nil, err
	}
	if s.About.Key != k.String() {
		s.Close()
		return nil, &CorruptError{path, errors.New("it is the snapshot of another machine")}
	}
	c.used(k)
	return s, nil
}

// used notes that a snapshot has been of use, by its file's time. That it might
// not be possible changes nothing but the order in which snapshots go.
func (c *Cache) used(k Key) {
	now := time.Now()
	_ = os.Chtimes(c.path(k), now, now)
}

// Forget removes the snapshot of a key.
func (c *Cache) Forget(k Key) error { return gone(os.Remove(c.path(k))) }

// gone is err, unless it says that something is not there.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// A Draft is a snapshot that is being written. It has no name, so that one whose
// writer is killed vanishes with it.
type Draft struct {
	cache *Cache
	key   Key
	file  *os.File
}

// Create begins a snapshot. The caller writes the machine's state to File and
// calls Keep, and Close in any case.
func (c *Cache) Create(k Key) (*Draft, error) {
	fail := func(err error) (*Draft, error) {
		return nil, fmt.Errorf("the cache of warm machines: %w", err)
	}
	// What a machine had in its memory is nobody else's business, and what is
	// resumed must be nobody else's making.
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return fail(err)
	}
	fd, err := unix.Open(c.Dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return fail(fmt.Errorf("%s: a file without a name: %w", c.Dir, err))
	}
	return &Draft{c, k, os.NewFile(uintptr(fd), c.path(k))}, nil
}

// File is where the machine's state goes.
func (d *Draft) File() *os.File { return d.file }

// Keep puts the snapshot into the cache, with what the machine had sent. If
// somebody else has kept one of the same key meanwhile, theirs stays: it is as
// good.
func (d *Draft) Keep(a About, frames [][]byte) error {
	a.Key, a.Made, a.Frames = d.key.String(), time.Now().UTC(), frames
	if err := finish(d.file, a); err != nil {
		return fmt.Errorf("the cache of warm machines: %w", err)
	}
	err := unix.Linkat(unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", d.file.Fd()), unix.AT_FDCWD, d.cache.path(d.key), unix.AT_SYMLINK_FOLLOW)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("the cache of warm machines: naming the snapshot: %w", err)
	}
	d.cache.used(d.key)
	return d.cache.evict(d.key.String())
}

// Close lets the file go; one that was not kept vanishes.
func (d *Draft) Close() error { return d.file.Close() }

// An Entry is a snapshot in the cache.
type Entry struct {
	About
	Size int64     `json:"size"` // bytes
	Used time.Time `json:"used"` // when it was last made or resumed
	Err  error     `json:"-"`    // why it cannot be used; About is empty then
	path string
}

// List says what is there, what was used last first.
func (c *Cache) List() ([]Entry, error) {
	names, err := os.ReadDir(c.Dir)
	if err != nil {
		return []Entry{}, gone(err)
	}
	list := []Entry{}
	for _, n := range names {
		if !strings.HasSuffix(n.Name(), ending) {
			continue
		}
		fi, err := n.Info()
		if err != nil {
			continue // removed meanwhile
		}
		e := Entry{Size: fi.Size(), Used: fi.ModTime(), path: filepath.Join(c.Dir, n.Name())}
		e.About, e.Err = readAbout(e.path)
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b Entry) int { return cmp.Or(b.Used.Compare(a.Used), cmp.Compare(a.path, b.path)) })
	return list, nil
}

// Clear removes every snapshot and says how many there were and what they
// took, in bytes.
func (c *Cache) Clear() (n int, size int64, err error) {
	list, err := c.List()
	errs := []error{err}
	for _, e := range list {
		if err := gone(os.Remove(e.path)); err != nil {
			errs = append(errs, err)
			continue
		}
		n++
		size += e.Size
	}
	return n, size, errors.Join(errs...)
}

// evict removes what is too much, but not the snapshot of key, which is new. A
// run that has one open keeps it.
func (c *Cache) evict(key string) error {
	list, err := c.List()
	if err != nil {
		return err
	}
	limit := c.Limit
	if limit <= 0 {
		limit = DefaultLimit
	}
	var errs []error
	total := int64(0)
	for _, e := range list {
		total += e.Size
		if total > limit && e.Key != key {
			total -= e.Size
			errs = append(errs, gone(os.Remove(e.path)))
		}
	}
	return errors.Join(errs...)
}
