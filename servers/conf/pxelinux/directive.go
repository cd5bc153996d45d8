package pxelinux

import (
	"strings"
	"time"

	"github.com/pxeproof/pxeproof/servers/conf"
	"github.com/pxeproof/pxeproof/servers/conf/spell"
)

// directive obeys one line. Word is its first word, rest what follows.
func (p *parser) directive(word Value, rest line) {
	c := p.c
	key := strings.ToLower(word.Text)
	v := rest.value()
	if !v.Pos.IsValid() || v.Text == "" {
		v.Pos = word.Pos
	}
	switch key {
	case "menu":
		p.menu(word, rest.skip())
	case "include":
		p.doInclude(rest)
	case "append":
		p.setAppend(v)
	case "initrd":
		if p.inLabel(word) {
			p.label.Initrd = v
		}
	case "label":
		p.record()
		name, _ := rest.skip().word()
		if name.Text == "" {
			p.report(conf.Warning, word.Pos, "pxelinux-label-unnamed", "give it a name", "LABEL has no name")
			name.Pos = word.Pos
		}
		p.label = &Label{Name: name, File: name, Kind: KindByName, SysAppend: c.SysAppend, Menu: p.submenu()}
	case "kernel", "linux", "boot", "bss", "pxe", "fdimage", "comboot", "com32", "config", "localboot", "none":
		if p.inLabel(word) {
			p.label.File, p.label.Kind = v, Kind(key)
		}
		if key == "comboot" {
			p.report(conf.Warning, word.Pos, "pxelinux-comboot", "use a .c32 module",
				"PXELINUX 6 runs no COMBOOT programs")
		}
	case "default":
		c.Default = v
	case "ui":
		c.UI = v
	case "timeout":
		c.Timeout = p.tenths(v)
	case "totaltimeout":
		c.TotalTimeout = p.tenths(v)
	case "ontimeout":
		c.OnTimeout = v
	case "onerror":
		c.OnError = v
	case "ipappend", "sysappend":
		n := p.number(v, 0)
		if p.label != nil {
			p.label.SysAppend = n
		} else {
			c.SysAppend = n
		}
	case "prompt":
		c.Prompt = p.number(v, 10)
	case "implicit":
		c.Implicit = p.number(v, 10)
	case "allowoptions":
		c.AllowOptions = p.number(v, 10)
	case "noescape":
		c.NoEscape = p.number(v, 10)
	case "nocomplete":
		c.NoComplete = p.number(v, 10)
	case "pxeretry":
		c.PXERetry = p.number(v, 10)
	case "display":
		p.openWord(UseDisplay, rest)
	case "font":
		p.openWord(UseFont, rest)
	case "kbdmap":
		p.openWord(UseKeymap, rest)
	case "path":
		p.path(rest.skip())
	case "serial":
		c.Serial = v
	case "console":
		c.Console = v
	case "say":
		c.Say = append(c.Say, v)
	case "nohalt", "sendcookies":
		// Known, and nothing to a boot's files.
	default:
		if n, ok := functionKey(key); ok {
			c.FKeys[n], _ = rest.skip().word()
			return
		}
		p.unknown(word)
	}
}

func (p *parser) setAppend(v Value) {
	if p.label != nil {
		p.label.Append = v
	} else {
		p.c.Append = v
	}
}

func (p *parser) openWord(use Use, rest line) {
	name, _ := rest.skip().word()
	p.open(use, name)
}

// path puts the directories of a PATH line in front, each before the last: so
// the last one named is looked at first.
func (p *parser) path(l line) {
	for {
		dir, _, more := strings.Cut(l.rest, ":")
		if dir == "" {
			return // ldlinux.c32 gives the line up here
		}
		p.c.Path = append([]Value{{dir, l.pos}}, p.c.Path...)
		if !more {
			return
		}
		l = l.cut(len(dir) + 1)
	}
}

// inLabel says whether a label is being described, and complains if not.
func (p *parser) inLabel(word Value) bool {
	if p.label == nil {
		p.report(conf.Warning, word.Pos, "pxelinux-outside-label", "put it below a LABEL line",
			"%s counts only within a label, so PXELINUX passes over it", strings.ToUpper(word.Text))
	}
	return p.label != nil
}

// submenu is the title of the menu that labels go into now.
func (p *parser) submenu() string {
	if len(p.menus) == 0 {
		return ""
	}
	return p.menus[len(p.menus)-1]
}

// menu obeys a MENU line: what changes which labels there are is kept, and the
// look of menus is not.
func (p *parser) menu(menu Value, l line) {
	word, rest := l.word()
	v := rest.value()
	switch key := strings.ToLower(word.Text); key {
	case "label":
		if p.label != nil {
			p.label.MenuLabel = v
		}
	case "title":
		if len(p.menus) == 0 {
			p.c.MenuTitle = v
		}
	case "default":
		if p.label != nil {
			p.label.Default = true
		}
	case "hide":
		if p.label != nil {
			p.label.Hidden = true
		}
	case "disable", "disabled":
		if p.label != nil {
			p.label.Disabled = true
		}
	case "quit", "goto", "exit":
		if p.label != nil {
			p.label.Action = Value{strings.TrimSpace(key + " " + v.Text), word.Pos}
		}
	case "separator":
		p.record()
	case "begin":
		p.record()
		p.menus = append(p.menus, v.Text)
	case "end":
		p.record()
		p.menus = p.menus[:max(len(p.menus)-1, 0)]
	case "include":
		p.doInclude(rest)
	case "onerror":
		p.c.OnError = v
	default:
		if !menuLooks[key] {
			p.unknown(Value{menu.Text + " " + word.Text, menu.Pos})
		}
	}
}

// menuLooks are the MENU directives that say how a menu looks or behaves once
// somebody uses it.
var menuLooks = map[string]bool{
	"passwd": true, "shiftkey": true, "save": true, "nosave": true, "master": true,
	"background": true, "hidden": true, "autoboot": true, "tabmsg": true, "notabmsg": true,
	"passprompt": true, "color": true, "colour": true, "msgcolor": true, "msgcolour": true,
	"indent": true, "start": true, "width": true, "margin": true, "passwordmargin": true,
	"rows": true, "tabmsgrow": true, "cmdlinerow": true, "endrow": true, "passwordrow": true,
	"timeoutrow": true, "helpmsgrow": true, "helpmsgendrow": true, "hshift": true,
	"vshift": true, "hiddenrow": true, "resolution": true, "clear": true,
}

// number reads a number as C's atoi (base 10) or strtoul (base 0: 0x is
// hexadecimal, 0 octal) does: digits up to the first other character.
func (p *parser) number(v Value, base int) Number {
	n, whole := cNumber(v.Text, base)
	if !whole {
		p.report(conf.Warning, v.Pos, "pxelinux-not-a-number", "write a number",
			"%q is not a number; PXELINUX reads it as %d", strings.TrimSpace(v.Text), n)
	}
	return Number{n, v.Pos}
}

func (p *parser) tenths(v Value) Duration {
	n := p.number(v, 10)
	return Duration{time.Duration(max(n.N, 0)) * time.Second / 10, n.Pos}
}

// functionKey reads "f1" to "f12" and returns 0 to 11. "f0" is an old name,
// which ldlinux.c32 takes for F11.
func functionKey(key string) (int, bool) {
	if !strings.HasPrefix(key, "f") {
		return 0, false
	}
	n, whole := cNumber(key[1:], 10)
	switch {
	case !whole || n < 0 || n > 12:
		return 0, false
	case n == 0:
		return 10, true
	}
	return n - 1, true
}

// unknown complains of a directive that PXELINUX passes over.
func (p *parser) unknown(word Value) {
	hint := ""
	if near := spell.Nearest(word.Text, known...); near != "" {
		hint = "did you mean " + near + "?"
	}
	p.report(conf.Warning, word.Pos, "pxelinux-unknown-directive", hint,
		"PXELINUX knows no directive %.40q and passes over the line", word.Text)
}

// known are the directives that a slip of the pen may have meant.
var known = []string{
	"default", "label", "kernel", "append", "initrd", "linux", "prompt", "timeout",
	"totaltimeout", "ontimeout", "onerror", "include", "ui", "menu", "text", "endtext",
	"display", "say", "serial", "console", "ipappend", "sysappend", "localboot", "implicit",
	"allowoptions", "noescape", "nocomplete", "config", "com32", "boot", "bss", "pxe",
	"fdimage", "font", "kbdmap", "path", "pxeretry",
	"menu label", "menu title", "menu default", "menu hide", "menu background", "menu begin",
	"menu end", "menu separator", "menu include", "menu color", "menu autoboot", "menu tabmsg",
}
