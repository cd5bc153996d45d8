package bench

import (
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"errors"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// made is a result that nobody measured: the rate is what a formula says.
func made() *TFTPResult {
	r := &TFTPResult{Schema: TFTPSchema, Date: time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC), Machine: Machine{Cores: 2}, Rounds: 3,
		Servers: []ServerInfo{{Name: "own"}, {Name: "pin", Missing: "it was not started"}, {Name: Yardstick, Version: "5.2"}}}
	cells, _ := Sweep{}.cells()
	for _, c := range cells {
		for i, name := range []string{"own", Yardstick} {
			x := Row{Cell: c, Server: name, Bytes: 1 << 20, Blocks: 1000}
			if name == Yardstick && c.WindowSize > 1 {
				x.Failed = "not granted"
				r.Rows = append(r.Rows, x)
				continue
			}
			window := float64(c.WindowSize)
			rate := float64(c.BlockSize) * window / (100 + float64(c.RTT.Microseconds()) + 8*window) / (1 + 0.1*float64(i))
			x.Rate = Sample{rate * 0.99, rate, rate * 1.02}
			x.ServerCPU, x.ClientCPU = Sample{2, 2, 2}, Sample{3, 3, 3}
			if c.Loss == 0 {
				x.BlockTime = &BlockTime{Server: 50, Client: 30, Wire: 20}
			} else {
				x.Resent = 17
			}
			r.Rows = append(r.Rows, x)
		}
	}
	r.Recording = &Recording{Cell: cells[0], Server: "own", Rate: 100, Passed: 1000, Frames: 1000, FrameRate: 1e5, Core: 0.2}
	return r
}

func TestTextAnswers(t *testing.T) {
	var b strings.Builder
	if err := made().WriteText(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"Over a veth pair, MB/s",
		"pin is not measured: it was not started",
		"×1.10",
		"with own        blksize 1428, windowsize 64:",
		"times the rate of blksize 512",
		"in IP fragments",
		"17 of 1000 resent",
		"tftpd-hpa with blksize 1428, windowsize 2: not granted",
		"server  50.0 µs, wire  20.0 µs, client  30.0 µs",
		"all 1000 frames are in the capture, for 20 % of one processor",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("it does not say %q", want)
		}
	}
	if t.Failed() {
		t.Log(b.String())
	}
}

// Of rates that are as good as equal the advice is the one that asks least, and
// never a fragmented one.
func TestAdvice(t *testing.T) {
	row := func(b, w int, rate float64) Row {
		return Row{Cell: Cell{BlockSize: b, WindowSize: w}, Server: "own", Rate: Sample{rate}}
	}
	r := &TFTPResult{Rows: []Row{row(512, 1, 10), row(1428, 1, 20), row(1428, 8, 31), row(1428, 16, 31.5), row(1468, 8, 31.2), row(8192, 1, 90)}}
	best, plain := r.Advice(Link{}, "own")
	if best == nil || best.Cell != (Cell{BlockSize: 1428, WindowSize: 8}) || plain == nil || plain.BlockSize != 512 {
		t.Errorf("best %+v, plain %+v", best, plain)
	}
	if best, plain := r.Advice(Link{Loss: 1}, "own"); best != nil || plain != nil {
		t.Error("advice for a link that was not measured")
	}
	if f := r.fragmented(best); f == nil || f.BlockSize != 8192 {
		t.Errorf("fragmented: %+v", f)
	}
}

func TestWriteLeavesEveryForm(t *testing.T) {
	dir := t.TempDir()
	r := made()
	if err := r.Write(dir); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(dir, TFTPCSV))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll() // which wants as many fields in each
	if err != nil || len(lines) != 1+len(r.Rows) {
		t.Errorf("%d lines, %v", len(lines), err)
	}
	for _, name := range []string{BlockSizePlot, RTTPlot} {
		b, err := os.ReadFile(filepath.Join(dir, name+".png"))
		if err != nil {
			t.Fatal(err)
		}
		if img, err := png.Decode(bytes.NewReader(b)); err != nil || img.Bounds().Dx() < 400 {
			t.Errorf("%s.png: %v", name, err)
		}
		b, err = os.ReadFile(filepath.Join(dir, name+".svg"))
		if err != nil {
			t.Fatal(err)
		}
		for d := xml.NewDecoder(bytes.NewReader(b)); err == nil; {
			_, err = d.Token()
		}
		if !errors.Is(err, io.EOF) || !bytes.Contains(b, []byte(Yardstick)) || !bytes.Contains(b, []byte("MB/s")) {
			t.Errorf("%s.svg: %v", name, err)
		}
	}
	empty := &TFTPResult{}
	if err := empty.Write(t.TempDir()); err != nil {
		t.Errorf("a result without rows: %v", err)
	}
}
