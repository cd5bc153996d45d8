package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/pxeproof/pxeproof/scenarios/bench"
)

func benchJudgeCommand() *cobra.Command {
	var o bench.JudgeOptions
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "judge",
		Short: "Compare judging a million frames with tshark printing them",
		Long: `Records boots, makes captures of a million frames of them, again and again, of
other machines or of the same one, and has each judged by pxeproof and printed by
tshark -n, in turn. The captures take 800 MB of the folder for temporary files
(TMPDIR), one at a time.`,
		Example: "  pxeproof bench judge --rounds 3",
		Args:    wantArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			o.Progress = func(text string) { fmt.Fprintln(cmd.ErrOrStderr(), text) }
			if o.Program, err = os.Executable(); err != nil {
				return err
			}
			if o.Dir, err = os.MkdirTemp("", "pxeproof-bench-"); err != nil {
				return err
			}
			defer os.RemoveAll(o.Dir)
			results, err := bench.Judge(cmd.Context(), o)
			if err != nil {
				return err
			}
			if asJSON {
				enc := json.NewEncoder(cmd.OutOrStdout())
				enc.SetIndent("", "  ")
				return enc.Encode(results)
			}
			w := cmd.OutOrStdout()
			for i := range results {
				r := &results[i]
				fmt.Fprintf(w, "%s: %d boots, %d frames, %d MB\n", r.Capture, r.Boots, r.Frames, r.Bytes/1e6)
				fmt.Fprintf(w, "  tshark -n  %s\n  judge      %s\n", r.Tshark.Row("s"), r.Ours.Row("s"))
				fmt.Fprintf(w, "  ratio of the medians: %.1f\n\n", r.Ratio())
			}
			return nil
		},
	}
	cmd.Flags().IntVarP(&o.Rounds, "rounds", "n", 5, "how often each side reads each capture")
	cmd.Flags().IntVar(&o.Frames, "frames", 1_000_000, "how many frames a capture has at least")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
