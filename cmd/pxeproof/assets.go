package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/pxeproof/pxeproof/harness/assets"
)

func assetsCommand() *cobra.Command {
	var fetch, asJSON bool
	cmd := &cobra.Command{
		Use:   "assets [NAME...]",
		Short: "Show which firmware, loaders and kernels were found, and where",
		Long: `Lists the files that belong to a distribution: where each was found, its package,
version and hash. With --fetch, those that are missing are downloaded as packages
of this distribution and unpacked into the user's cache; nothing is installed.`,
		Example: "  pxeproof assets\n  pxeproof assets --fetch pxelinux.0 kernel",
		RunE: func(cmd *cobra.Command, names []string) error {
			store := &assets.Store{Log: func(m string) { fmt.Fprintln(cmd.ErrOrStderr(), m) }}
			if len(names) == 0 {
				names = assets.Names()
			}
			get := store.Find
			if fetch {
				get = store.Fetch
			}
			var found []assets.Asset
			missing := map[string]error{}
			for _, name := range names {
				a, err := get(cmd.Context(), name)
				if err != nil {
					missing[name] = err
					continue
				}
				found = append(found, a)
			}
			if asJSON {
				enc := json.NewEncoder(cmd.OutOrStdout())
				enc.SetIndent("", "  ")
				if err := enc.Encode(found); err != nil {
					return err
				}
			} else {
				w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 8, 2, ' ', 0)
				for _, a := range found {
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%.12s\n", a.Name, a.Path, a.Package, a.Version, a.SHA256)
				}
				if err := w.Flush(); err != nil {
					return err
				}
			}
			var errs []error
			for _, name := range slices.Sorted(maps.Keys(missing)) {
				errs = append(errs, missing[name])
			}
			return errors.Join(errs...)
		},
	}
	cmd.Flags().BoolVar(&fetch, "fetch", false, "download and unpack what is missing")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
