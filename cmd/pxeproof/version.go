package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/pxeproof/pxeproof/harness/doctor"
	"github.com/pxeproof/pxeproof/harness/qemu"
)

// versions are what pxeproof is made of and runs on.
type versions struct {
	Version  string `json:"version"`            // of the module; "(devel)" from a checkout without version control
	Revision string `json:"revision,omitempty"` // the commit
	Time     string `json:"time,omitempty"`     // the commit's, RFC 3339
	Modified bool   `json:"modified,omitempty"` // by what is not committed
	Go       string `json:"go"`
	Platform string `json:"platform"`
	QEMU     string `json:"qemu,omitempty"` // empty: it is not there
}

func versionCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print the versions of pxeproof, Go and QEMU",
		Long:    "Prints the versions that a report of a fault should have.",
		Example: "  pxeproof version\n  pxeproof version --json | jq -r .revision",
		Args:    wantArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			v := versionsHere(cmd.Context())
			if asJSON {
				return writeJSON(cmd, v)
			}
			w := cmd.OutOrStdout()
			fmt.Fprintf(w, "pxeproof  %s\n", v.Version)
			if v.Revision != "" {
				changed := ""
				if v.Modified {
					changed = ", with changes that are not committed"
				}
				fmt.Fprintf(w, "commit    %s of %s%s\n", v.Revision, v.Time, changed)
			}
			if v.QEMU == "" {
				v.QEMU = "is not there; pxeproof doctor says how to get it"
			}
			_, err := fmt.Fprintf(w, "Go        %s, %s\nQEMU      %s\n", v.Go, v.Platform, v.QEMU)
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func versionsHere(ctx context.Context) versions {
	v := versions{Version: "(devel)", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		if info.Main.Version != "" {
			v.Version = info.Main.Version
		}
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				v.Revision = s.Value
			case "vcs.time":
				v.Time = s.Value
			case "vcs.modified":
				v.Modified = s.Value == "true"
			}
		}
	}
	if path, err := qemu.LookProgram(""); err == nil {
		if q, err := doctor.QEMUVersion(ctx, path); err == nil {
			v.QEMU = q
		}
	}
	return v
}
