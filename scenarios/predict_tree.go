package scenarios

import (
	"bytes"
	"cmp"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path"
	"strings"

	"github.com/pxeproof/pxeproof/captures/verdict"
	"github.com/pxeproof/pxeproof/servers/conf/dhcpfile"
	"github.com/pxeproof/pxeproof/servers/conf/ipxe"
	"github.com/pxeproof/pxeproof/servers/rootfs"
)

// A tftpTree is what a TFTP server of the lab answers with. It implements
// [pxelinux.Files].
type tftpTree struct {
	configs  *configs
	root     *rootfs.Root
	prefix   string // of the root, on the host
	absolute bool
	// locate gives a requested name's place below root, where the server has
	// rules of its own for that; nil is the name itself.
	locate func(name string) (string, bool)
}

// tftpTree is the tree of the TFTP server at an address, or without an address
// of the first there is; nil if the lab has none.
func (c *configs) tftpTree(a netip.Addr) *tftpTree {
	for _, t := range c.tftp {
		if a.IsValid() && t.host.Address.Addr() != a || !t.conf.Runs() {
			continue
		}
		cfg := c.tftpConfig(t.conf, TFTPKnobs{}, nil)
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
	return c.dnsmasqTree(a)
}

// dnsmasqTree is the tree of a dnsmasq that serves TFTP too.
func (c *configs) dnsmasqTree(a netip.Addr) *tftpTree {
	for _, d := range c.dhcp {
		f, ok := d.conf.(dhcpfile.Dnsmasq)
		if !ok || !f.TFTP.Enable.IsSet() || a.IsValid() && d.host.Address.Addr() != a {
			continue
		}
		root, err := c.root.Sub("/")
		if err != nil {
			return nil
		}
		return &tftpTree{configs: c, root: root, prefix: "/", locate: func(name string) (string, bool) {
			// Folders of each client's own are not looked for: they are there for
			// a few, and whose they are is not known here.
			return f.TFTP.Path(name, "", netip.Addr{}, nil, func(string) bool { return false })
		}}
	}
	return nil
}

// open opens what a request asks for, and says where it is from the root.
func (t *tftpTree) open(name string) (f *os.File, fi fs.FileInfo, at string, err error) {
	at = name
	if t.locate != nil {
		var ok bool
		if at, ok = t.locate(name); !ok {
			return nil, nil, "", fs.ErrPermission
		}
	}
	f, fi, err = t.root.Open(at)
	return f, fi, at, err
}

func (t *tftpTree) close() { t.root.Close() }

// Size implements [pxelinux.Files].
func (t *tftpTree) Size(name string) (int64, bool) {
	if t.absolute && !strings.HasPrefix(name, "/") {
		return 0, false
	}
	f, fi, _, err := t.open(name)
	if err != nil {
		return 0, false
	}
	f.Close()
	return fi.Size(), true
}

// Read implements [pxelinux.Files].
func (t *tftpTree) Read(name string) (file string, src []byte, err error) {
	f, _, at, err := t.open(name)
	if err != nil {
		return "", nil, err
	}
	defer f.Close()
	src, err = io.ReadAll(io.LimitReader(f, 16<<20))
	return path.Join(t.prefix, at), src, err
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
	f, _, at, err := t.open(name)
	if err != nil {
		return false
	}
	f.Close()
	size, sum, err := digest(t.root, at)
	if err != nil {
		return false
	}
	x.Size, x.SHA256 = size, sum
	x.Disk = verdict.Origin{File: t.configs.scenario.display(rootPath(path.Join(t.prefix, at)))}
	return true
}

// loader looks into a boot program for what it is; empty if it is not known.
func (t *tftpTree) loader(name string) string {
	f, _, _, err := t.open(name)
	if err != nil {
		return ""
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 4<<20))
	if err != nil {
		return ""
	}
	if ipxe.IsScript(b) {
		return "ipxe-script"
	}
	for _, k := range []struct{ mark, loader string }{
		{"PXELINUX ", "pxelinux"},
		{"ldlinux.e64", "syslinux-efi"},
		{"iPXE initialising", "ipxe"},
		{"GNU GRUB", "grub"},
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
	f, _, _, err := t.open(name)
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
