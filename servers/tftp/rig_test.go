package tftp_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/pxeproof/pxeproof/harness/assets"
	"github.com/pxeproof/pxeproof/harness/client"
	"github.com/pxeproof/pxeproof/harness/link"
	"github.com/pxeproof/pxeproof/harness/network"
	"github.com/pxeproof/pxeproof/servers/tftp"
)

// A rig is for measuring: servers and clients are processes of their own, each
// kind pinned to a core, at the two ends of one veth pair.
type rig struct {
	root           string
	server, client *network.Host
	peers          []*peerServer
}

const (
	rigServer = "10.0.0.1"
	rigClient = "10.0.0.2"
	serverCPU = 0
	clientCPU = 1
	// What the test binary is when it is started again.
	envServe = "PXEPROOF_TFTP_SERVE"
	envFetch = "PXEPROOF_TFTP_FETCH"
)

// newRig joins two hosts by a veth pair, or by a bad link if there is anything
// wrong with it. The mtu is 1500.
func newRig(tb testing.TB, bad link.Impairment) *rig {
	tb.Helper()
	if runtime.NumCPU() < 2 {
		tb.Skip("server and client need a core each")
	}
	bridges++
	n, err := network.New(fmt.Sprintf("br%d", bridges))
	if err != nil {
		tb.Fatal(err)
	}
	r := &rig{root: tb.TempDir()}
	for name, h := range map[string]**network.Host{"192.168.1.103/24": &r.server, "192.168.1.50/24": &r.client} {
		addr := netip.MustParsePrefix(name)
		if *h, err = n.AddHost(network.HostConfig{Name: fmt.Sprintf("h%d-%d", bridges, addr.Addr().As4()[3]), Addr: addr}); err != nil {
			tb.Fatal(err)
		}
	}
	if bad.Healthy() {
		err = r.wire()
	} else {
		err = r.relay(tb, bad)
	}
	if err != nil {
		tb.Fatal(err)
	}
	for addr, h := range map[string]*network.Host{rigServer: r.server, rigClient: r.client} {
		if err := h.Do(func() error { return wireUp(addr) }); err != nil {
			tb.Fatal(err)
		}
	}
	return r
}

// wire is a veth pair from host to host, with no bridge.
func (r *rig) wire() error {
	var far *os.File
	if err := r.client.Do(func() (err error) {
		far, err = os.Open("/proc/thread-self/ns/net")
		return err
	}); err != nil {
		return err
	}
	defer far.Close()
	return r.server.Do(func() error {
		return netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "wire"}, PeerName: "wire", PeerNamespace: netlink.NsFd(far.Fd())})
	})
}

// relay is two taps with a bad link between them, in this process.
func (r *rig) relay(tb testing.TB, bad link.Impairment) error {
	var ends []*link.End
	for _, h := range []*network.Host{r.server, r.client} {
		if err := h.Do(func() error {
			fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
			if err != nil {
				return err
			}
			ifr, err := unix.NewIfreq("wire")
			if err != nil {
				return err
			}
			ifr.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
			ends = append(ends, link.Packet(fd))
			return unix.IoctlIfreq(fd, unix.TUNSETIFF, ifr)
		}); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- link.NewRelay(ends[0], ends[1], bad).Run(ctx) }()
	tb.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			tb.Error(err)
		}
	})
	return nil
}

func wireUp(addr string) error {
	l, err := netlink.LinkByName("wire")
	if err != nil {
		return err
	}
	if err := netlink.AddrAdd(l, &netlink.Addr{IPNet: &net.IPNet{IP: net.ParseIP(addr), Mask: net.CIDRMask(24, 32)}}); err != nil {
		return err
	}
	return netlink.LinkSetUp(l)
}

// file puts one of that many bytes into the root, in the page cache.
func (r *rig) file(tb testing.TB, name string, size int64) {
	tb.Helper()
	f, err := os.Create(filepath.Join(r.root, name))
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	block := make([]byte, 1<<20)
	for at := int64(0); at < size; at += int64(len(block)) {
		for i := range block {
			block[i] = byte(i>>8) ^ byte(at>>20)*37 ^ byte(i)
		}
		if _, err := f.Write(block[:min(int64(len(block)), size-at)]); err != nil {
			tb.Fatal(err)
		}
	}
}

// startPinned starts a program whose threads stay on one core.
func startPinned(cmd *exec.Cmd, cpu int) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var all, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		return err
	}
	one.Set(cpu)
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		return err
	}
	defer unix.SchedSetaffinity(0, &all)
	return cmd.Start()
}

// A peerServer is a server under measurement.
type peerServer struct {
	name   string
	cmd    *exec.Cmd
	port   uint16
	clocks []*os.File
}

// start runs a server: "own", "pin", "in.tftpd" or "atftpd", each on a port of
// its own, all at once.
func (r *rig) start(tb testing.TB, name string) *peerServer {
	tb.Helper()
	p := &peerServer{name: name, port: uint16(6900 + len(r.peers))}
	at := netip.AddrPortFrom(netip.MustParseAddr(rigServer), p.port)
	switch name {
	case "in.tftpd":
		tool := tool(tb, name)
		p.cmd = r.server.Command(context.Background(), tool.Path, "-L", "-4", "-u", "root", "-a", at.String(), "-s", r.root)
		p.cmd.Env = append(p.cmd.Env, tool.Env...)
	case "atftpd":
		tool := tool(tb, name)
		p.cmd = r.server.Command(context.Background(), tool.Path, "--daemon", "--no-fork", "--user", "root.root", "--logfile", "/dev/null",
			"--bind-address", rigServer, "--port", strconv.Itoa(int(p.port)), "--maxthread", "2000", r.root)
		p.cmd.Env = append(p.cmd.Env, tool.Env...)
	default:
		p.cmd = r.server.Command(context.Background(), "/proc/self/exe")
		p.cmd.Env = append(p.cmd.Env, fmt.Sprintf("%s=%s %s %s", envServe, strings.Split(name, ":")[0], at, r.root))
		if _, v, ok := strings.Cut(name, ":"); ok {
			p.cmd.Env = append(p.cmd.Env, "TFTP_VAR="+v)
		}
	}
	p.cmd.Stderr = os.Stderr
	if err := startPinned(p.cmd, serverCPU); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		p.cmd.Process.Kill()
		p.cmd.Wait()
		for _, c := range p.clocks {
			c.Close()
		}
	})
	r.peers = append(r.peers, p)
	r.file(tb, "ready", 10)
	spec := fetch{TFTP: client.TFTP{Wait: 100 * time.Millisecond, Tries: 100}, Name: "ready"}
	if res := r.fetch(tb, p, spec); res.Error != "" {
		tb.Fatalf("%s does not answer: %s", name, res.Error)
	}
	if err := p.watch(); err != nil {
		tb.Fatal(err)
	}
	return p
}

func tool(tb testing.TB, name string) assets.Tool {
	tb.Helper()
	t, err := new(assets.Store).Tool(tb.Context(), name)
	if err != nil {
		tb.Fatalf("%v: fetch it with 'make setup'", err)
	}
	return t
}

// watch opens a counter of the processor time of each thread of the server and
// of all that it will start: in.tftpd ignores its children, whose times are
// found nowhere else.
func (p *peerServer) watch() error {
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", p.cmd.Process.Pid))
	if err != nil {
		return err
	}
	for _, task := range tasks {
		tid, err := strconv.Atoi(task.Name())
		if err != nil {
			return err
		}
		fd, err := unix.PerfEventOpen(&unix.PerfEventAttr{
			Type: unix.PERF_TYPE_SOFTWARE, Config: unix.PERF_COUNT_SW_TASK_CLOCK, Size: unix.PERF_ATTR_SIZE_VER0,
			// To leave the kernel out needs no privilege, and a clock counts it
			// all the same.
			Bits: unix.PerfBitInherit | unix.PerfBitExcludeKernel,
		}, tid, -1, -1, unix.PERF_FLAG_FD_CLOEXEC)
		if err != nil {
			return os.NewSyscallError("perf_event_open", err)
		}
		p.clocks = append(p.clocks, os.NewFile(uintptr(fd), "clock"))
	}
	return nil
}

// cpu is what the server and its children have used.
func (p *peerServer) cpu(tb testing.TB) (sum time.Duration) {
	tb.Helper()
	b := make([]byte, 8)
	for _, c := range p.clocks {
		if _, err := c.Read(b); err != nil {
			tb.Fatal(err)
		}
		sum += time.Duration(binary.NativeEndian.Uint64(b))
	}
	return sum
}

// fetch is what a client's process is told to do.
type fetch struct {
	client.TFTP
	Name  string
	Times int // at once; default 1
}

type fetched struct {
	client.Result
	Error string
	CPU   time.Duration // of the client
	Sums  map[string]int
}

// fetch runs one client process.
func (r *rig) fetch(tb testing.TB, p *peerServer, f fetch) fetched {
	tb.Helper()
	f.Server = netip.AddrPortFrom(netip.MustParseAddr(rigServer), p.port)
	spec, err := json.Marshal(f)
	if err != nil {
		tb.Fatal(err)
	}
	cmd := r.client.Command(tb.Context(), "/proc/self/exe")
	cmd.Env = append(cmd.Env, envFetch+"="+string(spec))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := startPinned(cmd, clientCPU); err != nil {
		tb.Fatal(err)
	}
	var res fetched
	err = json.NewDecoder(out).Decode(&res)
	if err = errors.Join(err, cmd.Wait()); err != nil {
		tb.Fatal(err)
	}
	res.CPU = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return res
}

// runRole is the test binary started again; it returns in the tests themselves.
func runRole() {
	if spec := os.Getenv(envFetch); spec != "" {
		fetchRole(spec)
	}
	spec := os.Getenv(envServe)
	if spec == "" {
		return
	}
	f := strings.Fields(spec)
	s := tftp.New(tftp.Config{Root: f[2], Address: netip.MustParseAddrPort(f[1]), Engine: tftp.Engine(f[0])})
	err := s.Listen(context.Background(), here{})
	if err == nil {
		err = s.Serve(context.Background())
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func fetchRole(spec string) {
	var f fetch
	if err := json.Unmarshal([]byte(spec), &f); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	results := make(chan fetched)
	n := max(f.Times, 1)
	for range n {
		go func() {
			runtime.LockOSThread()
			var r fetched
			var err error
			if r.Result, err = f.Fetch(context.Background(), f.Name); err != nil {
				r.Error = err.Error()
			}
			results <- r
		}()
	}
	var all fetched
	sums := map[string]int{}
	for range n {
		r := <-results
		sums[fmt.Sprintf("%x", r.SHA256)]++
		if r.Error == "" {
			r.Error = all.Error
		}
		r.Bytes, r.Timeouts, r.Stray = r.Bytes+all.Bytes, r.Timeouts+all.Timeouts, r.Stray+all.Stray
		r.Took = max(r.Took, all.Took)
		all = r
	}
	all.Sums = sums
	w := bufio.NewWriter(os.Stdout)
	json.NewEncoder(w).Encode(all)
	w.Flush()
	os.Exit(0)
}

// here is the namespace that the process lives in, as a host.
type here struct{}

func (here) Name() string            { return "here" }
func (here) Interface() string       { return "wire" }
func (here) MAC() net.HardwareAddr   { return nil }
func (here) Addr() netip.Prefix      { return netip.MustParsePrefix(rigServer + "/24") }
func (here) Do(f func() error) error { return f() }
func (here) Command(ctx context.Context, name string, arg ...string) *exec.Cmd {
	return exec.CommandContext(ctx, name, arg...)
}
func (here) Listen(ctx context.Context, network, address string) (net.Listener, error) {
	return new(net.ListenConfig).Listen(ctx, network, address)
}
func (here) ListenPacket(ctx context.Context, network, address string) (net.PacketConn, error) {
	return new(net.ListenConfig).ListenPacket(ctx, network, address)
}
