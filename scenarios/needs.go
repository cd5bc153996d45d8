package scenarios

import (
	"slices"
	"strings"

	"github.com/pxeproof/pxeproof/harness/guest"
)

// Needs lists the distribution's files that a run looks for: the scenario's
// assets, and what those are made of that pxeproof makes.
func (s *Scenario) Needs() []string {
	var names []string
	for _, a := range s.Assets {
		parts := []string{a.Name}
		if payload, made := strings.CutPrefix(a.Name, madePrefix); made {
			parts = guest.Payload(payload).Needs()
		}
		for _, p := range parts {
			if !slices.Contains(names, p) {
				names = append(names, p)
			}
		}
	}
	return names
}
