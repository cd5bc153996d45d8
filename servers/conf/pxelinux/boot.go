package pxelinux

import (
	"net/netip"
	"strings"

	"github.com/pxeproof/pxeproof/servers/conf"
)

// maxConfigs is how many CONFIG lines are followed from one configuration to
// the next.
const maxConfigs = 8

// start is what ldlinux.c32 does once it has read its configuration.
func (p *predictor) start() {
	c := p.out.Config
	boot := &p.out.Boot
	if typed := p.client.Typed; typed != "" {
		p.load(Value{Text: typed})
		return
	}
	command := c.Default
	if c.UI.IsSet() {
		command = c.UI
	}
	if !command.IsSet() {
		p.end(Stops, conf.Pos{}, "there is neither DEFAULT nor UI, and PXELINUX waits at its boot: prompt")
		boot.AtPrompt = true
		return
	}
	// A UI starts at once, prompt or not; so does everything with NOESCAPE.
	if c.Prompt.N != 0 && !c.UI.IsSet() && c.NoEscape.N == 0 {
		switch {
		case c.Timeout.Duration > 0:
			boot.Wait = c.Timeout.Duration
		case c.TotalTimeout.Duration > 0:
			boot.Wait = c.TotalTimeout.Duration
		default:
			p.end(Dynamic, c.Prompt.Pos, "PROMPT without TIMEOUT waits for somebody to type")
			boot.AtPrompt = true
			return
		}
		if c.OnTimeout.IsSet() {
			command = c.OnTimeout
		}
	}
	if p.load(command) || !c.OnError.IsSet() || boot.Outcome != Stops {
		return
	}
	// The command that failed is put behind the one of ONERROR.
	reason := boot.Reason
	*boot = Boot{Wait: boot.Wait}
	if !p.load(Value{c.OnError.Text + " " + command.Text, c.OnError.Pos}) && boot.Outcome == Stops {
		boot.Reason = reason + "; and ONERROR: " + boot.Reason
	}
}

// A command is what a label or a line at the prompt comes to.
type command struct {
	kind Kind
	file Value
	args []Value // put together with a space between them
}

// line is the command's arguments in one.
func (c command) line() string {
	var texts []string
	for _, a := range c.args {
		texts = append(texts, a.Text)
	}
	return strings.Join(texts, " ")
}

// at is where the n-th byte of the line comes from.
func (c command) at(n int) conf.Pos {
	for _, a := range c.args {
		if n <= len(a.Text) {
			if a.Pos.IsValid() {
				a.Pos.Col += n
			}
			return a.Pos
		}
		n -= len(a.Text) + 1
	}
	return c.file.Pos
}

// load boots what a line at the prompt names: a label, or else a file. It
// returns false if that fails or is not known.
func (p *predictor) load(v Value) bool {
	c := p.out.Config
	p.out.Boot.Pos = v.Pos
	name, args := splitWord(v.Text)
	if l := c.Label(name); l != nil {
		p.out.Boot.Label = name
		p.out.Boot.Pos = l.Name.Pos
		if l.Action.IsSet() {
			return p.end(Dynamic, l.Action.Pos, "label %q is for menus alone (MENU %s)", name, strings.ToUpper(l.Action.Text))
		}
		return p.execute(p.labelCommand(l, args))
	}
	if c.Implicit.N == 0 {
		return p.end(Stops, v.Pos, "%q is no label, and IMPLICIT 0 forbids to boot a file by its name", name)
	}
	cmd := command{kind: KindByName, file: Value{name, v.Pos}}
	if c.AllowOptions.N != 0 && args != "" {
		cmd.args = []Value{{args, tail(v, args)}}
	}
	if kindByName(name) == KindLinux {
		for _, ext := range extensions {
			if p.find(UseProbe, name+ext.suffix, v.Pos).Found {
				cmd.file.Text += ext.suffix
				break
			}
		}
	}
	cmd.args = append(cmd.args, p.sysAppend(c.SysAppend.N)...)
	return p.execute(cmd)
}

// tail is where rest stands, which ends v.
func tail(v Value, rest string) conf.Pos {
	pos := v.Pos
	pos.Col += len(v.Text) - len(rest)
	return pos
}

// labelCommand is the command line that ldlinux.c32 makes of a label: file,
// APPEND, INITRD, SYSAPPEND, and last what was typed behind the label's name.
func (p *predictor) labelCommand(l *Label, typed string) command {
	name, rest := splitWord(l.File.Text)
	cmd := command{kind: l.Kind, file: Value{name, l.File.Pos}}
	if rest != "" {
		// What follows the file's name in its line is an argument already.
		cmd.args = append(cmd.args, Value{rest, tail(l.File, rest)})
	}
	if l.Append.Text != "" {
		cmd.args = append(cmd.args, l.Append)
	}
	if l.Initrd.IsSet() {
		arg := Value{"initrd=" + l.Initrd.Text, l.Initrd.Pos}
		arg.Pos.Col -= len("initrd=") // so that the name's column is its own
		cmd.args = append(cmd.args, arg)
	}
	cmd.args = append(cmd.args, p.sysAppend(l.SysAppend.N)...)
	if typed != "" {
		cmd.args = append(cmd.args, Value{Text: typed})
	}
	return cmd
}

// sysAppend are the strings that SYSAPPEND's bits stand for, as far as they
// are known here. The others go to Boot.Unknown.
func (p *predictor) sysAppend(mask int) []Value {
	c := p.client
	var known []Value
	for bit, s := range []string{
		"ip=" + quad(c.Addr) + ":" + quad(c.Server) + ":" + quad(c.Gateway) + ":" + quad(c.Mask),
		"BOOTIF=" + c.bootIf(),
		"SYSUUID=" + c.uuid(),
	} {
		if mask&(1<<bit) != 0 && s != "SYSUUID=" {
			known = append(known, Value{Text: s})
		}
	}
	p.out.Boot.Unknown = mask &^ 7
	return known
}

func quad(a netip.Addr) string {
	if !a.Is4() {
		return "0.0.0.0"
	}
	return a.String()
}

// extensions decide what a file is, and are tried in this order behind a name
// that is no label.
var extensions = []struct {
	suffix string
	kind   Kind
}{
	{".c32", KindCOM32},
	{".img", KindFDImage},
	{".bss", KindBSS},
	{".bin", KindBoot},
	{".bs", KindBoot},
	{".0", KindPXE},
}

// kindByName is what a file is by its extension. Letters count with their case.
func kindByName(name string) Kind {
	for _, ext := range extensions {
		if strings.HasSuffix(name, ext.suffix) {
			return ext.kind
		}
	}
	return KindLinux
}

// execute boots a command.
func (p *predictor) execute(cmd command) bool {
	boot := &p.out.Boot
	kind := cmd.kind
	if kind == KindByName {
		kind = kindByName(cmd.file.Text)
	}
	boot.Kind = kind
	boot.Append, boot.AppendPos = cmd.line(), cmd.at(0)
	switch kind {
	case KindLocalBoot:
		return p.end(Local, boot.Pos, "LOCALBOOT %s goes on with the next boot device", cmd.file.Text)
	case KindCOM32:
		name := cmd.file.Text
		if !strings.HasSuffix(name, ".c32") {
			name += ".c32"
		}
		boot.Kernel = p.find(UseModule, name, cmd.file.Pos)
		if !boot.Kernel.Found && !boot.Kernel.Elsewhere() {
			return p.end(Dynamic, cmd.file.Pos, "the module %s is not there, and PXELINUX waits at its boot: prompt", boot.Kernel.File)
		}
		return p.end(Dynamic, cmd.file.Pos, "the module %s decides what boots", boot.Kernel.File)
	case KindConfig:
		return p.follow(cmd)
	case KindPXE, KindBSS, KindBoot:
		boot.Kernel = p.ask(UseKernel, cmd.file.Text, cmd.file.Pos)
		return p.loaded(boot.Kernel, "boot program")
	case KindCOMBoot, KindNone:
		// ldlinux.c32 knows no such type and takes the word for a kernel's name.
		return p.end(Stops, cmd.file.Pos, "PXELINUX 6 boots nothing by %s", strings.ToUpper(string(kind)))
	}
	return p.linux(cmd)
}

// linux boots a Linux kernel, or what looks like one (memdisk, a floppy image
// by mistake).
func (p *predictor) linux(cmd command) bool {
	boot := &p.out.Boot
	boot.Kernel = p.ask(UseKernel, cmd.file.Text, cmd.file.Pos)
	if !p.loaded(boot.Kernel, "kernel") {
		return false
	}
	for _, name := range cmd.initrds() {
		l := p.ask(UseInitrd, name.Text, name.Pos)
		boot.Initrds = append(boot.Initrds, l)
		if !p.loaded(l, "initrd") {
			return false
		}
	}
	return true
}

// initrds are the names in the first "initrd=" of the kernel's command line,
// wherever it stands, and not those of a second one.
func (c command) initrds() []Value {
	line := c.line()
	start := strings.Index(line, "initrd=")
	if start < 0 {
		return nil
	}
	start += len("initrd=")
	list, _, _ := strings.Cut(line[start:], " ")
	var names []Value
	for name := range strings.SplitSeq(list, ",") {
		names = append(names, Value{name, c.at(start)})
		start += len(name) + 1
	}
	return names
}

// loaded says how the boot stands after a file was asked for.
func (p *predictor) loaded(l Lookup, what string) bool {
	switch {
	case l.Elsewhere():
		return p.end(Dynamic, l.Pos, "the %s comes from another server, %s", what, l.File)
	case !l.Found:
		pos := p.out.Boot.Pos
		p.end(Stops, pos, "the %s %s is not there, or is empty", what, l.File)
		return false
	}
	p.out.Boot.Outcome = Boots
	return true
}

// follow goes on with another configuration (CONFIG file [directory]).
func (p *predictor) follow(cmd command) bool {
	if p.depth++; p.depth > maxConfigs {
		return p.end(Dynamic, cmd.file.Pos, "CONFIG lines lead from one file to the next more than %d times", maxConfigs)
	}
	p.find(UseModule, ldlinuxName, conf.Pos{}) // it is dropped and loaded again
	l := p.ask(UseConfig, cmd.file.Text, cmd.file.Pos)
	switch {
	case l.Elsewhere():
		return p.end(Dynamic, cmd.file.Pos, "the configuration comes from another server, %s", l.File)
	case !l.Found:
		return p.end(Stops, cmd.file.Pos, "the configuration %s is not there", l.File)
	}
	if dir, _ := splitWord(cmd.line()); dir != "" {
		if isURL(dir) {
			p.cwd = dir
		} else {
			p.cwd += dir
		}
	}
	p.out.Boot = Boot{Wait: p.out.Boot.Wait}
	if !p.read(l) {
		return false
	}
	p.start()
	return p.out.Boot.Outcome == Boots
}
