package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pxeproof/pxeproof/captures/verdict"
	"github.com/pxeproof/pxeproof/scenarios"
	"github.com/pxeproof/pxeproof/scenarios/report"
)

// runMatrix runs the variants of a scenario and shows the outcomes side by side.
// What counts is, as with several scenarios, whether each did what it is meant to.
func runMatrix(cmd *cobra.Command, s *scenarios.Scenario, jobs int, o scenarios.Options) error {
	list, err := scenarios.Expand([]*scenarios.Scenario{s})
	if err != nil {
		return err
	}
	ends := map[string]scenarios.Ending{}
	scenarios.RunAll(cmd.Context(), list, jobs, o, func(e scenarios.Ending) { ends[e.Scenario.Name] = e })
	var columns []report.Column
	var after []string
	wrong, broken := 0, 0
	for i, one := range list {
		e := ends[one.Name]
		columns = append(columns, report.Column{Name: s.Variants[i], Verdict: e.Result.Verdict, Err: e.Err})
		switch {
		case e.Err != nil:
			broken++
			after = append(after, fmt.Sprintf("%s: %v", one.Name, e.Err))
			continue
		case e.Result.Verdict.Status == verdict.Inconclusive:
			broken++
		case !one.AsMeant(e.Result.Verdict):
			wrong++
			after = append(after, one.Name+": "+strings.TrimPrefix(meant(one), "; "))
		}
		for _, c := range e.Result.Verdict.Clients {
			for _, f := range c.Findings {
				after = append(after, fmt.Sprintf("%s: %s", s.Variants[i], f.Summary))
			}
		}
		after = append(after, fmt.Sprintf("%s: %s", s.Variants[i], relative(e.Result.Dir)))
	}
	w := cmd.OutOrStdout()
	fmt.Fprintf(w, "%s  %s\n\n", s.Name, s.About)
	if err := report.WriteMatrix(w, columns, lookOf(cmd)); err != nil {
		return err
	}
	fmt.Fprintln(w)
	for _, text := range after {
		fmt.Fprintln(w, text)
	}
	return severalStatus(wrong, broken)
}
