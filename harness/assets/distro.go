package assets

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// family is a set of distributions that share package names and a tool to
// install them.
type family int

const (
	unknown family = iota
	debian
	ubuntu
	fedora
	arch
	suse
)

// install is the command that installs packages.
func (f family) install(pkgs ...string) string {
	list := strings.Join(pkgs, " ")
	switch f {
	case debian, ubuntu:
		return "sudo apt-get install --no-install-recommends " + list
	case fedora:
		return "sudo dnf install " + list
	case arch:
		return "sudo pacman -S " + list
	case suse:
		return "sudo zypper install " + list
	}
	return "your distribution's package manager"
}

// family reads os-release(5): ID, or else the first of ID_LIKE that is known.
func (s *Store) family() family {
	for _, name := range []string{"etc/os-release", "usr/lib/os-release"} {
		f, err := os.Open(filepath.Join(s.root(), name))
		if err != nil {
			continue
		}
		defer f.Close()
		var id, like string
		for lines := bufio.NewScanner(f); lines.Scan(); {
			key, value, _ := strings.Cut(lines.Text(), "=")
			value = strings.Trim(value, `"'`)
			switch key {
			case "ID":
				id = value
			case "ID_LIKE":
				like = value
			}
		}
		for _, word := range append([]string{id}, strings.Fields(like)...) {
			switch word {
			case "debian":
				return debian
			case "ubuntu":
				return ubuntu
			case "fedora", "rhel", "centos":
				return fedora
			case "arch":
				return arch
			case "suse", "opensuse":
				return suse
			}
		}
	}
	return unknown
}

// owner tells the package of an installed file and its version. What cannot be
// learnt stays empty: a file is as good without.
func (s *Store) owner(ctx context.Context, e *entry, path string) (pkg, version string) {
	f := s.family()
	pkg = e.pkg.of(f)
	if s.root() != "/" || pkg == "" {
		return "", ""
	}
	// Kernels are told from their file, as the catalogue has only the package
	// that depends on the current one.
	if release, ok := strings.CutPrefix(filepath.Base(path), "vmlinuz-"); ok && strings.HasPrefix(pkg, kernelMeta) {
		pkg = kernelMeta + release
	}
	var cmd *exec.Cmd
	switch f {
	case debian, ubuntu:
		cmd = exec.CommandContext(ctx, "dpkg-query", "-W", "-f", "${Version}", pkg)
	case fedora, suse:
		cmd = exec.CommandContext(ctx, "rpm", "-q", "--qf", "%{VERSION}-%{RELEASE}", pkg)
	case arch:
		cmd = exec.CommandContext(ctx, "pacman", "-Q", pkg)
	}
	out, err := cmd.Output()
	if err != nil || len(out) == 0 {
		return "", "" // the file is somebody else's: built by hand, or another package's
	}
	return pkg, strings.TrimPrefix(strings.TrimSpace(string(out)), pkg+" ")
}
