package verdict

import (
	"errors"
	"fmt"
	"net"
	"regexp"
	"strings"

	"github.com/pxeproof/pxeproof/captures"
)

// Validate says what is wrong with the expectations: unknown operators, two of
// one ID, an After that names nothing, a machine without a MAC. NewJudge does
// it too.
func (x *Expectations) Validate() error {
	var errs []error
	if x.Schema != "" && x.Schema != ExpectationsSchema {
		errs = append(errs, fmt.Errorf("the schema is %q: want %q", x.Schema, ExpectationsSchema))
	}
	hosts := map[string]bool{}
	for i := range x.Machines {
		m := &x.Machines[i]
		if mac, err := net.ParseMAC(m.MAC); err != nil || mac.String() != m.MAC {
			errs = append(errs, fmt.Errorf("machine %q: %q is no MAC in lower case with colons", m.Name, m.MAC))
		}
		if hosts[m.MAC] {
			errs = append(errs, fmt.Errorf("machine %q: another machine has its MAC %s", m.Name, m.MAC))
		}
		hosts[m.MAC] = true
		if _, err := compileAll(m.Expect); err != nil {
			errs = append(errs, fmt.Errorf("machine %q: %w", m.Name, err))
		}
	}
	return errors.Join(errs...)
}

// A rule is an Expectation made ready, with what became of it.
type rule struct {
	Expectation
	matches []compiledMatch
	line    *regexp.Regexp // of Console
	after   []int          // indices of After
	title   string
	fits    func(*captures.Transfer) bool // of a discovered machine, in place of Transfer

	out   Outcome
	early bool // seen, but before what After names
}

func compileAll(list []Expectation) ([]rule, error) {
	rules := make([]rule, len(list))
	index := map[string]int{}
	var errs []error
	for i, x := range list {
		r, err := x.compile()
		if err != nil {
			errs = append(errs, err)
		}
		if _, twice := index[x.ID]; twice && x.ID != "" {
			errs = append(errs, fmt.Errorf("two expectations have the ID %q", x.ID))
		}
		for _, id := range x.After {
			j, ok := index[id]
			if !ok {
				errs = append(errs, fmt.Errorf("expectation %q comes after %q, which is none before it", x.ID, id))
				continue
			}
			r.after = append(r.after, j)
		}
		index[x.ID] = i
		rules[i] = r
	}
	return rules, errors.Join(errs...)
}

func (x Expectation) compile() (rule, error) {
	r := rule{Expectation: x, title: x.Title}
	var errs []error
	if x.Stage == NoStage || x.Stage > Files {
		errs = append(errs, errors.New("it has no stage"))
	}
	forms := 0
	for _, has := range []bool{len(x.Kinds) > 0, x.Transfer != nil, x.Console != nil, x.NotApplicable != ""} {
		if has {
			forms++
		}
	}
	if forms != 1 {
		errs = append(errs, errors.New("want exactly one of kinds, transfer, console and not_applicable"))
	}
	for _, m := range x.Match {
		c, err := m.compile()
		if err != nil {
			errs = append(errs, err)
		}
		r.matches = append(r.matches, c)
	}
	if x.Console != nil {
		if x.Console.Contains == "" && x.Console.Regexp == "" {
			errs = append(errs, errors.New("console: want contains or regexp"))
		}
		re, err := regexp.Compile(x.Console.Regexp)
		if err != nil {
			errs = append(errs, err)
		}
		r.line = re
	}
	if t := x.Transfer; t != nil && t.Name != "" && len(t.Names) > 0 {
		errs = append(errs, errors.New("transfer: name and names exclude each other"))
	}
	if t := x.Transfer; t != nil && t.MaxResent != nil && t.Protocol != "tftp" {
		errs = append(errs, errors.New("transfer: max_resent is for the protocol tftp alone"))
	}
	if r.title == "" {
		r.title = x.words()
	}
	r.out = Outcome{ID: x.ID, Stage: x.Stage, Title: r.title, Origin: x.Origin}
	if x.NotApplicable != "" {
		r.out.Status, r.out.Evidence = Skipped, x.NotApplicable
	}
	if err := errors.Join(errs...); err != nil {
		return r, fmt.Errorf("expectation %q: %w", x.ID, err)
	}
	return r, nil
}

// words makes a title of what is expected.
func (x *Expectation) words() string {
	switch {
	case x.NotApplicable != "":
		return "nothing"
	case x.Transfer != nil:
		t := x.Transfer
		s := "a file"
		switch {
		case t.Name != "":
			s = t.Name
		case len(t.Names) > 3:
			s = fmt.Sprintf("one of %d names from %s to %s", len(t.Names), t.Names[0], t.Names[len(t.Names)-1])
		case len(t.Names) > 0:
			s = "one of " + strings.Join(t.Names, ", ")
		}
		if t.Protocol != "" {
			s += " over " + strings.ToUpper(t.Protocol)
		}
		if t.Server.IsValid() {
			s += " from " + t.Server.String()
		}
		return s
	case x.Console != nil:
		if x.Console.Contains != "" {
			return fmt.Sprintf("%q on the console", x.Console.Contains)
		}
		return fmt.Sprintf("/%s/ on the console", x.Console.Regexp)
	}
	var kinds []string
	for _, k := range x.Kinds {
		kinds = append(kinds, string(k))
	}
	s := strings.Join(kinds, " or ")
	for i := range x.Match {
		if m := &x.Match[i]; m.Op == Present || m.Op == Missing {
			s += fmt.Sprintf(", %s %s", m.Field, m.Op)
		} else {
			s += fmt.Sprintf(", %s %s", m.Field, m.want())
		}
	}
	return s
}
