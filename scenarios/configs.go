package scenarios

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"path"

	"github.com/pxeproof/pxeproof/servers"
	"github.com/pxeproof/pxeproof/servers/acd"
	"github.com/pxeproof/pxeproof/servers/conf"
	"github.com/pxeproof/pxeproof/servers/conf/dhcpd"
	"github.com/pxeproof/pxeproof/servers/conf/dhcpfile"
	"github.com/pxeproof/pxeproof/servers/conf/exports"
	"github.com/pxeproof/pxeproof/servers/conf/intftpd"
	"github.com/pxeproof/pxeproof/servers/dhcp"
	"github.com/pxeproof/pxeproof/servers/http"
	"github.com/pxeproof/pxeproof/servers/nfs"
	"github.com/pxeproof/pxeproof/servers/portmap"
	"github.com/pxeproof/pxeproof/servers/ra"
	"github.com/pxeproof/pxeproof/servers/rootfs"
	"github.com/pxeproof/pxeproof/servers/tftp"
)

// configs are a scenario's configuration files, read, and the tree that they
// speak of.
type configs struct {
	scenario *Scenario
	dir      string // the servers' root, as laid out
	root     *rootfs.Root
	problems conf.Problems
	wire     *wireFacts // of a capture that is judged; nil for a boot of our own

	dhcp []configured[dhcpfile.File]
	tftp []configured[*intftpd.Service]
	nfs  []configured[*exports.File]
}

// configured is a service with what its file says.
type configured[T any] struct {
	host Host
	Service
	conf T
}

// configs reads all configuration files. dir is the root as laid out by
// Materialize. An error says that a file cannot be run; what is merely odd is
// among the problems.
func (s *Scenario) configs(dir string) (*configs, error) {
	c, err := openConfigs(s, dir)
	if err != nil {
		return nil, err
	}
	for _, h := range s.Hosts {
		for _, sv := range h.Servers {
			if err := c.read(h, sv); err != nil {
				c.close()
				return nil, err
			}
		}
	}
	var errs []error
	for i := range c.problems {
		p := &c.problems[i]
		p.Pos = s.posOf(p.Pos)
		if p.Effect == conf.Refusal {
			errs = append(errs, *p)
		}
	}
	if err := errors.Join(append(errs, c.check()...)...); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// openConfigs reads nothing yet.
func openConfigs(s *Scenario, dir string) (*configs, error) {
	root, err := rootfs.Open(dir)
	if err != nil {
		return nil, err
	}
	return &configs{scenario: s, dir: dir, root: root}, nil
}

func (c *configs) close() { c.root.Close() }

// read reads the file of one service.
func (c *configs) read(h Host, sv Service) error {
	if sv.Config == "" {
		return nil
	}
	src, err := c.file(sv.Config)
	if err != nil {
		return problem(sv.Pos, "reading %s: %w", sv.Config, err)
	}
	var problems conf.Problems
	switch sv.Protocol {
	case "dhcp":
		cfg, ps, err := dhcpfile.Read(sv.Config, src, rootFS{c.root})
		if err != nil {
			return fmt.Errorf("%s: %w", c.scenario.display(rootPath(sv.Config)), err)
		}
		problems = ps
		c.dhcp = append(c.dhcp, configured[dhcpfile.File]{h, sv, cfg})
	case "tftp":
		read := intftpd.ReadDefault
		if path.Dir(sv.Config) != "/etc/default" {
			read = func(file string, src []byte) (*intftpd.Service, conf.Problems) {
				return intftpd.ReadXinetd(file, src, nil)
			}
		}
		cfg, ps := read(sv.Config, src)
		if cfg == nil {
			return fmt.Errorf("%s: there is no service tftp in it", c.scenario.display(rootPath(sv.Config)))
		}
		problems = ps
		c.tftp = append(c.tftp, configured[*intftpd.Service]{h, sv, cfg})
	case "nfs":
		cfg, ps := exports.Parse(sv.Config, src, nil)
		problems = ps
		c.nfs = append(c.nfs, configured[*exports.File]{h, sv, cfg})
	}
	c.problems = append(c.problems, problems...)
	return nil
}

// file is the content of one of the servers' files.
func (c *configs) file(name string) ([]byte, error) {
	f, _, err := c.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	// A configuration is small; whatever is not, is not one.
	const most = 16 << 20
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && len(b) > most {
		err = fmt.Errorf("it is larger than %d MiB", most>>20)
	}
	return b, err
}

// check finds what each file cannot know of the others.
func (c *configs) check() []error {
	var errs []error
	for _, d := range c.dhcp {
		isc, ok := d.conf.(dhcpfile.ISC)
		if ok && !servesHost(isc.Config, d.host.Address.Addr()) {
			at := c.scenario.posOf(conf.Pos{File: d.Config})
			if len(isc.Subnets) > 0 {
				at = c.scenario.posOf(isc.Subnets[0].Pos)
			}
			errs = append(errs, problem(at, "no subnet here holds the server %s, %s (%s): dhcpd would not listen on its interface; "+
				"declare the subnet %s, or give the host an address in it",
				d.host.Name, d.host.Address.Addr(), d.host.Pos, d.host.Address.Masked()))
		}
	}
	return errs
}

// playable says why the lab cannot run these files. What is only to be judged
// or checked need not be.
func (c *configs) playable() error {
	var errs []error
	for _, d := range c.dhcp {
		if name := d.conf.Daemon(); name != "dhcpd" {
			errs = append(errs, problem(c.scenario.posOf(conf.Pos{File: d.Config}), "this is %s's, which the lab's own DHCP server does not play; "+
				"pxeproof check reads it, and pxeproof judge CAPTURE --config holds a capture of its boots against it", name))
		}
	}
	return errors.Join(errs...)
}

func servesHost(c *dhcpd.Config, a netip.Addr) bool {
	for _, s := range c.Subnets {
		if s.Prefix.Contains(a) {
			return true
		}
	}
	return false
}

// servers are the makers of a host's servers.
func (c *configs) servers(h Host) []func(log func(string)) servers.Server {
	var makers []func(log func(string)) servers.Server
	for _, sv := range h.Servers {
		if m := c.server(h, sv); m != nil {
			makers = append(makers, m)
		}
	}
	return makers
}

func (c *configs) server(h Host, sv Service) func(log func(string)) servers.Server {
	switch sv.Protocol {
	case "dhcp":
		cfg := find(c.dhcp, h, sv)
		isc, ok := cfg.(dhcpfile.ISC)
		if !ok {
			return nil // refused by playable
		}
		return func(log func(string)) servers.Server {
			return dhcp.New(isc.Config, dhcp.Options{Fast: c.scenario.Fast, Faults: sv.Faults.DHCP, Log: log})
		}
	case "tftp":
		cfg := find(c.tftp, h, sv)
		if !cfg.Runs() {
			return nil // as the file says; the prediction says it too
		}
		return func(log func(string)) servers.Server {
			t := c.tftpConfig(cfg, sv.TFTP, log)
			t.Faults = sv.Faults.TFTP
			return tftp.New(t)
		}
	case "http":
		return func(log func(string)) servers.Server {
			return http.New(http.Config{Dir: c.dir, Root: sv.Root, Faults: sv.Faults.HTTP, Log: log})
		}
	case "nfs":
		cfg := find(c.nfs, h, sv)
		return func(log func(string)) servers.Server {
			return nfs.New(nfs.Config{Exports: cfg, Root: c.dir, Faults: sv.Faults.NFS, Log: log})
		}
	case "portmap":
		return func(log func(string)) servers.Server {
			return portmap.New(portmap.Config{Mappings: nfs.Mappings(), Log: log})
		}
	case "acd":
		return func(log func(string)) servers.Server { return acd.New(acd.Options{Log: log}) }
	case "ra":
		return func(log func(string)) servers.Server { return ra.New(ra.Options{Log: log}) }
	}
	return nil
}

// tftpConfig has our server answer as in.tftpd would, but for the knobs.
func (c *configs) tftpConfig(s *intftpd.Service, k TFTPKnobs, log func(string)) tftp.Config {
	t := tftp.InTFTPD(s, c.dir)
	if k.BlockSizeMax > 0 {
		t.BlockSizeMax = min(t.BlockSizeMax, k.BlockSizeMax)
	}
	if k.WindowSizeMax > 0 {
		t = t.Windows(k.WindowSizeMax)
	}
	t.Rollover, t.Multicast, t.MTFTP, t.Engine = k.Rollover, k.Multicast, k.MTFTP, k.Engine
	t.Log = log
	return t
}

func find[T any](all []configured[T], h Host, sv Service) T {
	for _, c := range all {
		if c.host.Name == h.Name && c.Config == sv.Config {
			return c.conf
		}
	}
	panic("a service whose file was not read: " + sv.Protocol) // read reads them all
}
