package check

import (
	"bytes"
	"net/netip"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/pxeproof/pxeproof/servers/conf"
	"github.com/pxeproof/pxeproof/servers/conf/pxelinux"
	"github.com/pxeproof/pxeproof/servers/conf/spell"
)

// A boot is something that a loader may start: a kernel with its command line.
type boot struct {
	line string
	at   conf.Pos // where the line stands
	// auto says that it starts when nobody touches the keyboard, because of what
	// stands at chosen.
	auto   bool
	chosen conf.Pos
}

// Limits of how many configurations of a TFTP folder are looked at, and how
// many labels of each.
const (
	maxLoaderFiles = 256
	maxLabels      = 256
)

// loaderFile reads a configuration that stands alone.
func (s *site) loaderFile(file string, src []byte) {
	c, ps := pxelinux.Parse(file, src, nil)
	s.problems(file, ps)
	first := c.Default
	if c.UI.IsSet() {
		first = c.UI
	}
	name, _, _ := strings.Cut(first.Text, " ")
	for _, l := range c.Labels {
		b := boot{line: l.Append.Text, at: l.Append.Pos}
		if l.Name.Text == name {
			b.auto, b.chosen = true, first.Pos
		}
		s.boots = append(s.boots, b)
	}
	s.wantDefault(c, first, name)
}

// wantDefault reports a default that is meant for a label and names none. In a
// file that stands alone it may be the name of a kernel.
func (s *site) wantDefault(c *pxelinux.Config, first pxelinux.Value, name string) {
	if !first.IsSet() || len(c.Labels) == 0 || c.Label(name) != nil {
		return
	}
	if near := nearestLabel(c, name); near != "" {
		s.add(Warning, defaultMissing, first.Pos, "did you mean "+near+"?", "%q is no label of this file", name)
	}
}

func nearestLabel(c *pxelinux.Config, name string) string {
	var labels []string
	for i, l := range c.Labels {
		if i == maxLabels {
			break
		}
		labels = append(labels, l.Name.Text)
	}
	return spell.Nearest(name, labels...)
}

// loaders reads what PXELINUX reads, for each way to come to it.
func (s *site) loaders() {
	if s.tree == nil {
		return
	}
	type way struct {
		from    netip.Addr
		options pxelinux.Options
	}
	seen := map[way]bool{}
	for _, l := range s.given {
		t := s.tftpTree(l.from)
		if t == nil || !s.isPXELINUX(t, l.file) {
			continue
		}
		s.ownConfig(t, l)
		w := way{l.from, l.options}
		if !seen[w] {
			seen[w] = true
			s.ldlinux(t, l)
			s.configs(t, l.options)
		}
	}
	if len(seen) > 0 {
		return
	}
	// Nobody says where the loader is; beside its configurations, then.
	if t := s.tftpTree(netip.Addr{}); t != nil && t.hasDir(t.path(configDir)) {
		s.configs(t, pxelinux.Options{})
	}
}

// configDir is where PXELINUX has its configurations, behind the prefix.
const configDir = "pxelinux.cfg"

var (
	loaderName    = regexp.MustCompile(`^l?pxelinux.*\.0$|^gpxelinux\.0$`)
	loaderVersion = regexp.MustCompile(`PXELINUX (\d+)\.\d+`)
)

// isPXELINUX says whether a boot program is PXELINUX: by its content, as an
// asset by what it is, and if it is not there by its name.
func (s *site) isPXELINUX(t *tftpTree, file string) bool {
	if file == "" || strings.Contains(file, "://") {
		return false
	}
	if a, ok := t.assets[t.path(file)]; ok {
		return loaderName.MatchString(a.Name)
	}
	if head, err := t.head(t.path(file), maxConfig); err == nil && len(head) > 0 {
		return bytes.Contains(head, []byte("PXELINUX ")) || loaderName.MatchString(path.Base(file))
	}
	return loaderName.MatchString(path.Base(file))
}

// ldlinux looks for the module that PXELINUX cannot do without since version 5.
func (s *site) ldlinux(t *tftpTree, l lease) {
	if _, asset := t.assets[t.path(l.file)]; !asset {
		head, err := t.head(t.path(l.file), maxConfig)
		if err != nil {
			return
		}
		v := loaderVersion.FindSubmatch(head)
		if v == nil {
			return
		}
		if major, err := strconv.Atoi(string(v[1])); err != nil || major < 5 {
			return
		}
	}
	for _, k := range pxelinux.Predict(l.client, l.options, t).Lookups {
		if k.Use == pxelinux.UseModule && (k.Found || k.Elsewhere()) {
			return
		}
	}
	s.add(Error, ldlinuxMissing, l.fileAt, "put ldlinux.c32 of the same version beside the boot file",
		"this PXELINUX needs ldlinux.c32, and it is not in %s", path.Dir(t.path(l.file)))
}

// withLdlinux is a tree in which the module is there: what else is wrong is to
// be seen too, and old versions need none.
type withLdlinux struct{ *tftpTree }

// Size implements [pxelinux.Files].
func (t withLdlinux) Size(name string) (int64, bool) {
	if path.Base(name) == "ldlinux.c32" {
		return 1, true
	}
	return t.tftpTree.Size(name)
}

// ownConfig looks whether a client finds a configuration. Of a client without
// an address of its own only the last of the names is known.
func (s *site) ownConfig(t *tftpTree, l lease) {
	p := pxelinux.Predict(l.client, l.options, withLdlinux{t})
	if p.Config != nil || p.Boot.Outcome != pxelinux.Stops {
		return
	}
	if s.scenario == nil && len(s.configNames(t, l.options)) > 0 {
		return // for machines that are not known here
	}
	where := t.path(path.Join(dirOf(l.options), configDir, "default"))
	hint := ""
	if other := t.otherCase(where); other != "" {
		hint = "there is " + other + ": the case of letters counts"
	}
	s.add(Error, configMissing, l.fileAt, hint, "PXELINUX finds no configuration under any of its names, the last of which is %s", where)
}

// dirOf is the folder that PXELINUX puts in front of names.
func dirOf(o pxelinux.Options) string { return strings.TrimPrefix(o.Prefix(), "::") }

// configNames are the configurations in the folder where PXELINUX looks for
// them.
func (s *site) configNames(t *tftpTree, o pxelinux.Options) []string {
	var names []string
	dir := t.path(path.Join(dirOf(o), configDir))
	for _, n := range t.list(dir) {
		if _, ok := t.has(path.Join(dir, n)); ok && len(names) < maxLoaderFiles && !strings.HasSuffix(n, "~") {
			names = append(names, configDir+"/"+n)
		}
	}
	if o.ConfigFile != "" {
		names = append(names, o.ConfigFile)
	}
	return names
}

// configs looks at all configurations that machines may be given.
func (s *site) configs(t *tftpTree, o pxelinux.Options) {
	for _, name := range s.configNames(t, o) {
		o.ConfigFile = name
		p := pxelinux.Predict(pxelinux.Client{}, o, withLdlinux{t})
		if p.Config == nil {
			continue
		}
		file := t.path(path.Join(dirOf(o), name))
		s.report.Files = append(s.report.Files, s.name(file))
		s.problems(file, p.Problems)
		s.start(t, p, true)
		for i, l := range p.Config.Labels {
			if i == maxLabels {
				break
			}
			if l.Disabled || l.Action.IsSet() || l.Name.Text == p.Boot.Label {
				continue
			}
			s.start(t, pxelinux.Predict(pxelinux.Client{Typed: l.Name.Text}, o, withLdlinux{t}), false)
		}
	}
}

// start judges one way that a configuration may go.
func (s *site) start(t *tftpTree, p *pxelinux.Prediction, auto bool) {
	b := p.Boot
	if b.Outcome == pxelinux.Local || p.Config == nil {
		return
	}
	if b.Kernel.Name != "" && !b.Kernel.Found && !b.Kernel.Elsewhere() {
		s.noKernel(t, p)
		return
	}
	for _, i := range b.Initrds {
		if i.Found || i.Elsewhere() {
			continue
		}
		s.absent(t, initrdMissing, i, "initrd")
	}
	if b.Kernel.Found && b.Kind == pxelinux.KindLinux {
		if len(b.Initrds) == 0 {
			s.forgotten(t, b)
		}
		s.boots = append(s.boots, boot{b.Append, b.AppendPos, auto, p.Config.Default.Pos})
	}
}

// noKernel reports a kernel that is not there, or a default that is neither
// label nor kernel.
func (s *site) noKernel(t *tftpTree, p *pxelinux.Prediction) {
	if p.Boot.Label != "" {
		s.absent(t, kernelMissing, p.Boot.Kernel, "kernel")
		return
	}
	name, _, _ := strings.Cut(p.Config.Default.Text, " ")
	hint := ""
	if near := nearestLabel(p.Config, name); near != "" {
		hint = "did you mean the label " + near + "?"
	}
	s.add(Error, defaultMissing, p.Boot.Pos, hint, "%q is no label of this file, and no file %s is there to boot", name, t.path(name))
}

// absent reports a file that a label names.
func (s *site) absent(t *tftpTree, id string, l pxelinux.Lookup, what string) {
	if l.Use == pxelinux.UseModule {
		what = "module"
	}
	where := t.path(l.Name)
	if size, ok := t.Size(l.Name); ok && size == 0 {
		s.add(Error, id, l.Pos, "", "the %s %s is empty, which PXELINUX takes for missing", what, where)
		return
	}
	hint := s.supply()
	if other := t.otherCase(where); other != "" {
		hint = "there is " + other + ": the case of letters counts"
	}
	s.add(Error, id, l.Pos, hint, "the %s is not there: the TFTP server would look for %s", what, where)
}

// forgotten looks for an initrd beside a kernel that is booted without one.
func (s *site) forgotten(t *tftpTree, b pxelinux.Boot) {
	if strings.Contains(b.Kernel.Name, "memdisk") || strings.Contains(b.Kernel.Name, "memtest") {
		return
	}
	dir := path.Dir(t.path(b.Kernel.Name))
	for _, n := range t.list(dir) {
		if !strings.HasPrefix(n, "initrd") && !strings.HasPrefix(n, "initramfs") {
			continue
		}
		at := b.AppendPos
		if !at.IsValid() {
			at = b.Kernel.Pos
		}
		s.add(Warning, initrdForgotten, at, "add initrd="+n+" to the APPEND line",
			"label %s loads no initrd, though %s lies beside its kernel", b.Label, path.Join(dir, n))
		return
	}
}
