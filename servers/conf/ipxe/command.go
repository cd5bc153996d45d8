package ipxe

import (
	"strings"

	"github.com/pxeproof/pxeproof/servers/conf"
	"github.com/pxeproof/pxeproof/servers/conf/pxelinux"
	"github.com/pxeproof/pxeproof/servers/conf/spell"
)

// easy are commands that succeed and change nothing that is followed here.
var easy = strings.Fields("dhcp ifopen ifclose ifconf ifstat iflinkwait route nstat echo sleep clear imgstat imgfree imgtrust imgverify " +
	"console colour cpair sync time param params config nslookup ntp vcreate vdestroy fdt")

// persons are commands of which a person, the hardware or a disk decides.
var persons = strings.Fields("menu item choose prompt read login shell form present cpuid pciscan sanboot sanhook sanunhook lotest poweroff reboot inc digest ping")

// command runs one. jump is a label to go on at, and decided says that the
// prediction has ended.
func (p *predictor) command(words []pxelinux.Value) (ok bool, jump string, decided bool) {
	at := words[0].Pos
	name := words[0].Text
	var args []pxelinux.Value
	for _, w := range words[1:] {
		text, missing := p.expand(w.Text)
		if missing != "" && name != "echo" && name != "isset" {
			p.end(pxelinux.Dynamic, w.Pos, "${%s} is not known here", missing)
			return false, "", true
		}
		args = append(args, pxelinux.Value{Text: text, Pos: w.Pos})
	}
	switch name {
	case "set":
		if len(args) == 0 {
			return false, "", false
		}
		value := join(args[1:])
		if len(value) > maxValue || len(p.vars) > maxSteps {
			p.end(pxelinux.Dynamic, at, "the value of %.40s is longer than is followed here", args[0].Text)
			return false, "", true
		}
		p.vars[args[0].Text] = value
		return true, "", false
	case "isset":
		_, missing := "", ""
		if len(words) > 1 {
			_, missing = p.expand(words[1].Text)
		}
		if missing != "" {
			p.end(pxelinux.Dynamic, at, "whether ${%s} is set is not known here", missing)
			return false, "", true
		}
		return len(args) > 0 && args[0].Text != "", "", false
	case "iseq":
		return len(args) == 2 && args[0].Text == args[1].Text, "", false
	case "goto":
		if len(args) == 1 {
			return true, args[0].Text, false
		}
		return false, "", false
	case "exit":
		p.end(pxelinux.Local, at, "the script leaves iPXE (exit), and the firmware goes on with its next boot device")
		return false, "", true
	case "imgargs":
		if len(args) > 0 {
			p.out.Boot.Append, p.out.Boot.AppendPos = join(args[1:]), at
		}
		return true, "", false
	case "kernel", "imgselect", "imgload", "initrd", "module", "imgfetch", "imgexec", "chain", "boot":
		return p.image(name, at, args)
	}
	switch {
	case contains(easy, name):
		return true, "", false
	case contains(persons, name):
		p.end(pxelinux.Dynamic, at, "what boots depends on the command %s", name)
		return false, "", true
	}
	hint := ""
	if near := spell.Nearest(name, append(append([]string{"set", "isset", "iseq", "goto", "exit", "imgargs", "kernel", "initrd", "module", "imgfetch",
		"chain", "boot"}, easy...), persons...)...); near != "" {
		hint = "did you mean " + near + "?"
	}
	p.report(conf.Warning, at, "ipxe-unknown-command", hint, "iPXE knows no command %.40q, and it fails", name)
	return false, "", false
}

func contains(list []string, word string) bool {
	for _, w := range list {
		if w == word {
			return true
		}
	}
	return false
}

func join(args []pxelinux.Value) string {
	var texts []string
	for _, a := range args {
		texts = append(texts, a.Text)
	}
	return strings.Join(texts, " ")
}

// withArgument are options that take a word.
var withArgument = strings.Fields("-n --name -t --timeout")

// image is a command that fetches or boots one.
func (p *predictor) image(name string, at conf.Pos, args []pxelinux.Value) (ok bool, jump string, decided bool) {
	for len(args) > 0 && strings.HasPrefix(args[0].Text, "-") {
		n := 1
		if contains(withArgument, args[0].Text) {
			n = 2
		}
		args = args[min(n, len(args)):]
	}
	boot := &p.out.Boot
	if len(args) == 0 {
		switch {
		case name != "boot" && name != "imgexec":
			return false, "", false
		case boot.Kernel.Name == "":
			return false, "", false // nothing to boot
		}
		boot.Outcome, boot.Pos = pxelinux.Boots, at
		return true, "", true
	}
	use := pxelinux.UseKernel
	if name == "initrd" || name == "module" || name == "imgfetch" {
		use = pxelinux.UseInitrd
	}
	if (name == "boot" || name == "imgexec") && args[0].Text == baseOf(boot.Kernel.Name) {
		boot.Outcome, boot.Pos = pxelinux.Boots, at
		return true, "", true
	}
	l := p.ask(use, args[0].Text, args[0].Pos)
	switch {
	case l.Elsewhere():
		p.end(pxelinux.Dynamic, args[0].Pos, "%s comes from another server", l.File)
		return false, "", true
	case !l.Found:
		return false, "", false
	case use == pxelinux.UseInitrd:
		boot.Initrds = append(boot.Initrds, l)
		return true, "", false
	}
	if name != "kernel" && name != "imgload" && name != "imgselect" {
		if _, src, err := p.files.Read(l.Name); err == nil && IsScript(src) {
			p.out.Lookups[len(p.out.Lookups)-1].Use = pxelinux.UseConfig
			if !p.script(l) {
				return false, "", true
			}
			return true, "", false
		}
	}
	boot.Kernel = l
	boot.Append, boot.AppendPos = join(args[1:]), args[0].Pos
	if len(args) > 1 {
		boot.AppendPos = args[1].Pos
	}
	if name == "chain" || name == "boot" || name == "imgexec" {
		boot.Outcome, boot.Pos = pxelinux.Boots, at
		return true, "", true
	}
	return true, "", false
}

// baseOf is an image's name: that of its file.
func baseOf(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }
