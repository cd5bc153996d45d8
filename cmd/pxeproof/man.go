package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// manCommand is for packagers and the Makefile.
func manCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "man FOLDER",
		Short:             "Write the manual pages, one a verb",
		Long:              "Writes pxeproof.1 and a page for each verb into a folder, which is made.",
		Example:           "  pxeproof man ~/.local/share/man/man1",
		Hidden:            true,
		Args:              wantArgs(cobra.ExactArgs(1)),
		ValidArgsFunction: completeFolders,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return err
			}
			root := cmd.Root()
			root.DisableAutoGenTag = true // the date would make every build differ
			err := doc.GenManTree(root, &doc.GenManHeader{Section: "1", Source: "pxeproof", Manual: "pxeproof"}, args[0])
			if err != nil {
				return fmt.Errorf("the manual pages: %w", err)
			}
			return nil
		},
	}
}
