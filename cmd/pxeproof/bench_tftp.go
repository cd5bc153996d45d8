package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/pxeproof/pxeproof/scenarios/bench"
)

func benchTFTPCommand() *cobra.Command {
	var o bench.TFTPOptions
	var losses []string
	var out string
	var full, asJSON bool
	cmd := &cobra.Command{
		Use:   "tftp",
		Short: "Compare TFTP servers, block and window sizes over good and bad links",
		Long: `Measures the built-in TFTP engines and those of tftpd-hpa, atftpd and dnsmasq that
are there, in turn in one run, with one client, over a veth pair with MTU 1500 in
a sandbox, client and server on a processor each. It says which blksize and
windowsize to use on which link, and by how much that is faster.

Without flags for the sweep it takes one dimension at a time, in a few minutes.
With some, it takes every combination of what they name; what they do not name
is blksize 1428, windowsize 1, no round trip added, no loss.

Rates are from the request to the last DATA. A server's processor time is the
scheduler's count for all its threads (/proc/PID/task/TID/schedstat), read before
the last ACK; the client's is getrusage's for its thread.

Ctrl-C ends it with what it has. The folder gets tftp.json, tftp.csv, tftp.txt
and plots as SVG and PNG.`,
		Example: `  pxeproof bench tftp
  pxeproof bench tftp --blksize 512,1428,1468 --windowsize 1,8 --rtt 0s,2ms
  pxeproof bench tftp --server own,tftpd-hpa --loss 1% --rounds 9
  pxeproof bench tftp --firmware ipxe,ovmf`,
		Args: wantArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if o.Losses, err = parseLosses(losses); err != nil {
				return usageError{err}
			}
			if full {
				o.Sweep = bench.Full()
			}
			return runBenchTFTP(cmd, o, out, asJSON)
		},
	}
	f := cmd.Flags()
	f.IntSliceVar(&o.BlockSizes, "blksize", nil, "block sizes, in bytes (8 to 65464)")
	f.IntSliceVar(&o.WindowSizes, "windowsize", nil, "window sizes, in blocks")
	f.DurationSliceVar(&o.RTTs, "rtt", nil, "round-trip times that the link adds (0s,10ms)")
	f.StringSliceVar(&losses, "loss", nil, "parts of the frames that the link loses, each way (0%,1%)")
	f.StringSliceVar(&o.Servers, "server", nil, "servers: "+strings.Join(bench.TFTPServers, ", ")+" (default all that are there)")
	f.StringSliceVar(&o.Firmware, "firmware", nil, "boot real firmware instead, with its blksize clamped: "+strings.Join(bench.Firmwares(), ", "))
	f.IntVarP(&o.Rounds, "rounds", "n", 0, fmt.Sprintf("how often each is measured in each combination (default %d, firmware 1)", bench.DefaultRounds))
	f.DurationVar(&o.Each, "each", bench.DefaultEach, "how long a transfer is to take, about")
	f.StringVar(&o.Client, "client", bench.ClientPolls, "how the client waits: "+bench.ClientPolls+" (as firmware does) or "+bench.ClientSleeps+" (as a program does)")
	f.BoolVar(&full, "full", false, "every combination of all that there is; hours")
	f.StringVarP(&out, "out", "o", "", "the folder for the results (default a new one in bench/)")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	for _, name := range []string{"blksize", "windowsize", "rtt", "loss", "firmware"} {
		exclusive(cmd, "full", name)
	}
	_ = cmd.RegisterFlagCompletionFunc("server", cobra.FixedCompletions(bench.TFTPServers, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("client", cobra.FixedCompletions([]string{bench.ClientPolls, bench.ClientSleeps}, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("firmware", cobra.FixedCompletions(bench.Firmwares(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func runBenchTFTP(cmd *cobra.Command, o bench.TFTPOptions, out string, asJSON bool) error {
	dir, err := benchDir(out)
	if err != nil {
		return err
	}
	progress, done := benchProgress(cmd)
	o.Progress = progress
	r, err := bench.TFTP(cmd.Context(), o)
	done()
	if err != nil {
		_ = os.Remove(dir) // if it is empty
		return err
	}
	if err := r.Write(dir); err != nil {
		return err
	}
	if asJSON {
		err = writeJSON(cmd, r)
	} else if err = r.WriteText(cmd.OutOrStdout()); err == nil {
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "\nFigures and plots are in %s\n", relative(dir))
	}
	if err == nil && r.Partial {
		return statusError(exitLab)
	}
	return err
}

// benchDir makes the folder for the results, before anything is measured.
func benchDir(out string) (string, error) {
	if out == "" {
		out = filepath.Join("bench", "tftp-"+time.Now().Format("20060102-150405"))
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return "", fmt.Errorf("the folder for the results: %w; choose another with --out", err)
	}
	return filepath.Abs(out)
}

// benchProgress is a bar with the time left on a terminal, and nothing
// elsewhere.
func benchProgress(cmd *cobra.Command) (progress func(done, total float64, text string), end func()) {
	f, ok := cmd.ErrOrStderr().(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return func(float64, float64, string) {}, func() {}
	}
	bar := progressbar.NewOptions(1, progressbar.OptionSetWriter(f), progressbar.OptionSetWidth(20),
		progressbar.OptionSetPredictTime(true), progressbar.OptionSetElapsedTime(true), progressbar.OptionClearOnFinish())
	return func(done, total float64, text string) {
		bar.ChangeMax64(int64(1000 * total))
		bar.Describe(text)
		_ = bar.Set64(int64(1000 * done))
	}, func() { _ = bar.Finish() }
}

// parseLosses reads parts written as in scenario.yaml: "1%".
func parseLosses(words []string) ([]float64, error) {
	var all []float64
	for _, w := range words {
		number, ok := strings.CutSuffix(w, "%")
		v, err := strconv.ParseFloat(number, 64)
		if !ok && w != "0" || err != nil {
			return nil, errors.New("--loss wants a part of the frames, such as 1%, not " + strconv.Quote(w))
		}
		all = append(all, v/100)
	}
	return all, nil
}
