package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/pxeproof/pxeproof/scenarios"
	"github.com/pxeproof/pxeproof/scenarios/check"
)

func checkCommand() *cobra.Command {
	var asJSON, asSARIF, notes bool
	cmd := &cobra.Command{
		Use:   "check DIR|FILE...",
		Short: "Find faults in the configuration files, without booting",
		Long: `Reads dhcpd.conf, xinetd's tftp or tftpd-hpa, exports, pxelinux and kickstart files,
and says what is wrong in each and between them. DIR is a scenario's folder, a folder
that stands for / of a server, or the name of a scenario in the library; single files
are held against each other.

Exit status: 0 nothing was found, 1 there is an error or a warning, 2 something cannot
be read.`,
		Example: `  pxeproof check ./my-scenario
  pxeproof check /etc/dhcp/dhcpd.conf /etc/exports
  pxeproof check . --sarif > pxeproof.sarif`,
		Args: wantArgs(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if asJSON && asSARIF {
				return usageError{errors.New("--json and --sarif: choose one")}
			}
			r, err := check.Paths(args)
			if err != nil {
				return &scenarios.InputError{Err: err}
			}
			if !notes {
				r = r.WithoutNotes()
			}
			switch {
			case asJSON:
				err = r.WriteJSON(cmd.OutOrStdout())
			case asSARIF:
				var base string
				if base, err = os.Getwd(); err == nil {
					err = r.WriteSARIF(cmd.OutOrStdout(), base)
				}
			default:
				err = r.WriteText(cmd.OutOrStdout())
			}
			if err != nil {
				return fmt.Errorf("writing the report: %w", err)
			}
			if r.Worst() > check.Note {
				return statusError(exitFail)
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.BoolVarP(&notes, "verbose", "v", false, "say too what changes nothing here, or may be meant")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	f.BoolVar(&asSARIF, "sarif", false, "print SARIF 2.1.0, for code review")
	return cmd
}
