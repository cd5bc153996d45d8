package scenarios

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/txtar"
)

//go:embed all:library
var embedded embed.FS

// archive is the ending of a scenario in one file: a txtar archive that holds
// what the folder would.
const archive = ".txtar"

// Library is the file system of the scenarios that come with the program, a
// folder or a txtar file each.
func Library() fs.FS {
	sub, err := fs.Sub(embedded, "library")
	if err != nil {
		panic(err) // the name is a valid path, or the program would not build
	}
	return sub
}

// Names lists the scenarios of the library, sorted.
func Names() ([]string, error) {
	entries, err := fs.ReadDir(Library(), ".")
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), archive))
	}
	slices.Sort(names)
	return names, nil
}

// FromLibrary finds a scenario of the library by its name; ok is false if there
// is none.
func FromLibrary(name string) (fsys fs.FS, ok bool) {
	if !fs.ValidPath(name) || strings.Contains(name, "/") || name == "." {
		return nil, false
	}
	if fi, err := fs.Stat(Library(), name); err == nil && fi.IsDir() {
		fsys, err := fs.Sub(Library(), name)
		return fsys, err == nil
	}
	src, err := fs.ReadFile(Library(), name+archive)
	if err != nil {
		return nil, false
	}
	fsys, err = txtar.FS(txtar.Parse(src))
	return fsys, err == nil
}

// List opens every scenario of the library, by name.
func List() ([]*Scenario, error) {
	names, err := Names()
	if err != nil {
		return nil, err
	}
	var all []*Scenario
	for _, name := range names {
		s, err := Load(name)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// Load opens a scenario by what a person types: the name of one in the library,
// a folder, or a txtar file that holds what a folder would. A name that is both
// is the library's; write ./NAME for the folder. SCENARIO:VARIANT is one variant
// of a scenario that has a matrix.
func Load(arg string) (*Scenario, error) {
	if at := strings.LastIndex(arg, variantSign); at > 0 {
		if _, err := os.Lstat(arg); err != nil {
			return load(arg[:at], arg[at+1:])
		}
	}
	return load(arg, "")
}

func load(arg, variant string) (*Scenario, error) {
	if fsys, ok := FromLibrary(arg); ok {
		return open(fsys, arg, arg, arg, variant)
	}
	fi, err := os.Stat(arg)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no scenario %q, in the library or as a folder%s", arg, libraryNames())
	}
	if err != nil {
		return nil, err
	}
	abs, err := filepath.Abs(arg)
	if err != nil {
		return nil, err
	}
	name := strings.TrimSuffix(filepath.Base(abs), archive)
	switch {
	case fi.IsDir():
		return open(os.DirFS(arg), name, filepath.Clean(arg), abs, variant)
	case strings.HasSuffix(arg, archive):
		src, err := os.ReadFile(arg)
		if err != nil {
			return nil, err
		}
		fsys, err := txtar.FS(txtar.Parse(src))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", arg, err)
		}
		return open(fsys, name, filepath.Clean(arg), abs, variant)
	}
	return nil, fmt.Errorf("%s is a file; a scenario is a folder with a %s, or the same in one %s file", arg, File, archive)
}

func open(fsys fs.FS, name, dir, arg, variant string) (*Scenario, error) {
	s, err := openVariant(fsys, name, dir, variant)
	if err != nil {
		return nil, err
	}
	if s.arg = arg; variant != "" {
		s.arg, s.variant = arg+variantSign+variant, true
	}
	return s, nil
}

// libraryNames lists the library's scenarios, for somebody who mistyped one.
func libraryNames() string {
	names, err := Names()
	if err != nil || len(names) == 0 {
		return ""
	}
	return "; the library has " + strings.Join(names, ", ")
}
