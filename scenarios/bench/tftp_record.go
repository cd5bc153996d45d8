package bench

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/pxeproof/pxeproof/captures"
	"github.com/pxeproof/pxeproof/harness/network"
)

// A Recording says how a lab's recorder kept up with a transfer.
type Recording struct {
	Cell
	Server string `json:"server"`
	// Rate is in MB/s, while it was recorded, over the bridge of a lab.
	Rate float64 `json:"rate"`
	// Passed is how many frames the bridge's ports counted from first to last,
	// Frames how many are in the capture, where there may be some from before and
	// after, and Dropped how many the kernel says were lost.
	Passed  int64 `json:"passed"`
	Frames  int   `json:"frames"`
	Dropped int   `json:"dropped"`
	// FrameRate is in frames a second, and Core the part of one processor that
	// recording took, decoding and writing the file included.
	FrameRate float64 `json:"frame_rate"`
	Core      float64 `json:"core"`
}

// Whole says whether every frame that passed is in the capture.
func (r Recording) Whole() bool { return r.Dropped == 0 && int64(r.Frames) >= r.Passed }

// recordTime is how long the transfer that is recorded takes, about.
const recordTime = time.Second

// record makes a lab's network, bridge and all, and records a transfer there as
// a run does.
func (b *tftpBench) record(ctx context.Context, c Cell, info ServerInfo) (*Recording, error) {
	lan, err := network.New("lan")
	if err != nil {
		return nil, err
	}
	server, err := lan.AddHost(network.HostConfig{Name: "server", Addr: b.serverAddr(0)})
	if err != nil {
		return nil, err
	}
	on, err := lan.AddHost(network.HostConfig{Name: "client", Addr: clientAddr})
	if err != nil {
		return nil, err
	}
	s, err := info.start(ctx, server, server.Addr().Addr(), b.root, b.serverCPU, os.Stderr)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	g := &gallery{on: on, cpu: b.clientCPU, poll: b.request.Client == ClientPolls, content: b.content}
	size := c.fileSize(recordTime)
	if err := g.awaken(ctx, s, []int{size}); err != nil {
		return nil, err
	}
	// The file is written to where runs are, and not kept.
	file := filepath.Join(b.request.Dir, "recording.pcapng")
	defer os.Remove(file)
	r, err := captures.Record(ctx, captures.RecordConfig{File: file, Exclude: []string{lan.Name()}})
	if err != nil {
		return nil, err
	}
	// Counted while it is being recorded: what a host says of its own accord
	// before and after may be in the capture besides.
	before, err := passed("server", "client")
	began := time.Now()
	var one shot
	if err == nil {
		one, err = g.fetch(ctx, s, c, size)
	}
	took := time.Since(began)
	after, perr := passed("server", "client")
	t, cerr := r.Close()
	if err := errors.Join(err, cerr, perr); err != nil {
		return nil, err
	}
	rec := &Recording{Cell: c, Server: info.Name, Rate: float64(one.bytes) / 1e6 / one.seconds,
		Passed: after - before, Frames: t.Frames, Dropped: t.Dropped}
	rec.FrameRate = float64(rec.Frames) / took.Seconds()
	rec.Core = r.CPU().Seconds() / took.Seconds()
	return rec, nil
}

// passed is how many frames have entered at ports of the bridge.
func passed(ports ...string) (n int64, err error) {
	for _, name := range ports {
		l, err := netlink.LinkByName(name)
		if err != nil {
			return 0, err
		}
		if l.Attrs().Statistics == nil {
			return 0, fmt.Errorf("the kernel does not count the frames of %s", name)
		}
		n += int64(l.Attrs().Statistics.RxPackets)
	}
	return n, nil
}

// Addresses on the link. The servers' are .1 and up, an address each, because a
// daemon cannot always be given another port.
var clientAddr = netip.MustParsePrefix("192.168.1.100/24")

func (b *tftpBench) serverAddr(i int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 168, 1, byte(1 + i)}), 24)
}
