package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/pxeproof/pxeproof/captures/verdict"
	"github.com/pxeproof/pxeproof/scenarios"
	"github.com/pxeproof/pxeproof/scenarios/report"
)

func runCommand() *cobra.Command {
	var o scenarios.Options
	var asJSON, quiet, all, timings bool
	var jobs int
	cmd := &cobra.Command{
		Use:   "run SCENARIO|FOLDER...",
		Short: "Boot a scenario and prove that it works, or say why not",
		Long: `Boots the machines of a scenario, one of the library or a folder of yours, in a lab
of their own, and judges the boot from the recorded frames. What was seen stays in
the run's folder.

Several scenarios run side by side, with a line for each; what counts then is
whether each did what it is meant to do, as one that provokes a finding must fail.

A scenario with a matrix is run with each of its machines, and the outcomes are shown
side by side; SCENARIO:VARIANT runs one of them.`,
		Example: `  pxeproof run kickstart-nfs
  pxeproof run ./my-scenario --out /tmp/proof
  pxeproof run kickstart-nfs --json | jq .status
  pxeproof run missing-next-server
  pxeproof run --all -j 2`,
		Args: func(cmd *cobra.Command, args []string) error {
			if all {
				return wantArgs(cobra.NoArgs)(cmd, args)
			}
			return wantArgs(cobra.MinimumNArgs(1))(cmd, args)
		},
		ValidArgsFunction: completeScenarios,
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("timeout") && o.Timeout <= 0 {
				return usageError{fmt.Errorf("--timeout %v leaves no time for a boot", o.Timeout)}
			}
			list, err := chosen(args, all)
			if err != nil {
				return err
			}
			if !all && len(list) == 1 && len(list[0].Variants) > 0 && list[0].IsWhole() {
				if asJSON {
					return usageError{fmt.Errorf("--json is for one boot, and %s has %d: choose one, as %[1]s:%[3]s", args[0], len(list[0].Variants), list[0].Variants[0])}
				}
				return runMatrix(cmd, list[0], jobs, o)
			}
			if all || len(list) > 1 {
				if list, err = scenarios.Expand(list); err != nil {
					return err
				}
				if asJSON {
					return usageError{errors.New("--json is for one scenario")}
				}
				if timings {
					return usageError{errors.New("--timings is for one scenario; those of each are in its folder's " + scenarios.RunFile)}
				}
				return runSeveral(cmd, list, jobs, o)
			}
			show := runLadder
			switch {
			case asJSON:
				show = runJSON
			case quiet:
				show = runQuiet
			}
			res, err := show(cmd, list[0], o)
			if timings && res.Timings != nil {
				fmt.Fprintln(cmd.ErrOrStderr())
				err = errors.Join(err, res.Timings.Write(cmd.ErrOrStderr()))
			}
			return err
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.Out, "out", "o", "", "the run's folder (default a new one in runs/)")
	f.BoolVar(&all, "all", false, "run the whole library")
	f.IntVarP(&jobs, "jobs", "j", 0, "with several: how many at once (default one for each processor, as far as memory goes)")
	f.StringVar(&o.Accel, "accel", "auto", "auto, kvm or tcg")
	f.StringVar(&o.QEMU, "qemu", "", "the QEMU program (default qemu-system-x86_64)")
	f.BoolVar(&o.Cold, "cold", false, "boot every machine from its beginning, and not where it asks for an address, from a snapshot of an earlier run")
	f.DurationVar(&o.Timeout, "timeout", 0, "end a boot that has proven nothing (default the scenario's, or "+shortDuration(scenarios.DefaultTimeout)+")")
	f.StringToStringVar(&o.Assets, "asset", nil, "NAME=FILE: use this file for an asset")
	f.BoolVarP(&o.Notes, "verbose", "v", false, "say too what in the configurations has no effect here")
	f.BoolVarP(&quiet, "quiet", "q", false, "print the result alone, in one line")
	f.BoolVar(&timings, "timings", false, "print to standard error where the time went, too")
	f.BoolVar(&asJSON, "json", false, "print the verdict as JSON, and nothing else")
	exclusive(cmd, "quiet", "verbose")
	exclusive(cmd, "quiet", "json")
	_ = cmd.RegisterFlagCompletionFunc("accel", cobra.FixedCompletions([]cobra.Completion{"auto", "kvm", "tcg"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// runQuiet prints the last line of the report.
func runQuiet(cmd *cobra.Command, s *scenarios.Scenario, o scenarios.Options) (scenarios.Result, error) {
	res, err := scenarios.Run(cmd.Context(), s, o)
	if err != nil {
		return res, err
	}
	look := lookOf(cmd)
	look.Folder = relative(res.Dir)
	if err := report.WriteResult(cmd.OutOrStdout(), res.Verdict, look); err != nil {
		return res, err
	}
	return res, verdictStatus(res.Verdict)
}

// runLadder shows the boot as it goes.
func runLadder(cmd *cobra.Command, s *scenarios.Scenario, o scenarios.Options) (scenarios.Result, error) {
	opts := report.Options{Title: s.Name}
	if f, ok := cmd.OutOrStdout().(*os.File); ok {
		opts = opts.On(f)
	}
	var ladder *report.Ladder
	o.Started = func(st scenarios.Start) {
		opts.Folder = relative(st.Dir)
		ladder = report.NewLadder(cmd.OutOrStdout(), opts)
		ladder.Note(fmt.Sprintf("acceleration: %s (%s)", st.Accel.Name, st.Accel.Why))
	}
	o.Update = func(u verdict.Update) { ladder.Update(u) }
	o.Warn = func(text string) { ladder.Note(text) }
	res, err := scenarios.Run(cmd.Context(), s, o)
	if ladder == nil {
		return res, err
	}
	if res.Verdict.Schema == "" {
		_ = ladder.Close()
		return res, err
	}
	if ferr := ladder.Finish(res.Verdict); err == nil && ferr != nil {
		err = ferr
	}
	if err != nil {
		return res, err
	}
	return res, verdictStatus(res.Verdict)
}

// runJSON prints the verdict alone; what is odd goes to standard error.
func runJSON(cmd *cobra.Command, s *scenarios.Scenario, o scenarios.Options) (scenarios.Result, error) {
	o.Warn = func(text string) { fmt.Fprintln(cmd.ErrOrStderr(), text) }
	res, err := scenarios.Run(cmd.Context(), s, o)
	if err != nil {
		return res, err
	}
	if err := writeJSON(cmd, res.Verdict); err != nil {
		return res, err
	}
	return res, verdictStatus(res.Verdict)
}

// verdictStatus is the exit status of a verdict that has been shown.
func verdictStatus(v verdict.Verdict) error {
	switch v.Status {
	case verdict.Pass:
		return nil
	case verdict.Fail:
		return statusError(exitFail)
	}
	return statusError(exitLab)
}

// relative shortens a path for people, if it lies below the working directory.
func relative(path string) string {
	wd, err := os.Getwd()
	if err != nil {
		return path
	}
	rel, err := filepath.Rel(wd, path)
	if err != nil || !filepath.IsLocal(rel) {
		return path
	}
	return rel
}

func shortDuration(d time.Duration) string {
	if d%time.Minute == 0 {
		return fmt.Sprintf("%dm", d/time.Minute)
	}
	return d.String()
}
