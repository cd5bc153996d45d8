// Package kickstart reads kickstart files, the answers that anaconda (the
// installer of Red Hat's distributions) reads instead of asking.
//
// It cuts lines into words as anaconda does, which is by Python's
// shlex.split(line, comments=True), and keeps the place of every word: commands
// with their options, and the sections (%packages, %pre, …) by name. What is in
// a section is not looked into.
//
// What a command's options mean is for those who ask: see [Command.Option].
// Neither the versions of the language, nor %include, nor Jinja and Cobbler
// templates are known.
//
// Parse is where to start.
package kickstart

import (
	"strings"

	"github.com/pxeproof/pxeproof/servers/conf"
)

// A File is a kickstart file that has been read.
type File struct {
	Name     string
	Commands []Command
	Sections []Section
}

// A Value is one word and where it stands.
type Value struct {
	Text string
	Pos  conf.Pos
}

// IsSet says whether there is such a word at all.
func (v Value) IsSet() bool { return v.Pos.IsValid() }

// A Command is one line outside of the sections.
type Command struct {
	Name Value
	Args []Value
}

// A Section is what stands between a line such as %packages and its %end.
type Section struct {
	Name Value // with the percent sign
	Args []Value
	// End is where %end stands, zero for a section that the next one ends, or
	// the file.
	End conf.Pos
}

// All are the commands of one name, in order.
func (f *File) All(name string) []Command {
	var all []Command
	for _, c := range f.Commands {
		if c.Name.Text == name {
			all = append(all, c)
		}
	}
	return all
}

// Option is the value of an option, with the leading dashes in its name:
// "--ip=192.168.1.220" or "--ip 192.168.1.220". If it is there several times
// the last counts. An option that no value follows gives an empty text with the
// option's own place.
func (c *Command) Option(name string) Value {
	var v Value
	for i, a := range c.Args {
		if a.Text == name {
			v = Value{Pos: a.Pos}
			if i+1 < len(c.Args) && !strings.HasPrefix(c.Args[i+1].Text, "-") {
				v = c.Args[i+1]
			}
		} else if rest, ok := strings.CutPrefix(a.Text, name+"="); ok {
			v = Value{Text: rest, Pos: a.Pos}
			v.Pos.Col += len(name) + 1
		}
	}
	return v
}
