package scaffold

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pxeproof/pxeproof/harness/assets"
	"github.com/pxeproof/pxeproof/scenarios"
	"github.com/pxeproof/pxeproof/servers/conf/pxelinux"
	"github.com/pxeproof/pxeproof/servers/rootfs"
)

// An asset stands in for a file that is not there.
type asset struct{ path, name string }

// follow goes along the boot as the machine would, and has an asset stand in for
// each file that is not there and that a distribution or pxeproof has.
func (m *material) follow() error {
	if m.machine.file == "" || len(m.tftpDirs) == 0 {
		return m.placeKickstart(netip.Addr{}, "")
	}
	t, err := m.openTree()
	if err != nil {
		return err
	}
	defer t.root.Close()
	if _, ok := t.Size(m.machine.file); !ok && !m.standIn(t, m.machine.file, path.Base(m.machine.file)) {
		m.note("the boot file %s is not there; the run will say so", t.path(m.machine.file))
	}
	if !t.isPXELINUX(m.machine.file) {
		m.note("%s is no PXELINUX: what it asks for is not followed; what else it needs must be in %s", m.machine.file, m.tftpDirs[0])
		return m.placeKickstart(netip.Addr{}, "")
	}
	p := m.predict(t)
	server, name := scenarios.NFSFile(p.Boot.Append)
	m.size(t, p.Boot)
	if len(m.assets) > 0 {
		m.note("not in the server's files, so that assets stand in, of which a pass then speaks: %s", m.assetList())
	}
	if p.Boot.Outcome != pxelinux.Boots && p.Boot.Reason != "" {
		m.note("PXELINUX: %s", p.Boot.Reason)
	}
	return m.placeKickstart(server, name)
}

// standIn names an asset for a file, if there is one of that name.
func (m *material) standIn(t *bootTree, file, name string) bool {
	made := strings.HasPrefix(name, "initrd:")
	if !made && !slices.Contains(assets.Names(), name) {
		return false
	}
	p := t.path(file)
	// A link that leads nowhere is there, and broken on the server too.
	if _, err := m.out.Lstat(inside(p)); err == nil || t.assets[p] != "" {
		return false
	}
	t.assets[p] = name
	m.assets = append(m.assets, asset{p, name})
	m.took("asset "+name, p, 0, 0)
	for _, lib := range libraries[name] {
		if beside := path.Join(path.Dir(file), lib); !t.has(beside) {
			m.standIn(t, beside, lib)
		}
	}
	return true
}

// libraries are the modules that Syslinux's menus load themselves.
var libraries = map[string][]string{
	"menu.c32":     {"libutil.c32"},
	"vesamenu.c32": {"libutil.c32", "libcom32.c32"},
}

func (m *material) assetList() string {
	var paths []string
	for _, a := range m.assets {
		paths = append(paths, a.path)
	}
	return strings.Join(paths, ", ")
}

// predict follows PXELINUX, and begins again with a stand-in for the first file
// that is missing, until none is.
func (m *material) predict(t *bootTree) *pxelinux.Prediction {
	a := m.machine.answer
	mac := m.machine.mac
	if mac == nil {
		mac = anyMAC
	}
	c := pxelinux.Client{MAC: mac, Addr: a.Address.Value, Server: m.server.address.Addr()}
	o := pxelinux.Options{BootFile: m.machine.file}
	if v := a.Option(209); v != nil {
		o.ConfigFile = strings.TrimRight(string(v.Value), "\x00")
	}
	if v := a.Option(210); v != nil {
		o.PathPrefix = strings.TrimRight(string(v.Value), "\x00")
	}
	for {
		p := pxelinux.Predict(c, o, t)
		if p.Boot.Outcome == pxelinux.Boots || !m.moduleStandIn(t, p) && !m.kernelStandIn(t, p.Boot) {
			return p
		}
	}
}

// moduleStandIn names an asset for the first module that is asked for and that
// no folder has.
func (m *material) moduleStandIn(t *bootTree, p *pxelinux.Prediction) bool {
	found := map[string]bool{}
	for _, l := range p.Lookups {
		found[path.Base(l.Name)] = found[path.Base(l.Name)] || l.Found
	}
	for _, l := range p.Lookups {
		base := path.Base(l.Name)
		if l.Elsewhere() || !strings.HasSuffix(base, ".c32") || found[base] {
			continue
		}
		if m.standIn(t, l.Name, base) {
			return true
		}
	}
	return false
}

// kernelStandIn names an asset for a kernel or an initrd that is missing. With a
// kernel of its own a boot gets the initrd that starts with any kernel.
func (m *material) kernelStandIn(t *bootTree, b pxelinux.Boot) bool {
	if b.Kernel.Name == "" {
		return false
	}
	if !b.Kernel.Elsewhere() && !b.Kernel.Found {
		return m.standIn(t, b.Kernel.Name, "kernel")
	}
	payload := "initrd:first-process"
	if _, name := scenarios.NFSFile(b.Append); name != "" && t.assets[t.path(b.Kernel.Name)] != "" {
		payload = "initrd:nfs"
	}
	for _, i := range b.Initrds {
		if !i.Elsewhere() && !i.Found {
			return m.standIn(t, i.Name, payload)
		}
	}
	return false
}

// size gives the machine what an installer's initrd wants to be unpacked, and
// for what it loads.
func (m *material) size(t *bootTree, b pxelinux.Boot) {
	size := int64(0)
	for _, i := range b.Initrds {
		if n, ok := t.Size(i.Name); ok && !i.Elsewhere() {
			size += n
		}
	}
	if size > 48<<20 {
		m.machine.memory = 2048
	}
}

// placeKickstart copies what the command line asks for over NFS, if that is not
// in the exports that were copied, or the file that the author named for it.
func (m *material) placeKickstart(server netip.Addr, name string) error {
	if name == "" {
		if m.Kickstart != "" {
			return inputError("--kickstart %s: the boot asks for no file over NFS (ks=nfs:SERVER:/path), so that nobody would read it", m.Kickstart)
		}
		return nil
	}
	if server != m.server.address.Addr() {
		m.note("the command line asks %s for %s, and the server of the scenario is %s; add a host with that address", server, name, m.server.address.Addr())
	}
	if m.nfs == nil {
		m.note("the command line asks for %s over NFS, and there is no /etc/exports", name)
	}
	if m.Kickstart != "" {
		text, err := readConfig(os.Open(m.Kickstart))
		if err != nil {
			return &scenarios.InputError{Err: err}
		}
		if err := m.out.Remove(inside(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		m.took(m.Kickstart, name, 1, int64(len(text)))
		return m.writeNew(name, text)
	}
	if _, err := m.copyFile(name, name); err != nil {
		m.note("the command line asks for %s over NFS: %v", name, err)
	}
	return nil
}

// A bootTree is what the TFTP server will answer with, assets included. It
// implements [pxelinux.Files].
type bootTree struct {
	root     *rootfs.Root
	prefix   string            // of the root, on the server
	absolute bool              // names must be
	assets   map[string]string // path on the server → asset
}

func (m *material) openTree() (*bootTree, error) {
	t := &bootTree{prefix: m.tftpDirs[0], assets: map[string]string{}}
	if !m.tftpd.Secure.IsSet() {
		t.prefix, t.absolute = "/", true
	}
	if err := m.out.MkdirAll(inside(t.prefix), 0o755); err != nil {
		return nil, err
	}
	var err error
	t.root, err = rootfs.Open(filepath.Join(m.out.Name(), inside(t.prefix)))
	return t, err
}

// path is a requested name as the server has it.
func (t *bootTree) path(name string) string { return path.Join(t.prefix, path.Join("/", name)) }

func (t *bootTree) has(name string) bool {
	_, ok := t.Size(name)
	return ok
}

// Size implements [pxelinux.Files]. An asset's size does not matter.
func (t *bootTree) Size(name string) (int64, bool) {
	if t.absolute && !strings.HasPrefix(name, "/") {
		return 0, false
	}
	if t.assets[t.path(name)] != "" {
		return 1, true
	}
	f, fi, err := t.root.Open(name)
	if err != nil {
		return 0, false
	}
	f.Close()
	return fi.Size(), true
}

// Read implements [pxelinux.Files].
func (t *bootTree) Read(name string) (file string, src []byte, err error) {
	f, _, err := t.root.Open(name)
	src, err = readConfig(f, err)
	return t.path(name), src, err
}

// isPXELINUX says whether the boot program names itself so.
func (t *bootTree) isPXELINUX(name string) bool {
	if a := t.assets[t.path(name)]; a != "" {
		return strings.HasSuffix(a, "pxelinux.0")
	}
	f, _, err := t.root.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 4<<20))
	return err == nil && bytes.Contains(b, []byte("PXELINUX "))
}
