package verdict

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pxeproof/pxeproof/captures"
)

// A hit is what an event says to a rule that it concerns.
type hit struct {
	evidence   string
	frames     []captures.Frame
	mismatches []Mismatch
	unknown    string // it cannot be told whether it matches, and why
}

// try holds an event against the rule. ok is false if it is not about it.
func (r *rule) try(e *captures.Event, transfer func(*captures.Event) (captures.Transfer, bool)) (h hit, ok bool) {
	if !r.concerns(e) {
		return hit{}, false
	}
	for i := range r.matches {
		m := &r.matches[i]
		good, got := m.check(e)
		switch {
		case good:
		case m.Select:
			return hit{}, false
		default:
			origin := m.Origin
			if origin.IsZero() {
				origin = r.Origin
			}
			h.mismatches = append(h.mismatches, Mismatch{Field: m.Field, Want: m.want(), Got: clean(got), Origin: origin})
		}
	}
	switch {
	case r.Console != nil:
		h.evidence = strconv.Quote(clean(lineWords(e.Text("text"))))
		r.checkConsole(e, &h)
	case r.Transfer != nil, r.fits != nil:
		t, known := transfer(e)
		if !known || r.fits != nil && !r.fits(&t) || r.Transfer != nil && !r.names(&t) {
			return hit{}, false
		}
		h.evidence = transferWords(&t)
		h.frames = framesOf(t.Start, t.End)
		if r.Transfer != nil {
			r.checkTransfer(&t, &h)
		}
	default:
		h.evidence = evidence(e)
		h.frames = framesOf(e.Frame)
	}
	return h, true
}

// concerns says whether the event is of a kind that the rule is about.
func (r *rule) concerns(e *captures.Event) bool {
	switch {
	case len(r.Kinds) > 0:
		return slices.Contains(r.Kinds, e.Kind)
	case r.Transfer != nil, r.fits != nil:
		return isTransferEnd(e.Kind)
	case r.Console != nil:
		if e.Kind != captures.ConsoleLine {
			return false
		}
		text := e.Text("text")
		return strings.Contains(text, r.Console.Contains) && r.line.MatchString(text)
	}
	return false
}

func isTransferEnd(k captures.Kind) bool {
	return k == captures.TFTPDone || k == captures.NFSDone || k == captures.HTTPDone
}

// names says whether a transfer is of the rule's file.
func (r *rule) names(t *captures.Transfer) bool {
	want := r.Transfer
	if want.Protocol != "" && want.Protocol != t.Protocol {
		return false
	}
	if want.Name == "" && len(want.Names) == 0 {
		return true
	}
	return sameName(t, want.Name) || slices.ContainsFunc(want.Names, func(n string) bool { return sameName(t, n) })
}

func sameName(t *captures.Transfer, want string) bool {
	if want == "" {
		return false
	}
	if sameFile(t.Name, want) {
		return true
	}
	switch t.Protocol {
	case "nfs":
		// A capture that began after the mount knows only the end of a path:
		// "?/ks".
		end, ok := strings.CutPrefix(t.Name, "?/")
		return ok && strings.HasSuffix("/"+cleanName(want), "/"+cleanName(end))
	case "http":
		// What is asked for has no host, and may have a query.
		path, _, _ := strings.Cut(t.Name, "?")
		return sameFile(path, want)
	}
	return false
}

func (r *rule) checkTransfer(t *captures.Transfer, h *hit) {
	want := r.Transfer
	differs := func(field, w, g string) {
		h.mismatches = append(h.mismatches, Mismatch{Field: field, Want: w, Got: g, Origin: r.Origin})
	}
	if want.Server.IsValid() && t.Server.Addr() != want.Server {
		differs(fieldServer, want.Server.String(), t.Server.Addr().String())
	}
	if want.Size > 0 && t.Bytes != want.Size {
		differs(fieldSize, strconv.FormatInt(want.Size, 10), strconv.FormatInt(t.Bytes, 10))
	} else if want.SHA256 != "" {
		switch {
		case t.Digest == nil:
			h.unknown = "the capture does not hold every byte of it, so its digest is not known"
		case !strings.EqualFold(hex.EncodeToString(t.Digest), want.SHA256):
			differs(fieldSHA256, strings.ToLower(want.SHA256), hex.EncodeToString(t.Digest))
		default:
			h.evidence += ", SHA-256 matches"
		}
	}
	if got := rate(t.Bytes, t.Ended.Sub(t.Begun)); want.MinRate > 0 && got < want.MinRate {
		differs(fieldRate, "at least "+size(int64(want.MinRate))+"/s", size(int64(got))+"/s")
	}
	if want.MaxResent != nil && t.Resent > *want.MaxResent {
		differs(fieldResent, fmt.Sprintf("at most %d", *want.MaxResent), strconv.Itoa(t.Resent))
	}
}

// Fields that a mismatch of a transfer names; no packet has them.
const (
	fieldServer = "server"
	fieldSize   = "size"
	fieldSHA256 = "sha256"
	fieldRate   = "rate"
	fieldResent = "resent"
)

func (r *rule) checkConsole(e *captures.Event, h *hit) {
	want := r.Console.SHA256
	if want == "" {
		return
	}
	_, rest, _ := strings.Cut(e.Text("text"), "sha256=")
	got, _, _ := strings.Cut(rest, " ")
	if strings.EqualFold(got, want) {
		h.evidence = "SHA-256 matches, as the booted system read it"
		return
	}
	if got = clean(got); got == "" {
		got = "nothing"
	}
	h.mismatches = append(h.mismatches, Mismatch{Field: fieldSHA256, Want: strings.ToLower(want), Got: got, Origin: r.Origin})
}

// lineWords is a console line without the kernel's time before it, and of a
// kernel's first line what tells it from another kernel.
func lineWords(line string) string {
	line = strings.TrimSpace(line)
	if strings.HasPrefix(line, "[") {
		if stamp, rest, ok := strings.Cut(line, "] "); ok && strings.Trim(stamp, "[ .0123456789") == "" {
			line = rest
		}
	}
	if strings.HasPrefix(line, "Linux version ") {
		line, _, _ = strings.Cut(line, " (")
	}
	return line
}

// evidence is what an event proves, in the fewest words.
func evidence(e *captures.Event) string {
	switch e.Kind {
	case captures.DHCPAck, captures.BOOTPReply, captures.DHCPOffer:
		return leaseWords(e)
	}
	return describe(e)
}

// framesOf lists frames without repetition and without the zero Frame.
func framesOf(frames ...captures.Frame) []captures.Frame {
	var list []captures.Frame
	for _, f := range frames {
		if f.Number != 0 && !slices.Contains(list, f) {
			list = append(list, f)
		}
	}
	return list
}
