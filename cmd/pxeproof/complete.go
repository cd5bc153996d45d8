package main

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/pxeproof/pxeproof/captures/verdict"
	"github.com/pxeproof/pxeproof/scenarios"
)

// completeScenarios offers the library's names that are not there yet, and folders.
func completeScenarios(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	all, err := scenarios.List()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var names []cobra.Completion
	for _, s := range all {
		if !slices.Contains(args, s.Name) {
			names = append(names, cobra.CompletionWithDesc(s.Name, s.About))
		}
	}
	return names, cobra.ShellCompDirectiveDefault
}

// completeFindings offers the IDs of the table.
func completeFindings(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var ids []cobra.Completion
	for _, e := range verdict.All() {
		ids = append(ids, cobra.CompletionWithDesc(e.ID, e.Title))
	}
	return ids, cobra.ShellCompDirectiveNoFileComp
}

// completeFolders offers folders alone.
func completeFolders(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveFilterDirs
}
