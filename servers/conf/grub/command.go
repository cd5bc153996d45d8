package grub

import (
	"strings"

	"github.com/pxeproof/pxeproof/servers/conf"
	"github.com/pxeproof/pxeproof/servers/conf/pxelinux"
	"github.com/pxeproof/pxeproof/servers/conf/spell"
)

// easy are commands that change nothing that is followed here.
var easy = strings.Fields("insmod rmmod terminal_input terminal_output terminal_info serial loadfont play echo background_image background_color clear " +
	"gfxmode load_video export true false [ test savedefault save_env load_env loopback rdmsr sleep fwsetup cutmem password password_pbkdf2 " +
	"net_bootp net_ls_addr net_ls_cards net_ls_routes net_add_dns net_del_dns net_nslookup videoinfo set_background debug hiddenentry nativedisk " +
	"cryptomount videotest ls cat help lspci date keymap tpm shim_lock linux_noop")

// commands are those that are followed.
var commands = strings.Fields("set unset source configfile normal menuentry submenu function linux linuxefi linux16 initrd initrdefi initrd16 chainloader boot exit reboot halt " +
	"search regexp read keystatus cmosread cmostest multiboot multiboot2 module module2 kernel if return shift setparams extract_entries_source .")

// expand is a word with its variables replaced.
func (p *predictor) expand(w word) string {
	var b strings.Builder
	for _, x := range w.parts {
		if x.variable {
			b.WriteString(p.vars[x.text])
		} else {
			b.WriteString(x.text)
		}
	}
	return b.String()
}

// words are a statement's, expanded; a variable outside of quotes falls into
// several.
func (p *predictor) words(s statement) []pxelinux.Value {
	var all []pxelinux.Value
	for i, w := range s.words {
		text := p.expand(w)
		if w.quoted || i == 0 || !strings.ContainsAny(text, " \t") {
			if text != "" || w.quoted {
				all = append(all, pxelinux.Value{Text: text, Pos: w.pos})
			}
			continue
		}
		for f := range strings.FieldsSeq(text) {
			all = append(all, pxelinux.Value{Text: f, Pos: w.pos})
		}
	}
	return all
}

// block runs statements. It returns whether the last one succeeded.
func (p *predictor) block(all []statement) bool {
	ok := true
	for _, s := range all {
		if p.decided {
			return ok
		}
		if p.steps++; p.steps > maxSteps {
			p.end(pxelinux.Dynamic, s.pos, "the script goes round in circles")
			return false
		}
		ok = p.statement(s)
	}
	return ok
}

func (p *predictor) statement(s statement) bool {
	if s.loop {
		p.end(pxelinux.Dynamic, s.pos, "what a loop does is not followed here")
		return false
	}
	for _, b := range s.branches {
		if b.condition == nil || p.block(b.condition) && !p.decided {
			return p.block(b.body)
		}
		if p.decided {
			return false
		}
	}
	if s.branches != nil {
		return true
	}
	words := p.words(s)
	if len(words) > maxWords {
		p.end(pxelinux.Dynamic, s.pos, "the command has more than %d words", maxWords)
		return false
	}
	if len(words) == 0 {
		return true
	}
	if words[0].Text == "!" && len(s.words) > 1 {
		s.words = s.words[1:]
		return !p.statement(s)
	}
	return p.command(words[0], words[1:], s)
}

// set gives a variable a value of a length that some command could take.
func (p *predictor) set(at conf.Pos, name, value string) {
	if len(value) > maxValue || len(p.vars) > maxWords {
		p.end(pxelinux.Dynamic, at, "the value of %.40s is longer than is followed here", name)
		return
	}
	p.vars[name] = value
}

func (p *predictor) command(name pxelinux.Value, args []pxelinux.Value, s statement) bool {
	b := &p.out.Boot
	first := func() string {
		if len(args) > 0 {
			return args[0].Text
		}
		return ""
	}
	if body, ok := p.functions[name.Text]; ok {
		if p.depth++; p.depth > maxNesting {
			p.end(pxelinux.Dynamic, name.Pos, "functions call each other without end")
			return false
		}
		defer func() { p.depth-- }()
		return p.block(body)
	}
	switch name.Text {
	case "set":
		if k, v, ok := strings.Cut(first(), "="); ok {
			p.set(name.Pos, k, v)
		}
	case "unset":
		delete(p.vars, first())
	case "true":
	case "false":
		return false
	case "[", "test":
		if name.Text == "[" && len(args) > 0 && args[len(args)-1].Text == "]" {
			args = args[:len(args)-1]
		}
		return p.test(name.Pos, args)
	case "function":
		if len(s.words) > 1 {
			p.functions[first()] = s.body
		}
	case "menuentry", "submenu":
		p.entry(name, args, s)
	case "source", ".", "configfile", "normal":
		l := p.ask(pxelinux.UseConfig, first(), name.Pos)
		switch {
		case l.Elsewhere():
			p.end(pxelinux.Dynamic, name.Pos, "%s comes from elsewhere than the TFTP server", l.File)
		case !l.Found:
			return false
		case name.Text == "source" || name.Text == ".":
			p.run(l)
		default:
			p.config(l)
		}
	case "linux", "linuxefi", "linux16":
		if len(args) == 0 {
			return false
		}
		b.Kernel = p.ask(pxelinux.UseKernel, first(), args[0].Pos)
		b.Append, b.AppendPos = "", args[0].Pos
		for i, a := range args[1:] {
			if i > 0 {
				b.Append += " "
			} else {
				b.AppendPos = a.Pos
			}
			b.Append += a.Text
		}
		b.Initrds = nil
		return b.Kernel.Found || b.Kernel.Elsewhere()
	case "initrd", "initrdefi", "initrd16":
		if b.Kernel.Name == "" {
			p.report(conf.Warning, name.Pos, "grub-initrd-first", "put it behind linux", "initrd stands before linux, and GRUB says that the kernel is to be loaded first")
			return false
		}
		b.Initrds = nil
		for _, a := range args {
			b.Initrds = append(b.Initrds, p.ask(pxelinux.UseInitrd, a.Text, a.Pos))
		}
	case "boot":
		p.boot(name.Pos)
	case "chainloader":
		p.end(pxelinux.Dynamic, name.Pos, "%s takes over (chainloader)", first())
	case "exit":
		p.end(pxelinux.Local, name.Pos, "exit leaves GRUB, and the firmware goes on with its next boot device")
	case "reboot", "halt":
		p.end(pxelinux.Stops, name.Pos, "the machine is told to %s", name.Text)
	case "return", "shift", "setparams":
	default:
		return p.other(name)
	}
	return true
}

// other is a command that is not followed.
func (p *predictor) other(name pxelinux.Value) bool {
	for _, known := range easy {
		if known == name.Text {
			return true
		}
	}
	for _, known := range commands {
		if known == name.Text {
			p.end(pxelinux.Dynamic, name.Pos, "what boots depends on the command %s", name.Text)
			return false
		}
	}
	if strings.Contains(name.Text, "=") {
		k, v, _ := strings.Cut(name.Text, "=")
		p.set(name.Pos, k, v)
		return true
	}
	hint := ""
	if near := spell.Nearest(name.Text, append(append([]string(nil), commands...), easy...)...); near != "" {
		hint = "did you mean " + near + "?"
	}
	p.report(conf.Warning, name.Pos, "grub-unknown-command", hint, "GRUB cannot find the command %.40q, and passes over it", name.Text)
	return false
}

// entry keeps a menu's entry for later.
func (p *predictor) entry(name pxelinux.Value, args []pxelinux.Value, s statement) {
	e := entry{pos: name.Pos, body: s.body, submenu: name.Text == "submenu"}
	for i := 0; i < len(args); i++ {
		a := args[i].Text
		switch {
		case strings.HasPrefix(a, "--id="):
			e.id = a[len("--id="):]
		case a == "--id" || a == "$menuentry_id_option":
			if i++; i < len(args) {
				e.id = args[i].Text
			}
		case a == "--class" || a == "--users" || a == "--hotkey" || a == "--source":
			i++
		case strings.HasPrefix(a, "--"):
		case e.title == "":
			e.title = a
		}
	}
	p.entries = append(p.entries, e)
}

// test is a condition. One whose answer is not known here ends the prediction.
func (p *predictor) test(at conf.Pos, args []pxelinux.Value) bool {
	var texts []string
	for _, a := range args {
		texts = append(texts, a.Text)
	}
	for i, t := range texts {
		switch t {
		case "-o":
			return p.test(at, args[:i]) || p.test(at, args[i+1:])
		}
	}
	for i, t := range texts {
		if t == "-a" {
			return p.test(at, args[:i]) && p.test(at, args[i+1:])
		}
	}
	if len(texts) > 0 && texts[0] == "!" {
		return !p.test(at, args[1:])
	}
	switch {
	case len(texts) == 0:
		return false
	case len(texts) == 1:
		return texts[0] != ""
	case len(texts) == 2 && (texts[0] == "-f" || texts[0] == "-e" || texts[0] == "-s"):
		if f := p.file(texts[1]); f.Scheme != "tftp" {
			p.end(pxelinux.Dynamic, at, "whether %s is there is not known here", f)
		}
		return false // TFTP lists no folders, so GRUB finds nothing, and asks for nothing
	case len(texts) == 2 && texts[0] == "-n":
		return texts[1] != ""
	case len(texts) == 2 && texts[0] == "-z":
		return texts[1] == ""
	case len(texts) == 3 && (texts[1] == "=" || texts[1] == "=="):
		return texts[0] == texts[2]
	case len(texts) == 3 && texts[1] == "!=":
		return texts[0] != texts[2]
	}
	p.end(pxelinux.Dynamic, at, "the answer to the test %q is not known here", strings.Join(texts, " "))
	return false
}
