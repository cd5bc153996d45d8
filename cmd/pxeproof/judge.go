package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/pxeproof/pxeproof/captures"
	"github.com/pxeproof/pxeproof/captures/verdict"
	"github.com/pxeproof/pxeproof/scenarios"
	"github.com/pxeproof/pxeproof/scenarios/report"
)

func judgeCommand() *cobra.Command {
	var asJSON bool
	var annotated, config string
	cmd := &cobra.Command{
		Use:   "judge RUNDIR|CAPTURE...",
		Short: "Judge a run again, or a capture that somebody else took",
		Long: `Given the folder of a run, makes its verdict again. Given captures (pcap or pcapng,
gzip too), shows for each machine that boots in them how far it came, and why not
further. It needs neither privileges nor QEMU.

With --annotate the capture is written again with each finding, and what proves
each stage, as a comment on its packets: Wireshark shows them, and finds them by
the display filter frame.comment.

With --config the servers' configurations say what each machine should have got,
and findings point at their lines.`,
		Example: "  pxeproof judge runs/kickstart-nfs-20260102-030405\n  pxeproof judge office.pcapng\n" +
			"  pxeproof judge --annotate explained.pcapng office.pcapng\n" +
			"  pxeproof judge --config /srv/backup office.pcapng",
		Args: wantArgs(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if annotated != "" && len(args) > 1 {
				return usageError{errors.New("--annotate writes one file and so takes one capture; see pxeproof judge --help")}
			}
			// A judgement keeps little, and of that nearly all to its end: looking
			// through it for what it does not keep is a quarter of the time.
			if os.Getenv("GOGC") == "" {
				debug.SetGCPercent(400)
			}
			worst := exitPass
			for _, arg := range args {
				v, t, err := judgeOne(arg, config)
				if err != nil && v.Schema == "" {
					return err
				}
				if err := showVerdict(cmd, arg, v, t, asJSON); err != nil {
					return err
				}
				if annotated != "" {
					if err := annotate(annotated, arg, v); err != nil {
						return err
					}
				}
				if err != nil {
					fmt.Fprintln(cmd.ErrOrStderr(), "pxeproof:", err)
					worst = max(worst, exitInput)
				}
				if s, ok := errors.AsType[statusError](verdictStatus(v)); ok {
					worst = max(worst, int(s))
				}
			}
			if worst != exitPass {
				return statusError(worst)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the verdict as JSON, with a capture's transfers, and nothing else")
	cmd.Flags().StringVar(&annotated, "annotate", "", "write the capture again to this `file`, with the findings as comments on its packets")
	cmd.Flags().StringVar(&config, "config", "", "the configurations: a scenario's `folder`, or one that stands for the server's /")
	return cmd
}

// judgeOne judges a run's folder or a capture. The timeline is a capture's alone.
func judgeOne(arg, config string) (verdict.Verdict, *captures.Timeline, error) {
	fi, err := os.Stat(arg)
	if err != nil {
		return verdict.Verdict{}, nil, &scenarios.InputError{Err: err}
	}
	if fi.IsDir() {
		if config != "" {
			return verdict.Verdict{}, nil, usageError{fmt.Errorf("%s is the folder of a run, which knows its configurations; --config is for captures", arg)}
		}
		v, err := scenarios.Judge(arg)
		return v, nil, err
	}
	f, err := os.Open(arg)
	if err != nil {
		return verdict.Verdict{}, nil, &scenarios.InputError{Err: err}
	}
	defer f.Close()
	judge := scenarios.JudgeCapture
	if config != "" {
		judge = func(r io.Reader) (verdict.Verdict, *captures.Timeline, error) {
			return scenarios.JudgeCaptureWith(r, config)
		}
	}
	v, t, err := judge(f)
	if err != nil {
		err = &scenarios.InputError{Err: fmt.Errorf("%s: %w", arg, err)}
	}
	return v, t, err
}

// showVerdict prints a verdict, and with a timeline its transfers.
func showVerdict(cmd *cobra.Command, arg string, v verdict.Verdict, t *captures.Timeline, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(cmd.OutOrStdout())
		enc.SetIndent("", "  ")
		if t != nil {
			return enc.Encode(report.Judgement{Verdict: v, Transfers: report.Transfers(t, v)})
		}
		return enc.Encode(v)
	}
	o := report.Options{Title: arg}
	if t != nil {
		o.Transfers = report.Transfers(t, v)
	}
	if f, ok := cmd.OutOrStdout().(*os.File); ok {
		o = o.On(f)
		o.Live = false
	}
	return report.WriteVerdict(cmd.OutOrStdout(), v, o)
}
