package scaffold

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pxeproof/pxeproof/scenarios"
	"github.com/pxeproof/pxeproof/servers/conf"
	"github.com/pxeproof/pxeproof/servers/conf/dhcpd"
	"github.com/pxeproof/pxeproof/servers/conf/dhcpfile"
	"github.com/pxeproof/pxeproof/servers/conf/exports"
	"github.com/pxeproof/pxeproof/servers/conf/intftpd"
	"github.com/pxeproof/pxeproof/servers/rootfs"
)

// tftpRoots are where distributions have the boot files.
var tftpRoots = []string{"/srv/tftp", "/tftpboot", "/var/lib/tftpboot", "/var/ftpd"}

// A material is what a scenario is being made of.
type material struct {
	Sources
	root *rootfs.Root
	out  *os.Root // the scenario's root/
	sum  Summary

	// dhcp, tftp and nfs are the files; nil where there is none.
	dhcp, tftp, nfs *source
	dhcpd           *dhcpd.Config
	included        []string // files that dhcpd.conf includes, as it names them
	tftpd           *intftpd.Service
	tftpDirs        []string // on the server, absolute
	dnsmasqRoot     string   // what dnsmasq gives out over TFTP
	exports         *exports.File

	server  serverHost
	machine machine
	assets  []asset
}

// A source is one configuration file.
type source struct {
	from string // on this machine
	to   string // on the server, absolute: where the scenario has it
	text []byte
}

// find reads what there is.
func (src Sources) find() (*material, error) {
	root, err := rootfs.Open(src.From)
	if err != nil {
		return nil, inputError("--from: %w", err)
	}
	m := &material{Sources: src, root: root}
	err = errors.Join(m.findDHCP(), m.findTFTP(), m.findNFS())
	if err != nil {
		m.close()
		return nil, err
	}
	return m, nil
}

func (m *material) close() {
	m.root.Close()
	if m.out != nil {
		m.out.Close()
	}
}

// asked says whether anything was named, so that nothing must not be made of it.
func (m *material) asked() bool {
	return m.Xinetd != "" || m.TFTPDefault != "" || m.Exports != "" || m.TFTPRoot != "" || m.Kickstart != "" ||
		m.tftp != nil && m.From != "/"
}

// pick reads the file that was named, or the first of the usual places that
// there is; nil if there is none.
func (m *material) pick(named string, usual []string) (*source, error) {
	if named != "" {
		text, err := readConfig(os.Open(named))
		if err != nil {
			return nil, &scenarios.InputError{Err: err}
		}
		return &source{from: named, to: m.placeOf(named, usual), text: text}, nil
	}
	for _, p := range usual {
		f, _, err := m.root.Open(p)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, rootfs.ErrNotRegular) {
			continue
		}
		text, err := readConfig(f, err)
		if err != nil {
			return nil, inputError("below %s: %w", m.From, err)
		}
		return &source{from: m.here(p), to: p, text: text}, nil
	}
	return nil, nil
}

// placeOf is where a named file goes: it stays at a usual place, all others go
// to the first of these.
func (m *material) placeOf(named string, usual []string) string {
	abs, err := filepath.Abs(named)
	from, ferr := filepath.Abs(m.From)
	if err == nil && ferr == nil {
		if rel, err := filepath.Rel(from, abs); err == nil && slices.Contains(usual, "/"+filepath.ToSlash(rel)) {
			return "/" + filepath.ToSlash(rel)
		}
	}
	return usual[0]
}

// here is a path of the server as this machine has it.
func (m *material) here(p string) string { return filepath.Join(m.From, filepath.FromSlash(p)) }

// readConfig reads an opened file whole. A configuration is small; whatever is
// not, is not one.
func readConfig(f *os.File, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	defer f.Close()
	const most = 16 << 20
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && len(b) > most {
		err = fmt.Errorf("%s is larger than %d MiB; that is no configuration", f.Name(), most>>20)
	}
	return b, err
}

func (m *material) findDHCP() (err error) {
	m.dhcp, err = m.pick(m.DHCPDConf, scenarios.UsualPlaces("dhcp"))
	if err != nil || m.dhcp == nil {
		return err
	}
	includes := &watchedFS{root: m.root}
	if err := m.translate(includes); err != nil {
		return err
	}
	cfg, problems, err := dhcpd.Parse(m.dhcp.to, m.dhcp.text, includes)
	if err != nil {
		return inputError("%s: %w", m.dhcp.from, err)
	}
	m.dhcpd, m.included = cfg, includes.opened
	m.report(problems)
	return nil
}

// translate puts a dhcpd.conf in the place of another DHCP server's file.
func (m *material) translate(includes *watchedFS) error {
	f, problems, err := dhcpfile.Read(m.dhcp.to, m.dhcp.text, includes)
	if err != nil || f.Daemon() == "dhcpd" {
		return nil // what is wrong is said when it is read as what it is
	}
	m.report(problems)
	includes.opened = nil
	text := translate(m.dhcp.from, f, m.own)
	if text == "" {
		return inputError("%s is %s's, which the lab's own DHCP server does not play, and it gives no client both an address and a boot file "+
			"from which a dhcpd.conf could be made (is it proxyDHCP?); pxeproof check reads it, and pxeproof judge CAPTURE --config holds a capture against it",
			m.dhcp.from, f.Daemon())
	}
	m.note("%s is %s's, which the lab's own DHCP server does not play: %s was made of what it answers to machines with a BIOS, UEFI and iPXE, and hosts of their own are left out",
		m.dhcp.from, f.Daemon(), "/etc/dhcpd.conf")
	m.dhcp = &source{from: m.dhcp.from, to: "/etc/dhcpd.conf", text: []byte(text)}
	if d, ok := f.(dhcpfile.Dnsmasq); ok && d.TFTP.Enable.IsSet() {
		m.dnsmasqRoot = d.TFTP.Root("").Text
	}
	return nil
}

// ReadDir implements [fs.ReadDirFS].
func (w *watchedFS) ReadDir(name string) ([]fs.DirEntry, error) { return w.root.ReadDir("/" + name) }

// watchedFS remembers which files were read.
type watchedFS struct {
	root   *rootfs.Root
	opened []string
}

// Open implements [fs.FS].
func (w *watchedFS) Open(name string) (fs.File, error) {
	f, _, err := w.root.Open(name)
	if err != nil {
		return nil, err
	}
	if p := path.Join("/", name); !slices.Contains(w.opened, p) {
		w.opened = append(w.opened, p)
	}
	return f, nil
}

// findTFTP takes the first configuration by which a server runs, or else the
// first that there is.
func (m *material) findTFTP() error {
	kinds := []struct {
		named string
		usual func(p string) bool
		read  func(file string, src []byte) (*intftpd.Service, conf.Problems)
	}{
		{m.Xinetd, func(p string) bool { return path.Dir(p) == "/etc/xinetd.d" }, func(file string, src []byte) (*intftpd.Service, conf.Problems) {
			return intftpd.ReadXinetd(file, src, nil)
		}},
		{m.TFTPDefault, func(p string) bool { return path.Dir(p) == "/etc/default" }, intftpd.ReadDefault},
	}
	named := m.Xinetd != "" || m.TFTPDefault != ""
	for _, k := range kinds {
		if named && k.named == "" {
			continue
		}
		usual := slices.DeleteFunc(scenarios.UsualPlaces("tftp"), func(p string) bool { return !k.usual(p) })
		s, err := m.pick(k.named, usual)
		if err != nil {
			return err
		}
		if s == nil {
			continue
		}
		service, problems := k.read(s.to, s.text)
		if service == nil {
			m.note("%s has no service tftp in it", s.from)
			continue
		}
		if m.tftpd == nil || !m.tftpd.Runs() && service.Runs() {
			m.tftp, m.tftpd = s, service
			m.report(problems)
		}
	}
	if m.tftpd == nil {
		return m.assumeTFTP()
	}
	for _, d := range m.tftpd.Dirs {
		m.tftpDirs = append(m.tftpDirs, path.Join("/", d.Text))
	}
	if len(m.tftpDirs) == 0 && m.TFTPRoot == "" {
		m.note("%s names no directory: in.tftpd would serve everything, and nothing was copied; name the boot files' folder with --tftp-root", m.tftp.from)
	}
	return nil
}

// assumeTFTP stands in for a TFTP configuration, if there are boot files.
func (m *material) assumeTFTP() error {
	dir := cmp.Or(m.dnsmasqRoot, "/srv/tftp")
	if m.TFTPRoot == "" && m.dnsmasqRoot == "" {
		i := slices.IndexFunc(tftpRoots, func(p string) bool {
			sub, err := m.root.Sub(p)
			if err == nil {
				sub.Close()
			}
			return err == nil
		})
		if i < 0 {
			return nil
		}
		dir = tftpRoots[i]
	}
	text := fmt.Sprintf("TFTP_USERNAME=\"tftp\"\nTFTP_DIRECTORY=%q\nTFTP_ADDRESS=\":69\"\nTFTP_OPTIONS=\"--secure\"\n", dir)
	m.tftp = &source{to: "/etc/default/tftpd-hpa", text: []byte(text)}
	m.tftpd, _ = intftpd.ReadDefault(m.tftp.to, m.tftp.text)
	m.tftpDirs = []string{dir}
	m.note("no configuration of in.tftpd was found; %s is made up and serves %s", m.tftp.to, dir)
	return nil
}

func (m *material) findNFS() (err error) {
	m.nfs, err = m.pick(m.Exports, scenarios.UsualPlaces("nfs"))
	if err != nil || m.nfs == nil {
		return err
	}
	file, problems := exports.Parse(m.nfs.to, m.nfs.text, nil)
	if len(file.Exports) == 0 && m.Exports == "" {
		m.nfs = nil // Debian's file of comments: nothing is exported
		return nil
	}
	m.exports = file
	m.report(problems)
	return nil
}

// note tells the author something.
func (m *material) note(format string, a ...any) {
	m.sum.Notes = append(m.sum.Notes, fmt.Sprintf(format, a...))
}

// report passes on what readers say that decides over a run.
func (m *material) report(problems conf.Problems) {
	for _, p := range problems {
		if p.Effect < conf.Doubt {
			continue
		}
		p.Pos.File = m.here(p.Pos.File)
		m.note("%s", strings.TrimSpace(p.Error()))
	}
}
