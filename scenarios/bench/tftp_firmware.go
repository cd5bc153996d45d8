package bench

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/pxeproof/pxeproof/captures"
	"github.com/pxeproof/pxeproof/harness"
	"github.com/pxeproof/pxeproof/scenarios"
)

// A FirmwareRow is what boots of real firmware did while the server clamped
// blksize.
type FirmwareRow struct {
	Firmware string `json:"firmware"`
	// Clamp is the largest blksize that the server gave, in bytes; BlockSize and
	// WindowSize are what was agreed for the largest file.
	Clamp      int `json:"clamp"`
	BlockSize  int `json:"blksize"`
	WindowSize int `json:"windowsize"`
	// File is what the firmware called it, and Bytes its length.
	File  string `json:"file"`
	Bytes int64  `json:"bytes"`
	// Rate is in MB/s, from RRQ to last ACK in the capture, a value a boot.
	Rate   Sample `json:"rate,omitempty"`
	Resent int    `json:"resent"`
	Accel  string `json:"accel"`
	// Failed says why there are no figures.
	Failed string `json:"failed,omitempty"`
}

// A loader is what fetches a large file.
type loader struct {
	machine string // in scenario.yaml
	nbp     string // what dhcpd.conf names
	assets  string // lines of scenario.yaml, beside the kernel's
	files   string // txtar
}

// firmwares are the clients in real machines. OVMF takes the kernel itself, an
// EFI program, for its NBP; the others take their NBP with whatever they like
// and then the kernel.
var firmwares = map[string]loader{
	"ipxe": {machine: "{}", nbp: "/boot.ipxe", files: "-- root/tftpboot/boot.ipxe --\n#!ipxe\nkernel vmlinuz console=ttyS0\nboot\n"},
	"ovmf": {machine: "{firmware: uefi}", nbp: "/vmlinuz"},
	"pxelinux": {machine: "{}", nbp: "/pxelinux.0",
		assets: "  /tftpboot/pxelinux.0: pxelinux.0\n  /tftpboot/ldlinux.c32: ldlinux.c32\n",
		files:  "-- root/tftpboot/pxelinux.cfg/default --\ndefault linux\nprompt 0\n\nlabel linux\n  kernel vmlinuz\n  append console=ttyS0\n"},
	"grub": {machine: "{firmware: uefi}", nbp: "/grubnetx64.efi.signed",
		assets: "  /tftpboot/grubnetx64.efi.signed: grubnetx64.efi.signed\n",
		files:  "-- root/tftpboot/grub/grub.cfg --\nlinux /vmlinuz console=ttyS0\nboot\n"},
}

// Firmwares are the names of clients that TFTP can boot.
func Firmwares() []string { return slices.Sorted(maps.Keys(firmwares)) }

// Clamps are the block sizes that firmware is measured with by default.
var Clamps = []int{512, 1024, 1432, 1468}

const firmwareScenario = `-- scenario.yaml --
about: %[1]s fetches a kernel, blksize at most %[2]d
hosts:
  server:
    address: 192.168.1.103/24
    servers: {dhcp: {}, tftp: {}, ra: {}}
machines:
  client: %[3]s
assets:
  /tftpboot/vmlinuz: kernel
%[4]sfast: true
expect:
  - transfer: vmlinuz
-- root/etc/dhcpd.conf --
authoritative;
next-server 192.168.1.103;
subnet 192.168.1.0 netmask 255.255.255.0 {
	range 192.168.1.10 192.168.1.100;
	filename "%[5]s";
}
-- root/etc/xinetd.d/tftp --
service tftp
{
	disable		= no
	socket_type	= dgram
	protocol	= udp
	wait		= yes
	user		= root
	server		= /usr/sbin/in.tftpd
	server_args	= -B %[2]d -s /tftpboot
}
%[6]s`

// firmwareTime bounds a boot; none needs half of it on two cores under TCG.
const firmwareTime = 2 * time.Minute

// bootFirmware boots each firmware with each clamp, in turn, round after round.
func bootFirmware(ctx context.Context, o TFTPOptions, dir string) (rows []FirmwareRow, err error) {
	for _, name := range o.Firmware {
		if _, ok := firmwares[name]; !ok {
			return nil, &scenarios.InputError{Err: fmt.Errorf("no firmware is called %q; there are %s", name, strings.Join(Firmwares(), ", "))}
		}
		for _, clamp := range orDefault(o.BlockSizes, Clamps) {
			rows = append(rows, FirmwareRow{Firmware: name, Clamp: clamp})
		}
	}
	const boot = 12 // seconds, for the progress
	total := float64(o.Rounds * len(rows) * boot)
	for round := range o.Rounds {
		for i := range rows {
			row := &rows[i]
			if row.Failed == "" {
				out := filepath.Join(dir, fmt.Sprintf("%s-%d-%d", row.Firmware, row.Clamp, round))
				err := row.boot(ctx, out)
				if ctx.Err() != nil {
					return slices.DeleteFunc(rows, func(r FirmwareRow) bool { return len(r.Rate) == 0 }), nil
				}
				if input, ok := errors.AsType[*scenarios.InputError](err); ok {
					return nil, input // an asset that is not there, mostly
				}
				if err != nil {
					row.Failed = err.Error()
				}
			}
			o.Progress(float64((round*len(rows)+i+1)*boot), total, fmt.Sprintf("%s, blksize at most %d", row.Firmware, row.Clamp))
		}
	}
	return rows, nil
}

func orDefault[T any](list, otherwise []T) []T {
	if len(list) == 0 {
		return otherwise
	}
	return list
}

// boot boots once, in a folder that it makes, and adds what the capture shows.
func (row *FirmwareRow) boot(ctx context.Context, dir string) error {
	folder := filepath.Join(dir, "scenario")
	if err := row.lay(folder); err != nil {
		return err
	}
	s, err := scenarios.Load(folder)
	if err != nil {
		return err
	}
	res, err := scenarios.Run(ctx, s, scenarios.Options{
		Out: filepath.Join(dir, "run"), Timeout: firmwareTime,
		Started: func(st scenarios.Start) { row.Accel = st.Accel.Name },
	})
	if err != nil {
		return err
	}
	f, err := os.Open(filepath.Join(res.Dir, harness.CaptureFile))
	if err != nil {
		return err
	}
	defer f.Close()
	t, err := captures.Read(f)
	if err != nil {
		return err
	}
	var largest *captures.Transfer
	for i := range t.Transfers {
		x := &t.Transfers[i]
		if x.Protocol == "tftp" && x.Status == captures.Complete && (largest == nil || x.Bytes > largest.Bytes) {
			largest = x
		}
	}
	const worth = 1 << 20 // below, start and end count more than blocks
	if largest == nil || largest.Bytes < worth {
		return fmt.Errorf("it fetched no large file: the boot ended in %v", res.Verdict.Status)
	}
	if t.Dropped > 0 {
		return fmt.Errorf("the recorder lost %d frames", t.Dropped)
	}
	row.BlockSize, row.WindowSize, row.File, row.Bytes = largest.BlockSize, largest.WindowSize, largest.Name, largest.Bytes
	row.Resent += largest.Resent
	row.Rate = append(row.Rate, float64(largest.Bytes)/1e6/largest.Ended.Sub(largest.Begun).Seconds())
	return nil
}

// lay lays out the scenario in a folder.
func (row *FirmwareRow) lay(folder string) error {
	l := firmwares[row.Firmware]
	text := fmt.Appendf(nil, firmwareScenario, row.Firmware, row.Clamp, l.machine, l.assets, l.nbp, l.files)
	fsys, err := txtar.FS(txtar.Parse(text))
	if err != nil {
		return err
	}
	return os.CopyFS(folder, fsys)
}

func writeFirmware(b *strings.Builder, rows []FirmwareRow) {
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(b, "\nReal firmware in QEMU (%s), the built-in server clamping blksize, from the capture\n\n", rows[0].Accel)
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "firmware\tat most\tblksize\twindow\tMB/s\tspread\tfile\tbytes\t\n")
	for _, r := range rows {
		if r.Failed == "" {
			fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%s\t%.0f%%\t%s\t%d\t\n", r.Firmware, r.Clamp, r.BlockSize, r.WindowSize,
				number(r.Rate.Median()), 100*r.Rate.Spread(), r.File, r.Bytes)
		}
	}
	_ = t.Flush()
	for _, r := range rows {
		if r.Failed != "" {
			fmt.Fprintf(b, "%s, blksize at most %d: %s\n", r.Firmware, r.Clamp, r.Failed)
		}
	}
	b.WriteString("\n")
	for _, name := range Firmwares() {
		var least, best *FirmwareRow
		for i := range rows {
			r := &rows[i]
			if r.Firmware != name || len(r.Rate) == 0 {
				continue
			}
			if least == nil || r.Clamp < least.Clamp {
				least = r
			}
			if best == nil || r.Rate.Median() > best.Rate.Median() {
				best = r
			}
		}
		if best != nil && best != least {
			fmt.Fprintf(b, "With %s let the server give blksize %d: %.1f times the rate of %d\n",
				name, best.BlockSize, best.Rate.Median()/least.Rate.Median(), least.BlockSize)
		}
	}
}
