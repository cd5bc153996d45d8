package assets

import (
	"os"
	"path/filepath"
	"strings"
)

// Package names a package in each family of distributions; empty where there is
// none.
type Package struct{ Debian, Fedora, Arch, SUSE string }

// InstallCommand is the command that installs packages on the distribution that
// the store looks at. It is empty if the distribution is not known or has none of
// them.
func (s *Store) InstallCommand(pkgs ...Package) string {
	f := s.family()
	var names []string
	for _, p := range pkgs {
		if n := same(p.Debian, p.Fedora, p.Arch, p.SUSE).of(f); n != "" {
			names = append(names, n)
		}
	}
	if f == unknown || len(names) == 0 {
		return ""
	}
	return f.install(names...)
}

// CureCommand is the one command that gets all the assets and tools that names
// lists: pxeproof's own where it can fetch, the distribution's installer
// elsewhere. It is empty where neither has them.
func (s *Store) CureCommand(names ...string) string {
	f := s.family()
	var pkgs, have []string
	seen := map[string]bool{}
	for _, name := range names {
		e, err := lookup(name)
		if err != nil {
			continue
		}
		p := e.pkg.of(f)
		if p == "" {
			continue
		}
		have = append(have, name)
		if !seen[p] {
			seen[p] = true
			pkgs = append(pkgs, p)
		}
	}
	switch {
	case len(pkgs) == 0:
		return ""
	case canFetch():
		return self() + " assets --fetch " + strings.Join(have, " ")
	}
	return f.install(pkgs...)
}

// self is how this program was called: by a path where it is not in PATH, so that
// a command that names it can be copied to a shell.
func self() string {
	if filepath.Base(os.Args[0]) == "pxeproof" {
		return os.Args[0]
	}
	return "pxeproof" // a test's binary
}
