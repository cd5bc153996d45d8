package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pxeproof/pxeproof/captures/verdict"
	"github.com/pxeproof/pxeproof/scenarios"
)

// runSeveral runs scenarios side by side and prints a line for each. What counts
// is whether each did what it is meant to: most of the library is there to fail.
func runSeveral(cmd *cobra.Command, list []*scenarios.Scenario, jobs int, o scenarios.Options) error {
	begun := time.Now()
	if jobs <= 0 {
		jobs = scenarios.Jobs(list)
	}
	wide := 0
	for _, s := range list {
		wide = max(wide, len(s.Name))
	}
	w := cmd.OutOrStdout()
	wrong, broken, largest := 0, 0, int64(0)
	scenarios.RunAll(cmd.Context(), list, jobs, o, func(e scenarios.Ending) {
		mark, text := "ok", summary(e)
		switch {
		case e.Err != nil, e.Result.Verdict.Status == verdict.Inconclusive:
			broken++
			mark = "BROKEN"
		case !e.Scenario.AsMeant(e.Result.Verdict):
			wrong++
			mark = "WRONG"
			text += meant(e.Scenario) + "; see " + relative(e.Result.Dir)
		}
		largest = max(largest, e.Result.Memory)
		fmt.Fprintf(w, "%-6s  %-*s  %5.1f s  %4.0f MB  %s\n", mark, wide, e.Scenario.Name, e.Took.Seconds(), float64(e.Result.Memory)/1e6, text)
	})
	fmt.Fprintf(w, "\n%d of %d did what they are meant to, in %.1f s, %d at once; none took more than %.0f MB of memory\n",
		len(list)-wrong-broken, len(list), time.Since(begun).Seconds(), jobs, float64(largest)/1e6)
	return severalStatus(wrong, broken)
}

// severalStatus is the exit status of several runs, of which some did not do what
// they are meant to and some did not come to a verdict.
func severalStatus(wrong, broken int) error {
	switch {
	case broken > 0:
		return statusError(exitLab)
	case wrong > 0:
		return statusError(exitFail)
	}
	return nil
}

// summary is one run in a line.
func summary(e scenarios.Ending) string {
	if e.Err != nil {
		text, _, _ := strings.Cut(e.Err.Error(), "\n")
		return text
	}
	v := e.Result.Verdict
	text := strings.ToUpper(v.Status.String())
	for _, c := range v.Clients {
		text += fmt.Sprintf(", %s reached %s", c.Name, c.Reached)
		for _, f := range c.Findings {
			text += ", " + f.ID
		}
	}
	return text
}

func meant(s *scenarios.Scenario) string {
	if len(s.Provokes) == 0 {
		return "; meant to pass without findings"
	}
	return "; meant to provoke " + strings.Join(s.Provokes, ", ")
}

// chosen loads what the arguments name, or all of the library.
func chosen(args []string, all bool) ([]*scenarios.Scenario, error) {
	if all {
		return scenarios.List()
	}
	var list []*scenarios.Scenario
	for _, a := range args {
		s, err := scenarios.Load(a)
		if err != nil {
			return nil, &scenarios.InputError{Err: err}
		}
		list = append(list, s)
	}
	return list, nil
}
