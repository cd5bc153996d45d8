package main

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/pxeproof/pxeproof/harness/assets"
	"github.com/pxeproof/pxeproof/harness/warm"
	"github.com/pxeproof/pxeproof/scenarios"
)

func cacheCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "cache",
		Short: "Show the machines that later runs resume, and clear them",
		Long: `Lists the snapshots in the user's cache. A run keeps each of its machines where it
first asks for an address (DHCP DISCOVER), and later runs of the same machine begin
there. Another QEMU, firmware, network card, MAC or amount of memory is another
machine. What has not been used for longest goes when the cache is full.`,
		Example: "  pxeproof cache\n  pxeproof cache clear",
		Args:    wantArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := machines()
			if err != nil {
				return err
			}
			list, err := c.List()
			if err != nil {
				return err
			}
			if asJSON {
				enc := json.NewEncoder(cmd.OutOrStdout())
				enc.SetIndent("", "  ")
				return enc.Encode(list)
			}
			return writeCache(cmd, c, list)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.AddCommand(&cobra.Command{
		Use:     "clear",
		Short:   "Remove every snapshot; the next run of each machine makes it again",
		Example: "  pxeproof cache clear",
		Args:    wantArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := machines()
			if err != nil {
				return err
			}
			n, size, err := c.Clear()
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s removed, %s\n", snapshots(n), megabytes(size))
			return err
		},
	})
	return cmd
}

func machines() (*warm.Cache, error) {
	dir, err := new(assets.Store).CacheDir()
	return scenarios.Snapshots(dir), err
}

// writeCache prints a line for each snapshot and one for all.
func writeCache(cmd *cobra.Command, c *warm.Cache, list []warm.Entry) error {
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 8, 2, ' ', 0)
	total := int64(0)
	for _, e := range list {
		total += e.Size
		if e.Err != nil {
			fmt.Fprintf(w, "damaged\t%s\t\t%v\n", megabytes(e.Size), e.Err)
			continue
		}
		fmt.Fprintf(w, "%.12s\t%s\tused %s ago\t%s, QEMU %s\n", e.Key, megabytes(e.Size), age(time.Since(e.Used)), e.Machine, e.QEMU)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s, %s of at most %s, in %s\n", snapshots(len(list)), megabytes(total), megabytes(warm.DefaultLimit), c.Dir)
	return err
}

func snapshots(n int) string {
	if n == 1 {
		return "1 snapshot"
	}
	return fmt.Sprintf("%d snapshots", n)
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

// age is a length of time in its largest unit.
func age(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%.0f min", d.Minutes())
	case d < 48*time.Hour:
		return fmt.Sprintf("%.0f h", d.Hours())
	}
	return fmt.Sprintf("%.0f days", d.Hours()/24)
}
