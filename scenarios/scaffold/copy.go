package scaffold

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	securejoin "github.com/cyphar/filepath-securejoin"
	"golang.org/x/sys/unix"

	"github.com/pxeproof/pxeproof/servers/rootfs"
)

// rootDir is the folder of a scenario that stands for / on the server.
const rootDir = "root"

// mostFiles bounds how many files a scenario takes in.
const mostFiles = 100_000

// copyAll copies the configurations, verbatim, and the trees that they name.
func (m *material) copyAll() error {
	for _, s := range []*source{m.dhcp, m.tftp, m.nfs} {
		if s == nil {
			continue
		}
		if err := m.writeNew(s.to, s.text); err != nil {
			return err
		}
		if s.from != "" {
			m.took(s.from, s.to, 1, int64(len(s.text)))
		}
	}
	for _, p := range m.included {
		if _, err := m.copyFile(p, p); err != nil {
			return err
		}
	}
	if m.tftpd != nil && m.tftpd.MapFile.IsSet() {
		if _, err := m.copyFile(m.tftpd.MapFile.Text, m.tftpd.MapFile.Text); err != nil {
			m.note("in.tftpd's map file %s: %v", m.tftpd.MapFile.Text, err)
		}
	}
	if err := m.copyTFTP(); err != nil {
		return err
	}
	return m.copyExports()
}

func (m *material) copyTFTP() error {
	if m.TFTPRoot != "" {
		if m.tftpd == nil || len(m.tftpDirs) == 0 {
			return inputError("no configuration says where in.tftpd has the files of %s; name one with --tftpd-default or --xinetd", m.TFTPRoot)
		}
		from, err := filepath.EvalSymlinks(m.TFTPRoot)
		if err != nil {
			return inputError("--tftp-root: %w", err)
		}
		return m.copyTree(tree{from: from, to: m.tftpDirs[0], tftp: true})
	}
	for _, d := range m.tftpDirs {
		from, err := securejoin.SecureJoin(m.From, d)
		if err != nil {
			return err
		}
		if _, err := os.Stat(from); errors.Is(err, fs.ErrNotExist) {
			m.note("%s serves %s, which does not exist; name the boot files' folder with --tftp-root", m.tftp.to, d)
			if err := m.out.MkdirAll(inside(d), 0o755); err != nil {
				return err
			}
			continue
		}
		if err := m.copyTree(tree{from: from, to: d, tftp: true}); err != nil {
			return err
		}
	}
	return nil
}

func (m *material) copyExports() error {
	if m.exports == nil {
		return nil
	}
	for _, e := range m.exports.Exports {
		from, err := securejoin.SecureJoin(m.From, e.Path)
		if err != nil {
			return err
		}
		if _, err := os.Stat(from); err != nil {
			m.note("%s exports %s: %v", m.nfs.to, e.Path, err)
			continue
		}
		err = m.copyTree(tree{from: from, to: e.Path, oneDevice: true})
		if large, ok := errors.AsType[*tooLargeError](err); ok {
			m.note("export %s: %v; only what the boot is known to read of it is copied", e.Path, large)
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// A tree is a folder to be copied.
type tree struct {
	from, to  string
	tftp      bool // a TFTP server gives it out
	oneDevice bool // what is mounted in it is left out, as by an export
}

// A tooLargeError says that a tree is beyond the limit.
type tooLargeError struct {
	dir     string
	limit   int64
	largest string
	size    int64
}

func (e *tooLargeError) Error() string {
	s := fmt.Sprintf("%s and what was copied before hold more than %s or %d files", e.dir, bytesText(e.limit), mostFiles)
	if e.largest != "" {
		s += fmt.Sprintf(" (the largest met: %s, %s)", e.largest, bytesText(e.size))
	}
	return s + "; raise it with --limit, or copy less"
}

// copyTree copies a folder. It measures first, so that a tree that is too large
// leaves nothing.
func (m *material) copyTree(t tree) error {
	size, files := int64(0), 0
	large := &tooLargeError{dir: t.from, limit: m.Limit}
	before, count := m.copied()
	err := t.walk(func(name, _ string, fi fs.FileInfo) error {
		if !fi.Mode().IsRegular() {
			return nil
		}
		size += fi.Size()
		files++
		if fi.Size() > large.size {
			large.largest, large.size = name, fi.Size()
		}
		if before+size > m.Limit || count+files > mostFiles {
			return large
		}
		return nil
	}, func(string, error) {})
	if err != nil {
		return err
	}
	size, files = 0, 0
	err = t.walk(func(name, from string, fi fs.FileInfo) error {
		to := inside(path.Join("/", t.to, filepath.ToSlash(name)))
		if _, err := m.out.Lstat(to); err == nil && !fi.IsDir() {
			return nil // another tree has brought it already
		}
		switch fi.Mode().Type() {
		case fs.ModeDir:
			return m.out.MkdirAll(to, 0o755)
		case fs.ModeSymlink:
			return m.copyLink(t, name, from, to)
		case 0:
			n, err := m.copyRegular(to, from, fi)
			if errors.Is(err, fs.ErrPermission) {
				m.note("%s may not be read by you and is left out", from)
				return nil
			}
			if err == nil && t.tftp && fi.Mode()&0o004 == 0 && !m.tftpd.Permissive.IsSet() {
				m.note("%s is not readable for everybody: in.tftpd without -p refuses it", from)
			}
			size += n
			files++
			return err
		}
		m.note("%s is neither file, folder nor link and is left out", from)
		return nil
	}, func(from string, err error) { m.note("%s is left out: %v", from, err) })
	if err != nil {
		return err
	}
	m.took(t.from, t.to, files, size)
	return nil
}

// walk visits what is in a tree, its own folder first. name is relative; skipped
// hears of what cannot be looked into.
func (t tree) walk(visit func(name, from string, fi fs.FileInfo) error, skipped func(from string, err error)) error {
	device := deviceOf(t.from)
	return filepath.WalkDir(t.from, func(from string, d fs.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, fs.ErrPermission) && from != t.from {
				skipped(from, err)
				return nil
			}
			return err
		}
		fi, err := d.Info()
		if err != nil {
			skipped(from, err)
			return nil
		}
		if from == t.from && !fi.IsDir() {
			// An export may be a file, a TFTP root may not.
			if t.tftp {
				return fmt.Errorf("%s is not a folder", from)
			}
		}
		if t.oneDevice && fi.IsDir() && deviceOf(from) != device {
			skipped(from, errors.New("another file system is mounted there"))
			return fs.SkipDir
		}
		name, err := filepath.Rel(t.from, from)
		if err != nil {
			return err
		}
		return visit(name, from, fi)
	})
}

func deviceOf(p string) uint64 {
	var st unix.Stat_t
	if err := unix.Lstat(p, &st); err != nil {
		return 0
	}
	return st.Dev
}

// copyLink keeps a link whose target a server of the tree would find. One that
// leads out is replaced by what it leads to if the server follows it there, and
// is kept and named if it does not: then it is as broken on the server.
func (m *material) copyLink(t tree, name, from, to string) error {
	target, err := os.Readlink(from)
	if err != nil {
		return err
	}
	if !t.tftp || m.tftpd.Secure.IsSet() {
		if t.tftp && !reachable(t.from, name) {
			m.note("%s links to %s, which in.tftpd -s does not find: names count from %s there", from, target, t.to)
		}
		return m.symlink(target, to)
	}
	at := target
	if !path.IsAbs(at) {
		at = path.Join(t.to, path.Dir(filepath.ToSlash(name)), target)
	}
	if rel, err := filepath.Rel(t.to, at); err == nil && filepath.IsLocal(rel) {
		return m.symlink(target, to)
	}
	f, fi, err := m.root.Open(at)
	if err != nil {
		m.note("%s links to %s: %v; it is left out", from, target, err)
		return nil
	}
	defer f.Close()
	if before, _ := m.copied(); before+fi.Size() > m.Limit {
		return &tooLargeError{dir: from, limit: m.Limit, largest: target, size: fi.Size()}
	}
	n, err := m.writeFrom(to, f, fi.Mode())
	m.took(m.here(at), path.Join(t.to, filepath.ToSlash(name)), 1, n)
	return err
}

// reachable says whether a server confined to dir finds something behind a
// name.
func reachable(dir, name string) bool {
	root, err := rootfs.Open(dir)
	if err != nil {
		return false
	}
	defer root.Close()
	f, _, err := root.Open(filepath.ToSlash(name))
	if err == nil {
		f.Close()
		return true
	}
	sub, err := root.Sub(filepath.ToSlash(name))
	if err == nil {
		sub.Close()
	}
	return err == nil
}

// copyFile copies one of the server's files; false if it is in the scenario
// already.
func (m *material) copyFile(from, to string) (bool, error) {
	at := inside(to)
	if _, err := m.out.Stat(at); err == nil {
		return false, nil
	}
	f, fi, err := m.root.Open(from)
	if err != nil {
		return false, err
	}
	defer f.Close()
	if before, _ := m.copied(); before+fi.Size() > m.Limit {
		return false, &tooLargeError{dir: from, limit: m.Limit}
	}
	n, err := m.writeFrom(at, f, fi.Mode())
	m.took(m.here(from), to, 1, n)
	return err == nil, err
}

func (m *material) took(from, to string, files int, bytes int64) {
	m.sum.Taken = append(m.sum.Taken, Taken{From: from, To: to, Files: files, Bytes: bytes})
}

// copied is how much there is so far.
func (m *material) copied() (bytes int64, files int) {
	for _, t := range m.sum.Taken {
		bytes += t.Bytes
		files += t.Files
	}
	return bytes, files
}

func (m *material) copyRegular(to, from string, fi fs.FileInfo) (int64, error) {
	// Not followed and not waited for, should the file have changed under us.
	fd, err := unix.Open(from, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return 0, &fs.PathError{Op: "open", Path: from, Err: err}
	}
	f := os.NewFile(uintptr(fd), from)
	defer f.Close()
	return m.writeFrom(to, f, fi.Mode())
}

// inside is a path of the server as m.out names it.
func inside(p string) string {
	if p = path.Join("/", p)[1:]; p == "" {
		return "."
	}
	return filepath.FromSlash(p)
}

// All writing goes through m.out, which no link that was copied before leads out
// of: the files may be anybody's.

func (m *material) writeFrom(to string, from io.Reader, mode fs.FileMode) (int64, error) {
	if err := m.out.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return 0, err
	}
	out, err := m.out.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(out, from)
	// Whatever the umask: who may read a file is a part of what it is.
	return n, errors.Join(err, out.Chmod(0o600|mode.Perm()), out.Close())
}

func (m *material) symlink(target, to string) error {
	if err := m.out.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return m.out.Symlink(target, to)
}

func (m *material) writeNew(to string, text []byte) error {
	_, err := m.writeFrom(inside(to), bytes.NewReader(text), 0o644)
	return err
}

// bytesText is a number of bytes for people.
func bytesText(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d B", n)
}
