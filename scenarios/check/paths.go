package check

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"golang.org/x/tools/txtar"

	"github.com/pxeproof/pxeproof/scenarios"
)

// usual are the places of the configurations in a folder that stands for /. Of
// those of one kind all count that are there.
var usual = []struct {
	path string
	kind kind
}{
	{"/etc/dhcp/dhcpd.conf", kindDHCP},
	{"/etc/dhcpd.conf", kindDHCP},
	{"/etc/dnsmasq.conf", kindDnsmasq},
	{"/etc/kea/kea-dhcp4.conf", kindKea},
	{"/etc/xinetd.d/tftp", kindXinetd},
	{"/etc/default/tftpd-hpa", kindTFTPDefault},
	{"/etc/exports", kindExports},
}

// Paths checks what a person names: folders (of a scenario, or standing for /),
// scenarios of the library, .txtar files that hold a folder, and single files,
// which are held against each other. An error says that something cannot be
// read, or is nothing that can be checked.
func Paths(args []string) (*Report, error) {
	all := &Report{}
	var files []string
	for _, arg := range args {
		r, single, err := onePath(arg)
		if err != nil {
			return nil, err
		}
		if single {
			files = append(files, arg)
			continue
		}
		all.merge(r)
	}
	if len(files) > 0 {
		r, err := singleFiles(files)
		if err != nil {
			return nil, err
		}
		all.merge(r)
	}
	all.sort()
	return all, nil
}

// onePath checks all but single files, which it only recognises.
func onePath(arg string) (r *Report, single bool, err error) {
	if sub, ok := scenarios.FromLibrary(arg); ok {
		r, err = Tree(sub, arg)
		return r, false, err
	}
	fi, err := os.Stat(arg)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, false, fmt.Errorf("there is no file, folder or scenario %q (pxeproof list shows the library's scenarios)", arg)
	case err != nil:
		return nil, false, err
	case fi.IsDir():
		r, err = check(os.DirFS(arg), filepath.Clean(arg), arg)
		return r, false, err
	case filepath.Base(arg) == scenarios.File:
		r, err = check(os.DirFS(filepath.Dir(arg)), filepath.Dir(arg), filepath.Dir(arg))
		return r, false, err
	case filepath.Ext(arg) == ".txtar":
		src, err := readFile(arg)
		if err != nil {
			return nil, false, err
		}
		fsys, err := txtar.FS(txtar.Parse(src))
		if err != nil {
			return nil, false, fmt.Errorf("%s: %w", arg, err)
		}
		r, err = Tree(fsys, filepath.Clean(arg))
		return r, false, err
	}
	return nil, true, nil
}

// Tree checks a scenario's folder, or one that stands for /, in any file
// system. display is what messages put before the names of its files.
func Tree(fsys fs.FS, display string) (*Report, error) { return check(fsys, display, "") }

// check is Tree for a folder that may be one of this machine's; then dir is
// its name.
func check(fsys fs.FS, display, dir string) (*Report, error) {
	_, err := fs.Stat(fsys, scenarios.File)
	if errors.Is(err, fs.ErrNotExist) {
		t, err := newTree(fsys, dir)
		if err != nil {
			return nil, err
		}
		defer t.close()
		return plain(newSite(display, t))
	}
	sc, err := scenarios.Open(fsys, path.Base(display), display)
	if err != nil {
		return nil, err
	}
	const root = "root"
	sub, err := fs.Sub(fsys, root)
	if err != nil {
		return nil, err
	}
	if dir != "" {
		dir = filepath.Join(dir, root)
	}
	t, err := newTree(sub, dir)
	if err != nil {
		return nil, err
	}
	defer t.close()
	for _, a := range sc.Assets {
		t.assets[a.Path] = a
	}
	s := newSite(path.Join(display, root), t)
	s.scenario = sc
	return whole(s)
}

// whole checks a scenario.
func whole(s *site) (*Report, error) {
	for i := range s.scenario.Hosts {
		h := &s.scenario.Hosts[i]
		for _, sv := range h.Servers {
			k := map[string]kind{"dhcp": kindDHCP, "tftp": kindXinetd, "nfs": kindExports}[sv.Protocol]
			if sv.Config == "" || k == kindUnknown {
				continue
			}
			if k == kindXinetd && path.Dir(sv.Config) == "/etc/default" {
				k = kindTFTPDefault
			}
			src, err := s.source(sv.Config)
			if err == nil && k == kindDHCP {
				k = kindOfDHCP(sv.Config, src)
			}
			if err == nil {
				err = s.read(k, sv.Config, src, h)
			}
			if err != nil {
				return nil, err
			}
		}
	}
	return s.all(), nil
}

// plain checks a folder that stands for /, or that is a TFTP server's.
func plain(s *site) (*Report, error) {
	for _, u := range usual {
		src, err := s.source(u.path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = s.read(u.kind, u.path, src, nil)
		}
		if err != nil {
			return nil, err
		}
	}
	if len(s.report.Files) == 0 && s.tftpRoot() == "" {
		return nil, fmt.Errorf("%s holds nothing that can be checked: neither %s nor, as a folder that stands for /, etc/dhcpd.conf, "+
			"etc/dhcp/dhcpd.conf, etc/dnsmasq.conf, etc/kea/kea-dhcp4.conf, etc/xinetd.d/tftp, etc/default/tftpd-hpa, etc/exports or a TFTP server's folder with pxelinux.cfg; "+
			"name single files to have them checked", s.display, scenarios.File)
	}
	return s.all(), nil
}

// singleFiles checks files by themselves and against each other.
func singleFiles(names []string) (*Report, error) {
	s := newSite("", nil)
	for _, name := range names {
		src, err := readFile(name)
		if err != nil {
			return nil, err
		}
		k := kindOf(filepath.ToSlash(name), src)
		if k == kindUnknown {
			return nil, fmt.Errorf("%s: it looks like none of the files that are checked here: dhcpd.conf, dnsmasq.conf, kea-dhcp4.conf, xinetd's tftp, tftpd-hpa, "+
				"exports, a pxelinux configuration, a kickstart file", name)
		}
		if err := s.read(k, name, src, nil); err != nil {
			return nil, err
		}
	}
	return s.all(), nil
}

// readFile reads a configuration of this machine.
func readFile(name string) ([]byte, error) {
	fi, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !fi.Mode().IsRegular() || fi.Size() > maxConfig {
		return nil, fmt.Errorf("%s: no configuration: it is no regular file, or larger than %d MiB", name, maxConfig>>20)
	}
	src, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return src, nil
}
