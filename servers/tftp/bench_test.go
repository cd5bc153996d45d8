package tftp_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/pxeproof/pxeproof/harness/client"
	"github.com/pxeproof/pxeproof/harness/link"
)

// repeats is how often each is measured, in turn with the others.
const repeats = 5

// A race is one client against several servers in turn.
type race struct {
	what    string
	client  client.TFTP
	size    int64 // of the file
	servers []string
}

// measured is a server's share of a race.
type measured struct {
	rates  []float64 // bytes a second
	cpu    time.Duration
	client time.Duration
	bytes  int64
	again  int64
}

func (m *measured) median() float64 {
	slices.Sort(m.rates)
	return m.rates[len(m.rates)/2]
}

// perMB is the server's processor time for a megabyte.
func (m *measured) perMB() time.Duration { return m.cpu * 1e6 / time.Duration(m.bytes) }

// run races and reports the first server's rate and processor time as a part of
// each other's.
func (r *rig) run(b *testing.B, c race) {
	b.Helper()
	name := fmt.Sprint("file", c.size)
	r.file(b, name, c.size)
	all := map[string]*measured{}
	for range repeats {
		for _, p := range r.peers {
			if !slices.Contains(c.servers, p.name) {
				continue
			}
			m := all[p.name]
			if m == nil {
				m = &measured{}
				all[p.name] = m
			}
			before := p.cpu(b)
			res := r.fetch(b, p, fetch{TFTP: c.client, Name: name})
			if res.Error != "" || res.Bytes != c.size {
				b.Fatalf("%s: %d bytes, %s", p.name, res.Bytes, res.Error)
			}
			m.cpu += p.cpu(b) - before
			m.client += res.CPU
			m.rates = append(m.rates, res.Rate())
			m.bytes += res.Bytes
			m.again += res.Timeouts + res.Stray
		}
	}
	line := c.what
	first := all[c.servers[0]]
	for _, s := range c.servers {
		m := all[s]
		line += fmt.Sprintf("  %s %.2f MB/s (%.2f–%.2f) %v/MB", s, m.median()/1e6, m.rates[0]/1e6, m.rates[len(m.rates)-1]/1e6, m.perMB().Round(time.Microsecond))
		if m != first {
			line += fmt.Sprintf(" [rate ×%.3f, cpu ×%.3f]", first.median()/m.median(), float64(first.perMB())/float64(m.perMB()))
			b.ReportMetric(first.median()/m.median(), "of-"+s)
			b.ReportMetric(float64(first.perMB())/float64(m.perMB()), "cpu-of-"+s)
		}
	}
	b.ReportMetric(0, "ns/op")
	fmt.Fprintln(os.Stderr, line)
}

// blockSizes are those that firmware asks for, and the round ones.
var blockSizes = []int{512, 1024, 1408, 1428, 1432, 1468, 4096, 8192, 65464}

// BenchmarkLockStep compares with tftpd-hpa, block by block, for a client that
// polls, as firmware does, and for one that sleeps, as a program does.
func BenchmarkLockStep(b *testing.B) {
	r := newRig(b, link.Impairment{})
	r.start(b, "own")
	r.start(b, "in.tftpd")
	for _, how := range []string{"polls", "sleeps"} {
		for _, size := range blockSizes {
			b.Run(fmt.Sprintf("%s/%d", how, size), func(b *testing.B) {
				// About as many blocks for each size.
				r.run(b, race{what: fmt.Sprintf("the client %s, blksize %d", how, size),
					client: client.TFTP{BlockSize: size, Poll: how == "polls"},
					size:   min(40_000*int64(size), 400<<20), servers: []string{"own", "in.tftpd"}})
			})
		}
	}
}

// BenchmarkWindow compares with atftpd.
func BenchmarkWindow(b *testing.B) {
	r := newRig(b, link.Impairment{})
	r.start(b, "own")
	r.start(b, "atftpd")
	for _, window := range []int{4, 8, 16, 64} {
		b.Run(strconv.Itoa(window), func(b *testing.B) {
			r.run(b, race{what: fmt.Sprintf("windowsize %d", window), client: client.TFTP{BlockSize: 1428, WindowSize: window},
				size: 128 << 20, servers: []string{"own", "atftpd"}})
		})
	}
}
