package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/pxeproof/pxeproof/harness/assets"
	"github.com/pxeproof/pxeproof/harness/network"
	"github.com/pxeproof/pxeproof/harness/sandbox"
	"github.com/pxeproof/pxeproof/scenarios"
	"github.com/pxeproof/pxeproof/servers"
	"github.com/pxeproof/pxeproof/servers/tftp"
)

// Yardstick is the server that ratios are to.
const Yardstick = "tftpd-hpa"

// TFTPServers are the names of the servers that TFTP knows, in the order that
// they are shown.
var TFTPServers = []string{"own", "pin", Yardstick, "atftpd", "dnsmasq"}

// A ServerInfo is a server that is measured.
type ServerInfo struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	// Missing says why it is not measured.
	Missing string   `json:"missing,omitempty"`
	Path    string   `json:"-"`
	Env     []string `json:"-"`
}

// findServers looks for the servers' programs. Those of the distribution's are
// left out if they are not there.
func findServers(ctx context.Context, names []string) ([]ServerInfo, error) {
	if len(names) == 0 {
		names = TFTPServers
	}
	store := &assets.Store{}
	var list []ServerInfo
	for _, name := range names {
		s := ServerInfo{Name: name}
		var tool string
		switch name {
		case "own", "pin":
			list = append(list, s)
			continue
		case Yardstick:
			tool = "in.tftpd"
		case "atftpd":
			tool = "atftpd"
		case "dnsmasq":
			var err error
			if s.Path, err = exec.LookPath("dnsmasq"); err != nil {
				s.Missing = err.Error() + "; Debian: apt-get install dnsmasq-base"
			} else {
				s.Version = dnsmasqVersion(ctx, s.Path)
			}
			list = append(list, s)
			continue
		default:
			return nil, &scenarios.InputError{Err: fmt.Errorf("no TFTP server is called %q; there are %s", name, strings.Join(TFTPServers, ", "))}
		}
		if t, err := store.Tool(ctx, tool); err != nil {
			s.Missing = fmt.Sprintf("%v; pxeproof assets --fetch %s", err, tool)
		} else {
			s.Path, s.Version, s.Env = t.Path, t.Version, t.Env
		}
		list = append(list, s)
	}
	return list, nil
}

func dnsmasqVersion(ctx context.Context, path string) string {
	out, err := exec.CommandContext(ctx, path, "--version").Output()
	words := strings.Fields(string(out))
	if i := slices.Index(words, "version"); err == nil && i >= 0 && i+1 < len(words) {
		return words[i+1]
	}
	return ""
}

// serverEntry is the sandbox's entry for a built-in server in a process of its
// own, where its processor time can be told from the client's.
const serverEntry = "bench tftp server"

// A serverRequest is what it is told; it answers with an empty string once it
// listens, or with what is wrong.
type serverRequest struct {
	Engine  tftp.Engine `json:"engine"`
	Root    string      `json:"root"`
	Address netip.Addr  `json:"address"`
}

func serveTFTP(ctx context.Context, c *sandbox.Conn) int {
	var req serverRequest
	if err := c.Receive(&req); err != nil {
		fmt.Fprintln(os.Stderr, "no request:", err)
		return 1
	}
	s := tftp.New(tftp.Config{Root: req.Root, Engine: req.Engine, Address: netip.AddrPortFrom(req.Address, tftp.Port)})
	err := s.Listen(ctx, here{netip.PrefixFrom(req.Address, 24)})
	text := ""
	if err != nil {
		text = err.Error()
	}
	if err := c.Send(text); err != nil || text != "" {
		return 1
	}
	if err := s.Serve(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// here is the host that the process is in.
type here struct{ addr netip.Prefix }

var _ servers.Host = here{}

func (h here) Name() string          { return "server" }
func (h here) Interface() string     { return "eth0" }
func (h here) MAC() net.HardwareAddr { return network.HostConfig{Addr: h.addr}.HardwareAddr() }
func (h here) Addr() netip.Prefix    { return h.addr }
func (h here) Do(f func() error) error {
	return f()
}
func (h here) ListenPacket(ctx context.Context, network, address string) (net.PacketConn, error) {
	return new(net.ListenConfig).ListenPacket(ctx, network, address)
}
func (h here) Listen(ctx context.Context, network, address string) (net.Listener, error) {
	return new(net.ListenConfig).Listen(ctx, network, address)
}
func (h here) Command(ctx context.Context, name string, arg ...string) *exec.Cmd {
	return exec.CommandContext(ctx, name, arg...)
}

// A running server.
type running struct {
	ServerInfo
	addr netip.Addr
	pid  int
	stop func()
}

// start runs a server at an address of the host, on one processor. A daemon has
// its usual options: what a person gets who starts it by hand.
func (s ServerInfo) start(ctx context.Context, on *network.Host, addr netip.Addr, root string, cpu int, log *os.File) (*running, error) {
	r := &running{ServerInfo: s, addr: addr}
	if s.Path == "" {
		return r, r.startOwn(ctx, on, root, cpu, log)
	}
	var args []string
	switch s.Name {
	case Yardstick:
		args = []string{"--listen", "--foreground", "--address", netip.AddrPortFrom(addr, tftp.Port).String(), "--user", "root", "--secure", root}
	case "atftpd":
		args = []string{"--daemon", "--no-fork", "--bind-address", addr.String(), "--user", "root.root", "--logfile", "-", root}
	case "dnsmasq":
		args = []string{"--keep-in-foreground", "--conf-file=/dev/null", "--user=root", "--log-facility=-", "--pid-file",
			"--port=0", "--enable-tftp", "--tftp-root=" + root, "--listen-address=" + addr.String(), "--bind-interfaces"}
	}
	cmd := on.Command(ctx, s.Path, args...)
	cmd.Env = append(cmd.Env, s.Env...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := pinned(cpu, cmd.Start); err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name, err)
	}
	r.pid = cmd.Process.Pid
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	r.stop = func() { _ = cmd.Process.Kill(); <-ended }
	return r, nil
}

// startOwn runs a built-in server in a process of its own.
func (r *running) startOwn(ctx context.Context, on *network.Host, root string, cpu int, log *os.File) error {
	var p *sandbox.Process
	err := pinned(cpu, func() (err error) {
		p, err = on.Start(ctx, serverEntry, log)
		return err
	})
	if err != nil {
		return err
	}
	r.pid = p.Pid()
	r.stop = func() { p.Kill(); _, _ = p.Wait() }
	text := "it ended"
	if err = p.Conn.Send(serverRequest{Engine: tftp.Engine(r.Name), Root: root, Address: r.addr}); err == nil {
		err = p.Conn.Receive(&text)
	}
	if err == nil && text != "" {
		err = errors.New(text)
	}
	if err != nil {
		r.stop()
		return fmt.Errorf("%s: %w", r.Name, err)
	}
	return nil
}

// readyTime is how long a daemon may take until it answers.
const readyTime = 10 * time.Second
