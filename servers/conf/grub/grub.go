// Package grub predicts from grub.cfg, and from what the TFTP server has, which
// files GRUB's network image asks for and what it boots when nobody touches the
// keyboard.
//
// It follows the plain cases: variables, if on tests whose answer is known,
// source and configfile, menu entries with default and timeout, linux and
// initrd. What depends on a person, a disk, a loop or another server is called
// dynamic. The modules that GRUB asks for besides (command.lst, fs.lst and
// their companions) are not among the lookups: none of them decides a boot.
package grub

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/pxeproof/pxeproof/servers/conf"
	"github.com/pxeproof/pxeproof/servers/conf/pxelinux"
)

// A Client is the machine that boots, as far as names depend on it.
type Client struct {
	MAC    net.HardwareAddr
	Addr   netip.Addr
	Server netip.Addr // that the image came from
	// Prefix is the folder that GRUB was built to look in. Default "/grub", that
	// of Debian's signed image.
	Prefix string
	// Search says that the image has no configuration built in, and so looks for
	// one by the machine's addresses. Debian's has one, which names two files.
	Search bool
}

// Embeds says whether an image has the configuration of Debian's signed one built
// in, so that it is known which files it asks for.
func Embeds(image []byte) bool {
	return bytes.Contains(image, []byte("normal (memdisk)/grub.cfg")) && bytes.Contains(image, []byte("source $prefix/x86_64-efi/grub.cfg"))
}

// ConfigNames are the names under which GRUB looks for its configuration, in
// order: grub.cfg alone. With Search it
// is by the MAC, by the IPv4 address in hexadecimal and that with ever fewer
// digits, and grub.cfg; a name by the machine's UUID is not among them.
func ConfigNames(c Client) []string {
	base := path.Join(c.prefix(), "grub.cfg")
	if !c.Search {
		// It would take x86_64-efi/grub.cfg first, but asks by test -e, which
		// over TFTP finds nothing and sends nothing.
		return []string{base}
	}
	names := []string{base + "-01-" + strings.ReplaceAll(c.MAC.String(), ":", "-")}
	if c.Addr.Is4() {
		a := c.Addr.As4()
		hex := fmt.Sprintf("%02X%02X%02X%02X", a[0], a[1], a[2], a[3])
		for n := len(hex); n > 0; n-- {
			names = append(names, base+"-"+hex[:n])
		}
	}
	return append(names, base)
}

func (c Client) prefix() string {
	if c.Prefix == "" {
		return "/grub"
	}
	return c.Prefix
}

// Predict says what GRUB does on a client.
func Predict(c Client, files pxelinux.Files) *pxelinux.Prediction {
	p := &predictor{client: c, files: files, out: new(pxelinux.Prediction), functions: map[string][]statement{}}
	server := ""
	if c.Server.IsValid() {
		server = "," + c.Server.String()
	}
	p.vars = map[string]string{
		"root": "tftp" + server, "prefix": "(tftp" + server + ")" + c.prefix(), "grub_cpu": "x86_64", "grub_platform": "efi",
		"net_default_mac": c.MAC.String(), "net_default_ip": c.Addr.String(), "net_default_server": c.Server.String(),
		"pxe_default_server": c.Server.String(), "net_default_interface": "efinet0",
	}
	for _, f := range []string{"menuentry_id", "menuentry_options", "default_font_path", "chainloader_bpb", "ntldr", "platform_search_hint", "all_video_module", "200_final", "nativedisk_cmd", "timeout_style"} {
		p.vars["feature_"+f] = "y"
	}
	for _, name := range ConfigNames(c) {
		if l := p.ask(pxelinux.UseConfig, name, conf.Pos{}); l.Found {
			p.config(l)
			return p.out
		}
	}
	p.end(pxelinux.Stops, conf.Pos{}, "no configuration is there under any of its names, and GRUB waits at its prompt")
	return p.out
}

type predictor struct {
	client    Client
	files     pxelinux.Files
	out       *pxelinux.Prediction
	vars      map[string]string
	functions map[string][]statement
	entries   []entry
	steps     int
	depth     int
	decided   bool
}

// An entry is of a menu.
type entry struct {
	title, id string
	pos       conf.Pos
	body      []statement
	submenu   bool
}

// end is the end of the prediction.
func (p *predictor) end(o pxelinux.Outcome, at conf.Pos, format string, args ...any) {
	if !p.decided {
		p.decided = true
		p.out.Boot.Outcome, p.out.Boot.Reason, p.out.Boot.Pos = o, fmt.Sprintf(format, args...), at
	}
}

func (p *predictor) report(effect conf.Effect, at conf.Pos, id, hint, format string, args ...any) {
	if len(p.out.Problems) < 1000 {
		p.out.Problems = append(p.out.Problems, conf.Problem{Pos: at, Effect: effect, ID: id, Hint: hint, Text: fmt.Sprintf(format, args...)})
	}
}

// file is what is asked for by a name: "(tftp,SERVER)/path", or a path on the
// device $root.
func (p *predictor) file(name string) pxelinux.File {
	device, rest := p.vars["root"], name
	if strings.HasPrefix(name, "(") {
		device, rest, _ = strings.Cut(name[1:], ")")
	}
	scheme, host, _ := strings.Cut(device, ",")
	host, _, _ = strings.Cut(host, ":")
	if scheme == "pxe" {
		scheme = "tftp"
	}
	if host == p.client.Server.String() {
		host = ""
	}
	return pxelinux.File{Scheme: scheme, Host: host, Name: rest}
}

// ask adds a lookup.
func (p *predictor) ask(use pxelinux.Use, name string, at conf.Pos) pxelinux.Lookup {
	l := pxelinux.Lookup{File: p.file(name), Use: use, Pos: at}
	if !l.Elsewhere() {
		size, ok := p.files.Size(l.Name)
		l.Found = ok && size > 0
	}
	p.out.Lookups = append(p.out.Lookups, l)
	return l
}

// maxConfigs is how many files are followed from one to the next.
const maxConfigs = 16

// run runs a file that is there. menu says that its menu is then shown.
func (p *predictor) run(l pxelinux.Lookup) {
	if p.depth++; p.depth > maxConfigs {
		p.end(pxelinux.Dynamic, l.Pos, "files lead from one to the next more than %d times", maxConfigs)
		return
	}
	defer func() { p.depth-- }()
	file, src, err := p.files.Read(l.Name)
	if err != nil {
		p.end(pxelinux.Stops, l.Pos, "%s cannot be read: %v", l.File, err)
		return
	}
	all, bad := parse(file, string(src))
	if bad != nil {
		p.report(conf.Warning, bad.pos, "grub-syntax", "", "%s", bad.why)
		p.end(pxelinux.Stops, bad.pos, "GRUB does not understand %s: %s", file, bad.why)
		return
	}
	p.block(all)
}

// config runs a file as configfile does, and then its menu.
func (p *predictor) config(l pxelinux.Lookup) {
	before := p.entries
	p.entries = nil
	p.run(l)
	if !p.decided {
		p.menu(l)
	}
	p.entries = before
}

// menu boots the entry that is the default.
func (p *predictor) menu(l pxelinux.Lookup) {
	if len(p.entries) == 0 {
		if p.out.Boot.Kernel.Name != "" {
			p.end(pxelinux.Stops, p.out.Boot.AppendPos, "a kernel is loaded, but there is no boot command, and GRUB waits at its prompt")
			return
		}
		p.end(pxelinux.Stops, conf.Pos{}, "%s has no menu entry and boots nothing, and GRUB waits at its prompt", l.File)
		return
	}
	seconds, err := strconv.Atoi(strings.TrimSpace(p.vars["timeout"]))
	if err != nil || seconds < 0 {
		p.end(pxelinux.Dynamic, p.entries[0].pos, "without timeout GRUB waits at its menu for somebody to choose")
		return
	}
	p.out.Boot.Wait = time.Duration(seconds) * time.Second
	want, rest, _ := strings.Cut(p.vars["default"], ">")
	e := p.entries[0]
	found := want == ""
	for i, candidate := range p.entries {
		if want == strconv.Itoa(i) || want == candidate.title || want == candidate.id && want != "" {
			e, found = candidate, true
			break
		}
	}
	if !found {
		p.report(conf.Warning, e.pos, "grub-default", "", "no entry is called %.60q, and GRUB takes the first", want)
	}
	p.out.Boot.Label, p.out.Boot.Pos = e.title, e.pos
	if e.submenu {
		p.vars["default"] = rest
		p.entries = nil
		p.block(e.body)
		if !p.decided {
			p.menu(l)
		}
		return
	}
	p.block(e.body)
	if !p.decided {
		p.boot(e.pos) // as at the end of every entry
	}
}

// boot is the command.
func (p *predictor) boot(at conf.Pos) {
	b := &p.out.Boot
	if b.Kernel.Name == "" {
		p.end(pxelinux.Stops, at, "nothing is loaded that could be booted")
		return
	}
	for _, l := range append([]pxelinux.Lookup{b.Kernel}, b.Initrds...) {
		switch {
		case l.Elsewhere():
			p.end(pxelinux.Dynamic, l.Pos, "%s comes from elsewhere than the TFTP server", l.File)
			return
		case !l.Found:
			p.end(pxelinux.Stops, l.Pos, "%s is not there, or is empty", l.File)
			return
		}
	}
	pos := b.Pos
	if !pos.IsValid() {
		pos = at
	}
	p.end(pxelinux.Boots, pos, "")
}
