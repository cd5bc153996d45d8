package scenarios

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/pxeproof/pxeproof/harness/assets"
	"github.com/pxeproof/pxeproof/harness/link"
	"github.com/pxeproof/pxeproof/harness/qemu"
	"github.com/pxeproof/pxeproof/servers/conf"
	"github.com/pxeproof/pxeproof/servers/tftp"
)

// File is the name of a scenario's own file in its folder.
const File = "scenario.yaml"

// rootDir is the folder that stands for / on the server hosts.
const rootDir = "root"

// DefaultTimeout ends a run that has proven nothing either way. A boot under
// TCG takes some ten seconds, an installer thirty; the slowest failure that
// proves itself takes a minute.
const DefaultTimeout = 3 * time.Minute

// A Scenario is a folder of native configuration files and what to boot from
// them.
type Scenario struct {
	// Name is the folder's or the library's name.
	Name string
	// Dir is what messages put before the names of its files.
	Dir string
	// About is one sentence.
	About string

	Hosts    []Host
	Machines []Machine
	Assets   []Asset
	// Files are what is to be taken for assets; Path is as the author wrote it.
	Files []Asset
	// Modes are the permissions of files that are not 0644.
	Modes []Mode
	// ForwardDelay is that of the switch's spanning tree; 0 is a switch without.
	ForwardDelay time.Duration
	Fast         bool
	// Probe has the probe boot in the place of a distribution's kernel.
	Probe   bool
	Cold    bool // never resumed from a snapshot
	Timeout time.Duration
	// Provokes are the IDs of the findings that it is there to provoke; empty
	// for one that is to pass without any.
	Provokes []string
	// Twin is the healthy scenario that one with Provokes differs from in its
	// fault alone.
	Twin string

	// Variants are the names of those that the scenario has, in order. It is
	// itself the first of them, unless Load was asked for another by
	// SCENARIO:VARIANT.
	Variants []string

	expect  []at[expectYAML]
	fsys    fs.FS
	variant bool   // Load was asked for this variant by its name
	bare    bool   // the folder itself, not its root/, stands for / on the server
	arg     string // what Load was given, made absolute if a folder; empty without Load
}

// A Host is a server host.
type Host struct {
	Name    string
	Address netip.Prefix
	MAC     net.HardwareAddr // nil: made from the address
	MTU     int              // of its interface; 0 is 1500
	Servers []Service
	Pos     conf.Pos
}

// A Service is one server on a Host.
type Service struct {
	Protocol string // "acd", "dhcp", "http", "nfs", "portmap", "ra", "tftp"
	// Config is the path of its file on the host ("/etc/dhcpd.conf"); empty for
	// a protocol that has none.
	Config string
	// Root is http's document root; empty for its default.
	Root string
	// Faults are what is wrong with it on purpose.
	Faults Faults
	// TFTP is what a TFTP server is told besides its file.
	TFTP TFTPKnobs
	Pos  conf.Pos
}

// TFTPKnobs are what no configuration file of in.tftpd can say. The zero value
// leaves everything as the file says.
type TFTPKnobs struct {
	BlockSizeMax  int // clamps blksize, in bytes, below what the file allows
	WindowSizeMax int // grants windowsize, in blocks; 0 as in.tftpd 5.2: not at all
	Rollover      uint16
	Multicast     netip.AddrPort // where groups begin; invalid: no multicast
	MTFTP         []tftp.MTFTP
	Engine        tftp.Engine
}

// A Machine is what boots.
type Machine struct {
	qemu.Machine
	UUID string
	// Link is what is wrong with its link, the network's included.
	Link link.Impairment
	Pos  conf.Pos
}

// An Asset is a file that the scenario does not hold but names.
type Asset struct {
	Path string // below root/: "/tftpboot/pxelinux.0"
	Name string // "pxelinux.0", "kernel", "initrd:nfs", "probe:nbp"
	Pos  conf.Pos
}

// A Mode is the permissions of a file in root/.
type Mode struct {
	Path string // below root/
	Perm fs.FileMode
	Pos  conf.Pos
}

// Open reads a scenario from its folder. name and dir are for messages: the
// scenario's name and what stands before the names of its files.
func Open(fsys fs.FS, name, dir string) (*Scenario, error) {
	return openVariant(fsys, name, dir, "")
}

func openVariant(fsys fs.FS, name, dir, variant string) (*Scenario, error) {
	src, err := fs.ReadFile(fsys, File)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: there is no %s here; a scenario is a folder with a %s and the server's files in %s/ (pxeproof list shows those of the library)",
			dir, File, File, rootDir)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	s := &Scenario{Name: name, Dir: dir, fsys: fsys, Timeout: DefaultTimeout}
	var y scenarioYAML
	if err := decodeYAML(s.display(File), src, &y); err != nil {
		return nil, err
	}
	if err := s.choose(&y, variant); err != nil {
		return nil, err
	}
	if err := s.fill(&y); err != nil {
		return nil, err
	}
	return s, nil
}

// display is how messages name one of the scenario's files.
func (s *Scenario) display(name string) string {
	if s.bare {
		name = strings.TrimPrefix(name, rootDir+"/")
	}
	return path.Join(s.Dir, name)
}

// rootPath is the name in fsys of a path on the server hosts.
func rootPath(p string) string { return path.Join(rootDir, path.Join("/", p)) }

// problem is an error with its place.
func problem(pos conf.Pos, format string, a ...any) error {
	return fmt.Errorf("%s: %w", pos, fmt.Errorf(format, a...))
}

// fill checks the document and takes it over.
func (s *Scenario) fill(y *scenarioYAML) error {
	file := s.display(File)
	s.About, s.Fast, s.Cold, s.expect = y.About, y.Fast, y.Cold, y.Expect
	s.Provokes, s.Twin = y.Provokes, y.Twin
	switch y.Payload.v {
	case "", "kernel":
	case "probe":
		s.Probe = true
	default:
		return problem(y.Payload.pos(file), "no payload is called %q; there are kernel and probe", y.Payload.v)
	}
	if y.Timeout.v > 0 {
		s.Timeout = time.Duration(y.Timeout.v)
	}
	if len(y.Hosts) == 0 {
		return fmt.Errorf("%s: no hosts: name at least one, with its address and servers", file)
	}
	if len(y.Machines) == 0 {
		return fmt.Errorf("%s: no machines: name what is to boot (machines: {client: {}} is enough)", file)
	}
	for _, e := range y.Hosts {
		h, err := s.host(e)
		if err != nil {
			return err
		}
		s.Hosts = append(s.Hosts, h)
	}
	for i, e := range y.Machines {
		m, err := s.machine(e, i)
		if err != nil {
			return err
		}
		bad := e.v.Impair
		if bad == nil {
			bad = y.Impair
		}
		if m.Link, err = s.impairment(bad); err != nil {
			return err
		}
		s.Machines = append(s.Machines, m)
	}
	for _, e := range y.Assets {
		s.Assets = append(s.Assets, Asset{Path: path.Join("/", e.name), Name: e.v, Pos: e.pos(file)})
	}
	for _, e := range y.Files {
		if err := assets.Known(e.name); err != nil {
			return problem(e.pos(file), "files: %w", err)
		}
		if e.v == "" {
			return problem(e.pos(file), "files: %s has no file", e.name)
		}
		s.Files = append(s.Files, Asset{Path: e.v, Name: e.name, Pos: e.pos(file)})
	}
	for _, e := range y.Modes {
		perm, err := strconv.ParseUint(e.v, 8, 32)
		if err != nil || perm > 0o777 {
			return problem(e.pos(file), "modes: %q is no permission in octal, such as \"0600\"", e.v)
		}
		s.Modes = append(s.Modes, Mode{Path: path.Join("/", e.name), Perm: fs.FileMode(perm), Pos: e.pos(file)})
	}
	if d := time.Duration(y.Network.STP.v); d != 0 {
		if d < 2*time.Second || d > 30*time.Second {
			return problem(y.Network.STP.pos(file), "stp: a forward delay of %v is outside of 2s to 30s", d)
		}
		s.ForwardDelay = d
	}
	return s.unique()
}

// unique refuses what would meet on the wire: two of an address, a MAC or a
// name.
func (s *Scenario) unique() error {
	seen := map[string]conf.Pos{}
	claim := func(what string, pos conf.Pos) error {
		if first, ok := seen[what]; ok {
			return problem(pos, "%s is used already, in line %d", what, first.Line)
		}
		seen[what] = pos
		return nil
	}
	for _, h := range s.Hosts {
		err := errors.Join(claim("the name "+h.Name, h.Pos), claim("the address "+h.Address.Addr().String(), h.Pos))
		if h.MAC != nil {
			err = errors.Join(err, claim("the MAC "+h.MAC.String(), h.Pos))
		}
		if err != nil {
			return err
		}
	}
	for _, m := range s.Machines {
		err := errors.Join(claim("the name "+m.Name, m.Pos), claim("the MAC "+m.NICs[0].MAC.String(), m.Pos))
		if err != nil {
			return err
		}
	}
	return nil
}
