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
)

//go:embed all:library
var embedded embed.FS

// Library is the file system of the scenarios that come with the program, a
// folder each.
func Library() fs.FS {
	sub, err := fs.Sub(embedded, "library")
	if err != nil {
		panic(err) // the name is a valid path, or the program would not build
	}
	return sub
}

// List opens every scenario of the library, by name.
func List() ([]*Scenario, error) {
	dirs, err := fs.ReadDir(Library(), ".")
	if err != nil {
		return nil, err
	}
	var all []*Scenario
	for _, d := range dirs {
		s, err := Load(d.Name())
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// Load opens a scenario by what a person types: the name of one in the library,
// or a folder. A name that is both is the library's; write ./NAME for the
// folder.
func Load(arg string) (*Scenario, error) {
	if fs.ValidPath(arg) && !strings.Contains(arg, "/") && arg != "." {
		if sub, err := fs.Sub(Library(), arg); err == nil {
			if _, err := fs.Stat(sub, "."); err == nil {
				return open(sub, arg, arg, arg)
			}
		}
	}
	fi, err := os.Stat(arg)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no scenario %q, in the library or as a folder%s", arg, libraryNames())
	}
	if err != nil {
		return nil, err
	}
	if !fi.IsDir() {
		return nil, fmt.Errorf("%s is a file; a scenario is a folder with a %s", arg, File)
	}
	abs, err := filepath.Abs(arg)
	if err != nil {
		return nil, err
	}
	return open(os.DirFS(arg), filepath.Base(abs), filepath.Clean(arg), abs)
}

func open(fsys fs.FS, name, dir, arg string) (*Scenario, error) {
	s, err := Open(fsys, name, dir)
	if err != nil {
		return nil, err
	}
	s.arg = arg
	return s, nil
}

// libraryNames lists the library's scenarios, for somebody who mistyped one.
func libraryNames() string {
	dirs, err := fs.ReadDir(Library(), ".")
	if err != nil || len(dirs) == 0 {
		return ""
	}
	var names []string
	for _, d := range dirs {
		names = append(names, d.Name())
	}
	slices.Sort(names)
	return "; the library has " + strings.Join(names, ", ")
}
