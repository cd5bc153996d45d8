package bench

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
)

// WriteCSV writes a line a row, with the median, the extremes and the spread of
// each figure. Rates are in MB/s, processor times in ms a MB, times in µs.
func (r *TFTPResult) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	_ = out.Write([]string{"server", "rtt_ms", "loss", "blksize", "windowsize", "bytes", "rounds",
		"rate", "rate_min", "rate_max", "rate_spread", "times_" + Yardstick, "server_cpu", "client_cpu",
		"blocks", "resent", "timeouts", "block_server", "block_wire", "block_client", "failed"})
	f := func(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }
	for _, x := range r.Rows {
		line := []string{x.Server, f(millis(x.RTT)), f(x.Loss), strconv.Itoa(x.BlockSize), strconv.Itoa(x.WindowSize), strconv.Itoa(x.Bytes), strconv.Itoa(len(x.Rate))}
		if len(x.Rate) == 0 {
			line = append(line, "", "", "", "", "", "", "", "", "", "")
		} else {
			least, most := x.Rate.Extremes()
			line = append(line, f(x.Rate.Median()), f(least), f(most), f(x.Rate.Spread()), f(r.Ratio(x, Yardstick)),
				f(x.ServerCPU.Median()), f(x.ClientCPU.Median()), fmt.Sprint(x.Blocks), fmt.Sprint(x.Resent), fmt.Sprint(x.Timeouts))
		}
		if t := x.BlockTime; t != nil {
			line = append(line, f(t.Server), f(t.Wire), f(t.Client))
		} else {
			line = append(line, "", "", "")
		}
		_ = out.Write(append(line, x.Failed))
	}
	out.Flush()
	return out.Error() // the first of all writes
}
