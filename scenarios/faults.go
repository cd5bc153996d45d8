package scenarios

import (
	"fmt"
	"net/netip"
	"path"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"github.com/pxeproof/pxeproof/servers/dhcp"
	"github.com/pxeproof/pxeproof/servers/http"
	"github.com/pxeproof/pxeproof/servers/nfs"
	"github.com/pxeproof/pxeproof/servers/tftp"
)

// Faults are what is wrong with a server on purpose. Each belongs to one
// protocol, and the zero value is a healthy server.
type Faults struct {
	DHCP dhcp.Faults
	TFTP []tftp.Faults
	HTTP []http.Fault
	NFS  nfs.Faults
}

// dhcpFaultsYAML is the faults: of a dhcp server, a mapping.
type dhcpFaultsYAML struct {
	// BadChecksum spoils the UDP checksum of every answer.
	BadChecksum bool `yaml:"bad-checksum"`
	// Delay is how late every answer comes.
	Delay duration `yaml:"delay"`
	// NextServer takes siaddr's place in ACKs, whatever the configuration says.
	NextServer string `yaml:"next-server"`
}

// tftpFaultsYAML is one of the faults: of a tftp server, a list, of which the
// first that fits a file counts. Blocks are counted from 1.
type tftpFaultsYAML struct {
	// Files is a pattern of the names it concerns, as of path.Match and without
	// a leading slash. All, if it is left out.
	Files string `yaml:"files"`
	// StallAfter lets nothing out after this block.
	StallAfter int64 `yaml:"stall-after"`
	// TruncateAt ends the file after so many bytes; tsize stays.
	TruncateAt int64 `yaml:"truncate-at"`
	// CorruptBlock changes a byte of this block, RepeatBlock sends it twice, and
	// DropEvery loses every so many'th.
	CorruptBlock int64 `yaml:"corrupt-block"`
	RepeatBlock  int64 `yaml:"repeat-block"`
	DropEvery    int64 `yaml:"drop-every"`
	// WrongPortAt sends from another port from this block on, and WrongAddress
	// all from another address.
	WrongPortAt  int64  `yaml:"wrong-port-at"`
	WrongAddress string `yaml:"wrong-address"`
	// ErrorAt sends an ERROR in place of this block.
	ErrorAt int64     `yaml:"error-at"`
	Error   errorYAML `yaml:"error"`
	// IgnoreOptions answers without an OACK.
	IgnoreOptions bool `yaml:"ignore-options"`
}

// errorYAML is a TFTP ERROR: RFC 1350's code and a text.
type errorYAML struct {
	Code    uint16 `yaml:"code"`
	Message string `yaml:"message"`
}

// nfsFaultsYAML is the faults: of an nfs server, a mapping.
type nfsFaultsYAML struct {
	// OnlyVersion is the one version that is not refused, in place of 3.
	OnlyVersion uint32 `yaml:"only-version"`
}

// httpFaultYAML is one of the faults: of an http server, a list.
type httpFaultYAML struct {
	// Files is a pattern as of tftp's; Status is what they are answered with.
	Files  string `yaml:"files"`
	Status int    `yaml:"status"`
}

// later is a part of the document whose form depends on what is around it.
type later struct{ node ast.Node }

// UnmarshalYAML implements [yaml.NodeUnmarshaler].
func (l *later) UnmarshalYAML(n ast.Node) error {
	l.node = n
	return nil
}

// decode reads it strictly; errors carry file:line:col.
func (l later) decode(file string, into any) error {
	if l.node == nil {
		return nil
	}
	if err := yaml.NodeToValue(l.node, into, yaml.Strict()); err != nil {
		return yamlError(file, placed(l.node, err))
	}
	return nil
}

// faults reads what is wrong with a server of one protocol.
func (s *Scenario) faults(protocol string, l later) (f Faults, err error) {
	file := s.display(File)
	wrong := func(format string, a ...any) error {
		return yamlError(file, errorAt(l.node, format, a...))
	}
	switch {
	case l.node == nil:
	case protocol == "dhcp":
		var y dhcpFaultsYAML
		if err := l.decode(file, &y); err != nil {
			return f, err
		}
		f.DHCP = dhcp.Faults{BadChecksum: y.BadChecksum, Delay: time.Duration(y.Delay)}
		if y.NextServer != "" {
			if f.DHCP.NextServer, err = netip.ParseAddr(y.NextServer); err != nil || !f.DHCP.NextServer.Is4() {
				return f, wrong("next-server: %q is no IPv4 address", y.NextServer)
			}
		}
	case protocol == "tftp":
		var ys []tftpFaultsYAML
		if err := l.decode(file, &ys); err != nil {
			return f, err
		}
		for _, y := range ys {
			t, err := y.faults()
			if err != nil {
				return f, wrong("%v", err)
			}
			f.TFTP = append(f.TFTP, t)
		}
	case protocol == "http":
		var ys []httpFaultYAML
		if err := l.decode(file, &ys); err != nil {
			return f, err
		}
		for _, y := range ys {
			if err := patternError(y.Files); err != nil {
				return f, wrong("%v", err)
			}
			if y.Status < 400 || y.Status > 599 {
				return f, wrong("status: %d is no refusal, which are 400 to 599", y.Status)
			}
			f.HTTP = append(f.HTTP, http.Fault{Files: y.Files, Status: y.Status})
		}
	case protocol == "nfs":
		var y nfsFaultsYAML
		if err := l.decode(file, &y); err != nil {
			return f, err
		}
		f.NFS = nfs.Faults{OnlyVersion: y.OnlyVersion}
	default:
		return f, wrong("no faults of %s are known; dhcp, http, nfs and tftp have some", protocol)
	}
	return f, nil
}

func (y *tftpFaultsYAML) faults() (tftp.Faults, error) {
	f := tftp.Faults{
		Files:      y.Files,
		StallAfter: y.StallAfter, TruncateAt: y.TruncateAt,
		CorruptBlock: y.CorruptBlock, RepeatBlock: y.RepeatBlock, DropEvery: y.DropEvery,
		WrongPortAt: y.WrongPortAt, ErrorAt: y.ErrorAt,
		Error:         tftp.Error{Code: tftp.Code(y.Error.Code), Text: y.Error.Message},
		IgnoreOptions: y.IgnoreOptions,
	}
	if err := patternError(y.Files); err != nil {
		return f, err
	}
	for _, n := range []int64{y.StallAfter, y.TruncateAt, y.CorruptBlock, y.RepeatBlock, y.DropEvery, y.WrongPortAt, y.ErrorAt} {
		if n < 0 {
			return f, fmt.Errorf("%d: blocks and bytes are counted from 1", n)
		}
	}
	if y.WrongAddress != "" {
		var err error
		if f.WrongAddress, err = netip.ParseAddr(y.WrongAddress); err != nil || !f.WrongAddress.Is4() {
			return f, fmt.Errorf("wrong-address: %q is no IPv4 address", y.WrongAddress)
		}
	}
	return f, nil
}

func patternError(pattern string) error {
	if _, err := path.Match(pattern, ""); err != nil {
		return fmt.Errorf("files: %q is no pattern: %w", pattern, err)
	}
	return nil
}
