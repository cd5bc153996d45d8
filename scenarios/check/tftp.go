package check

import (
	"cmp"
	"net/netip"
	"path"
	"strings"

	"github.com/pxeproof/pxeproof/scenarios"
	"github.com/pxeproof/pxeproof/servers/conf/dhcpfile"
	"github.com/pxeproof/pxeproof/servers/conf/intftpd"
)

// usualRoots are where TFTP servers of distributions have their files, for a
// folder that tells of none.
var usualRoots = []string{"/tftpboot", "/srv/tftp", "/var/lib/tftpboot"}

// tftpServices looks for the folders that the TFTP servers give out.
func (s *site) tftpServices() {
	for _, t := range s.tftp {
		root, ok := served(t.conf)
		if s.tree == nil || !ok || s.tree.hasDir(root.Text) {
			continue
		}
		severity := Note
		if s.scenario != nil {
			severity = Error
		}
		s.add(severity, tftpRootMissing, root.Pos, "", "the folder %s that the TFTP server gives out is not there, so its files are not checked", root.Text)
	}
}

// dnsmasqRoots does the same for dnsmasq.
func (s *site) dnsmasqRoots() {
	for _, o := range s.others {
		d, ok := o.conf.(dhcpfile.Dnsmasq)
		if !ok || s.tree == nil || !d.TFTP.Enable.IsSet() {
			continue
		}
		for _, r := range d.TFTP.Roots {
			if s.tree.hasDir(r.Text) {
				continue
			}
			severity := Error // dnsmasq does not start
			if d.TFTP.NoFail.IsSet() || s.scenario == nil {
				severity = Note
			}
			s.add(severity, tftpRootMissing, r.Pos, "", "the folder %s that dnsmasq gives out over TFTP is not there, so its files are not checked", r.Text)
		}
	}
}

// served is the folder that a -s server gives out. One that ends because of
// another fault in its arguments counts too: that is said already.
func served(c *intftpd.Service) (intftpd.Value, bool) {
	if !c.Secure.IsSet() || len(c.Dirs) == 0 {
		return intftpd.Value{}, false
	}
	return c.Dirs[0], true
}

// A tftpTree is what a TFTP server gives out. It implements [pxelinux.Files].
type tftpTree struct {
	*tree
	root  string // of the names, in the tree; empty if they are absolute
	loose bool   // without -s: only absolute names are served
}

// tftpTree is the tree of the server at an address; nil if nothing is known of
// it, or its folder is not there.
func (s *site) tftpTree(a netip.Addr) *tftpTree {
	if s.tree == nil {
		return nil
	}
	for _, t := range s.tftp {
		if !t.at(a) {
			continue
		}
		if root, ok := served(t.conf); ok {
			if !s.tree.hasDir(root.Text) {
				return nil
			}
			return &tftpTree{tree: s.tree, root: root.Text}
		}
		if !t.conf.Secure.IsSet() {
			return &tftpTree{tree: s.tree, root: "/", loose: true}
		}
	}
	for _, o := range s.others {
		d, ok := o.conf.(dhcpfile.Dnsmasq)
		if !ok || !o.at(a) || !d.TFTP.Enable.IsSet() {
			continue
		}
		root := cmp.Or(d.TFTP.Root("").Text, "/")
		if !s.tree.hasDir(root) {
			return nil
		}
		return &tftpTree{tree: s.tree, root: root}
	}
	if len(s.tftp) == 0 && s.scenario == nil {
		if root := s.tftpRoot(); root != "" {
			return &tftpTree{tree: s.tree, root: root}
		}
	}
	return nil
}

// tftpRoot is the folder of a TFTP server of which nothing else is known; empty
// if there is none.
func (s *site) tftpRoot() string {
	for _, dir := range usualRoots {
		if s.tree.hasDir(dir) {
			return dir
		}
	}
	if s.tree.hasDir("/" + configDir) {
		return "/" // the folder is itself one
	}
	return ""
}

// path is where a name is in the tree.
func (t *tftpTree) path(name string) string {
	return path.Join(t.root, path.Join("/", name))
}

// Size implements [pxelinux.Files].
func (t *tftpTree) Size(name string) (int64, bool) {
	if t.loose && !strings.HasPrefix(name, "/") {
		return 0, false
	}
	return t.has(t.path(name))
}

// Read implements [pxelinux.Files].
func (t *tftpTree) Read(name string) (file string, src []byte, err error) {
	src, err = t.read(t.path(name))
	return t.path(name), src, err
}

// supply is the hint for a file that is not there.
func (s *site) supply() string {
	if s.scenario != nil {
		return "put it there, or name it among the assets of " + scenarios.File
	}
	return "put it there"
}

// bootfile looks for the boot program.
func (s *site) bootfile(l lease) {
	t := s.tftpTree(l.from)
	if t == nil {
		return
	}
	if _, ok := t.Size(l.file); ok {
		return
	}
	where := t.path(l.file)
	if other := t.otherCase(where); other != "" {
		s.add(Error, bootfileCase, l.fileAt, "write it as the file is called", "there is no %s, but %s: the case of letters counts", where, other)
		return
	}
	_, onHost := t.has(l.file)
	rest, inside := strings.CutPrefix(path.Join("/", l.file), path.Join("/", t.root)+"/")
	switch {
	case t.root != "/" && inside && onHost:
		s.add(Error, bootfilePrefix, l.fileAt, `write: filename "/`+rest+`"`,
			"the TFTP server gives out %s as / (-s), so this asks it for %s, which is not there", t.root, where)
	case t.loose && !strings.HasPrefix(l.file, "/"):
		s.add(Error, bootfilePrefix, l.fileAt, "give the whole path, or start in.tftpd with -s",
			"the TFTP server runs without -s and takes absolute names only; %q is none", l.file)
	default:
		s.add(Error, bootfileMissing, l.fileAt, s.supply(),
			"the boot file is not there: the TFTP server would look for %s", where)
	}
}
