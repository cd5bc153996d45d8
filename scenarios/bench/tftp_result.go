package bench

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// TFTPSchema names the form of a TFTPResult in JSON.
const TFTPSchema = "pxeproof/bench-tftp/1"

// A TFTPResult is what TFTP measured. MB are 10^6 bytes.
type TFTPResult struct {
	Schema  string       `json:"schema"`
	Date    time.Time    `json:"date"`
	Machine Machine      `json:"machine"`
	Servers []ServerInfo `json:"servers"`
	// Client is how the client waits, ClientPolls or ClientSleeps; empty for
	// firmware.
	Client string `json:"client,omitempty"`
	// Rounds is how often each row was to be measured, and Partial says that the
	// sweep was cut short.
	Rounds  int   `json:"rounds"`
	Partial bool  `json:"partial,omitempty"`
	Rows    []Row `json:"rows"`
	// Recording says how the recorder kept up with the fastest row.
	Recording *Recording `json:"recording,omitempty"`
	// Firmware is what real boots did.
	Firmware []FirmwareRow `json:"firmware,omitempty"`
}

// A Row is a server in a cell.
type Row struct {
	Cell
	Server string `json:"server"`
	// Bytes is the length of the file.
	Bytes int `json:"bytes"`
	// Rate is in MB/s, a value a round.
	Rate Sample `json:"rate,omitempty"`
	// ServerCPU and ClientCPU are processor time, in milliseconds a MB.
	ServerCPU Sample `json:"server_cpu,omitempty"`
	ClientCPU Sample `json:"client_cpu,omitempty"`
	// Resent counts DATA sent more than once, and Timeouts what the client waited
	// for in vain, of all rounds; Blocks is what had to be sent.
	Resent   int64 `json:"resent"`
	Timeouts int64 `json:"timeouts"`
	Blocks   int64 `json:"blocks"`
	// BlockTime says where the time of a block goes, from a capture of one more
	// transfer. Nil on a link that loses.
	BlockTime *BlockTime `json:"block_time,omitempty"`
	// Failed says why there are no figures.
	Failed string `json:"failed,omitempty"`
}

// A BlockTime is where the mean time of a block goes, in microseconds.
type BlockTime struct {
	// Server is from the arrival of an ACK at the server to the departure of the
	// last DATA that answers it.
	Server float64 `json:"server"`
	// Client is from the arrival of that DATA to the departure of its ACK.
	Client float64 `json:"client"`
	// Wire is the rest, both ways.
	Wire float64 `json:"wire"`
}

func (r *Row) add(s shot) {
	mb := float64(s.bytes) / 1e6
	r.Rate = append(r.Rate, mb/s.seconds)
	r.ServerCPU = append(r.ServerCPU, s.serverCPU.Seconds()*1e3/mb)
	r.ClientCPU = append(r.ClientCPU, s.clientCPU.Seconds()*1e3/mb)
	r.Resent += s.resent
	r.Timeouts += s.timeouts
	r.Blocks += s.blocks
}

// Row finds a server's row of a cell; nil if it has no figures.
func (r *TFTPResult) Row(server string, c Cell) *Row {
	i := slices.IndexFunc(r.Rows, func(x Row) bool { return x.Server == server && x.Cell == c && len(x.Rate) > 0 })
	if i < 0 {
		return nil
	}
	return &r.Rows[i]
}

// Ratio is a row's median rate by that of another server in the same cell, 0 if
// that has none.
func (r *TFTPResult) Ratio(x Row, server string) float64 {
	if y := r.Row(server, x.Cell); y != nil && y.Rate.Median() > 0 {
		return x.Rate.Median() / y.Rate.Median()
	}
	return 0
}

// Links are the links that were measured, in order.
func (r *TFTPResult) Links() []Link {
	var links []Link
	for _, x := range r.Rows {
		if !slices.Contains(links, x.Link) {
			links = append(links, x.Link)
		}
	}
	return links
}

// unfragmented is the largest blksize that fits an Ethernet frame, over IPv4.
const unfragmented = 1500 - 20 - 8 - 4

// Advice is a row that a link is best used with: of one server, the fastest
// without IP fragments, and of those within 3 % of it the one that asks least.
// Plain is what it is compared with, RFC 1350 without options, or nil.
func (r *TFTPResult) Advice(l Link, server string) (best, plain *Row) {
	var fit []*Row
	for i := range r.Rows {
		if x := &r.Rows[i]; x.Server == server && x.Link == l && x.BlockSize <= unfragmented && len(x.Rate) > 0 {
			fit = append(fit, x)
		}
	}
	if len(fit) == 0 {
		return nil, nil
	}
	top := 0.0
	for _, x := range fit {
		top = max(top, x.Rate.Median())
	}
	for _, x := range fit {
		if x.Rate.Median() >= 0.97*top && (best == nil || x.WindowSize < best.WindowSize || x.WindowSize == best.WindowSize && x.BlockSize < best.BlockSize) {
			best = x
		}
	}
	for _, x := range fit {
		if x.WindowSize == 1 && (plain == nil || x.BlockSize < plain.BlockSize) {
			plain = x
		}
	}
	return best, plain
}

// Names of what a TFTPResult leaves in a folder, beside the plots.
const (
	TFTPJSON = "tftp.json"
	TFTPCSV  = "tftp.csv"
	TFTPText = "tftp.txt"
)

// Write leaves the result in an existing folder, in every form.
func (r *TFTPResult) Write(dir string) error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, TFTPJSON), append(b, '\n'), 0o644)
	}
	for name, write := range map[string]func(io.Writer) error{TFTPCSV: r.WriteCSV, TFTPText: r.WriteText} {
		var b bytes.Buffer
		if err == nil {
			err = write(&b)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o644)
		}
	}
	if err == nil {
		_, err = r.WritePlots(dir)
	}
	return err
}
