package tftp_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/pxeproof/pxeproof/harness/client"
	"github.com/pxeproof/pxeproof/harness/link"
)

// BenchmarkRoundTrip measures what a window is worth on a link of 10 ms.
func BenchmarkRoundTrip(b *testing.B) {
	r := newRig(b, link.Impairment{Delay: 5 * time.Millisecond})
	own := r.start(b, "own")
	r.file(b, "lockstep", 200*1428)
	r.file(b, "windows", 20000*1428)
	rate := func(name string, window int) float64 {
		m := measured{}
		for range repeats {
			res := r.fetch(b, own, fetch{TFTP: client.TFTP{BlockSize: 1428, WindowSize: window}, Name: name})
			if res.Error != "" {
				b.Fatal(res.Error)
			}
			m.rates = append(m.rates, res.Rate())
		}
		fmt.Fprintf(os.Stderr, "10 ms, windowsize %d  own %.3f MB/s\n", window, m.median()/1e6)
		return m.median()
	}
	one := rate("lockstep", 1)
	b.ReportMetric(rate("windows", 64)/one, "of-lock-step")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkLoss compares with atftpd on a link that loses 1 % in each direction.
func BenchmarkLoss(b *testing.B) {
	r := newRig(b, link.Impairment{Loss: 0.01, Seed: 1})
	r.start(b, "own")
	r.start(b, "atftpd")
	r.run(b, race{what: "1 % loss, windowsize 16", client: client.TFTP{BlockSize: 1428, WindowSize: 16, Tries: 100},
		size: 2 << 20, servers: []string{"own", "atftpd"}})
}

// BenchmarkCrowd has a thousand clients fetch a megabyte each at once, and
// reports what memory a transfer takes: resident, and that of the sockets.
func BenchmarkCrowd(b *testing.B) {
	const clients, size = 1000, 1 << 20
	r := newRig(b, link.Impairment{})
	r.file(b, "f", size)
	own := r.start(b, "own")
	file, err := os.ReadFile(filepath.Join(r.root, "f"))
	if err != nil {
		b.Fatal(err)
	}
	before, _ := own.memory(b, r)
	stop, peak := make(chan struct{}), make(chan [2]int64)
	go func() {
		var most [2]int64
		for tick := time.NewTicker(100 * time.Millisecond); ; {
			resident, sockets := own.memory(b, r)
			if resident+sockets > most[0]+most[1] {
				most = [2]int64{resident, sockets}
			}
			select {
			case <-stop:
				peak <- most
				return
			case <-tick.C:
			}
		}
	}()
	res := r.fetch(b, own, fetch{TFTP: client.TFTP{BlockSize: 1428, WindowSize: 4, Hash: true}, Name: "f", Times: clients})
	close(stop)
	most := <-peak
	if sum := fmt.Sprintf("%x", sha256.Sum256(file)); res.Error != "" || res.Sums[sum] != clients {
		b.Fatalf("%d of %d files are complete and correct: %s", res.Sums[sum], clients, res.Error)
	}
	each := (most[0] - before + most[1]) / clients
	fmt.Fprintf(os.Stderr, "%d clients at once: %.1f MB/s, %v; resident %d MiB (%d before), sockets %d KiB: %.1f KiB a transfer; %d timeouts\n",
		clients, float64(res.Bytes)/1e6/res.Took.Seconds(), res.Took.Round(time.Millisecond), most[0]>>20, before>>20, most[1]>>10, float64(each)/1024, res.Timeouts)
	b.ReportMetric(float64(each), "B/transfer")
	b.ReportMetric(0, "ns/op")
}

var (
	// What is resident beside files, and the tables of all pages.
	resident = regexp.MustCompile(`(?:RssAnon|RssShmem|VmPTE):\s+(\d+) kB`)
	// Memory of a socket: received, sent, set aside, queued, options, backlog.
	skmem = regexp.MustCompile(`skmem:\(r(\d+),rb\d+,t(\d+),tb\d+,f(\d+),w(\d+),o(\d+),bl(\d+)`)
)

// memory is what the server has resident beyond the file cache, and what its
// host's UDP sockets hold, in bytes.
func (p *peerServer) memory(b *testing.B, r *rig) (bytes, sockets int64) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		b.Error(err)
		return 0, 0
	}
	for _, m := range resident.FindAllSubmatch(status, -1) {
		v, _ := strconv.ParseInt(string(m[1]), 10, 64)
		bytes += v << 10
	}
	out, err := r.server.Command(b.Context(), "ss", "-Huamn").Output()
	if err != nil {
		b.Error(err)
	}
	for _, m := range skmem.FindAllSubmatch(out, -1) {
		for _, n := range m[1:] {
			v, _ := strconv.ParseInt(string(n), 10, 64)
			sockets += v
		}
	}
	return bytes, sockets
}
