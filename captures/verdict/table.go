package verdict

import (
	"slices"

	"github.com/pxeproof/pxeproof/captures"
)

// An Entry is one kind of finding: what it rests on, what it means and how to
// mend it. The table is the reference that `explain` prints.
type Entry struct {
	ID       string   `json:"id"`
	Title    string   `json:"title"`    // in half a line
	Stops    []Stage  `json:"stops"`    // stages at which it can stop a boot; only there is it an error
	Else     Severity `json:"else"`     // its severity in a boot that it did not stop
	Evidence string   `json:"evidence"` // what the wire or the console must show
	Meaning  string   `json:"meaning"`
	Hint     string   `json:"hint"` // how to mend it
	// Over names findings of the same cause that this one replaces.
	Over []string `json:"over,omitempty"`
	// Last resort: only when nothing else explains the failure.
	Fallback bool `json:"fallback,omitempty"`

	detect func(*client) []detection
}

// A detection is a finding as a detector sees it, before it is known whether
// it stopped the boot.
type detection struct {
	Finding
	proof     bool // no later event can let this boot go on
	bystander bool // true, but not what stopped this boot
}

// All is the table, in the order of a boot.
func All() []Entry {
	var list []Entry
	for _, family := range [][]Entry{
		linkEntries(), dhcpEntries(), offerEntries(), nextServerEntries(), tftpEntries(), transferEntries(), unfinishedEntries(),
		loaderEntries(), nfsEntries(), consoleEntries(), outcomeEntries(),
	} {
		list = append(list, family...)
	}
	return list
}

// Describe finds an entry by its ID.
func Describe(id string) (Entry, bool) {
	list := All()
	i := slices.IndexFunc(list, func(e Entry) bool { return e.ID == id })
	if i < 0 {
		return Entry{}, false
	}
	return list[i], true
}

// table is All, made once: it does not change.
var table = All()

// findings are the machine's, errors first. stopped is the stage at which the
// boot fell, NoStage if it did not; final says that nothing more comes.
func (c *client) findings(stopped Stage, final bool) []Finding {
	var list []Finding
	var errs, over []string
	for i := range table {
		t := &table[i]
		if t.Fallback {
			continue
		}
		for _, d := range t.detect(c) {
			f := t.finish(d, stopped)
			if f.Severity == Error {
				errs = append(errs, f.ID)
				over = append(over, t.Over...)
			}
			list = append(list, f)
		}
	}
	if len(errs) == 0 && final && c.status == Fail {
		list = append(list, c.fallback(stopped)...)
	}
	list = slices.DeleteFunc(list, func(f Finding) bool { return slices.Contains(over, f.ID) })
	slices.SortStableFunc(list, func(a, b Finding) int { return int(b.Severity) - int(a.Severity) })
	return list
}

// fallback is what can be said when no finding explains a failure.
func (c *client) fallback(stopped Stage) []Finding {
	for i := range table {
		t := &table[i]
		if !t.Fallback {
			continue
		}
		var list []Finding
		for _, d := range t.detect(c) {
			list = append(list, t.finish(d, stopped))
		}
		if len(list) > 0 {
			return list
		}
	}
	return nil
}

// finish completes a detection.
func (t *Entry) finish(d detection, stopped Stage) Finding {
	f := d.Finding
	f.ID = t.ID
	if f.Hint == "" {
		f.Hint = t.Hint
	}
	f.Severity = t.Else
	if !d.bystander && slices.Contains(t.Stops, stopped) {
		f.Severity = Error
	}
	f.Frames = framesOf(f.Frames...)
	slices.SortStableFunc(f.Frames, func(a, b captures.Frame) int { return a.Number - b.Number })
	f.Where = compactOrigins(f.Where)
	return f
}

func compactOrigins(list []Origin) []Origin {
	var out []Origin
	for _, o := range list {
		if !o.IsZero() && !slices.Contains(out, o) {
			out = append(out, o)
		}
	}
	return out
}

// proven says whether what was seen leaves the boot no way on.
func (c *client) proven() bool {
	stopped := c.failing()
	if stopped == nil {
		return false
	}
	for i := range table {
		t := &table[i]
		if !slices.Contains(t.Stops, stopped.Stage) {
			continue
		}
		for _, d := range t.detect(c) {
			if d.proof && !d.bystander {
				return true
			}
		}
	}
	return false
}

// origins are the config lines that expect something of a field, with what
// belongs to them.
func (c *client) origins(fields ...string) []Origin {
	var list []Origin
	for i := range c.rules {
		r := &c.rules[i]
		for j := range r.Match {
			if m := &r.Match[j]; slices.Contains(fields, m.Field) {
				list = append(list, m.Origin)
				list = append(list, r.Related...)
			}
		}
	}
	return compactOrigins(list)
}

// fileOrigins are the config lines that name a file, and the file itself.
func (c *client) fileOrigins(name string) []Origin {
	if r := c.fileRule(name); r != nil {
		return compactOrigins(append([]Origin{r.Origin, r.Transfer.Disk}, r.Related...))
	}
	return nil
}

// fileRule is the rule that expects a file; nil if none does.
func (c *client) fileRule(name string) *rule {
	for i := range c.rules {
		r := &c.rules[i]
		if t := r.Transfer; t != nil && (t.Name != "" && sameFile(t.Name, name) ||
			slices.ContainsFunc(t.Names, func(n string) bool { return sameFile(n, name) })) {
			return r
		}
	}
	return nil
}
