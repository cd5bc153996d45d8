package main

import (
	"encoding/json"
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
	cmd.AddCommand(benchBootCommand(), benchJudgeCommand())
	return cmd
}

func benchBootCommand() *cobra.Command {
	o := bench.BootOptions{Scenario: "kickstart-nfs", Mark: "pxeproof: file "}
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "boot",
		Short:   "Compare a boot with the same boot in a bare lab (dnsmasq, NFS, QEMU)",
		Example: "  pxeproof bench boot --rounds 3",
		Args:    wantArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Progress = func(text string) { fmt.Fprintln(cmd.ErrOrStderr(), text) }
			r, err := bench.Boot(cmd.Context(), o)
			if err != nil {
				return err
			}
			if asJSON {
				enc := json.NewEncoder(cmd.OutOrStdout())
				enc.SetIndent("", "  ")
				return enc.Encode(r)
			}
			w := cmd.OutOrStdout()
			fmt.Fprintf(w, "%s, power-on to the last proof, acceleration %s\n\n", r.Scenario, r.Accel)
			fmt.Fprintf(w, "  bare lab  %s\n  pxeproof  %s\n", r.Bare.Row("s"), r.Ours.Row("s"))
			fmt.Fprintf(w, "\nratio of the medians: %.2f\n", r.Ours.Median()/r.Bare.Median())
			return nil
		},
	}
	cmd.Flags().IntVarP(&o.Rounds, "rounds", "n", 5, "how often each side boots")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
