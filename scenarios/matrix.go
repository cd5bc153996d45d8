package scenarios

import (
	"fmt"
	"slices"
	"strings"
)

// variantSign stands between a scenario's name and a variant's.
const variantSign = ":"

// choose puts one variant of the matrix in the place of the document's machine:
// the one called for, or the first.
func (s *Scenario) choose(y *scenarioYAML, variant string) error {
	if len(y.Matrix) == 0 {
		if variant != "" {
			return fmt.Errorf("%s: there is no matrix, and so no variant %q", s.display(File), variant)
		}
		return nil
	}
	file := s.display(File)
	if len(y.Machines) != 1 {
		return problem(y.Matrix[0].pos(file), "matrix: its variants take the place of the one machine, and there are %d", len(y.Machines))
	}
	if len(y.Provokes) > 0 {
		return problem(y.Matrix[0].pos(file), "matrix: each variant says by itself what it provokes; take provokes: out of the scenario")
	}
	for _, v := range y.Matrix {
		if !portName.MatchString(v.name) {
			return problem(v.pos(file), "the variant name %q: use 1 to 15 letters, digits, dots, dashes", v.name)
		}
		s.Variants = append(s.Variants, v.name)
	}
	at := 0
	if variant != "" {
		if at = slices.Index(s.Variants, variant); at < 0 {
			return fmt.Errorf("%s: there is no variant %q; there are %s", file, variant, strings.Join(s.Variants, ", "))
		}
		s.Name += variantSign + variant
	}
	v := y.Matrix[at]
	y.Machines[0].v, y.Provokes = v.v.Machine, v.v.Provokes
	return nil
}

// IsWhole says whether the scenario stands for all of its variants.
func (s *Scenario) IsWhole() bool { return !s.variant }

// Expand replaces scenarios that have a matrix by their variants. One that Load
// was asked for as a variant stays what it is.
func Expand(list []*Scenario) ([]*Scenario, error) {
	var all []*Scenario
	for _, s := range list {
		if len(s.Variants) == 0 || s.variant {
			all = append(all, s)
			continue
		}
		for _, v := range s.Variants {
			one, err := Load(s.arg + variantSign + v)
			if err != nil {
				return nil, err
			}
			all = append(all, one)
		}
	}
	return all, nil
}
