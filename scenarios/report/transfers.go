package report

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pxeproof/pxeproof/captures"
)

// The bounds of the table of transfers: rows of one machine, and columns of a
// name.
const (
	maxTransfers    = 60
	maxTransferName = 40
)

// transfers are the tables of what each machine fetched.
func (o *Options) transfers() string {
	var b strings.Builder
	list := o.Transfers
	for len(list) > 0 {
		n := 1
		for n < len(list) && list[n].Host == list[0].Host {
			n++
		}
		b.WriteString("\n" + o.transfersOf(list[:n]))
		list = list[n:]
	}
	return b.String()
}

// transfersOf is one machine's table.
func (o *Options) transfersOf(list []Transfer) string {
	rows := [][]string{{"file", "over", "size", "blksize", "windowsize", "rate", "resent", "frames"}}
	var tried []*Transfer
	omitted := 0
	for i := range list {
		t := &list[i]
		switch {
		case t.Tolerated:
			tried = append(tried, t)
		case len(rows) > maxTransfers:
			omitted++
		default:
			rows = append(rows, t.row())
		}
	}
	var b strings.Builder
	b.WriteString("transfers of " + printable(list[0].Host) + "\n")
	if len(rows) > 1 {
		b.WriteString(o.table(rows))
	}
	if omitted > 0 {
		fmt.Fprintf(&b, "  and %d more\n", omitted)
	}
	if len(tried) > 0 {
		text := printable(tried[0].Name)
		if n := len(tried); n > 1 {
			text = fmt.Sprintf("%d names, %s to %s", n, text, printable(tried[n-1].Name))
		}
		b.WriteString(o.item("tried", findingWidth, text+": not there, and the loader went on"))
	}
	return b.String()
}

// row is one transfer; what is not known is left empty.
func (t *Transfer) row() []string {
	name := cut(printable(t.Name), maxTransferName)
	if name == "" {
		name = "?"
	}
	span := frameSpan([]captures.Frame{t.Start, t.End})
	if t.Status == "failed" || t.Status == "probed" && t.Bytes == 0 {
		why := "its size alone was asked for"
		if t.Status == "failed" {
			why = fmt.Sprintf("failed, status %d", t.Code)
			if t.Protocol == "tftp" {
				why = fmt.Sprintf("ERROR %d", t.Code)
			}
		}
		span = strings.TrimSpace(span + "  " + why)
	} else if t.Status == "unfinished" || t.Status == "unacknowledged" {
		span = strings.TrimSpace(span + "  " + t.Status)
	}
	row := []string{name, t.Protocol, bytesText(float64(t.Bytes)), "", "", "", "", span}
	if t.Bytes > 0 && t.Size > t.Bytes {
		row[2] += " of " + bytesText(float64(t.Size))
	} else if t.Bytes == 0 && t.Size > 0 {
		row[2] = "0 B of " + bytesText(float64(t.Size))
	}
	if t.Protocol == "tftp" && t.Bytes > 0 {
		row[3], row[4], row[6] = strconv.Itoa(t.BlockSize), strconv.Itoa(t.WindowSize), strconv.Itoa(t.Resent)
	}
	if t.Rate > 0 {
		row[5] = bytesText(t.Rate) + "/s"
	}
	return row
}

// table sets rows in columns; the first row is faint.
func (o *Options) table(rows [][]string) string {
	width := make([]int, len(rows[0]))
	for _, r := range rows {
		for i, cell := range r {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for n, r := range rows {
		line := ""
		for i, cell := range r {
			text := pad(cell, width[i])
			if name := rows[0][i]; name != "file" && name != "over" && name != "frames" {
				text = strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell)) + cell // a number
			}
			line += "  " + text
		}
		line = strings.TrimRight(line, " ")
		if n == 0 {
			line = "  " + o.paint(dim, line[2:])
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}

// bytesText is a number of bytes in decimal units, two digits of it.
func bytesText(n float64) string {
	unit := 0
	units := []string{"B", "KB", "MB", "GB", "TB"}
	for n >= 999.5 && unit < len(units)-1 {
		n /= 1000
		unit++
	}
	if unit > 0 && n < 9.95 {
		return fmt.Sprintf("%.1f %s", n, units[unit])
	}
	return fmt.Sprintf("%.0f %s", n, units[unit])
}
