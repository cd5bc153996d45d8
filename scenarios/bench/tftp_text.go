package bench

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// WriteText prints the result for people: a table for each link, where a block's
// time goes, and a plain answer.
func (r *TFTPResult) WriteText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s\n", r.Machine, r.how())
	for _, s := range r.Servers {
		if s.Missing != "" {
			fmt.Fprintf(&b, "%s is not measured: %s\n", s.Name, s.Missing)
		}
	}
	for _, l := range r.Links() {
		fmt.Fprintf(&b, "\nOver %s, MB/s (spread), times %s, CPU ms a MB of server + client\n\n", l, Yardstick)
		r.table(&b, l)
		r.failures(&b, l)
		r.where(&b, l)
		r.answer(&b, l)
	}
	if x := r.Recording; x != nil {
		fmt.Fprintf(&b, "\n%s\n", x)
	}
	writeFirmware(&b, r.Firmware)
	if r.Partial {
		b.WriteString("\nThe sweep was cut short: these are the figures until then.\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *TFTPResult) how() string {
	text := fmt.Sprintf("%s; median of %d, in turn; MTU 1500", r.Date.Format("2 January 2006"), r.Rounds)
	if len(r.Rows) > 0 {
		text += "; client and server each on a processor of its own"
		switch r.Client {
		case ClientPolls:
			text += "; the client polls, as firmware does"
		case ClientSleeps:
			text += "; the client sleeps, as a program does"
		}
	}
	return text
}

// measured are the servers that have figures, in order.
func (r *TFTPResult) measured() []string {
	var names []string
	for _, s := range r.Servers {
		for _, x := range r.Rows {
			if x.Server == s.Name && len(x.Rate) > 0 {
				names = append(names, s.Name)
				break
			}
		}
	}
	return names
}

// cellsOver are the cells of a link, in order.
func (r *TFTPResult) cellsOver(l Link) []Cell {
	var cells []Cell
	for _, x := range r.Rows {
		if x.Link == l && (len(cells) == 0 || cells[len(cells)-1] != x.Cell) {
			cells = append(cells, x.Cell)
		}
	}
	return cells
}

func (r *TFTPResult) table(b *strings.Builder, l Link) {
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
	names := r.measured()
	fmt.Fprintf(t, "blksize\twindow\t%s\t\n", strings.Join(names, "\t"))
	line := func(c Cell, head string, value func(*Row) string) {
		fmt.Fprint(t, head)
		for _, name := range names {
			text := ""
			if x := r.Row(name, c); x != nil {
				text = value(x)
			}
			fmt.Fprintf(t, "\t%s", text)
		}
		fmt.Fprint(t, "\t\n")
	}
	for _, c := range r.cellsOver(l) {
		line(c, fmt.Sprintf("%d\t%d", c.BlockSize, c.WindowSize), func(x *Row) string {
			return fmt.Sprintf("%s (%.0f%%)", number(x.Rate.Median()), 100*x.Rate.Spread())
		})
		line(c, "\t", func(x *Row) string {
			text := fmt.Sprintf("%s + %s", number(x.ServerCPU.Median()), number(x.ClientCPU.Median()))
			if ratio := r.Ratio(*x, Yardstick); ratio > 0 && x.Server != Yardstick {
				text = fmt.Sprintf("×%.2f, %s", ratio, text)
			}
			return text
		})
		if c.Loss > 0 {
			line(c, "\t", func(x *Row) string {
				return fmt.Sprintf("%d of %d resent", x.Resent, x.Blocks)
			})
		}
	}
	_ = t.Flush()
}

// number is a value with three digits that count.
func number(v float64) string {
	switch {
	case v >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

// failures tells why cells are empty. What a server does not grant it does not
// grant again: that is told once.
func (r *TFTPResult) failures(b *strings.Builder, l Link) {
	told := map[string]bool{}
	for _, x := range r.Rows {
		key := x.Server + x.Failed
		if refused, ok := strings.CutPrefix(x.Failed, errNotGranted.Error()); ok {
			key = fmt.Sprint(x.Server, strings.Contains(refused, fmt.Sprintf("blksize %d,", x.BlockSize)))
		}
		if x.Link != l || x.Failed == "" || told[key] {
			continue
		}
		told[key] = true
		fmt.Fprintf(b, "\n%s with blksize %d, windowsize %d: %s", x.Server, x.BlockSize, x.WindowSize, x.Failed)
	}
	if len(told) > 0 {
		b.WriteString("\n")
	}
	for _, x := range r.Rows {
		if x.Link == l && x.Loss == 0 && x.Resent > 0 {
			fmt.Fprintf(b, "%s resent %d of %d blocks at blksize %d, windowsize %d, though nothing was lost on the link\n",
				x.Server, x.Resent, x.Blocks, x.BlockSize, x.WindowSize)
		}
	}
}

// where tells where a block's time goes, at the cell that all servers have.
func (r *TFTPResult) where(b *strings.Builder, l Link) {
	c := base
	c.Link = l
	var parts []string
	for _, name := range r.measured() {
		x := r.Row(name, c)
		if x == nil || x.BlockTime == nil {
			continue
		}
		t := x.BlockTime
		parts = append(parts, fmt.Sprintf("  %-10s server %5.1f µs, wire %5.1f µs, client %5.1f µs", name, t.Server, t.Wire, t.Client))
	}
	if parts != nil {
		fmt.Fprintf(b, "\nWhere a block's time goes at blksize %d, windowsize %d, while it is captured:\n%s\n", c.BlockSize, c.WindowSize, strings.Join(parts, "\n"))
	}
}

// answer is what a person came for.
func (r *TFTPResult) answer(b *strings.Builder, l Link) {
	lines := 0
	for _, name := range r.measured() {
		best, plain := r.Advice(l, name)
		if best == nil {
			continue
		}
		if lines++; lines == 1 {
			b.WriteString("\nOn this link use\n")
		}
		text := fmt.Sprintf("  with %-10s blksize %d", name, best.BlockSize)
		if best.WindowSize > 1 {
			text += fmt.Sprintf(", windowsize %d", best.WindowSize)
		}
		text += fmt.Sprintf(": %s MB/s", number(best.Rate.Median()))
		if plain != nil && plain != best {
			text += fmt.Sprintf(", %.1f times the rate of blksize %d", best.Rate.Median()/plain.Rate.Median(), plain.BlockSize)
		}
		if more := r.fragmented(best); more != nil {
			text += fmt.Sprintf(" (blksize %d, in IP fragments, %.1f times that; much firmware cannot)", more.BlockSize, more.Rate.Median()/best.Rate.Median())
		}
		b.WriteString(text + "\n")
	}
}

// fragmented is the fastest row with IP fragments that beats one without, nil
// if none does by a tenth.
func (r *TFTPResult) fragmented(best *Row) (top *Row) {
	for i := range r.Rows {
		x := &r.Rows[i]
		if x.Server == best.Server && x.Link == best.Link && x.BlockSize > unfragmented && len(x.Rate) > 0 &&
			x.Rate.Median() > 1.1*best.Rate.Median() && (top == nil || x.Rate.Median() > top.Rate.Median()) {
			top = x
		}
	}
	return top
}

// String is the recorder's record.
func (x Recording) String() string {
	text := fmt.Sprintf("The recorder, over a lab's bridge, on the fastest row (%s, blksize %d, windowsize %d: %s MB/s while recorded, %.0f frames a second): ",
		x.Server, x.BlockSize, x.WindowSize, number(x.Rate), x.FrameRate)
	if x.Whole() {
		text += fmt.Sprintf("all %d frames are in the capture", x.Passed)
	} else {
		text += fmt.Sprintf("%d of %d frames are in the capture, %d are said to be lost", x.Frames, x.Passed, x.Dropped)
	}
	return text + fmt.Sprintf(", for %.0f %% of one processor.", 100*x.Core)
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
