package dhcpd

import (
	"fmt"
	"iter"
	"slices"

	"github.com/pxeproof/pxeproof/servers/conf"
	"github.com/pxeproof/pxeproof/servers/conf/spell"
)

// The IDs of this reader's problems.
const (
	idSyntax       = "dhcpd-syntax"               // not dhcpd's language
	idSemicolon    = "dhcpd-missing-semicolon"    // the commonest of them
	idQuote        = "dhcpd-typographic-quote"    // “ ” „ for "
	idUnknown      = "dhcpd-unknown-statement"    // taken by dhcpd in silence, for an expression
	idOption       = "dhcpd-unknown-option"       // no option of that name
	idValue        = "dhcpd-bad-value"            // not a value of that type
	idMisplaced    = "dhcpd-misplaced"            // not allowed in this scope
	idReference    = "dhcpd-unknown-reference"    // class, group or space that does not exist
	idDuplicate    = "dhcpd-duplicate"            // declared twice
	idRange        = "dhcpd-range-outside-subnet" // or of a subnet that is not declared
	idEmpty        = "dhcpd-empty"                // pool without a range, shared network without a subnet
	idInclude      = "dhcpd-include"              // a file that cannot be read
	idNoEffect     = "dhcpd-no-effect"            // known, and without effect on a reply here
	idUnplayed     = "dhcpd-not-played"           // known, could change a reply, not obeyed here
	idHostName     = "dhcpd-host-name"            // where dhcpd would ask the DNS
	idGlobalHost   = "dhcpd-host-is-global"       // host inside a subnet
	idNeverSet     = "dhcpd-variable-never-set"   // an expression reads it, nothing sets it
	idTooLarge     = "dhcpd-too-large"            // more than this reader takes
	idAddressTaken = "dhcpd-address-twice"        // a lease declared twice
)

func (p *parser) report(pr conf.Problem) {
	if p.full() && pr.Effect <= p.worst {
		return
	}
	p.worst = max(p.worst, pr.Effect)
	p.problems = append(p.problems, pr)
}

// maxProblems bounds what a hostile file can make of itself; beyond it only
// what is worse than all before is kept.
const maxProblems = 1000

// full says that there is enough to complain of.
func (p *parser) full() bool { return len(p.problems) >= maxProblems }

// near is the word that was most likely meant, "" if none is near.
func (p *parser) near(misspelt string, words iter.Seq[string]) string {
	if p.full() {
		return ""
	}
	return spell.Nearest(misspelt, slices.Sorted(words)...)
}

func (p *parser) refuse(at conf.Pos, id, format string, arg ...any) {
	p.report(conf.Problem{Pos: at, Effect: conf.Refusal, ID: id, Text: fmt.Sprintf(format, arg...)})
}

func (p *parser) refuseHint(at conf.Pos, id, text, hint string) {
	p.report(conf.Problem{Pos: at, Effect: conf.Refusal, ID: id, Text: text, Hint: hint})
}

func (p *parser) doubt(at conf.Pos, id, format string, arg ...any) {
	p.report(conf.Problem{Pos: at, Effect: conf.Doubt, ID: id, Text: fmt.Sprintf(format, arg...)})
}

func (p *parser) note(at conf.Pos, id, format string, arg ...any) {
	p.report(conf.Problem{Pos: at, Effect: conf.Note, ID: id, Text: fmt.Sprintf(format, arg...)})
}
