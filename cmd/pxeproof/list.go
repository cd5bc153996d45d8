package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/pxeproof/pxeproof/captures/verdict"
	"github.com/pxeproof/pxeproof/scenarios"
)

func listCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:       "list [scenarios|findings]",
		Short:     "List the scenarios of the library, or the kinds of finding",
		Long:      "Lists the scenarios that pxeproof run knows by name (the default), or the kinds of\nfinding that pxeproof explain knows.",
		Example:   "  pxeproof list\n  pxeproof list findings",
		Args:      wantArgs(cobra.MatchAll(cobra.MaximumNArgs(1), cobra.OnlyValidArgs)),
		ValidArgs: []cobra.Completion{"scenarios", "findings"},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 && args[0] == "findings" {
				return listFindings(cmd, asJSON)
			}
			return listScenarios(cmd, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func listScenarios(cmd *cobra.Command, asJSON bool) error {
	all, err := scenarios.List()
	if err != nil {
		return err
	}
	type row struct {
		Name  string `json:"name"`
		About string `json:"about"`
	}
	rows := make([]row, len(all))
	for i, s := range all {
		rows[i] = row{s.Name, s.About}
	}
	if asJSON {
		return writeJSON(cmd, rows)
	}
	w := columns(cmd.OutOrStdout())
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%s\n", r.Name, r.About)
	}
	return w.Flush()
}

func listFindings(cmd *cobra.Command, asJSON bool) error {
	if asJSON {
		return writeJSON(cmd, verdict.All())
	}
	w := columns(cmd.OutOrStdout())
	for _, e := range verdict.All() {
		fmt.Fprintf(w, "%s\t%s\n", e.ID, e.Title)
	}
	return w.Flush()
}

func columns(w io.Writer) *tabwriter.Writer { return tabwriter.NewWriter(w, 0, 8, 2, ' ', 0) }
