package pxelinux

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/pxeproof/pxeproof/servers/conf"
)

// Files is what the TFTP server would answer with. Names are those of the read
// requests, so the server's own rules apply to them: a leading slash, "..", the
// case of letters.
type Files interface {
	// Size is a file's size in bytes. It is not ok if the request would be
	// answered with an error.
	Size(name string) (size int64, ok bool)
	// Read returns what is in a file, and a name for it in messages.
	Read(name string) (file string, src []byte, err error)
}

// A Lookup is one file that is asked for.
type Lookup struct {
	File
	Use Use
	// Pos is where the name comes from; it is zero for names that PXELINUX
	// makes up itself.
	Pos conf.Pos
	// Found says that the server has it, and that it is not empty: PXELINUX
	// takes an empty file for a missing one.
	Found bool
}

// Elsewhere says that another server is asked, or over another protocol, so
// that nothing is known of the answer.
func (l Lookup) Elsewhere() bool { return l.Scheme != "tftp" || l.Host != "" }

// An Outcome is how a prediction ends.
type Outcome string

// Outcomes. Only Boots and Local are the start of something.
const (
	Boots   Outcome = "boots"   // a kernel or boot program, all of it there
	Local   Outcome = "local"   // the machine goes on with its next boot device
	Dynamic Outcome = "dynamic" // it depends on a user, a module or another server
	Stops   Outcome = "stops"   // it waits at its prompt or gives up
)

// A Boot is what PXELINUX does when it has read its configuration and nobody
// touches the keyboard.
type Boot struct {
	Outcome Outcome
	// Reason says in a sentence why it is not Boots.
	Reason string
	// Pos is the line that decides: the label's, or that of DEFAULT or UI.
	Pos conf.Pos

	Label string // "" if what boots is no label
	Kind  Kind
	// Wait is how long the prompt waits before this boots.
	Wait time.Duration
	// AtPrompt says that it shows "boot:" and stays there for ever.
	AtPrompt bool

	// Kernel is the file that boots, whatever its kind, and Initrds what is
	// loaded with it.
	Kernel  Lookup
	Initrds []Lookup
	// Append is the kernel's command line without the BOOT_IMAGE= that
	// PXELINUX puts in front, and AppendPos where most of it stands.
	Append    string
	AppendPos conf.Pos
	// Unknown are the bits of SYSAPPEND that add what only the machine knows
	// (its serial number and so on), and so are not in Append.
	Unknown int
}

// A Prediction is a boot from the boot program's first request on.
type Prediction struct {
	// Lookups are all files that are asked for, in order, up to the kernel's
	// last initrd or to where the prediction ends.
	Lookups []Lookup
	// Config is the configuration that is found, nil if none is.
	Config   *Config
	Boot     Boot
	Problems conf.Problems
}

// rebootTime is [Options.RebootTime] unless option 211 says otherwise.
const rebootTime = 5 * time.Minute

// Predict says what pxelinux.0 does on a client that DHCP gave these options.
// It looks only at files.
func Predict(c Client, o Options, files Files) *Prediction {
	p := &predictor{client: c, options: o, files: files, cwd: o.Prefix(), out: new(Prediction)}
	if p.ldlinux() && p.config() {
		p.start()
	}
	return p.out
}

type predictor struct {
	client  Client
	options Options
	files   Files
	cwd     string   // goes in front of names
	path    []string // where modules are looked for besides
	depth   int      // of CONFIG lines followed
	out     *Prediction
}

// ask adds a lookup.
func (p *predictor) ask(use Use, name string, pos conf.Pos) Lookup {
	l := Lookup{File: resolve(p.cwd, name), Use: use, Pos: pos}
	if !l.Elsewhere() {
		size, ok := p.files.Size(l.Name)
		l.Found = ok && size > 0
	}
	p.out.Lookups = append(p.out.Lookups, l)
	return l
}

// find looks for a module, in the current directory and then in the others.
func (p *predictor) find(use Use, name string, pos conf.Pos) Lookup {
	l := p.ask(use, name, pos)
	for _, dir := range p.path {
		if l.Found || l.Elsewhere() {
			break
		}
		if dir[len(dir)-1] != '/' {
			dir += "/"
		}
		l = p.ask(use, dir+name, pos)
	}
	return l
}

// ldlinuxName is the module that holds the rest of PXELINUX since version 5.
const ldlinuxName = "ldlinux.c32"

// ldlinux loads the module, from where the boot program was or else from the
// places where it lies on other media, beneath the prefix too.
func (p *predictor) ldlinux() bool {
	if l := p.find(UseModule, ldlinuxName, conf.Pos{}); l.Found {
		return true
	} else if l.Elsewhere() {
		return p.end(Dynamic, conf.Pos{}, "ldlinux.c32 comes from another server, %s", l.File)
	}
	for _, dir := range []string{"/boot/isolinux", "/isolinux", "/boot/syslinux", "/syslinux", "/"} {
		name := dir + "/" + ldlinuxName
		if dir == "/" {
			name = dir + ldlinuxName
		}
		if p.ask(UseModule, name, conf.Pos{}).Found {
			p.cwd += dir
			p.path = append([]string{p.cwd}, p.path...)
			if p.find(UseModule, ldlinuxName, conf.Pos{}).Found {
				return true
			}
			break
		}
	}
	return p.end(Stops, conf.Pos{}, "ldlinux.c32 is not there: PXELINUX 5 and later need it beside the boot program")
}

// config finds the configuration and reads it.
func (p *predictor) config() bool {
	p.cwd = p.options.Prefix()
	for _, name := range ConfigNames(p.client, p.options) {
		l := p.ask(UseConfig, name, conf.Pos{})
		if l.Elsewhere() {
			return p.end(Dynamic, conf.Pos{}, "the configuration comes from another server, %s", l.File)
		}
		if l.Found {
			return p.read(l)
		}
	}
	return p.end(Stops, conf.Pos{}, "no configuration is there under any of its names, and PXELINUX restarts the machine after %v",
		cmp.Or(p.options.RebootTime, rebootTime))
}

// read reads a configuration that is there.
func (p *predictor) read(l Lookup) bool {
	file, src, err := p.files.Read(l.Name)
	if err != nil {
		return p.end(Stops, l.Pos, "the configuration %s cannot be read: %v", l.File, err)
	}
	c, problems := Parse(file, src, func(name string) (string, []byte, error) {
		f := resolve(p.cwd, name)
		if size, ok := p.files.Size(f.Name); f.Host != "" || f.Scheme != "tftp" {
			return "", nil, fmt.Errorf("it is on another server, %s", f)
		} else if !ok || size == 0 {
			return "", nil, errors.New("no such file, or an empty one")
		}
		return p.files.Read(f.Name)
	})
	p.out.Config = c
	p.out.Problems = append(p.out.Problems, problems...)
	for _, r := range c.Opened {
		if p.ask(r.Use, r.Name.Text, r.Name.Pos).Elsewhere() && r.Use == UseInclude {
			return p.end(Dynamic, r.Name.Pos, "a part of the configuration comes from another server")
		}
	}
	for _, dir := range c.Path {
		p.path = append(p.path, dir.Text)
	}
	return true
}

// end is the end of the prediction. It returns false, so that callers can
// return it.
func (p *predictor) end(o Outcome, pos conf.Pos, format string, args ...any) bool {
	p.out.Boot.Outcome = o
	p.out.Boot.Reason = fmt.Sprintf(format, args...)
	if pos.IsValid() {
		p.out.Boot.Pos = pos
	}
	return false
}
