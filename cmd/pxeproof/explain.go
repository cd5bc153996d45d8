package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pxeproof/pxeproof/captures/verdict"
	"github.com/pxeproof/pxeproof/scenarios/report"
)

func explainCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "explain FINDING",
		Short: "Explain a finding: what it rests on, what it means, how to mend it",
		Long: `Prints the entry of a finding, by the ID that a verdict shows. pxeproof list
findings has them all.`,
		Example:           "  pxeproof explain dhcp-next-server-unset",
		Args:              wantArgs(cobra.ExactArgs(1)),
		ValidArgsFunction: completeFindings,
		RunE: func(cmd *cobra.Command, args []string) error {
			e, ok := verdict.Describe(args[0])
			if !ok {
				return usageError{fmt.Errorf("no finding is called %q; pxeproof list findings has them all", args[0])}
			}
			if asJSON {
				return writeJSON(cmd, e)
			}
			return report.WriteEntry(cmd.OutOrStdout(), e, lookOf(cmd))
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
