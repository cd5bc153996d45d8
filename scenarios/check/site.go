package check

import (
	"bytes"
	"fmt"
	"io/fs"
	"net/netip"
	"path"
	"strings"

	"github.com/pxeproof/pxeproof/scenarios"
	"github.com/pxeproof/pxeproof/servers/conf"
	"github.com/pxeproof/pxeproof/servers/conf/dhcpd"
	"github.com/pxeproof/pxeproof/servers/conf/dhcpfile"
	"github.com/pxeproof/pxeproof/servers/conf/exports"
	"github.com/pxeproof/pxeproof/servers/conf/intftpd"
	"github.com/pxeproof/pxeproof/servers/conf/kickstart"
)

// A site is all the files that belong together.
type site struct {
	// display is what messages put before the names of files of the tree.
	display string
	// tree is nil for single files: then nothing is known of what is not there.
	tree *tree
	// scenario is nil where there is no scenario.yaml.
	scenario *scenarios.Scenario

	dhcp []service[*dhcpd.Config]
	// others are the DHCP servers that are not dhcpd.
	others []service[dhcpfile.File]
	tftp   []service[*intftpd.Service]
	nfs    []service[*exports.File]
	// kickstarts are those that were read, by their names.
	kickstarts map[string]*kickstart.File
	// boots are what loaders may do, as their configurations say.
	boots []boot
	// given is what clients are told about booting.
	given []lease

	// blamed are exports of which it is said that they do not serve the clients.
	blamed map[conf.Pos]bool

	sources map[string][]byte // by the name as in positions
	report  Report
}

// A service is a server's file that was read, and where it runs.
type service[T any] struct {
	file string
	host *scenarios.Host // nil without a scenario
	conf T
}

// at says whether the service may be the one at an address: without a scenario
// nobody knows where it is.
func (s service[T]) at(a netip.Addr) bool {
	return s.host == nil || !a.IsValid() || s.host.Address.Addr() == a
}

// newSite is empty. t may be nil.
func newSite(display string, t *tree) *site {
	return &site{display: display, tree: t, kickstarts: map[string]*kickstart.File{}, sources: map[string][]byte{}, blamed: map[conf.Pos]bool{}}
}

// name is how messages name a file.
func (s *site) name(file string) string {
	if s.tree == nil {
		return file
	}
	return path.Join(s.display, path.Join("/", file))
}

// pos is a place as messages have it.
func (s *site) pos(p conf.Pos) conf.Pos {
	p.File = s.name(p.File)
	return p
}

// add reports a finding.
func (s *site) add(severity Severity, id string, at conf.Pos, hint, format string, args ...any) {
	f := Finding{Pos: s.pos(at), Severity: severity, ID: id, Message: fmt.Sprintf(format, args...), Hint: strings.TrimSpace(hint)}
	f.Source = s.line(at)
	s.report.Findings = append(s.report.Findings, f)
}

// problems reports what the reader of a file says. What is missing has no line:
// it is said of the file.
func (s *site) problems(file string, ps conf.Problems) {
	for _, p := range ps {
		if p.Pos.File == "" {
			p.Pos = conf.Pos{File: file}
		}
		s.add(severityOf(p), p.ID, p.Pos, p.Hint, "%s", p.Text)
	}
}

// argument is where the value of a dhcpd statement begins: behind its name, and
// behind that of an option. If it is not on the same line, it is the statement.
func (s *site) argument(p conf.Pos) conf.Pos {
	if !p.IsValid() || p.Col < 1 {
		return p
	}
	line := s.line(p)
	if p.Col > len(line) {
		return p
	}
	rest := line[p.Col-1:]
	skip := 1
	if strings.HasPrefix(rest, "option") {
		skip = 2
	}
	for range skip {
		blank := strings.IndexAny(rest, " \t")
		if blank < 0 {
			return p
		}
		rest = strings.TrimLeft(rest[blank:], " \t")
	}
	if rest == "" {
		return p
	}
	p.Col = len(line) - len(rest) + 1
	return p
}

// line is the text at a place.
func (s *site) line(p conf.Pos) string {
	src, ok := s.sources[p.File]
	if !ok && s.tree != nil {
		src, _ = s.tree.read(p.File) // an included file
		s.sources[p.File] = src
	}
	for n := 1; n < p.Line; n++ {
		_, rest, ok := bytes.Cut(src, []byte("\n"))
		if !ok {
			return ""
		}
		src = rest
	}
	if p.Line == 0 {
		return ""
	}
	line, _, _ := bytes.Cut(src, []byte("\n"))
	return strings.ToValidUTF8(strings.TrimSuffix(string(line), "\r"), "\uFFFD")
}

// source reads a file of the tree.
func (s *site) source(file string) ([]byte, error) {
	src, err := s.tree.read(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.name(file), bare(err))
	}
	return src, nil
}

// bare is an error without the name that its message has already.
func bare(err error) error {
	if p, ok := err.(*fs.PathError); ok {
		return p.Err
	}
	return err
}

// read reads a file of a kind. host may be nil.
func (s *site) read(k kind, file string, src []byte, host *scenarios.Host) error {
	s.sources[file] = src
	s.report.Files = append(s.report.Files, s.name(file))
	switch k {
	case kindDHCP:
		var fsys fs.FS
		if s.tree != nil {
			fsys = s.tree.asFS()
		}
		cfg, ps, err := dhcpd.Parse(file, src, fsys)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name(file), err)
		}
		s.problems(file, ps)
		s.dhcp = append(s.dhcp, service[*dhcpd.Config]{file, host, cfg})
	case kindDnsmasq, kindKea:
		return s.readOther(file, src, host)
	case kindXinetd:
		cfg, ps := intftpd.ReadXinetd(file, src, nil)
		s.problems(file, ps)
		if cfg != nil {
			s.tftp = append(s.tftp, service[*intftpd.Service]{file, host, cfg})
		}
	case kindTFTPDefault:
		cfg, ps := intftpd.ReadDefault(file, src)
		s.problems(file, ps)
		s.tftp = append(s.tftp, service[*intftpd.Service]{file, host, cfg})
	case kindExports:
		cfg, ps := exports.Parse(file, src, s.etcHosts())
		s.problems(file, ps)
		s.nfs = append(s.nfs, service[*exports.File]{file, host, cfg})
	case kindKickstart:
		cfg, ps := kickstart.Parse(file, src)
		s.problems(file, ps)
		s.kickstarts[file] = cfg
	case kindPXELinux:
		s.loaderFile(file, src)
	}
	return nil
}

// etcHosts are the names that the tree's /etc/hosts knows; nil without one.
func (s *site) etcHosts() exports.Hosts {
	if s.tree == nil {
		return nil
	}
	src, err := s.tree.read("/etc/hosts")
	if err != nil {
		return nil
	}
	return exports.ParseHosts(src)
}

// all looks for what the files say against each other.
func (s *site) all() *Report {
	s.leases()
	s.otherLeases()
	s.tftpServices()
	s.dnsmasqRoots()
	s.loaders()
	s.wishes()
	s.strayKickstarts()
	s.installers()
	s.exports()
	s.report.sort()
	return &s.report
}
