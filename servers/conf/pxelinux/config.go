// Package pxelinux reads PXELINUX's configuration files, and predicts from them
// and from what the TFTP server has which files a client will ask for, in which
// order, and what it will boot.
//
// It follows PXELINUX 6.04: ldlinux.c32's reader of configuration files, the
// loader's file names and its boot command line. Menus (menu.c32, vesamenu.c32)
// and other modules are named, not run: what they do depends on whoever sits at
// the keyboard, and [Predict] calls that dynamic.
//
// [Parse] is where to start for a file, [Predict] for a boot.
package pxelinux

import (
	"time"

	"github.com/pxeproof/pxeproof/servers/conf"
)

// A Value is a directive's argument and where it stands. A zero Pos means that
// the directive was not there.
type Value struct {
	Text string
	Pos  conf.Pos
}

// IsSet says whether the directive was there.
func (v Value) IsSet() bool { return v.Pos.IsValid() }

// A Number is a directive's argument read as a number.
type Number struct {
	N   int
	Pos conf.Pos
}

// IsSet says whether the directive was there.
func (n Number) IsSet() bool { return n.Pos.IsValid() }

// A Kind says how a label's file is booted, in the words of the directive that
// names it.
type Kind string

// The kinds that the configuration language has.
const (
	KindByName    Kind = "kernel" // the file's extension decides
	KindLinux     Kind = "linux"
	KindBoot      Kind = "boot"
	KindBSS       Kind = "bss"
	KindPXE       Kind = "pxe"
	KindFDImage   Kind = "fdimage"
	KindCOMBoot   Kind = "comboot"
	KindCOM32     Kind = "com32"
	KindConfig    Kind = "config"
	KindLocalBoot Kind = "localboot"
	KindNone      Kind = "none"
)

// A Label is what one LABEL describes.
type Label struct {
	Name Value
	// File is the rest of the line after KERNEL, LINUX, …: a name, maybe
	// followed by arguments. It is the label's own name if no such line is
	// there.
	File Value
	Kind Kind
	// Append is the label's APPEND line, or the global one that stands in for
	// it, or unset. "APPEND -" is set, with an empty text.
	Append Value
	Initrd Value
	// SysAppend is the bit mask of SYSAPPEND (or IPAPPEND), the global one if
	// the label has none of its own.
	SysAppend Number

	MenuLabel Value
	Help      string
	Default   bool // MENU DEFAULT
	Hidden    bool // MENU HIDE
	// Disabled is MENU DISABLE: the label cannot be booted by name either.
	Disabled bool
	// Action is MENU QUIT, GOTO or EXIT: the label is for menus alone.
	Action Value
	// Menu is the title of the submenu that the label is in, "" for the first.
	Menu string
}

// A Use says what PXELINUX opens a file for.
type Use string

// Uses, of files that are opened while a configuration is being read and of
// those that are opened before and after it.
const (
	UseModule  Use = "module"  // ldlinux.c32, and whatever .c32 is booted
	UseConfig  Use = "config"  // a configuration file
	UseInclude Use = "include" // named by INCLUDE or MENU INCLUDE
	UseDisplay Use = "display" // DISPLAY
	UseFont    Use = "font"    // FONT
	UseKeymap  Use = "kbdmap"  // KBDMAP
	UseKernel  Use = "kernel"
	UseInitrd  Use = "initrd"
	UseProbe   Use = "probe" // a kernel's name with an extension tried
)

// A Reference is a file that is opened while a configuration is being read.
type Reference struct {
	Use  Use
	Name Value
}

// A Config is what a configuration file and those that it includes say.
type Config struct {
	// Default is the argument of DEFAULT, and UI that of UI, which goes before
	// it.
	Default Value
	UI      Value

	Prompt Number // nonzero: show "boot:" and wait
	// Timeout is how long the prompt waits for the first key, and TotalTimeout
	// for the whole command; 0 is for ever.
	Timeout      Duration
	TotalTimeout Duration
	OnTimeout    Value // booted instead of Default when the time is up
	OnError      Value // booted when a kernel is not there

	Implicit     Number // 0: only labels boot. Default 1
	AllowOptions Number // 0: what is typed after a file's name is dropped. Default 1
	NoEscape     Number
	NoComplete   Number
	SysAppend    Number // for what is booted without a label

	Append Value // global, for labels without their own
	Labels []*Label

	// Opened is what is asked for while the file is read, in this order.
	Opened []Reference
	// Path is where modules are looked for, in this order.
	Path []Value

	FKeys     [12]Value // F1 is the first
	Serial    Value
	Console   Value
	Say       []Value
	MenuTitle Value
	// PXERetry is how often a file that is not there is asked for again.
	PXERetry Number
}

// A Duration is a directive's argument in tenths of a second, converted.
type Duration struct {
	time.Duration
	Pos conf.Pos
}

// IsSet says whether the directive was there.
func (d Duration) IsSet() bool { return d.Pos.IsValid() }

// Label returns the label that name boots: the first that has it, with case
// and all, and is not disabled.
func (c *Config) Label(name string) *Label {
	for _, l := range c.Labels {
		if l.Name.Text == name && !l.Disabled {
			return l
		}
	}
	return nil
}
