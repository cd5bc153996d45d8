package assets

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// EnvCache names the environment variable for the cache's folder.
const EnvCache = "PXEPROOF_CACHE"

// CacheDir is the folder of the cache. It need not exist yet.
func (s *Store) CacheDir() (string, error) {
	if s.Cache != "" {
		return filepath.Abs(s.Cache)
	}
	if dir := os.Getenv(EnvCache); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("there is no place for a cache: %w; set %s to a folder", err, EnvCache)
	}
	return filepath.Join(dir, "pxeproof"), nil
}

// tree is an unpacked package: <cache>/packages/NAME/VERSION.
type tree struct{ dir, pkg, version string }

// trees lists the unpacked packages whose name matches pattern, newest first.
func (s *Store) trees(pattern string) []tree {
	cache, err := s.CacheDir()
	if err != nil || pattern == "" {
		return nil
	}
	var found []tree
	for _, dir := range glob(filepath.Join(cache, "packages"), pattern+"/*") {
		version := strings.ReplaceAll(filepath.Base(dir), "%3a", ":")
		found = append(found, tree{dir, filepath.Base(filepath.Dir(dir)), version})
	}
	return found
}

// treeDir is where a package's tree is, or will be. An epoch's colon is written
// as Debian writes it in file names, since colons separate paths in lists.
func treeDir(cache, pkg, version string) string {
	return filepath.Join(cache, "packages", pkg, strings.ReplaceAll(version, ":", "%3a"))
}

// WorkDir makes a folder in the cache for work in progress, on the same file
// system, so that what is finished can be renamed into place. Its owner is
// whoever holds the lock on it; folders of owners that died are removed here.
// The caller calls done, which removes the folder.
func (s *Store) WorkDir() (dir string, done func(), err error) {
	cache, err := s.CacheDir()
	if err != nil {
		return "", nil, err
	}
	work := filepath.Join(cache, "work")
	if err := os.MkdirAll(work, 0o777); err != nil {
		return "", nil, fmt.Errorf("the cache: %w; set %s to a folder that can be written", err, EnvCache)
	}
	removeAbandoned(work)
	for {
		dir, err := os.MkdirTemp(work, "")
		if err != nil {
			return "", nil, err
		}
		lock, err := lockDir(dir)
		// Between the two calls somebody may have taken the folder for
		// abandoned.
		if errors.Is(err, unix.EWOULDBLOCK) || errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", nil, err
		}
		if _, err := os.Stat(dir); err != nil {
			lock.Close()
			continue
		}
		return dir, func() { os.RemoveAll(dir); lock.Close() }, nil
	}
}

// removeAbandoned removes the work folders that nobody holds a lock on.
func removeAbandoned(work string) {
	entries, err := os.ReadDir(work)
	if err != nil {
		return
	}
	for _, e := range entries {
		dir := filepath.Join(work, e.Name())
		if lock, err := lockDir(dir); err == nil {
			os.RemoveAll(dir)
			lock.Close()
		}
	}
}

// lockDir takes the lock of a folder, which ends with the returned file or its
// process. It does not wait.
func lockDir(dir string) (*os.File, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// Made is where the cache has a file that is made and not fetched, called name
// after its contents. One that is not there yet is made now: what fill writes at
// the path that it is given is moved into place.
func (s *Store) Made(name string, fill func(path string) error) (string, error) {
	cache, err := s.CacheDir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(cache, "guest", name)
	if _, err := os.Stat(path); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return path, err
	}
	work, done, err := s.WorkDir()
	if err != nil {
		return "", err
	}
	defer done()
	unfinished := filepath.Join(work, name)
	if err := fill(unfinished); err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return "", err
	}
	return path, os.Rename(unfinished, path)
}

// place renames a finished folder into the cache. If somebody else was first,
// theirs stays, which is as good.
func place(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
		return err
	}
	err := os.Rename(from, to)
	if errors.Is(err, fs.ErrExist) || errors.Is(err, unix.ENOTEMPTY) {
		return nil
	}
	return err
}
