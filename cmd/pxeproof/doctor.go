package main

import (
	"github.com/spf13/cobra"

	"github.com/pxeproof/pxeproof/harness/assets"
	"github.com/pxeproof/pxeproof/harness/doctor"
	"github.com/pxeproof/pxeproof/scenarios"
	"github.com/pxeproof/pxeproof/scenarios/report"
)

// demo is the scenario that a machine must be able to run.
const demo = "kickstart-nfs"

func doctorCommand() *cobra.Command {
	var o doctor.Options
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Look whether this machine can run a lab, and say what cures it",
		Long: `Tries what a lab needs (QEMU and its firmware, namespaces, a bridge, taps, boot
files) and says of each whether it is there, and the command that cures it on
this distribution. What is optional is needed by some scenarios only.

Exit status: 0 if the scenario ` + demo + ` would run, 3 if not.`,
		Example: "  pxeproof doctor\n  pxeproof doctor --json | jq -r '.results[] | select(.state == \"missing\") | .cure'",
		Args:    wantArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := scenarios.Load(demo)
			if err != nil {
				return err
			}
			o.Need, o.Store, o.NIC = s.Needs(), &assets.Store{}, s.Machines[0].NICs[0].Model
			r, err := doctor.Examine(cmd.Context(), o)
			if err != nil {
				return err
			}
			if asJSON {
				err = writeJSON(cmd, r)
			} else {
				look := lookOf(cmd)
				if err = report.WriteChecks(cmd.OutOrStdout(), r, look); err == nil {
					err = report.WriteReady(cmd.OutOrStdout(), r, demo, look)
				}
			}
			if err == nil && !r.Ready {
				err = statusError(exitLab)
			}
			return err
		},
	}
	cmd.Flags().StringVar(&o.QEMU, "qemu", "", "the QEMU program (default qemu-system-x86_64)")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
