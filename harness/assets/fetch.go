package assets

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// canFetch says whether packages can be fetched without root on this machine.
// Of the distributions' tools only apt's download and unpack what was signed
// without touching the system.
func canFetch() bool {
	_, apt := exec.LookPath("apt-get")
	_, dpkg := exec.LookPath("dpkg-deb")
	return apt == nil && dpkg == nil
}

// Fetch finds the asset called name, and if it is nowhere, downloads the
// distribution's package and unpacks it into the cache. Two calls at once, in
// one program or two, do not harm each other.
func (s *Store) Fetch(ctx context.Context, name string) (Asset, error) {
	a, err := s.Find(ctx, name)
	missing, ok := errors.AsType[*NotFoundError](err)
	if !ok || missing.Package == "" || !missing.fetchable {
		return a, err
	}
	e, err := lookup(name)
	if err != nil {
		return Asset{}, err
	}
	pkg := missing.Package
	if strings.HasPrefix(pkg, kernelMeta) {
		if pkg, err = currentKernel(ctx, pkg); err != nil {
			return Asset{}, fmt.Errorf("asset %s: %w", name, err)
		}
	}
	if err := s.fetchPackage(ctx, append([]string{pkg}, e.with...)); err != nil {
		return Asset{}, fmt.Errorf("asset %s: %w", name, err)
	}
	return s.Find(ctx, name)
}

// currentKernel follows the empty package meta to the kernel that it depends on.
func currentKernel(ctx context.Context, meta string) (string, error) {
	deps, err := dependencies(ctx, meta)
	if err != nil {
		return "", err
	}
	for _, d := range deps {
		if strings.HasPrefix(d, kernelMeta) {
			return d, nil
		}
	}
	return "", fmt.Errorf("package %s depends on no kernel", meta)
}

// fetchPackage downloads packages and unpacks them, as one tree, as
// packages/FIRST/VERSION. A kernel whose modules are packages of their own gets
// them too, and a program the libraries that this machine does not have.
func (s *Store) fetchPackage(ctx context.Context, pkgs []string) error {
	cache, err := s.CacheDir()
	if err != nil {
		return err
	}
	work, done, err := s.WorkDir()
	if err != nil {
		return err
	}
	defer done()
	if release, ok := strings.CutPrefix(pkgs[0], kernelMeta); ok {
		deps, err := dependencies(ctx, pkgs[0])
		if err != nil {
			return err
		}
		for _, d := range deps {
			if d == "linux-modules-"+release || d == "linux-modules-extra-"+release {
				pkgs = append(pkgs, d)
			}
		}
	}
	tree := filepath.Join(work, "tree")
	versions, err := s.unpack(ctx, work, tree, pkgs)
	if err != nil {
		return err
	}
	if err := s.addLibraries(ctx, work, tree, pkgs); err != nil {
		return err
	}
	return place(tree, treeDir(cache, pkgs[0], versions[0]))
}

// unpack downloads packages into work and unpacks them, in their order, over
// one another into tree. It returns their versions.
func (s *Store) unpack(ctx context.Context, work, tree string, pkgs []string) (versions []string, err error) {
	for _, pkg := range pkgs {
		deb, err := s.download(ctx, work, pkg)
		if err != nil {
			return nil, err
		}
		version, err := output(exec.CommandContext(ctx, "dpkg-deb", "-f", deb, "Version"))
		if err != nil {
			return nil, err
		}
		if _, err := output(exec.CommandContext(ctx, "dpkg-deb", "-x", deb, tree)); err != nil {
			return nil, fmt.Errorf("unpacking package %s: %w", pkg, err)
		}
		if err := os.Remove(deb); err != nil {
			return nil, err
		}
		versions = append(versions, strings.TrimSpace(version))
	}
	return versions, relink(tree)
}

// relink makes the absolute symbolic links of an unpacked tree point to the
// same places inside it, from where they would lead into the host's own files.
func relink(tree string) error {
	return filepath.WalkDir(tree, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Type()&fs.ModeSymlink == 0 {
			return err
		}
		target, err := os.Readlink(path)
		if err != nil || !filepath.IsAbs(target) {
			return err
		}
		relative, err := filepath.Rel(filepath.Dir(path), filepath.Join(tree, target))
		if err != nil {
			return err
		}
		if err := os.Remove(path); err != nil {
			return err
		}
		return os.Symlink(relative, path)
	})
}

// download brings the file of a package into a folder of its own in work. apt
// checks it against the signed index.
func (s *Store) download(ctx context.Context, work, pkg string) (deb string, err error) {
	if s.Log != nil {
		s.Log("downloading package " + pkg)
	}
	dir, err := os.MkdirTemp(work, "deb")
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "apt-get", "download", "-q", pkg)
	cmd.Dir = dir
	if _, err := output(cmd); err != nil {
		return "", fmt.Errorf("downloading package %s: %w; if apt does not know it, run: sudo apt-get update", pkg, err)
	}
	debs := glob(dir, "*.deb")
	if len(debs) != 1 {
		return "", fmt.Errorf("downloading package %s: apt-get made %d files", pkg, len(debs))
	}
	return debs[0], nil
}

// dependencies lists what a package depends on directly; of alternatives, all.
func dependencies(ctx context.Context, pkg string) ([]string, error) {
	out, err := output(exec.CommandContext(ctx, "apt-cache", "depends", "--important", pkg))
	if err != nil {
		return nil, fmt.Errorf("%w; if apt does not know package %s, run: sudo apt-get update", err, pkg)
	}
	var deps []string
	for line := range strings.Lines(out) {
		kind, name, ok := strings.Cut(strings.TrimLeft(strings.TrimSpace(line), "|"), ": ")
		if ok && (kind == "Depends" || kind == "PreDepends") && !strings.HasPrefix(name, "<") {
			deps = append(deps, strings.TrimSuffix(name, ":any"))
		}
	}
	return deps, nil
}

// output runs a tool in the C locale, as its words are read by us or shown with
// ours, and puts what it complained of into the error.
func output(cmd *exec.Cmd) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	if err := cmd.Run(); err != nil {
		said := strings.TrimSpace(stderr.String())
		if i := strings.Index(said, "E: "); i > 0 { // apt's warnings come first
			said = said[i:]
		}
		if said != "" {
			return "", fmt.Errorf("%s: %w (%s)", cmd.Args[0], err, strings.ReplaceAll(said, "\n", "; "))
		}
		return "", fmt.Errorf("%s: %w", cmd.Args[0], err)
	}
	return stdout.String(), nil
}
