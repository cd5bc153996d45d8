package scenarios

import (
	"bytes"
	"cmp"
	"io"
	"net/netip"
	"path"
	"strings"

	"github.com/pxeproof/pxeproof/captures/verdict"
	"github.com/pxeproof/pxeproof/servers/rootfs"
)

// A tftpTree is what a TFTP server of the lab answers with. It implements
// [pxelinux.Files].
type tftpTree struct {
	configs  *configs
	root     *rootfs.Root
	prefix   string // of the root, on the host
	absolute bool
}

// tftpTree is the tree of the TFTP server at an address, or without an address
// of the first there is; nil if the lab has none.
func (c *configs) tftpTree(a netip.Addr) *tftpTree {
	for _, t := range c.tftp {
		if a.IsValid() && t.host.Address.Addr() != a || !t.conf.Runs() {
			continue
		}
		cfg := c.tftpConfig(t.conf, nil)
		root, err := c.root.Sub(cmp.Or(cfg.Chroot, "/"))
		if err != nil {
			return nil
		}
		prefix := "/"
		if !cfg.Absolute {
			prefix = path.Join("/", t.conf.Root().Text)
		}
		return &tftpTree{configs: c, root: root, prefix: prefix, absolute: cfg.Absolute}
	}
	return nil
}

func (t *tftpTree) close() { t.root.Close() }

// Size implements [pxelinux.Files].
func (t *tftpTree) Size(name string) (int64, bool) {
	if t.absolute && !strings.HasPrefix(name, "/") {
		return 0, false
	}
	f, fi, err := t.root.Open(name)
	if err != nil {
		return 0, false
	}
	f.Close()
	return fi.Size(), true
}

// Read implements [pxelinux.Files].
func (t *tftpTree) Read(name string) (file string, src []byte, err error) {
	f, _, err := t.root.Open(name)
	if err != nil {
		return "", nil, err
	}
	defer f.Close()
	src, err = io.ReadAll(io.LimitReader(f, 16<<20))
	return path.Join(t.prefix, name), src, err
}

// efiModules is the tree as syslinux.efi sees it: it is PXELINUX in all that
// matters here, but for the name of its core module.
type efiModules struct{ *tftpTree }

// Size implements [pxelinux.Files].
func (t efiModules) Size(name string) (int64, bool) {
	if dir, base := path.Split(name); base == "ldlinux.c32" {
		name = dir + "ldlinux.e64"
	}
	return t.tftpTree.Size(name)
}

// place says in an expectation what the file on disk is; false if it is not
// there.
func (t *tftpTree) place(name string, x *verdict.Transfer) bool {
	if _, ok := t.Size(name); !ok {
		return false
	}
	size, sum, err := digest(t.root, name)
	if err != nil {
		return false
	}
	x.Size, x.SHA256 = size, sum
	x.Disk = verdict.Origin{File: t.configs.scenario.display(rootPath(path.Join(t.prefix, name)))}
	return true
}

// loader looks into a boot program for what it is; empty if it is not known.
func (t *tftpTree) loader(name string) string {
	f, _, err := t.root.Open(name)
	if err != nil {
		return ""
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 4<<20))
	if err != nil {
		return ""
	}
	for _, k := range []struct{ mark, loader string }{
		{"PXELINUX ", "pxelinux"},
		{"ldlinux.e64", "syslinux-efi"},
		{"iPXE initialising", "ipxe"},
	} {
		if bytes.Contains(b, []byte(k.mark)) {
			return k.loader
		}
	}
	return ""
}

// format says what firmware a boot program is for: "efi" for a PE image, else
// "bios"; empty if it cannot be read, or is for both as a kernel is.
func (t *tftpTree) format(name string) string {
	f, _, err := t.root.Open(name)
	if err != nil {
		return ""
	}
	defer f.Close()
	var head [0x206]byte
	n, err := io.ReadFull(f, head[:])
	switch {
	case err != nil && err != io.ErrUnexpectedEOF:
		return ""
	case string(head[0x202:]) == "HdrS": // Linux's boot protocol, boot.rst
		return ""
	case n >= 2 && string(head[:2]) == "MZ":
		return "efi"
	}
	return "bios"
}
