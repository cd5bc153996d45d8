package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pxeproof/pxeproof/scenarios/bench"
)

func benchCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "bench",
		Short:   "Measure, side by side in one run",
		Example: "  pxeproof bench boot --rounds 3",
		Args:    wantArgs(cobra.NoArgs),
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(benchBootCommand(), benchJudgeCommand(), benchTFTPCommand())
	return cmd
}

func benchBootCommand() *cobra.Command {
	var o bench.BootOptions
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "boot [ROW...]",
		Short: "Compare boots with the same in a bare lab (dnsmasq and QEMU, untuned)",
		Long: `Boots scenarios of the library in turn in a bare lab, of dnsmasq and QEMU as their
manuals have them, and with pxeproof, and prints the ratios of the medians. Then it
runs the whole library side by side and one by one, and tells in what time each of
its failing scenarios is proven.`,
		Example: "  pxeproof bench boot\n  pxeproof bench boot 'first-process warm' --rounds 3",
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Rows = args
			o.Progress = func(text string) { fmt.Fprintln(cmd.ErrOrStderr(), text) }
			r, err := bench.Boot(cmd.Context(), o)
			switch {
			case err != nil && len(r.Boots) == 0:
				return err
			case asJSON:
				return errors.Join(err, writeJSON(cmd, r))
			}
			return errors.Join(err, r.Write(cmd.OutOrStdout()))
		},
	}
	cmd.Flags().IntVarP(&o.Rounds, "rounds", "n", 5, "how often each side boots")
	cmd.Flags().BoolVar(&o.NoLibrary, "no-library", false, "leave out the library as a whole")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
