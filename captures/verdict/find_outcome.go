package verdict

import "fmt"

// Findings that the outcomes themselves give: what was seen is not what the
// configuration, the disk or the author says.
func outcomeEntries() []Entry {
	all := Stages()
	return []Entry{{
		ID: "wire-differs", Title: "a packet says other than the configuration", Stops: all,
		Evidence: "A field of a packet whose value is not the one that the configuration predicts.",
		Meaning:  "The server did not do what its configuration says: it was not restarted, another declaration takes precedence, or another server answered.",
		Hint:     "Compare the value with the line named; see which server sent the packet.",
		detect: func(c *client) []detection {
			return c.mismatches(func(r *rule, m *Mismatch) bool {
				return r.Transfer == nil && r.Console == nil && m.Field != fieldWithin
			})
		},
	}, {
		ID: "file-differs", Title: "the bytes that arrived are not those on disk", Stops: all,
		Evidence: "The SHA-256 of a file as it went over the wire, or as the booted system read it, is not that of the file on disk; or its size is larger.",
		Meaning:  "Another file of that name was served, it changed while it was served, or it was damaged on the way.",
		Hint:     "See from which server and directory the file came.",
		detect: func(c *client) []detection {
			return c.mismatches(func(r *rule, m *Mismatch) bool {
				return m.Field == fieldSHA256 || m.Field == fieldSize && !shorter(m) || m.Field == fieldServer
			})
		},
	}, {
		ID: "transfer-slow", Title: "slower than required", Stops: all,
		Evidence: "A transfer's rate, repetitions or time are worse than the scenario demands.",
		Meaning:  "The boot works, and not as fast as its author asks.",
		Hint:     "See blksize and windowsize of the transfer, its repetitions, and the time from request to answer.",
		detect: func(c *client) []detection {
			return c.mismatches(func(r *rule, m *Mismatch) bool {
				return m.Field == fieldRate || m.Field == fieldResent || m.Field == fieldWithin
			})
		},
	}, {
		ID: "must-not-be-seen", Title: "something was seen that must not be", Stops: all,
		Evidence: "An event that the scenario forbids.",
		Meaning:  "The author of the scenario said that this must not happen.",
		Hint:     "See the frames and the line named.",
		detect:   forbidden,
	}, {
		ID: "unexplained", Title: "the boot stopped, and nothing known explains it", Stops: all, Fallback: true,
		Evidence: "None of the other findings.",
		Meaning:  "What was expected did not come, and nothing that is known to stop a boot was seen.",
		Hint:     "Look at the last frames of the capture and at the last lines of the console.",
		detect:   unexplained,
	}}
}

// shorter says whether a mismatch of sizes means that bytes are missing.
func shorter(m *Mismatch) bool {
	return m.Field == fieldSize && (len(m.Got) < len(m.Want) || len(m.Got) == len(m.Want) && m.Got < m.Want)
}

func (c *client) mismatches(ok func(*rule, *Mismatch) bool) []detection {
	var list []detection
	for i := range c.rules {
		r := &c.rules[i]
		if r.Absent {
			continue
		}
		d := detection{}
		for j := range r.out.Mismatches {
			m := &r.out.Mismatches[j]
			if !ok(r, m) {
				continue
			}
			if d.Summary != "" {
				d.Summary += " "
			}
			d.Summary += fmt.Sprintf("%s: %s.", clean(r.title), m)
			d.Where = append(d.Where, m.Origin)
		}
		if d.Summary == "" {
			continue
		}
		d.Frames, d.proof = r.out.Frames, true
		d.Where = append(d.Where, r.Related...)
		if r.Transfer != nil {
			d.Where = append(d.Where, r.Transfer.Disk)
		}
		list = append(list, d)
	}
	return list
}

func forbidden(c *client) []detection {
	var list []detection
	for i := range c.rules {
		r := &c.rules[i]
		if !r.Absent || r.out.Status != Fail {
			continue
		}
		d := detection{proof: true}
		d.Summary = fmt.Sprintf("%s: %s.", clean(r.title), r.out.Evidence)
		d.Frames, d.Where = r.out.Frames, append([]Origin{r.Origin}, r.Related...)
		list = append(list, d)
	}
	return list
}

func unexplained(c *client) []detection {
	d := detection{proof: c.f.stopped()}
	if l := c.last(); l != nil {
		d.Summary = fmt.Sprintf("The last thing seen was %s, %s after power-on", l.Text, l.After)
		d.Frames = l.Frames
	} else {
		d.Summary = "Nothing was seen"
	}
	if n := c.next(); n != nil {
		d.Summary += "; next should have come " + n.Text
		d.Where = []Origin{n.Origin}
	}
	d.Summary += "."
	return []detection{d}
}
