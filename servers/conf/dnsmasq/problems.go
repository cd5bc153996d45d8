package dnsmasq

import (
	"fmt"

	"github.com/pxeproof/pxeproof/servers/conf"
)

// The IDs of this reader's problems.
const (
	idUnknown    = "dnsmasq-unknown-directive" // dnsmasq does not start
	idParameter  = "dnsmasq-parameter"         // one is missing, or there is one too many
	idRepeated   = "dnsmasq-repeated"          // what may be said once only
	idQuote      = "dnsmasq-quote"             // a quote without its end
	idValue      = "dnsmasq-bad-value"         // not a value of that kind
	idOption     = "dnsmasq-unknown-option"    // no DHCP option of that name
	idInclude    = "dnsmasq-include"           // a file that cannot be read
	idDepth      = "dnsmasq-include-depth"     // more files than this reader takes
	idUnplayed   = "dnsmasq-not-played"        // known, could change an answer, not obeyed here
	idNoTFTP     = "dnsmasq-tftp-disabled"     // tftp-root without enable-tftp
	idTagUnset   = "dnsmasq-tag-never-set"     // a condition that nothing can meet
	idOldTag     = "dnsmasq-tag-form"          // a bare word where tag: or set: is meant
	idOptionBoot = "dnsmasq-boot-option"       // a boot file as an option alone
)

// maxProblems bounds what a hostile file can make of itself.
const maxProblems = 1000

func (r *reader) report(effect conf.Effect, at conf.Pos, id, hint, format string, args ...any) {
	if len(r.problems) >= maxProblems && effect <= r.worst {
		return
	}
	r.worst = max(r.worst, effect)
	r.problems = append(r.problems, conf.Problem{Pos: at, Effect: effect, ID: id, Hint: hint, Text: fmt.Sprintf(format, args...)})
}

// refuse reports what dnsmasq would not start with.
func (r *reader) refuse(at conf.Pos, id, format string, args ...any) {
	r.report(conf.Refusal, at, id, "", format, args...)
}

func (r *reader) doubt(at conf.Pos, id, format string, args ...any) {
	r.report(conf.Doubt, at, id, "", format, args...)
}
