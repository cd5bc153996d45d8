package report

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/pxeproof/pxeproof/captures/verdict"
)

// A Ladder shows a boot while it happens. Its methods may be called from any
// goroutine. Errors of writing are kept for Finish and Close.
type Ladder struct {
	o Options
	w io.Writer

	mu      sync.Mutex
	err     error
	shown   map[string]uint16 // host → stages that have their line, a bit each
	width   int               // of the column that tells machines apart; 0: there is one machine
	headed  bool
	alive   verdict.Update // the activity of the moment
	since   time.Time
	spin    int
	drawn   bool // the last line is the live one
	stop    chan struct{}
	stopped chan struct{}
}

// frameRate is how often the live line is drawn.
const frameRate = 100 * time.Millisecond

// NewLadder makes a Ladder. One with a live line has a goroutine, which Finish
// or Close ends.
func NewLadder(w io.Writer, o Options) *Ladder {
	l := &Ladder{o: o, w: w, shown: map[string]uint16{}}
	if len(o.Machines) > 1 {
		for _, m := range o.Machines {
			l.widen(label(m.Name, m.MAC))
		}
	}
	if o.Live {
		l.stop, l.stopped = make(chan struct{}), make(chan struct{})
		go l.draw(l.stop)
	}
	return l
}

// draw keeps the live line moving.
func (l *Ladder) draw(stop <-chan struct{}) {
	defer close(l.stopped)
	t := time.NewTicker(frameRate)
	defer t.Stop()
	for {
		select {
		case <-stop:
			return
		case now := <-t.C:
			l.mu.Lock()
			l.spin++
			l.drawLive(now)
			l.mu.Unlock()
		}
	}
}

// Update shows news.
func (l *Ladder) Update(u verdict.Update) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.head()
	if u.Activity != "" {
		l.alive, l.since = u, time.Now()
	}
	if s := u.Stage; s != nil && l.shown[u.Host]&(1<<s.Stage) == 0 {
		l.shown[u.Host] |= 1 << s.Stage
		l.lines(l.o.rung(l.named(label(u.Name, u.Host)), s))
	}
	if l.o.Live {
		l.drawLive(time.Now())
	}
}

// Note shows a line of another kind: how the machine is accelerated, what is
// being fetched.
func (l *Ladder) Note(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines(strings.Join(wrap(printable(text), l.o.width()), "\n") + "\n")
}

// Finish shows what is left of the ladder, the findings and the result, and
// ends the live line. It returns the first error of writing.
func (l *Ladder) Finish(v verdict.Verdict) error {
	l.quiet()
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.o.Machines) == 0 {
		for i := range v.Clients {
			c := &v.Clients[i]
			if len(v.Clients) > 1 {
				l.widen(boot(c))
			}
			if c.Boot == 0 { // later boots are of a machine that is there already
				l.o.Machines = append(l.o.Machines, verdict.Machine{Name: c.Name, MAC: c.Host, Firmware: c.Firmware, ROM: c.ROM, Loader: c.Loader})
			}
		}
	}
	l.head()
	for i := range v.Clients {
		c := &v.Clients[i]
		for j := range c.Stages {
			if s := &c.Stages[j]; l.shown[c.Host]&(1<<s.Stage) == 0 {
				l.lines(l.o.rung(l.named(boot(c)), s))
			}
		}
	}
	l.lines(l.o.transfers())
	l.lines(l.o.findings(&v))
	l.lines(l.o.result(&v))
	return l.err
}

// Close ends the live line without a verdict.
func (l *Ladder) Close() error {
	l.quiet()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// quiet ends the goroutine and wipes the live line. It may be called twice.
func (l *Ladder) quiet() {
	l.mu.Lock()
	stop := l.stop
	l.stop = nil
	l.alive = verdict.Update{}
	l.mu.Unlock()
	if stop != nil {
		close(stop)
		<-l.stopped
		l.mu.Lock()
		l.lines("")
		l.mu.Unlock()
	}
}

// lines writes whole lines above the live one.
func (l *Ladder) lines(s string) {
	if l.drawn {
		s = "\r\x1b[2K" + s
		l.drawn = false
	}
	l.write(s)
}

func (l *Ladder) write(s string) {
	if s == "" || l.err != nil {
		return
	}
	if l.o.ASCII {
		s = plainly.Replace(s)
	}
	_, l.err = io.WriteString(l.w, s)
}

// The spinner's pictures, and those for a terminal that shows no UTF-8.
const (
	spinner      = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
	spinnerASCII = `|/-\`
)

// drawLive draws the line of the moment, in the columns of a rung.
func (l *Ladder) drawLive(now time.Time) {
	u := &l.alive
	if u.Activity == "" {
		return
	}
	stage := ""
	if u.Climbing != verdict.NoStage {
		stage = u.Climbing.String()
	}
	wheel := []rune(spinner)
	if l.o.ASCII {
		wheel = []rune(spinnerASCII)
	}
	t := u.After + verdict.Seconds(now.Sub(l.since))
	text := fmt.Sprintf("  %s  %s%-6s  %8s  %s  %s", pad(string(wheel[l.spin%len(wheel)]), 4), l.named(label(u.Name, u.Host)), stage, t, pad("", spanWidth), printable(u.Activity))
	l.write("\r\x1b[2K" + l.o.paint(dim, cut(text, l.o.width()-1)))
	l.drawn = true
}

// head writes the line above the ladder, once.
func (l *Ladder) head() {
	if l.headed {
		return
	}
	l.headed = true
	l.lines(l.o.head())
}

// widen makes room for a name in the column that tells machines apart.
func (l *Ladder) widen(name string) { l.width = max(l.width, utf8.RuneCountInString(name)) }

// named is the column that tells machines apart, if there are several.
func (l *Ladder) named(name string) string {
	if l.width == 0 {
		return ""
	}
	return pad(printable(name), l.width) + "  "
}

func label(name, host string) string {
	if name == "" {
		return host
	}
	return name
}

// boot names one boot of a machine.
func boot(c *verdict.ClientVerdict) string {
	s := label(c.Name, c.Host)
	if c.Boot > 1 {
		s += fmt.Sprintf(" boot %d", c.Boot)
	}
	return s
}
