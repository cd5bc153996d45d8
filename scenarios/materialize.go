package scenarios

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// Materialize lays the scenario's root/ out in dir, which must exist, with the
// assets in their places. files says where each asset is, by its Name.
// Directories get mode 0755, and files those that they have, as a file that the
// TFTP server's user may not read is a mistake that is to be seen. Only where
// not even scenario.yaml is for everybody to read do modes speak of a umask and
// not of the server: files are readable by everybody then.
func (s *Scenario) Materialize(dir string, files map[string]string) error {
	least := fs.FileMode(0o600)
	if fi, err := fs.Stat(s.fsys, File); err != nil || fi.Mode()&0o004 == 0 {
		least = 0o644
	}
	err := fs.WalkDir(s.fsys, rootDir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(rootDir, filepath.FromSlash(name))
		if err != nil {
			return err
		}
		return s.copyEntry(filepath.Join(dir, rel), name, d, least)
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("laying out %s: %w", s.display(rootDir), err)
	}
	for _, a := range s.Assets {
		from, ok := files[a.Name]
		if !ok {
			return problem(a.Pos, "nobody knows the asset %q", a.Name)
		}
		// The scenario may come from anywhere, but a link in it must not carry
		// the asset out of dir.
		if err := copyInto(dir, a.Path, from); err != nil {
			return problem(a.Pos, "placing %s: %w", a.Name, err)
		}
	}
	return s.setModes(dir)
}

// setModes gives files the permissions that are theirs.
func (s *Scenario) setModes(dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, m := range s.Modes {
		if err := root.Chmod(filepath.FromSlash(m.Path)[1:], m.Perm); err != nil {
			return problem(m.Pos, "modes: %w", err)
		}
	}
	return nil
}

// copyEntry copies one file, folder or link. least are the permissions that a
// file has in any case.
func (s *Scenario) copyEntry(to, name string, d fs.DirEntry, least fs.FileMode) error {
	switch d.Type() {
	case fs.ModeDir:
		return os.MkdirAll(to, 0o755)
	case fs.ModeSymlink:
		target, err := fs.ReadLink(s.fsys, name)
		if err != nil {
			return err
		}
		return os.Symlink(target, to)
	case 0:
		from, err := s.fsys.Open(name)
		if err != nil {
			return err
		}
		defer from.Close()
		fi, err := from.Stat()
		if err != nil {
			return err
		}
		const special = fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky
		return writeFile(to, from, least|fi.Mode()&(fs.ModePerm|special))
	}
	return fmt.Errorf("%s is neither file, folder nor link", s.display(name))
}

// copyInto copies a file to a path below dir, making folders on the way.
func copyInto(dir, name, from string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	name = filepath.FromSlash(path.Join("/", name))[1:]
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

func writeFile(to string, from io.Reader, mode fs.FileMode) error {
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, from)
	return errors.Join(err, out.Close(), os.Chmod(to, mode))
}
