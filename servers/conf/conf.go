// Package conf holds what the readers of native configuration files share:
// the place of a thing in a file, and what a reader has to say about it. The
// readers are beneath it, one folder a format: dhcpd, dnsmasq, kea, xinetd,
// exports, pxelinux, grub, ipxe and others.
//
// Every reader has the same manners. It takes a file's name (for messages
// alone) and its bytes, never panics, and returns what it understood together
// with the [Problem]s it met. An error is returned only for input of which
// nothing can be made.
package conf

import (
	"fmt"
	"strings"
)

// A Pos is a place in a configuration file. Line and Col count from 1, Col in
// bytes. The zero Pos is "nowhere".
type Pos struct {
	File string `json:"file"`
	Line int    `json:"line"`
	Col  int    `json:"col,omitempty"`
}

// String gives the place as compilers do, file:line:col.
func (p Pos) String() string {
	switch {
	case p.Line == 0:
		return p.File
	case p.Col == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col)
}

// IsValid says whether p names a line.
func (p Pos) IsValid() bool { return p.Line > 0 }

// An Effect says what a Problem does to the truth of a run.
type Effect int

const (
	// Note: the real daemon accepts it and so do we; it changes nothing.
	Note Effect = iota
	// Warning: not known to us, and it cannot change an answer that matters to
	// a boot.
	Warning
	// Doubt: not known to us, and it could change a boot answer. A run with a
	// Doubt in its configs is Inconclusive, whatever it saw.
	Doubt
	// Refusal: the real daemon would not start with this file.
	Refusal
)

func (e Effect) String() string {
	return [...]string{"note", "warning", "doubt", "error"}[e]
}

// A Problem is what a reader has to say about one place in a file.
type Problem struct {
	Pos    Pos
	Effect Effect
	ID     string // stable, for tests and for lint: "dhcpd-unknown-statement"
	Text   string // what is wrong, in one sentence without the place
	Hint   string // what to do about it; may be empty
}

// Error gives place, effect, text and hint in one line.
func (p Problem) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s: %s", p.Pos, p.Effect, p.Text)
	if p.Hint != "" {
		fmt.Fprintf(&b, " (%s)", p.Hint)
	}
	return b.String()
}

// Problems is a reader's list, in the order of the file.
type Problems []Problem

// Worst is the strongest effect in the list, Note for an empty one.
func (ps Problems) Worst() Effect {
	w := Note
	for _, p := range ps {
		w = max(w, p.Effect)
	}
	return w
}
