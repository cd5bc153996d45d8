package assets

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

func TestWorkDir(t *testing.T) {
	s := &Store{Cache: t.TempDir()}
	// What a killed process leaves: a folder without a lock.
	abandoned := filepath.Join(s.Cache, "work/abandoned")
	put(t, abandoned, "deb/half", []byte("half"))

	mine, done, err := s.WorkDir()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(abandoned); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the abandoned folder is still there: %v", err)
	}
	// Many at once neither share a folder nor take one another's away.
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			dir, done, err := s.WorkDir()
			if err != nil {
				t.Error(err)
				return
			}
			defer done()
			name := filepath.Join(dir, "only")
			if f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL, 0o644); err != nil {
				t.Error(err)
			} else {
				f.Close()
			}
		})
	}
	wg.Wait()
	if _, err := os.Stat(mine); err != nil {
		t.Errorf("the folder in use was removed: %v", err)
	}
	done()
	if left, _ := os.ReadDir(filepath.Join(s.Cache, "work")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestPlaceKeepsTheFirst(t *testing.T) {
	cache := t.TempDir()
	to := treeDir(cache, "pkg", "1:2.0-1")
	for _, who := range []string{"first", "second"} {
		from := t.TempDir()
		put(t, from, "file", []byte(who))
		if err := place(from, to); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(filepath.Join(to, "file"))
	if err != nil || string(got) != "first" {
		t.Errorf("got %q, %v", got, err)
	}
	s := &Store{Cache: cache}
	if trees := s.trees("pkg"); len(trees) != 1 || trees[0].version != "1:2.0-1" || trees[0].pkg != "pkg" {
		t.Errorf("trees: %+v", trees)
	}
}

func TestCacheDir(t *testing.T) {
	t.Setenv(EnvCache, "/from/environment")
	if dir, err := new(Store).CacheDir(); err != nil || dir != "/from/environment" {
		t.Errorf("got %s, %v", dir, err)
	}
	if dir, err := (&Store{Cache: "/given"}).CacheDir(); err != nil || dir != "/given" {
		t.Errorf("got %s, %v", dir, err)
	}
	t.Setenv(EnvCache, "")
	t.Setenv("XDG_CACHE_HOME", "/xdg")
	if dir, err := new(Store).CacheDir(); err != nil || dir != "/xdg/pxeproof" {
		t.Errorf("got %s, %v", dir, err)
	}
}
