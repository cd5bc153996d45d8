package main

import (
	"encoding/json"
	"os"

	"github.com/spf13/cobra"

	"github.com/pxeproof/pxeproof/scenarios/report"
)

// lookOf is how text looks where a command's output goes.
func lookOf(cmd *cobra.Command) report.Options {
	var o report.Options
	if f, ok := cmd.OutOrStdout().(*os.File); ok {
		o = o.On(f)
		o.Live = false
	}
	return o
}

// writeJSON prints a value as --json does everywhere.
func writeJSON(cmd *cobra.Command, v any) error {
	enc := json.NewEncoder(cmd.OutOrStdout())
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
