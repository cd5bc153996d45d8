package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/pxeproof/pxeproof/captures/verdict"
	"github.com/pxeproof/pxeproof/harness"
	"github.com/pxeproof/pxeproof/scenarios"
)

// annotate writes the capture of a verdict again, with comments. The file
// appears whole or not at all; one that is there is replaced, unless it is the
// capture itself.
func annotate(to, arg string, v verdict.Verdict) (err error) {
	from := arg
	if fi, err := os.Stat(arg); err == nil && fi.IsDir() {
		from = filepath.Join(arg, harness.CaptureFile)
	}
	in, err := os.Open(from)
	if err != nil {
		return &scenarios.InputError{Err: err}
	}
	defer in.Close()
	if same(in, to) {
		return &scenarios.InputError{Err: fmt.Errorf("--annotate %s is the capture itself; name another file", to)}
	}
	out, err := os.CreateTemp(filepath.Dir(to), "."+filepath.Base(to)+".*")
	if err != nil {
		return &scenarios.InputError{Err: fmt.Errorf("--annotate %s: %w", to, bare(err))}
	}
	defer func() {
		// After the renaming there is nothing left to remove.
		os.Remove(out.Name())
	}()
	err = scenarios.Annotate(out, in, v)
	damage, _ := errors.AsType[*scenarios.InputError](err)
	if err != nil && damage == nil {
		out.Close()
		return fmt.Errorf("--annotate %s: %w", to, err)
	}
	if err := errors.Join(out.Chmod(0o644), out.Close(), os.Rename(out.Name(), to)); err != nil {
		return fmt.Errorf("--annotate %s: %w", to, bare(err))
	}
	// That the capture is damaged has been said by whoever judged it.
	return nil
}

// same says whether an open file is the one of a name.
func same(f *os.File, name string) bool {
	a, aerr := f.Stat()
	b, berr := os.Stat(name)
	return aerr == nil && berr == nil && os.SameFile(a, b)
}

// bare is an error without the path of a file that nobody named.
func bare(err error) error {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return e.Err
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		return e.Err
	}
	return err
}
