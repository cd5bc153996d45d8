package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/pxeproof/pxeproof/harness/link"
	"github.com/pxeproof/pxeproof/harness/network"
	"github.com/pxeproof/pxeproof/harness/sandbox"
)

// tftpEntry is the sandbox's entry for the sweep.
const tftpEntry = "bench tftp"

// A tftpRequest is what the sandboxed half is asked to do.
type tftpRequest struct {
	Dir     string        `json:"dir"` // an existing folder
	Cells   []Cell        `json:"cells"`
	Servers []foundServer `json:"servers"`
	Rounds  int           `json:"rounds"`
	Each    time.Duration `json:"each"`   // aimed at for a transfer
	Client  string        `json:"client"` // TFTPOptions.Client
}

// A foundServer is a ServerInfo with all that is left out of reports.
type foundServer struct {
	ServerInfo
	Path string   `json:"path"`
	Env  []string `json:"env"`
}

// A tftpMessage is what it says.
type tftpMessage struct {
	// Done of Total is the work until now, in seconds that it was thought to take.
	Done  float64 `json:"done,omitempty"`
	Total float64 `json:"total,omitempty"`
	Text  string  `json:"text,omitempty"`

	Rows      []Row        `json:"rows,omitempty"`
	Recording *Recording   `json:"recording,omitempty"`
	Partial   bool         `json:"partial,omitempty"`
	Ended     bool         `json:"ended,omitempty"`
	Error     string       `json:"error,omitempty"`
	Lost      []lostServer `json:"lost,omitempty"`
}

// A lostServer did not answer, and why.
type lostServer struct{ Name, Why string }

// A tftpBench is a sweep that runs.
type tftpBench struct {
	request              tftpRequest
	conn                 *sandbox.Conn
	root                 string
	content              []byte
	clientCPU, serverCPU int
	rows                 []Row
	done, total          float64
	lost                 []lostServer
}

// sweepTFTP is the sandboxed half.
func sweepTFTP(ctx context.Context, c *sandbox.Conn) int {
	b := &tftpBench{conn: c}
	if err := c.Receive(&b.request); err != nil {
		fmt.Fprintln(os.Stderr, "no request:", err)
		return 1
	}
	m := tftpMessage{Ended: true}
	err := b.prepare()
	if err == nil {
		err = b.sweep(ctx)
	}
	if err == nil && ctx.Err() == nil {
		m.Recording, err = b.recordFastest(ctx)
	}
	m.Rows, m.Lost, m.Partial = b.rows, b.lost, ctx.Err() != nil
	if err != nil && ctx.Err() == nil {
		m.Error = err.Error()
	}
	if err := c.Send(m); err != nil {
		fmt.Fprintln(os.Stderr, "reporting:", err)
		return 1
	}
	return 0
}

// prepare makes the files, in memory.
func (b *tftpBench) prepare() (err error) {
	if b.clientCPU, b.serverCPU, err = cores(); err != nil {
		return err
	}
	b.root = filepath.Join(b.request.Dir, "work")
	if err := os.Mkdir(b.root, 0o755); err != nil {
		return err
	}
	if err := unix.Mount("work", b.root, "tmpfs", unix.MS_NODEV|unix.MS_NOSUID, "mode=0755"); err != nil {
		return err
	}
	sizes := []int{}
	for _, c := range b.request.Cells {
		b.total += b.cost(c)
		for _, size := range []int{c.fileSize(b.request.Each), c.fileSize(traceTime), c.fileSize(recordTime)} {
			if !slices.Contains(sizes, size) {
				sizes = append(sizes, size)
			}
		}
	}
	b.content = make([]byte, slices.Max(sizes))
	random := rand.NewChaCha8([32]byte{'t', 'f', 't', 'p'})
	_, _ = random.Read(b.content)
	for _, size := range sizes {
		if err := os.WriteFile(filepath.Join(b.root, fileName(size)), b.content[:size], 0o644); err != nil {
			return err
		}
	}
	return nil
}

// cost is how long a cell takes, about, in seconds.
func (b *tftpBench) cost(c Cell) float64 {
	return float64(b.request.Rounds*len(b.request.Servers)) * c.takes(b.request.Each).Seconds()
}

// sweep measures all cells, a link after the other.
func (b *tftpBench) sweep(ctx context.Context) error {
	cells := b.request.Cells
	for len(cells) > 0 && ctx.Err() == nil {
		n := slices.IndexFunc(cells, func(c Cell) bool { return c.Link != cells[0].Link })
		if n < 0 {
			n = len(cells)
		}
		if err := b.overLink(ctx, cells[:n]); err != nil {
			return fmt.Errorf("%s: %w", cells[0].Link, err)
		}
		cells = cells[n:]
	}
	return nil
}

// overLink measures the cells of one link, over which all servers are reached.
func (b *tftpBench) overLink(ctx context.Context, cells []Cell) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	on, server, relay, err := network.NewPair(
		network.HostConfig{Name: "client", Addr: clientAddr},
		network.HostConfig{Name: "server", Addr: b.serverAddr(0)}, cells[0].impairment())
	if err != nil {
		return err
	}
	var group errgroup.Group
	defer func() { cancel(); err = errors.Join(err, group.Wait()) }()
	if relay != nil {
		group.Go(func() error { return relay.Run(ctx) })
	}
	g := &gallery{on: on, cpu: b.clientCPU, poll: b.request.Client == ClientPolls, content: b.content}
	sizes := []int{}
	for _, c := range cells {
		sizes = append(sizes, c.fileSize(b.request.Each))
	}
	slices.Sort(sizes)
	sizes = slices.Compact(sizes)
	if relay != nil {
		sizes = sizes[:1] // that it answers is enough, and the others may take long
	}
	var all []*running
	for i, f := range b.request.Servers {
		f.ServerInfo.Path, f.ServerInfo.Env = f.Path, f.Env
		s, err := b.open(ctx, server, i, f.ServerInfo)
		if err == nil {
			defer s.stop()
			err = g.awaken(ctx, s, sizes)
		}
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			if !slices.ContainsFunc(b.lost, func(l lostServer) bool { return l.Name == f.Name }) {
				b.lost = append(b.lost, lostServer{f.Name, err.Error()})
			}
			continue
		}
		all = append(all, s)
	}
	return b.shoot(ctx, g, server, relay, all, cells)
}

// open starts a server at an address of its own.
func (b *tftpBench) open(ctx context.Context, on *network.Host, i int, info ServerInfo) (*running, error) {
	addr := b.serverAddr(i)
	if i > 0 {
		err := on.Do(func() error {
			eth, err := netlink.LinkByName(on.Interface())
			if err != nil {
				return err
			}
			return netlink.AddrAdd(eth, &netlink.Addr{IPNet: &net.IPNet{IP: addr.Addr().AsSlice(), Mask: net.CIDRMask(addr.Bits(), 32)}})
		})
		if err != nil {
			return nil, err
		}
	}
	return info.start(ctx, on, addr.Addr(), b.root, b.serverCPU, os.Stderr)
}

// shoot goes round the cells and servers, so that what changes on the machine
// meanwhile meets all of them. In each round another server is first.
func (b *tftpBench) shoot(ctx context.Context, g *gallery, server *network.Host, relay *link.Relay, all []*running, cells []Cell) error {
	rows := make(map[*running]map[Cell]*Row)
	for _, s := range all {
		rows[s] = map[Cell]*Row{}
		for _, c := range cells {
			rows[s][c] = &Row{Cell: c, Server: s.Name, Bytes: c.fileSize(b.request.Each)}
		}
	}
	for round := range b.request.Rounds {
		for _, c := range cells {
			for i := range all {
				s := all[(i+round)%len(all)]
				row := rows[s][c]
				if ctx.Err() == nil && row.Failed == "" {
					if relay != nil {
						relay.Restart(uint64(round)) // the same losses for every server
					}
					one, err := g.fetch(ctx, s, c, row.Bytes)
					switch {
					case err == nil:
						row.add(one)
					case ctx.Err() == nil:
						row.Failed = err.Error()
					}
				}
			}
			b.done += b.cost(c) / float64(b.request.Rounds)
			m := tftpMessage{Done: b.done, Total: b.total, Text: c.String()}
			if err := b.conn.Send(m); err != nil {
				return err
			}
		}
	}
	for _, c := range cells {
		for _, s := range all {
			row := rows[s][c]
			if ctx.Err() == nil && row.Failed == "" && c.Loss == 0 {
				var err error
				if row.BlockTime, err = b.trace(ctx, g, server, s, c); err != nil && ctx.Err() == nil {
					return err
				}
			}
			if len(row.Rate) > 0 || row.Failed != "" {
				b.rows = append(b.rows, *row)
			}
		}
	}
	return nil
}

// traceTime is how long a transfer takes that is captured at both ends.
const traceTime = 30 * time.Millisecond

// trace captures one transfer at both ends of the link.
func (b *tftpBench) trace(ctx context.Context, g *gallery, server *network.Host, s *running, c Cell) (*BlockTime, error) {
	there, err := newTrace(server)
	if err != nil {
		return nil, err
	}
	here, err := newTrace(g.on)
	if err != nil {
		return nil, err
	}
	_, err = g.fetch(ctx, s, c, c.fileSize(traceTime))
	if err := errors.Join(err, there.read(), here.read()); err != nil {
		return nil, err
	}
	return blockTime(there, here), nil
}

// recordFastest records the row with the most frames a second.
func (b *tftpBench) recordFastest(ctx context.Context) (*Recording, error) {
	var fastest *Row
	for i := range b.rows {
		r := &b.rows[i]
		if r.RTT > 0 || r.Loss > 0 || len(r.Rate) == 0 {
			continue
		}
		if fastest == nil || r.frameRate() > fastest.frameRate() {
			fastest = r
		}
	}
	if fastest == nil {
		return nil, nil
	}
	i := slices.IndexFunc(b.request.Servers, func(f foundServer) bool { return f.Name == fastest.Server })
	f := b.request.Servers[i]
	f.ServerInfo.Path, f.ServerInfo.Env = f.Path, f.Env
	return b.record(ctx, fastest.Cell, f.ServerInfo)
}

// frameRate is how many frames a second a row makes, both ways.
func (r *Row) frameRate() float64 {
	frames := float64(framesOf(r.BlockSize)) + 1/float64(r.WindowSize)
	return slices.Max(r.Rate) * 1e6 / float64(r.BlockSize) * frames
}
