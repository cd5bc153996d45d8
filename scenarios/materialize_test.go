package scenarios_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/pxeproof/pxeproof/scenarios"
)

// TestModesAreKept lays out files that not everybody may read, in a scenario
// that everybody may and in one that somebody's umask has closed.
func TestModesAreKept(t *testing.T) {
	for _, c := range []struct {
		name    string
		of      fs.FileMode // scenario.yaml's
		private fs.FileMode // what becomes of 0640
	}{
		{"as on the server", 0o644, 0o640},
		{"under a umask", 0o600, 0o644},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, out := t.TempDir(), t.TempDir()
			if err := os.CopyFS(dir, folder(t, smallest)); err != nil {
				t.Fatal(err)
			}
			for name, mode := range map[string]fs.FileMode{
				"root/private": 0o640, "root/program": 0o755, "root/owned": 0o755 | fs.ModeSetuid, scenarios.File: c.of,
			} {
				name = filepath.Join(dir, name)
				f, err := os.OpenFile(name, os.O_CREATE, 0o600)
				if err != nil {
					t.Fatal(err)
				}
				f.Close()
				if err := os.Chmod(name, mode); err != nil {
					t.Fatal(err)
				}
			}
			s, err := scenarios.Load(dir)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Materialize(out, nil); err != nil {
				t.Fatal(err)
			}
			for name, want := range map[string]fs.FileMode{
				"private": c.private, "program": 0o755, "owned": 0o755 | fs.ModeSetuid,
			} {
				fi, err := os.Stat(filepath.Join(out, name))
				if err != nil {
					t.Fatal(err)
				}
				if got := fi.Mode() & (fs.ModePerm | fs.ModeSetuid); got != want {
					t.Errorf("%s: mode %v, want %v", name, got, want)
				}
			}
		})
	}
}
