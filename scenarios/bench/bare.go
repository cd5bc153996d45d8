package bench

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/pxeproof/pxeproof/harness/network"
	"github.com/pxeproof/pxeproof/harness/qemu"
	"github.com/pxeproof/pxeproof/harness/sandbox"
	"github.com/pxeproof/pxeproof/scenarios"
	"github.com/pxeproof/pxeproof/servers"
	"github.com/pxeproof/pxeproof/servers/conf/exports"
	"github.com/pxeproof/pxeproof/servers/nfs"
	"github.com/pxeproof/pxeproof/servers/portmap"
)

// bareEntry is the sandbox's entry for the bare lab.
const bareEntry = "bare lab"

// Entries are what a program that calls Boot or TFTP must give to [sandbox.Enter],
// beside those of scenarios.
func Entries() map[string]sandbox.Entry {
	return map[string]sandbox.Entry{bareEntry: bare, tftpEntry: sweepTFTP, serverEntry: serveTFTP}
}

// A bareRequest asks for one boot in a bare lab: what somebody sets up by hand
// in an afternoon, with dnsmasq for DHCP and TFTP, an NFS server and QEMU on one
// bridge, nothing tuned, and nobody watching but the console.
//
// The NFS server is the one that is measured too: those of others that are not
// in the kernel open files by handle (open_by_handle_at), which takes rights over
// the whole machine that no sandbox has. It serves one small file, milliseconds
// of the boot.
type bareRequest struct {
	Scenario string            `json:"scenario"`
	Assets   map[string]string `json:"assets"`
	Accel    string            `json:"accel"`
	Dir      string            `json:"dir"`  // an empty folder
	Mark     string            `json:"mark"` // the words on the console that end it
}

type bareAnswer struct {
	Error string `json:"error,omitempty"`
}

// bare is the sandboxed half.
func bare(ctx context.Context, c *sandbox.Conn) int {
	var req bareRequest
	if err := c.Receive(&req); err != nil {
		fmt.Fprintln(os.Stderr, "no request:", err)
		return 1
	}
	var a bareAnswer
	if err := bareBoot(ctx, req); err != nil {
		a.Error = err.Error()
	}
	if err := c.Send(a); err != nil {
		fmt.Fprintln(os.Stderr, "reporting:", err)
		return 1
	}
	return 0
}

// bareTime bounds a boot in the bare lab.
const bareTime = 3 * time.Minute

func bareBoot(ctx context.Context, req bareRequest) error {
	ctx, cancel := context.WithTimeout(ctx, bareTime)
	defer cancel()
	s, err := scenarios.Load(req.Scenario)
	if err != nil {
		return err
	}
	if len(s.Hosts) != 1 || len(s.Machines) != 1 {
		return errors.New("the bare lab has one server and one machine")
	}
	if err := unix.Mount("root", req.Dir, "tmpfs", 0, "mode=0755"); err != nil {
		return err
	}
	if err := s.Materialize(req.Dir, req.Assets); err != nil {
		return err
	}
	lan, err := network.New("lan")
	if err != nil {
		return err
	}
	host, err := lan.AddHost(network.HostConfig{Name: s.Hosts[0].Name, Addr: s.Hosts[0].Address})
	if err != nil {
		return err
	}
	tap, err := lan.AddTap(s.Machines[0].Name)
	if err != nil {
		return err
	}
	g, gctx := errgroup.WithContext(ctx)
	if err := serveNFS(gctx, g, host, req.Dir); err != nil {
		return err
	}
	dnsmasq := host.Command(gctx, "dnsmasq", dnsmasqArgs(host.Addr(), filepath.Join(req.Dir, "tftpboot"))...)
	dnsmasq.Stdout, dnsmasq.Stderr = os.Stderr, os.Stderr
	if err := dnsmasq.Start(); err != nil {
		return fmt.Errorf("dnsmasq: %w", err)
	}
	seen := make(chan struct{})
	off := make(chan error, 1)
	go func() { off <- bareMachine(gctx, s.Machines[0], req, tap, func() { close(seen) }) }()
	select {
	case <-seen:
		return nil // all of it goes with the sandbox
	case err := <-off:
		// The last words may have come together with the end.
		select {
		case <-seen:
			return nil
		default:
			return errors.Join(fmt.Errorf("the machine went off and never said %q", req.Mark), err)
		}
	case <-gctx.Done():
		return fmt.Errorf("the machine did not say %q within %v", req.Mark, bareTime)
	}
}

// bareMachine runs the machine until it is off, and calls seen when its console
// says the mark. The command line is that of somebody who has read QEMU's manual.
func bareMachine(ctx context.Context, m scenarios.Machine, req bareRequest, tap *os.File, seen func()) error {
	nic := m.NICs[0]
	model := nic.Model
	if model == "" {
		model = qemu.DefaultNIC
	}
	defer tap.Close()
	cmd := exec.CommandContext(ctx, qemu.DefaultProgram, "-accel", req.Accel, "-m", "512", "-nographic", "-boot", "n", "-no-reboot",
		"-netdev", "tap,id=net0,fd=3", "-device", fmt.Sprintf("%s,netdev=net0,mac=%s", model, nic.MAC))
	cmd.ExtraFiles = []*os.File{tap}
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting QEMU: %w", err)
	}
	found := false
	err = qemu.ReadConsole(out, os.Stderr, func(_ time.Time, text string) {
		if !found && strings.Contains(text, req.Mark) {
			found = true
			seen()
		}
	})
	return errors.Join(err, cmd.Wait())
}

// dnsmasqArgs is the command line of somebody who has read the manual page.
func dnsmasqArgs(server netip.Prefix, root string) []string {
	net := server.Masked().Addr().As4()
	low, high := net, net
	low[3], high[3] = 10, 100
	return []string{
		"--keep-in-foreground", "--conf-file=/dev/null", "--user=root", "--log-facility=-", "--pid-file",
		"--port=0", "--leasefile-ro",
		fmt.Sprintf("--dhcp-range=%s,%s,12h", netip.AddrFrom4(low), netip.AddrFrom4(high)),
		"--dhcp-boot=pxelinux.0", "--enable-tftp", "--tftp-root=" + root,
	}
}

// serveNFS exports what the scenario's exports say.
func serveNFS(ctx context.Context, g *errgroup.Group, on servers.Host, dir string) error {
	src, err := os.ReadFile(filepath.Join(dir, "etc/exports"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	x, _ := exports.Parse("/etc/exports", src, nil)
	for _, s := range []servers.Server{
		nfs.New(nfs.Config{Exports: x, Root: dir}),
		portmap.New(portmap.Config{Mappings: nfs.Mappings()}),
	} {
		if err := s.Listen(ctx, on); err != nil {
			return err
		}
		g.Go(func() error { return s.Serve(ctx) })
	}
	return nil
}

// bare boots a scenario in a bare lab.
func (b *boots) bare(scenario string) (float64, error) {
	s, err := scenarios.Load(scenario)
	if err != nil {
		return 0, err
	}
	found, err := s.FindAssets(b.ctx, &b.store)
	if err != nil {
		return 0, err
	}
	req := bareRequest{Scenario: scenario, Assets: map[string]string{}, Accel: b.res.Accel.Name, Dir: b.dir(), Mark: marks[scenario]}
	for _, a := range found {
		req.Assets[a.Name] = a.Path
	}
	if err := os.Mkdir(req.Dir, 0o755); err != nil {
		return 0, err
	}
	return timed(func() error { return runBare(b.ctx, req) })
}

// cutBare is the scenario that a name has the bare lab boot.
func cutBare(name string) (scenario string, ok bool) { return strings.CutPrefix(name, barePrefix) }

// runBare is the half outside the sandbox.
func runBare(ctx context.Context, req bareRequest) error {
	log, err := os.Create(req.Dir + ".log")
	if err != nil {
		return err
	}
	defer log.Close()
	p, err := sandbox.Start(ctx, bareEntry, log)
	if err != nil {
		return err
	}
	var a bareAnswer
	if err = p.Conn.Send(req); err == nil {
		err = p.Conn.Receive(&a)
	}
	_, werr := p.Wait()
	switch {
	case a.Error != "":
		b, _ := os.ReadFile(log.Name())
		return fmt.Errorf("%s\n%s", a.Error, b)
	case err != nil:
		return errors.Join(err, werr)
	}
	return werr
}
