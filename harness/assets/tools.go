package assets

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// A Tool is a program that tests run as a peer: a server or client that this
// project does not contain. It is fetched like any asset, never installed,
// because Debian's packages of daemons start them.
type Tool struct {
	Asset
	// Tree is the folder that the package was unpacked in, for what else it
	// brings; it is the root directory for a tool that is installed.
	Tree string
	// Env is what must be added to the environment for the program to start:
	// where the libraries are that came with it. It is empty mostly.
	Env []string
}

var tools = []entry{
	{name: "dhcpd", about: "ISC DHCP server",
		pkg:   packages{"isc-dhcp-server", "isc-dhcp-server", "dhcp-server", "dhcp", "dhcp-server"},
		paths: []string{"usr/sbin/dhcpd", "usr/bin/dhcpd"}},
	{name: "kea-dhcp4", about: "ISC Kea, DHCPv4 server",
		pkg:   packages{"kea-dhcp4-server", "kea-dhcp4-server", "kea", "kea", "kea"},
		with:  []string{"kea-common"},
		paths: []string{"usr/sbin/kea-dhcp4", "usr/bin/kea-dhcp4"}},
	// atftpd comes with a link of the same name.
	{name: "in.tftpd", about: "tftpd-hpa, TFTP server", check: checkMentions("tftp-hpa"),
		pkg:   packages{"tftpd-hpa", "tftpd-hpa", "tftp-server", "tftp-hpa", "tftp"},
		paths: []string{"usr/sbin/in.tftpd", "usr/bin/in.tftpd"}},
	{name: "atftpd", about: "TFTP server with windowsize and multicast",
		pkg:   packages{"atftpd", "atftpd", "", "atftp", "atftp"},
		paths: []string{"usr/sbin/atftpd", "usr/bin/atftpd"}},
	{name: "xinetd", about: "super-server",
		pkg:   packages{"xinetd", "xinetd", "xinetd", "xinetd", ""},
		paths: []string{"usr/sbin/xinetd", "usr/bin/xinetd"}},
	{name: "ganesha.nfsd", about: "NFS-Ganesha, NFS server in user space",
		pkg:   packages{"nfs-ganesha", "nfs-ganesha", "nfs-ganesha", "", "nfs-ganesha"},
		with:  []string{"nfs-ganesha-vfs"},
		paths: []string{"usr/bin/ganesha.nfsd", "usr/sbin/ganesha.nfsd"}},
	{name: "rpcbind", about: "portmapper",
		pkg:   same("rpcbind", "rpcbind", "rpcbind", "rpcbind"),
		paths: []string{"sbin/rpcbind", "usr/sbin/rpcbind", "usr/bin/rpcbind"}},
	{name: "rpcinfo", about: "asks a portmapper",
		pkg:   same("rpcbind", "rpcbind", "rpcbind", "rpcbind"),
		paths: []string{"usr/bin/rpcinfo", "usr/sbin/rpcinfo", "sbin/rpcinfo"}},
	{name: "showmount", about: "asks a mount daemon",
		pkg:   packages{"nfs-common", "nfs-common", "nfs-utils", "nfs-utils", "nfs-client"},
		paths: []string{"sbin/showmount", "usr/sbin/showmount", "usr/bin/showmount"}},
}

// Tools lists the names of the tools, sorted.
func Tools() []string { return namesOf(tools) }

// Tool finds the tool called name. It never downloads; Fetch does, with the
// same names.
func (s *Store) Tool(ctx context.Context, name string) (Tool, error) {
	a, err := s.Find(ctx, name)
	if err != nil {
		return Tool{}, err
	}
	t := Tool{Asset: a, Tree: s.root()}
	for _, tree := range s.trees("*") {
		if strings.HasPrefix(a.Path, tree.dir+string(filepath.Separator)) {
			t.Tree = tree.dir
			if dirs := libraryDirs(tree.dir); len(dirs) > 0 {
				t.Env = []string{"LD_LIBRARY_PATH=" + strings.Join(dirs, ":")}
			}
		}
	}
	return t, nil
}

// libraryDirs lists the folders of an unpacked tree in which the dynamic linker
// looks for libraries, or a program by its run path: lib, lib/<triplet> or its own.
func libraryDirs(tree string) []string {
	var dirs []string
	for _, pattern := range []string{"lib/*.so.*", "lib/*/*.so.*", "usr/lib/*.so.*", "usr/lib/*/*.so.*", "usr/lib64/*.so.*"} {
		for _, lib := range glob(tree, pattern) {
			if dir := filepath.Dir(lib); !slices.Contains(dirs, dir) {
				dirs = append(dirs, dir)
			}
		}
	}
	return dirs
}

// addLibraries adds to a tree the libraries that its programs miss on this
// machine, from the packages that pkgs depend on, and those that they depend on.
func (s *Store) addLibraries(ctx context.Context, work, tree string, pkgs []string) error {
	seen := slices.Clone(pkgs)
	for {
		missing, err := missingLibraries(ctx, tree)
		if err != nil || len(missing) == 0 {
			return err
		}
		var more []string
		for _, pkg := range pkgs {
			deps, err := dependencies(ctx, pkg)
			if err != nil {
				return err
			}
			for _, d := range deps {
				if strings.HasPrefix(d, "lib") && !slices.Contains(seen, d) && s.installed(ctx)[d] == "" {
					more = append(more, d)
					seen = append(seen, d)
				}
			}
		}
		if len(more) == 0 {
			return fmt.Errorf("package %s needs %s, which no package that it depends on has", pkgs[0], strings.Join(missing, ", "))
		}
		if _, err := s.unpack(ctx, work, tree, more); err != nil {
			return err
		}
		pkgs = more
	}
}

// missingLibraries lists the sonames that the dynamic linker would not find for
// the programs and libraries of a tree.
func missingLibraries(ctx context.Context, tree string) ([]string, error) {
	var files []string
	for _, pattern := range []string{"bin/*", "sbin/*", "usr/bin/*", "usr/sbin/*", "lib/*/*.so*", "usr/lib/*/*.so*", "usr/lib/*/*/*.so*"} {
		for _, path := range glob(tree, pattern) {
			if head, err := readHead(path, 4); err == nil && string(head) == "\x7fELF" {
				files = append(files, path)
			}
		}
	}
	var missing []string
	for _, path := range files {
		cmd := exec.CommandContext(ctx, "ldd", path)
		cmd.Env = append(os.Environ(), "LC_ALL=C", "LD_LIBRARY_PATH="+strings.Join(libraryDirs(tree), ":"))
		out, err := cmd.Output()
		if err != nil {
			// ldd says so by its status when a program is linked statically, and
			// nothing is missing then.
			continue
		}
		for line := range strings.Lines(string(out)) {
			name, found, ok := strings.Cut(strings.TrimSpace(line), " => ")
			if ok && found == "not found" && !slices.Contains(missing, name) {
				missing = append(missing, name)
			}
		}
	}
	return missing, ctx.Err()
}

// checkMentions refuses a file that does not contain text: there are several
// programs of one name.
func checkMentions(text string) func(path string) error {
	return func(path string) error {
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if !strings.Contains(string(b), text) {
			return fmt.Errorf("%s is another program of that name, not %s", path, text)
		}
		return nil
	}
}
