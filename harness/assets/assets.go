// Package assets finds the files that a lab boots and that belong to a
// distribution: firmware, option ROMs, loaders and kernels, each by a name such
// as pxelinux.0 or kernel. None of them is ever copied into a repository.
//
// A [Store] looks in four places, in this order: its Override, the environment
// variable PXEPROOF_ASSET_<NAME>, where distributions install the file, and the
// user's cache. [Store.Find] only looks. [Store.Fetch] may download the
// distribution's package, which it unpacks into the cache without root and
// without installing anything: a kernel's package would otherwise rebuild the
// host's boot menu, and a daemon's package would start it.
//
// [Store.Tool] finds daemons that tests run as peers; they come the same way.
package assets

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// A Source says where an asset was found.
type Source string

const (
	Override    Source = "override"    // Store.Override
	Environment Source = "environment" // PXEPROOF_ASSET_<NAME>
	Installed   Source = "installed"   // where the distribution's package puts it
	Cached      Source = "cached"      // in the cache, from a package that was fetched
)

// An Asset is a file that was found.
type Asset struct {
	Name    string `json:"name"`              // as in the catalogue: "pxelinux.0"
	About   string `json:"about"`             // what it is, in a few words
	Path    string `json:"path"`              // absolute
	Source  Source `json:"source"`            //
	Package string `json:"package,omitempty"` // the distribution's package; empty if not known
	Version string `json:"version,omitempty"` // of the package; empty if not known
	SHA256  string `json:"sha256"`            // of the file, in hex
}

// A Store finds assets. Its zero value looks on this machine.
type Store struct {
	// Cache is the folder for fetched packages and made images. Empty means
	// $PXEPROOF_CACHE, or else pxeproof in the user's cache directory.
	Cache string
	// Override maps asset names to files to use instead. A name that the
	// catalogue does not have is an error when it is looked for.
	Override map[string]string
	// Root is the file system to look for installed files in. Empty means "/".
	Root string
	// Log hears of what takes long: downloads. Nil is quiet.
	Log func(message string)

	once     sync.Once
	versions map[string]string // by package, of those that are installed
}

// EnvPrefix begins the environment variables that name a file to be used for an
// asset: letters of the asset's name in capitals, all else as underscores, so
// PXEPROOF_ASSET_PXELINUX_0 for pxelinux.0.
const EnvPrefix = "PXEPROOF_ASSET_"

// EnvName is the environment variable that overrides an asset.
func EnvName(asset string) string {
	return EnvPrefix + strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return '_'
	}, asset)
}

// Find looks for the asset called name. It never downloads. The error is a
// [*NotFoundError] if the file is nowhere, with the cure.
func (s *Store) Find(ctx context.Context, name string) (Asset, error) {
	e, err := lookup(name)
	if err != nil {
		return Asset{}, err
	}
	for _, o := range []struct {
		path, said string
		source     Source
	}{
		{s.Override[name], "the option for " + name, Override},
		{os.Getenv(EnvName(name)), EnvName(name), Environment},
	} {
		if o.path == "" {
			continue
		}
		a := Asset{Name: name, About: e.about, Source: o.source}
		if a.Path, err = filepath.Abs(o.path); err == nil {
			err = a.read(e)
		}
		if err != nil {
			return Asset{}, fmt.Errorf("asset %s, as %s says: %w", name, o.said, err)
		}
		return a, nil
	}
	var unfit error // the best thing to say if something is there but unusable
	for _, c := range s.candidates(e) {
		a := Asset{Name: name, About: e.about, Path: c.path, Source: c.source, Package: c.pkg, Version: c.version}
		err := a.read(e)
		if err == nil {
			if a.Source == Installed {
				a.Package, a.Version = s.owner(ctx, e, a.Path)
			}
			return a, nil
		}
		if unfit == nil {
			unfit = err
		}
	}
	return Asset{}, &NotFoundError{Asset: name, Package: e.pkg.of(s.family()), Unfit: unfit, family: s.family(), fetchable: canFetch()}
}

// read fills in what the file itself tells, and refuses an unfit one.
func (a *Asset) read(e *entry) error {
	f, err := os.Open(a.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	if !st.Mode().IsRegular() {
		return fmt.Errorf("%s is not a file", a.Path)
	}
	if st.Size() == 0 {
		return fmt.Errorf("%s is empty", a.Path)
	}
	if e.check != nil {
		if err := e.check(a.Path); err != nil {
			return err
		}
	}
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return err
	}
	a.SHA256 = hex.EncodeToString(h.Sum(nil))
	return nil
}

// candidate is a file that may be the asset.
type candidate struct {
	path, pkg, version string
	source             Source
}

// candidates lists the files that exist, best first: installed ones before
// those of the cache, patterns in the catalogue's order, and of several matches
// of one pattern (kernels) the newest.
func (s *Store) candidates(e *entry) []candidate {
	var found []candidate
	for _, pattern := range e.paths {
		for _, path := range glob(s.root(), pattern) {
			if e.wants(path) {
				found = append(found, candidate{path: path, source: Installed})
			}
		}
	}
	for _, t := range s.trees(e.inTrees(s.family())) {
		for _, pattern := range e.paths {
			for _, path := range glob(t.dir, pattern) {
				if e.wants(path) {
					found = append(found, candidate{path, t.pkg, t.version, Cached})
				}
			}
		}
	}
	return found
}

// glob lists what matches pattern beneath dir, newest version first.
func glob(dir, pattern string) []string {
	// The catalogue's patterns are well-formed, so an error cannot be; and a
	// folder that is not there or not to be read has no matches.
	matches, _ := fs.Glob(os.DirFS(dir), pattern)
	for i, m := range matches {
		matches[i] = filepath.Join(dir, m)
	}
	slices.SortFunc(matches, func(a, b string) int { return compareVersions(b, a) })
	return matches
}

// List finds every asset of the catalogue. Those that are missing come with the
// reason, in missing, under their names.
func (s *Store) List(ctx context.Context) (found []Asset, missing map[string]error) {
	missing = make(map[string]error)
	for _, name := range Names() {
		a, err := s.Find(ctx, name)
		if err != nil {
			missing[name] = err
			continue
		}
		found = append(found, a)
	}
	return found, missing
}

// Names lists the catalogue, sorted. Tools are listed by [Tools].
func Names() []string {
	return namesOf(catalogue)
}

func namesOf(entries []entry) []string {
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.name
	}
	slices.Sort(names)
	return names
}

func (s *Store) root() string {
	if s.Root == "" {
		return "/"
	}
	return s.Root
}

// A NotFoundError says that an asset of the catalogue is nowhere.
type NotFoundError struct {
	Asset   string
	Package string // this distribution's package that has it; empty if it has none
	Unfit   error  // why a file that is there was not taken; nil if there is none

	family    family
	fetchable bool
}

func (e *NotFoundError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "asset %s is not on this machine", e.Asset)
	if e.Unfit != nil {
		fmt.Fprintf(&b, " (%v)", e.Unfit)
	}
	fmt.Fprintf(&b, "; %s, or set %s to a file", e.Cure(), EnvName(e.Asset))
	return b.String()
}

func (e *NotFoundError) Unwrap() error { return e.Unfit }

// Cure is what to do, beginning with a verb.
func (e *NotFoundError) Cure() string {
	switch {
	case e.Package == "":
		return "get it from its project, as this distribution has no package of it that is known here"
	case e.fetchable:
		return fmt.Sprintf("get it with: %s assets --fetch %s (unpacks package %s into your cache, without root)", self(), e.Asset, e.Package)
	}
	return fmt.Sprintf("install package %s with: %s", e.Package, e.family.install(e.Package))
}

// Known says whether the catalogue has an asset of that name, or what was probably
// meant.
func Known(name string) error {
	_, err := lookup(name)
	return err
}

// lookup finds an entry of the catalogue, or says what was probably meant.
func lookup(name string) (*entry, error) {
	for _, entries := range [][]entry{catalogue, tools} {
		for i := range entries {
			if entries[i].name == name {
				return &entries[i], nil
			}
		}
	}
	err := fmt.Errorf("there is no asset %q", name)
	for _, known := range Names() {
		if strings.EqualFold(filepath.Base(known), filepath.Base(name)) || strings.HasPrefix(known, name) {
			return nil, fmt.Errorf("%w; did you mean %s?", err, known)
		}
	}
	return nil, fmt.Errorf("%w; pxeproof assets lists those that there are", err)
}
