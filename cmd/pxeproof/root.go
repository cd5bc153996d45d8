package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pxeproof/pxeproof/scenarios"
)

// Exit statuses, the same for every verb.
const (
	exitPass  = 0 // it booted
	exitFail  = 1 // it did not
	exitInput = 2 // what was asked for is wrong
	exitLab   = 3 // the lab broke, or the result is Inconclusive
)

// A statusError is a result that has been shown already and only needs its
// exit status.
type statusError int

func (e statusError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// status shows an error and gives its exit status.
func status(w io.Writer, err error) int {
	if err == nil {
		return exitPass
	}
	if s, ok := errors.AsType[statusError](err); ok {
		return int(s)
	}
	fmt.Fprintln(w, "pxeproof:", err)
	if _, ok := errors.AsType[*scenarios.InputError](err); ok {
		return exitInput
	}
	if _, ok := errors.AsType[usageError](err); ok {
		return exitInput
	}
	return exitLab
}

// A usageError is a command line that makes no sense.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func root() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "pxeproof",
		Short: "Prove that a network boot works",
		Long: `pxeproof boots real firmware in QEMU against real DHCP, TFTP and NFS servers on a
private network, records every frame, and says from the capture whether the
machine booted, and if not, which field of which packet, in which line of which
file, is to blame.

Exit status: 0 it booted, 1 it did not, 2 the input is wrong, 3 the lab broke or
the result is inconclusive.`,
		Example:       "  pxeproof run kickstart-nfs\n  pxeproof new mine && pxeproof run ./mine\n  pxeproof judge capture.pcap",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("no verb is called %q; pxeproof --help lists them", args[0])}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	cmd.AddCommand(runCommand(), newCommand(), judgeCommand(), checkCommand(), listCommand(), explainCommand(),
		doctorCommand(), assetsCommand(), cacheCommand(), benchCommand(), versionCommand(), manCommand())
	addCompletion(cmd)
	return cmd
}

// wantArgs is cobra's argument check with this program's exit status.
func wantArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usageError{fmt.Errorf("%w; see pxeproof %s --help", err, cmd.Name())}
		}
		return nil
	}
}

// exclusive makes flags exclude one another. Cobra's own check comes too late: its
// error cannot be told from one of the verb's work.
func exclusive(cmd *cobra.Command, names ...string) {
	cmd.MarkFlagsMutuallyExclusive(names...) // for completion
	before := cmd.PreRunE
	cmd.PreRunE = func(cmd *cobra.Command, args []string) error {
		if before != nil {
			if err := before(cmd, args); err != nil {
				return err
			}
		}
		var set []string
		for _, n := range names {
			if cmd.Flags().Changed(n) {
				set = append(set, "--"+n)
			}
		}
		if len(set) > 1 {
			return usageError{fmt.Errorf("%s exclude each other; see pxeproof %s --help", strings.Join(set, " and "), cmd.Name())}
		}
		return nil
	}
}
