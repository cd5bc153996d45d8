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
	pkg = e.pkg.of(s.family())
	// Kernels are told from their file, as the catalogue has only the package
	// that depends on the current one.
	if release, ok := strings.CutPrefix(filepath.Base(path), "vmlinuz-"); ok && strings.HasPrefix(pkg, kernelMeta) {
		pkg = kernelMeta + release
	}
	if version = s.installed(ctx)[pkg]; version == "" {
		return "", "" // the file is somebody else's: built by hand, or another package's
	}
	return pkg, version
}

// installed asks the distribution, once, which versions of which packages are
// installed.
func (s *Store) installed(ctx context.Context) map[string]string {
	s.once.Do(func() {
		s.versions = make(map[string]string)
		root := s.root()
		var cmd *exec.Cmd
		switch s.family() {
		case debian, ubuntu:
			cmd = exec.CommandContext(ctx, "dpkg-query", "--admindir="+filepath.Join(root, "var/lib/dpkg"), "-W", "-f", "${Package} ${Version} ${db:Status-Status}\n")
		case fedora, suse:
			cmd = exec.CommandContext(ctx, "rpm", "--root", root, "-qa", "--qf", "%{NAME} %{VERSION}-%{RELEASE}\n")
		case arch:
			cmd = exec.CommandContext(ctx, "pacman", "--root", root, "-Q")
		default:
			return
		}
		out, err := cmd.Output()
		if err != nil {
			return
		}
		for line := range strings.Lines(string(out)) {
			// dpkg remembers removed packages while they have settings left.
			line = strings.TrimSuffix(strings.TrimSpace(line), " installed")
			if f := strings.Fields(line); len(f) == 2 {
				s.versions[f[0]] = f[1]
			}
		}
	})
	return s.versions
}
