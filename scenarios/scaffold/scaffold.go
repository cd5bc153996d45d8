// Package scaffold writes a new scenario: from the configuration files of a
// machine that serves network boots, or, where there are none, the smallest one
// that passes.
//
// [Write] is the door. find.go looks for the files, address.go chooses the
// server's address, boot.go follows the boot to learn which files it needs,
// copy.go copies them.
package scaffold

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pxeproof/pxeproof/scenarios"
)

// DefaultLimit is how many bytes of files a scenario takes in unless it is told
// otherwise.
const DefaultLimit = 512 << 20

// Sources say what a scenario is made of. The zero value looks at the usual
// places of this machine.
type Sources struct {
	// From is the folder that stands for / of the server. Default "/".
	From string
	// Empty asks for the smallest scenario, whatever there is.
	Empty bool

	// These name files of this machine; an empty one is looked for at its usual
	// places below From.
	DHCPDConf   string
	Xinetd      string // an xinetd.conf or a file of xinetd.d
	TFTPDefault string // Debian's /etc/default/tftpd-hpa
	Exports     string
	// TFTPRoot is the folder with the boot files. Default: the one that the TFTP
	// server's configuration names, below From.
	TFTPRoot string
	// Kickstart is put where the boot asks for its kickstart over NFS.
	Kickstart string

	// Limit bounds the bytes that are copied. Default DefaultLimit.
	Limit int64
}

//go:embed all:smallest
var smallest embed.FS

// Write makes a scenario in dir, which must be empty or not exist. It is there
// whole or, after an error, not at all. An error is a *scenarios.InputError if
// what it was to be made of does not serve.
func Write(dir string, src Sources) (Summary, error) {
	if src.From == "" {
		src.From = "/"
	}
	if src.Limit <= 0 {
		src.Limit = DefaultLimit
	}
	if err := vacant(dir); err != nil {
		return Summary{}, err
	}
	parent := filepath.Dir(filepath.Clean(dir))
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return Summary{}, err
	}
	work, err := os.MkdirTemp(parent, ".pxeproof-new-")
	if err != nil {
		return Summary{}, err
	}
	defer os.RemoveAll(work) // what is left of it after an error
	sum, err := src.write(work)
	if err != nil {
		return Summary{}, err
	}
	if _, err := scenarios.Load(work); err != nil {
		return Summary{}, fmt.Errorf("the scenario that was made of these files cannot be read: %w", err)
	}
	if err := os.Chmod(work, 0o755); err != nil {
		return Summary{}, err
	}
	if err := os.Rename(work, dir); err != nil {
		return Summary{}, err
	}
	return sum, nil
}

// vacant refuses a folder in which something is.
func vacant(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return &scenarios.InputError{Err: err}
	case len(entries) > 0:
		return inputError("%s is not empty; a new scenario wants a folder of its own", dir)
	}
	return nil
}

func (src Sources) write(work string) (Summary, error) {
	if src.Empty {
		return writeSmallest(work)
	}
	m, err := src.find()
	if err != nil {
		return Summary{}, err
	}
	defer m.close()
	if m.dhcp == nil {
		if m.asked() {
			return Summary{}, inputError("there is no dhcpd.conf below %s; name it with --dhcpd-conf", src.From)
		}
		sum, err := writeSmallest(work)
		sum.Notes = []string{"there is no dhcpd.conf, dnsmasq.conf or Kea configuration at the usual places; --dhcpd-conf names one that is elsewhere"}
		return sum, err
	}
	if err := m.address(); err != nil {
		return Summary{}, err
	}
	if err := os.Mkdir(filepath.Join(work, rootDir), 0o755); err != nil {
		return Summary{}, err
	}
	if m.out, err = os.OpenRoot(filepath.Join(work, rootDir)); err != nil {
		return Summary{}, err
	}
	err = m.copyAll()
	if err == nil {
		err = m.follow()
	}
	if large, ok := errors.AsType[*tooLargeError](err); ok {
		return Summary{}, &scenarios.InputError{Err: large}
	}
	if err != nil {
		return Summary{}, err
	}
	return m.sum, m.writeYAML(filepath.Join(work, scenarios.File))
}

// writeSmallest lays the embedded scenario out.
func writeSmallest(work string) (Summary, error) {
	sub, err := fs.Sub(smallest, "smallest")
	if err != nil {
		return Summary{}, err
	}
	err = fs.WalkDir(sub, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := filepath.Join(work, filepath.FromSlash(name))
		if d.IsDir() {
			return os.MkdirAll(to, 0o755)
		}
		b, err := fs.ReadFile(sub, name)
		if err != nil {
			return err
		}
		return os.WriteFile(to, b, 0o644)
	})
	return Summary{Smallest: true}, err
}

func inputError(format string, a ...any) error {
	return &scenarios.InputError{Err: fmt.Errorf(format, a...)}
}
