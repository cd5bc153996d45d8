package bench

import (
	"errors"
	"fmt"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Names of the plots, each as .svg and .png.
const (
	BlockSizePlot = "rate-blksize"
	RTTPlot       = "rate-rtt"
)

// WritePlots draws the rate over blksize and over the round trip, a line a
// server, into a folder, as SVG and PNG. A plot with less than two points on
// every line is left out. It returns the files.
func (r *TFTPResult) WritePlots(dir string) (files []string, err error) {
	if len(r.Rows) == 0 {
		return nil, nil
	}
	for _, p := range []struct {
		name string
		plot *plot.Plot
	}{{BlockSizePlot, r.overBlockSize()}, {RTTPlot, r.overRTT()}} {
		if p.plot == nil {
			continue
		}
		for _, ext := range []string{".svg", ".png"} {
			file := filepath.Join(dir, p.name+ext)
			if serr := save(p.plot, file); serr != nil {
				err = errors.Join(err, serr)
				continue
			}
			files = append(files, file)
		}
	}
	return files, err
}

func save(p *plot.Plot, file string) error {
	w, err := p.WriterTo(16*vg.Centimeter, 9.5*vg.Centimeter, filepath.Ext(file)[1:])
	if err != nil {
		return err
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	_, err = w.WriteTo(f)
	return errors.Join(err, f.Close())
}

// A line of a plot.
type line struct {
	name   string
	points plotter.XYs
	color  color.Color
	shape  draw.GlyphDrawer
	dashes []vg.Length
}

// Colours that people with any kind of colour vision tell apart (Okabe and Ito),
// and a shape each.
var looks = map[string]line{
	"own":     {color: color.RGBA{0, 114, 178, 255}, shape: draw.CircleGlyph{}},
	"pin":     {color: color.RGBA{86, 180, 233, 255}, shape: draw.SquareGlyph{}},
	Yardstick: {color: color.RGBA{213, 94, 0, 255}, shape: draw.TriangleGlyph{}},
	"atftpd":  {color: color.RGBA{0, 158, 115, 255}, shape: draw.PyramidGlyph{}},
	"dnsmasq": {color: color.RGBA{130, 130, 130, 255}, shape: draw.BoxGlyph{}},
}

// overBlockSize is the rate over blksize, lock-step, on the first link.
func (r *TFTPResult) overBlockSize() *plot.Plot {
	var lines []line
	var ticks []plot.Tick
	for _, name := range r.measured() {
		l := looks[name]
		l.name = name
		for _, x := range r.Rows {
			if x.Server == name && x.Link == r.Rows[0].Link && x.WindowSize == r.Rows[0].WindowSize && len(x.Rate) > 0 {
				l.points = append(l.points, plotter.XY{X: float64(x.BlockSize), Y: x.Rate.Median()})
				ticks = append(ticks, plot.Tick{Value: float64(x.BlockSize), Label: strconv.Itoa(x.BlockSize)})
			}
		}
		lines = append(lines, l)
	}
	p := r.newPlot(lines, "blksize, bytes")
	if p == nil {
		return nil
	}
	p.Title.Text = fmt.Sprintf("TFTP over %s, windowsize %d", r.Rows[0].Link, r.Rows[0].WindowSize)
	p.X.Scale = plot.LogScale{}
	p.X.Tick.Marker = plot.ConstantTicks(sparse(ticks))
	p.X.Min, p.X.Max = p.X.Min*0.9, p.X.Max*1.15
	return p
}

// decades are the marks of a logarithmic axis: 1, 2 and 5 of each power of ten.
func decades(low, high float64) (ticks []plot.Tick) {
	for power := math.Pow(10, math.Floor(math.Log10(low))); power <= high; power *= 10 {
		for n := 1.0; n < 10; n++ {
			if v := n * power; v >= low && v <= high {
				t := plot.Tick{Value: v}
				if n == 1 || n == 2 || n == 5 {
					t.Label = strconv.FormatFloat(v, 'g', 3, 64)
				}
				ticks = append(ticks, t)
			}
		}
	}
	return ticks
}

// sparse leaves out the labels, on a logarithmic axis, that would cover others.
func sparse(ticks []plot.Tick) []plot.Tick {
	slices.SortFunc(ticks, func(a, b plot.Tick) int { return int(a.Value - b.Value) })
	ticks = slices.CompactFunc(ticks, func(a, b plot.Tick) bool { return a.Value == b.Value })
	last := 0.0
	for i := range ticks {
		if ticks[i].Value < 1.25*last {
			ticks[i].Label = "" // a short mark without a number
			continue
		}
		last = ticks[i].Value
	}
	return ticks
}

// overRTT is the rate over the round trip, without losses: lock-step, and dashed
// with the largest windowsize.
func (r *TFTPResult) overRTT() *plot.Plot {
	top := 1
	for _, x := range r.Rows {
		if x.RTT > 0 && x.Loss == 0 && x.BlockSize == base.BlockSize {
			top = max(top, x.WindowSize)
		}
	}
	windows := slices.Compact([]int{1, top})
	var lines []line
	for _, name := range r.measured() {
		for _, window := range windows {
			l := looks[name]
			l.name = name
			if window > 1 {
				l.name += fmt.Sprintf(", windowsize %d", window)
				l.dashes = []vg.Length{vg.Points(5), vg.Points(3)}
			}
			for _, x := range r.Rows {
				if x.Server == name && x.Loss == 0 && x.BlockSize == base.BlockSize && x.WindowSize == window && len(x.Rate) > 0 {
					l.points = append(l.points, plotter.XY{X: millis(x.RTT), Y: x.Rate.Median()})
				}
			}
			lines = append(lines, l)
		}
	}
	p := r.newPlot(lines, "round trip added by the link, ms")
	if p == nil {
		return nil
	}
	p.Title.Text = fmt.Sprintf("TFTP over the round trip, blksize %d", base.BlockSize)
	p.X.Max *= 1.04
	p.Legend.Left = false
	p.Legend.XOffs = vg.Points(-6)
	return p
}

// newPlot has the lines that have more than one point; nil without any.
func (r *TFTPResult) newPlot(lines []line, x string) *plot.Plot {
	lines = slices.DeleteFunc(lines, func(l line) bool { return len(l.points) < 2 })
	if len(lines) == 0 {
		return nil
	}
	p := plot.New()
	p.BackgroundColor = color.White
	p.Title.TextStyle.Font.Size = vg.Points(11)
	p.Title.Padding = vg.Points(8)
	for _, style := range []*text.Style{&p.Title.TextStyle, &p.X.Label.TextStyle, &p.Y.Label.TextStyle, &p.X.Tick.Label, &p.Y.Tick.Label, &p.Legend.TextStyle} {
		style.Font.Variant = "Sans"
	}
	p.Legend.TextStyle.Font.Size, p.X.Tick.Label.Font.Size, p.Y.Tick.Label.Font.Size = vg.Points(9), vg.Points(8), vg.Points(8)
	p.X.Label.Text, p.Y.Label.Text = x, "MB/s"
	p.X.Padding, p.Y.Padding = vg.Points(4), vg.Points(4)
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = color.Gray{230}, color.Gray{225}
	p.Add(grid)
	p.Legend.Top, p.Legend.Left = true, true
	p.Legend.XOffs, p.Legend.YOffs = vg.Points(6), vg.Points(-4)
	p.Legend.Padding = vg.Points(2)
	for _, l := range lines {
		curve, points, err := plotter.NewLinePoints(l.points)
		if err != nil {
			continue // a value that is no number: nothing to draw
		}
		curve.Color, curve.Width, curve.Dashes = l.color, vg.Points(1.5), l.dashes
		points.Color, points.Shape, points.Radius = l.color, l.shape, vg.Points(3)
		p.Add(curve, points)
		p.Legend.Add(l.name, curve, points)
	}
	// Rates differ by orders of magnitude, and it is their ratios that count.
	p.Y.Scale = plot.LogScale{}
	p.Y.Min, p.Y.Max = p.Y.Min*0.8, p.Y.Max*1.25
	p.Y.Tick.Marker = plot.ConstantTicks(decades(p.Y.Min, p.Y.Max))
	return p
}
