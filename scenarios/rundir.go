package scenarios

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// A runDir is the folder of one run.
type runDir struct {
	path string   // absolute
	made []string // the folders that were not there before, the innermost first
}

// makeRunDir makes it: out, or if that is empty a new folder in runs/.
func makeRunDir(out, name string) (runDir, error) {
	if out != "" {
		d, err := makeDirs(out)
		if err != nil {
			return d, &InputError{fmt.Errorf("the run's folder: %w", err)}
		}
		entries, err := os.ReadDir(d.path)
		if err != nil {
			return d, &InputError{fmt.Errorf("the run's folder: %w", err)}
		}
		if len(entries) > 0 {
			return d, &InputError{fmt.Errorf("%s is not empty; a run wants a folder of its own", out)}
		}
		return d, nil
	}
	fail := func(err error) (runDir, error) {
		return runDir{}, fmt.Errorf("the run's folder: %w; choose another with --out", err)
	}
	d, err := makeDirs("runs")
	if err != nil {
		return fail(err)
	}
	parent := d.path
	stamp := time.Now().Format("20060102-150405")
	for i := 0; ; i++ {
		d.path = filepath.Join(parent, fmt.Sprintf("%s-%s", name, stamp))
		if i > 0 {
			d.path += fmt.Sprintf("-%d", i)
		}
		err := os.Mkdir(d.path, 0o755)
		if err == nil {
			d.made = append([]string{d.path}, d.made...)
			return d, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return fail(err)
		}
	}
}

// makeDirs is os.MkdirAll and remembers what it made.
func makeDirs(path string) (d runDir, err error) {
	if d.path, err = filepath.Abs(path); err != nil {
		return d, err
	}
	for at := d.path; ; at = filepath.Dir(at) {
		if _, err := os.Stat(at); !errors.Is(err, fs.ErrNotExist) {
			break // it is there, or MkdirAll will say what is wrong with it
		}
		d.made = append(d.made, at)
	}
	return d, os.MkdirAll(d.path, 0o755)
}

// removeEmpty removes what a run that did not begin left: its empty log and the
// folders that were made for it. One in which anything is stays.
func (d runDir) removeEmpty() {
	log := filepath.Join(d.path, LabLog)
	if st, err := os.Stat(log); err == nil && st.Size() == 0 {
		_ = os.Remove(log)
	}
	for _, dir := range d.made {
		_ = os.Remove(dir)
	}
}
