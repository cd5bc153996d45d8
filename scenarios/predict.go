package scenarios

import (
	"bytes"
	"fmt"
	"net/netip"
	"net/url"
	"path"
	"strings"

	"github.com/pxeproof/pxeproof/captures"
	"github.com/pxeproof/pxeproof/captures/verdict"
	"github.com/pxeproof/pxeproof/harness/guest/probe"
	"github.com/pxeproof/pxeproof/servers/conf"
	"github.com/pxeproof/pxeproof/servers/conf/pxelinux"
)

// predict says what a working boot of every machine must show, from the
// configurations, and adds what the author wants besides.
func (c *configs) predict() (verdict.Expectations, error) {
	x := verdict.Expectations{Schema: verdict.ExpectationsSchema}
	for _, m := range c.scenario.Machines {
		p := prediction{configs: c, m: m}
		p.machine = verdict.Machine{
			Name:     m.Name,
			MAC:      m.NICs[0].MAC.String(),
			Firmware: m.Firmware.Kind,
			ROM:      m.rom(),
		}
		if err := p.all(); err != nil {
			return x, err
		}
		x.Machines = append(x.Machines, p.machine)
	}
	// Last, as the loader's configuration is read on the way.
	for _, p := range c.problems {
		if p.Effect == conf.Doubt {
			x.Doubts = append(x.Doubts, verdict.Doubt{Text: p.Text, Where: origin(p.Pos)})
		}
	}
	return x, x.Validate()
}

// rom says who speaks DHCP first.
func (m Machine) rom() string {
	switch {
	case m.NICs[0].ROM != "none":
		return "ipxe"
	case m.Firmware.Kind == "uefi":
		return "edk2"
	}
	return "" // a BIOS's own, of which there are many
}

// A prediction is being made, for one machine.
type prediction struct {
	*configs
	m       Machine
	machine verdict.Machine
	last    string // the ID of what has to come before
}

// add appends an expectation that comes after the one before it.
func (p *prediction) add(e verdict.Expectation) {
	if p.last != "" && e.NotApplicable == "" {
		e.After = []string{p.last}
	}
	if e.NotApplicable == "" && !e.Optional {
		p.last = e.ID
	}
	p.machine.Expect = append(p.machine.Expect, e)
}

func (p *prediction) all() error {
	p.add(verdict.Expectation{ID: "power", Stage: verdict.Power, Title: "a frame from the machine", Kinds: []captures.Kind{captures.LinkFirst}})
	boot := p.lease()
	if boot == nil {
		return p.wished()
	}
	loader, err := p.nbp(boot)
	if err != nil {
		return err
	}
	p.machine.Loader = loader
	if p.isProbe("nbp", probe.NBP) || p.isProbe("nbp", probe.EFI) {
		p.nbpProbe()
	}
	switch loader {
	case "pxelinux", "syslinux-efi":
		err = p.pxelinux(loader, boot)
	case "grub":
		err = p.grub(boot)
	case "ipxe-script":
		err = p.ipxe(boot)
	}
	if err != nil {
		return err
	}
	return p.wished()
}

// nbp expects the boot program and looks what it is.
func (p *prediction) nbp(b *bootAnswer) (loader string, err error) {
	if b.proxied {
		p.add(verdict.Expectation{ID: "nbp", Stage: verdict.NBP, Title: "a boot program, as the boot server on port 4011 names it",
			Origin: b.fileAt, Transfer: &verdict.Transfer{Role: "nbp"}})
	}
	if b.file == "" {
		return "", nil
	}
	u, err := url.Parse(b.file)
	switch {
	case err != nil:
	case u.Scheme == "tftp" || u.Scheme == "tftm" || u.Scheme == "mtftp":
		// iPXE takes a URL for a boot file, and the two others are multicast.
		if a, err := netip.ParseAddr(u.Hostname()); err == nil && p.m.rom() == "ipxe" {
			b.file, b.from = u.Path, a
		}
	case u.Scheme == "http":
		p.add(verdict.Expectation{ID: "nbp", Stage: verdict.NBP, Origin: b.fileAt,
			Transfer: &verdict.Transfer{Protocol: "http", Role: "nbp", Name: u.Path}})
		return "", nil
	}
	e := verdict.Expectation{
		ID: "nbp", Stage: verdict.NBP, Origin: b.fileAt,
		Transfer: &verdict.Transfer{Protocol: "tftp", Role: "nbp", Name: b.file, Server: b.from},
	}
	tree := p.tftpTree(b.from)
	if tree == nil {
		p.add(e) // nobody in the lab serves it; somebody else's may
		return "", nil
	}
	defer tree.close()
	if tree.place(b.file, e.Transfer) || tree.onWire(b.file) {
		loader = tree.loader(b.file)
		e.Transfer.Format = tree.format(b.file)
	}
	p.add(e)
	if why := p.wrongFormat(e.Transfer.Format); why != "" {
		// No request can have this name: the program arrives and does not run.
		p.add(verdict.Expectation{ID: "nbp-runs", Stage: verdict.Kernel, Origin: b.fileAt,
			Title:    "a boot program that this machine can run (" + why + ")",
			Transfer: &verdict.Transfer{Protocol: "tftp", Name: "\x00"}})
		return "", nil
	}
	return loader, nil
}

// wrongFormat says why the machine cannot execute a boot program; empty if it
// can, or that is not known.
func (p *prediction) wrongFormat(format string) string {
	switch {
	case format == "efi" && p.m.Firmware.Kind == "bios":
		return p.m.Name + " is a BIOS machine, and the file is a UEFI program"
	case format == "bios" && p.m.rom() == "edk2":
		return p.m.Name + " is a UEFI machine, and the file is no UEFI program"
	}
	return ""
}

// pxelinux expects what PXELINUX asks for.
func (p *prediction) pxelinux(loader string, b *bootAnswer) error {
	tree := p.tftpTree(b.from)
	defer tree.close()
	client := pxelinux.Client{
		MAC:  p.m.NICs[0].MAC,
		Addr: b.address,
		// With these SYSAPPEND makes the kernel's ip=.
		Server: b.from, Gateway: b.gateway, Mask: b.mask,
	}
	client.UUID, _ = parseUUID(p.m.UUID)
	options := pxelinux.Options{BootFile: b.file, ConfigFile: b.configFile, PathPrefix: b.pathPrefix, RebootTime: b.rebootTime}
	var files pxelinux.Files = tree
	if loader == "syslinux-efi" {
		files = efiModules{tree}
	}
	got := pxelinux.Predict(client, options, files)
	var names []string
	for _, n := range pxelinux.ConfigNames(client, options) {
		// "::" says that the name is not to be put behind another prefix.
		names = append(names, strings.TrimPrefix(options.Prefix(), "::")+n)
	}
	return p.loaded(got, tree, b, names)
}

// loaded expects what a loader asks for and boots. names are those under which
// it looks for its configuration.
func (p *prediction) loaded(got *pxelinux.Prediction, tree *tftpTree, b *bootAnswer, names []string) error {
	for _, pr := range got.Problems {
		pr.Pos = p.scenario.posOf(pr.Pos)
		p.problems = append(p.problems, pr)
	}
	p.config(got, tree, b, names)
	boot := got.Boot
	if boot.AtPrompt {
		p.machine.Waits = &verdict.Wait{Prompt: "boot:", Why: boot.Reason, Origin: p.originOf(boot.Pos)}
	}
	switch boot.Outcome {
	case pxelinux.Boots:
	case pxelinux.Dynamic, pxelinux.Local:
		p.notApplicable(boot.Reason, verdict.Kernel)
		return nil
	}
	if boot.Kernel.Name != "" {
		p.file("kernel", "kernel", boot.Kernel, tree, b)
		for i, initrd := range boot.Initrds {
			p.file(fmt.Sprintf("initrd%s", ordinal(i)), "initrd", initrd, tree, b)
		}
	} else if p.wire != nil && !readable(got, tree) {
		return nil // what the loader was told is not at hand
	} else {
		// No request can have this name, so the stage cannot pass: as the files
		// are, the loader has nothing to boot.
		title := "a kernel"
		if boot.Reason != "" {
			title += " (" + boot.Reason + ")"
		}
		p.add(verdict.Expectation{ID: "kernel", Stage: verdict.Kernel, Title: title, Origin: p.originOf(boot.Pos),
			Transfer: &verdict.Transfer{Protocol: "tftp", Role: "kernel", Name: "\x00"}})
	}
	if p.isProbe("kernel", probe.Kernel) {
		p.kernelProbe(boot)
		return nil
	}
	p.os(boot)
	return p.files(boot)
}

// ordinal numbers all but the first.
func ordinal(i int) string {
	if i == 0 {
		return ""
	}
	return fmt.Sprint(i + 1)
}

// config expects the configuration file that is found, or one of those that are
// asked for if none would be.
func (p *prediction) config(got *pxelinux.Prediction, tree *tftpTree, b *bootAnswer, asked []string) {
	for _, l := range got.Lookups {
		if l.Use == pxelinux.UseConfig && l.Found {
			p.file("config", "config", l, tree, b)
			return
		}
	}
	if len(asked) == 0 {
		p.notApplicable("the boot file is itself what tells the loader", verdict.Config)
		return
	}
	p.add(verdict.Expectation{ID: "config", Stage: verdict.Config, Origin: b.fileAt,
		Title:    fmt.Sprintf("one of %d configuration files, from %s to %s", len(asked), asked[0], asked[len(asked)-1]),
		Transfer: &verdict.Transfer{Protocol: "tftp", Role: "config", Names: asked, Server: b.from}})
}

// file expects one file that the loader asks for.
func (p *prediction) file(id, role string, l pxelinux.Lookup, tree *tftpTree, b *bootAnswer) {
	stage := verdict.Kernel
	if role == "config" {
		stage = verdict.Config
	}
	t := &verdict.Transfer{Protocol: "tftp", Role: role, Name: l.Name}
	if !l.Elsewhere() {
		t.Server = b.from
		tree.place(l.Name, t)
	}
	p.add(verdict.Expectation{ID: id, Stage: stage, Origin: p.originOf(l.Pos), Transfer: t})
}

// os expects the kernel's or the first process's own words.
func (p *prediction) os(boot pxelinux.Boot) {
	at := p.originOf(boot.AppendPos)
	if p.wire != nil {
		// A capture has no console, and may end before the system shows itself.
		p.add(verdict.Expectation{ID: "os", Stage: verdict.OS, Title: "the operating system's own DHCP", Optional: true,
			Origin: at, Kinds: []captures.Kind{captures.DHCPDiscover, captures.DHCPRequest}})
		return
	}
	if !strings.Contains(boot.Append, "console=ttyS") && !p.scenario.ownInitrd() {
		p.add(verdict.Expectation{ID: "os", Stage: verdict.OS, Title: "the operating system's own DHCP, as no console= sends its words to the serial port",
			Origin: at, Kinds: []captures.Kind{captures.DHCPDiscover, captures.DHCPRequest}})
		return
	}
	words, title := `Linux version `, "the kernel's words on the console"
	if p.scenario.ownInitrd() {
		// More than the kernel's first words: it may still panic for want of a
		// root file system.
		words, title = `^pxeproof: init`, "the first process's words on the console"
	}
	p.add(verdict.Expectation{ID: "os", Stage: verdict.OS, Title: title, Origin: at, Console: &verdict.Console{Regexp: words}})
}

// ownInitrd says whether an initramfs of pxeproof's own is in the scenario.
func (s *Scenario) ownInitrd() bool {
	for _, a := range s.Assets {
		if strings.HasPrefix(a.Name, madePrefix) {
			return true
		}
	}
	return false
}

// files expects what the command line asks for over NFS.
func (p *prediction) files(boot pxelinux.Boot) error {
	server, name := nfsWish(boot.Append)
	if name == "" {
		p.notApplicable("the command line asks for no file over NFS", verdict.Files)
		return nil
	}
	at := p.originOf(boot.AppendPos)
	t := &verdict.Transfer{Protocol: "nfs", Role: "kickstart", Name: name, Server: server}
	e := verdict.Expectation{ID: "files", Stage: verdict.Files, Origin: at, Transfer: t}
	ours := p.hostAt(server) != nil
	if ours {
		e.Related = append(e.Related, p.exportLines(server)...)
		if size, sum, err := digest(p.root, name); err == nil {
			t.Size = size
			t.Disk = verdict.Origin{File: p.scenario.display(rootPath(name))}
			p.add(e)
			if p.wire == nil && p.scenario.ownInitrd() {
				p.add(verdict.Expectation{ID: "files-read", Stage: verdict.Files, Origin: at,
					Title:   "the same bytes on the machine as on disk",
					Console: &verdict.Console{Contains: fmt.Sprintf("pxeproof: file nfs:%s:%s ", server, name), SHA256: sum}})
			}
			return nil
		}
	}
	p.add(e)
	return nil
}

// exportLines are the lines of the exports of a host.
func (p *prediction) exportLines(a netip.Addr) []verdict.Origin {
	var lines []verdict.Origin
	for _, n := range p.nfs {
		if n.host.Address.Addr() != a {
			continue
		}
		for _, e := range n.conf.Exports {
			lines = append(lines, p.originOf(e.Pos))
		}
	}
	return lines
}

// nfsWish finds, on a kernel command line, the file that an installer fetches
// over NFS: ks=nfs:SERVER:/path, inst.ks=nfs:SERVER:/path, with options between
// (nfs:OPTIONS:SERVER:/path) in the newer form.
func nfsWish(cmdline string) (server netip.Addr, name string) {
	for word := range strings.FieldsSeq(cmdline) {
		rest, ok := strings.CutPrefix(word, "ks=nfs:")
		if !ok {
			rest, ok = strings.CutPrefix(word, "inst.ks=nfs:")
		}
		if !ok {
			continue
		}
		parts := strings.Split(rest, ":")
		if len(parts) < 2 {
			continue
		}
		a, err := netip.ParseAddr(parts[len(parts)-2])
		if err != nil {
			continue
		}
		return a, path.Clean("/" + parts[len(parts)-1])
	}
	return netip.Addr{}, ""
}

// notApplicable says why some stages have nothing to prove.
func (p *prediction) notApplicable(why string, stages ...verdict.Stage) {
	for _, s := range stages {
		p.add(verdict.Expectation{ID: s.String() + "-none", Stage: s, NotApplicable: why})
	}
}

// hostAt is the server host with an address; nil if there is none.
func (c *configs) hostAt(a netip.Addr) *Host {
	for i := range c.scenario.Hosts {
		if c.scenario.Hosts[i].Address.Addr() == a {
			return &c.scenario.Hosts[i]
		}
	}
	return nil
}

// onWire says whether a file that is not in the tree is known to be served.
func (t *tftpTree) onWire(name string) bool {
	_, ok := t.configs.wire.size(name)
	return ok
}

// origin is a place in a configuration as a verdict has it.
func origin(p conf.Pos) verdict.Origin {
	return verdict.Origin{File: p.File, Line: p.Line, Col: p.Col}
}

// originOf is the same for a place that a reader has named, with the line's
// text.
func (c *configs) originOf(p conf.Pos) verdict.Origin {
	if !p.IsValid() {
		return verdict.Origin{}
	}
	o := origin(c.scenario.posOf(p))
	if src, err := c.file(p.File); err == nil {
		lines := bytes.Split(src, []byte("\n"))
		if p.Line <= len(lines) {
			o.Text = strings.ToValidUTF8(strings.TrimSpace(string(lines[p.Line-1])), "�")
		}
	}
	return o
}
