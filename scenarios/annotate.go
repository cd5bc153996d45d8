package scenarios

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/pxeproof/pxeproof/captures"
	"github.com/pxeproof/pxeproof/captures/pcap"
	"github.com/pxeproof/pxeproof/captures/verdict"
)

// annotator is the program's name in the file's header and before its comments.
const annotator = "pxeproof"

// Annotate writes a capture again as pcapng: every frame with its interface and
// the comments that it has, and beside those a comment on each frame that a
// finding or a stage's outcome names. Wireshark shows them, and filters by
// frame.comment. The verdict must be of this capture, for it names frames by
// their numbers. Interfaces that lost frames keep their counts.
//
// A capture that is cut off or corrupt is written as far as it can be read; the
// error is then an *InputError. Any other error is of writing.
func Annotate(w io.Writer, capture io.Reader, v verdict.Verdict) error {
	in, err := pcap.NewReader(capture)
	if err != nil {
		return &InputError{err}
	}
	a := annotation{in: in, out: pcap.NewWriter(w, annotator), comments: comments(&v)}
	return a.copy()
}

// An annotation is being written.
type annotation struct {
	in       *pcap.Reader
	out      *pcap.Writer
	comments map[int][]string // by frame
	frames   []uint64         // by interface; as many as were added to out
	last     time.Time
}

func (a *annotation) copy() error {
	var p pcap.Packet
	var damage error
	for n := 1; ; n++ {
		err := a.in.Next(&p)
		if err == io.EOF {
			break
		}
		if err != nil {
			damage = &InputError{err}
			break
		}
		if err := a.packet(n, &p); err != nil {
			return err
		}
	}
	return errors.Join(a.finish(), damage)
}

func (a *annotation) packet(n int, p *pcap.Packet) error {
	if p.Interface >= len(a.frames) {
		if err := a.interfaces(); err != nil {
			return err
		}
	}
	all := slices.Clone(p.Comments)
	for _, c := range a.comments[n] {
		// A capture that is annotated twice says everything once.
		if !slices.Contains(all, c) {
			all = append(all, c)
		}
	}
	a.frames[p.Interface]++
	a.last = stamp(p.At)
	return a.out.Packet(p.Interface, a.last, p.Data, p.Length, all...)
}

// interfaces adds those that have been met since.
func (a *annotation) interfaces() error {
	for _, i := range a.in.Interfaces()[len(a.frames):] {
		if _, err := a.out.Interface(i.Name, i.Link); err != nil {
			return err
		}
		a.frames = append(a.frames, 0)
	}
	return nil
}

func (a *annotation) finish() error {
	if err := a.interfaces(); err != nil {
		return err
	}
	for n, i := range a.in.Interfaces() {
		if i.Dropped == 0 {
			continue
		}
		if err := a.out.Statistics(n, stamp(a.last), a.frames[n]+i.Dropped, i.Dropped); err != nil {
			return err
		}
	}
	return a.out.Flush()
}

// stamp is a time that nanoseconds in 64 bits can hold: a simple packet block
// has none at all, and a corrupt one may have any.
func stamp(t time.Time) time.Time {
	if t.Before(time.Unix(0, 0)) {
		return time.Unix(0, 0)
	}
	if most := time.Unix(0, math.MaxInt64); t.After(most) {
		return most
	}
	return t
}

// comments are what a verdict has to say of each frame.
func comments(v *verdict.Verdict) map[int][]string {
	all := map[int][]string{}
	add := func(f captures.Frame, text string) {
		if f.Number > 0 && f.File == "" && !slices.Contains(all[f.Number], text) {
			all[f.Number] = append(all[f.Number], text)
		}
	}
	for i := range v.Clients {
		c := &v.Clients[i]
		who := annotator + ": "
		if len(v.Clients) > 1 {
			name := c.Name
			if name == "" {
				name = c.Host
			}
			who += name + ": "
			if c.Boot > 0 {
				who += fmt.Sprintf("boot %d: ", c.Boot)
			}
		}
		for _, f := range c.Findings {
			text := who + findingComment(&f)
			for _, frame := range f.Frames {
				add(frame, text)
			}
		}
		for _, o := range c.Outcomes {
			word := map[verdict.Status]string{verdict.Pass: "ok", verdict.Fail: "FAIL"}[o.Status]
			if word == "" || len(o.Frames) == 0 {
				continue
			}
			// The last frame is the one that settled it.
			add(o.Frames[len(o.Frames)-1], who+fmt.Sprintf("%s %s: %s", o.Stage, word, commentText(o.Evidence)))
		}
	}
	return all
}

// findingComment is a finding in one line.
func findingComment(f *verdict.Finding) string {
	s := fmt.Sprintf("%s %s: %s", f.Severity, f.ID, commentText(f.Summary))
	for i, w := range f.Where {
		word := "; "
		if i == 0 {
			word = " | where: "
		}
		s += word + commentText(w.String())
	}
	if f.Hint != "" {
		s += " | mend: " + commentText(f.Hint)
	}
	return s
}

// commentText is text in one line of UTF-8.
func commentText(s string) string {
	return strings.Join(strings.Fields(strings.ToValidUTF8(s, "\uFFFD")), " ")
}
