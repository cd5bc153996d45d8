package bench

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
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

// Entries are what a program that calls Boot must give to [sandbox.Enter],
// beside those of scenarios.
func Entries() map[string]sandbox.Entry {
	return map[string]sandbox.Entry{bareEntry: bare}
}

// A bareRequest asks for one boot in a bare lab: what somebody sets up by hand
// in an afternoon, with dnsmasq for DHCP and TFTP, an NFS server and QEMU in one
// namespace, nothing tuned, and nobody watching but the console.
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
	m := s.Machines[0].Machine
	m.Accel = req.Accel
	seen := make(chan struct{})
	found := false
	p, err := qemu.Start(gctx, qemu.Config{
		Machine: m,
		Ports:   []qemu.Port{{File: tap}},
		Line: func(_ time.Time, text string) {
			if !found && strings.Contains(text, req.Mark) {
				found = true
				close(seen)
			}
		},
	})
	if err != nil {
		return err
	}
	select {
	case <-seen:
		return nil // all of it goes with the sandbox
	case <-p.Done():
		// The last words may have come together with the end.
		select {
		case <-seen:
			return nil
		default:
			return fmt.Errorf("the machine went off and never said %q", req.Mark)
		}
	case <-gctx.Done():
		return fmt.Errorf("the machine did not say %q within %v", req.Mark, bareTime)
	}
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
