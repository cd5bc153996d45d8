package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pxeproof/pxeproof/scenarios/scaffold"
)

func newCommand() *cobra.Command {
	src := scaffold.Sources{Limit: scaffold.DefaultLimit}
	cmd := &cobra.Command{
		Use:   "new FOLDER",
		Short: "Make a scenario from the files of this machine, or the smallest one",
		Long: `Makes a scenario of what serves network boots on this machine: dhcpd.conf, the
TFTP server's configuration and its folder, /etc/exports and what it exports. They
are copied, and scenario.yaml is written beside them. Where nothing is found the
smallest scenario that passes is written, to begin with.

Nothing is changed outside of FOLDER, and nothing is sent anywhere. Exported
folders are copied too: look at what you pass on.`,
		Example: `  pxeproof new mine && pxeproof run ./mine
  pxeproof new mine --dhcpd-conf ./dhcpd.conf --tftp-root ./tftpboot
  pxeproof new mine --from /backup/bootserver
  pxeproof new mine --empty`,
		Args:              wantArgs(cobra.ExactArgs(1)),
		ValidArgsFunction: completeFolders,
		RunE: func(cmd *cobra.Command, args []string) error {
			sum, err := scaffold.Write(args[0], src)
			if err != nil {
				return err
			}
			return sum.Report(cmd.OutOrStdout(), args[0], lookOf(cmd))
		},
	}
	f := cmd.Flags()
	f.StringVar(&src.From, "from", "/", "the folder that stands for / of the server")
	f.StringVar(&src.DHCPDConf, "dhcpd-conf", "", "dhcpd.conf (default /etc/dhcp/dhcpd.conf or /etc/dhcpd.conf)")
	f.StringVar(&src.Xinetd, "xinetd", "", "xinetd's service tftp (default /etc/xinetd.d/tftp)")
	f.StringVar(&src.TFTPDefault, "tftpd-default", "", "tftpd-hpa's settings (default /etc/default/tftpd-hpa)")
	f.StringVar(&src.TFTPRoot, "tftp-root", "", "the boot files (default what the TFTP server's configuration says)")
	f.StringVar(&src.Exports, "exports", "", "exports (default /etc/exports)")
	f.StringVar(&src.Kickstart, "kickstart", "", "a file for the path that ks=nfs:SERVER:/path asks for")
	f.Var((*byteSize)(&src.Limit), "limit", "how much to copy at most")
	f.BoolVar(&src.Empty, "empty", false, "write the smallest scenario, whatever there is")
	exclusive(cmd, "xinetd", "tftpd-default")
	for _, name := range []string{"dhcpd-conf", "xinetd", "tftpd-default", "tftp-root", "exports", "kickstart", "from"} {
		exclusive(cmd, "empty", name)
	}
	return cmd
}

// A byteSize is a flag such as 512M.
type byteSize int64

func (b *byteSize) Type() string { return "size" }

func (b *byteSize) String() string {
	n := int64(*b)
	for _, unit := range []string{"", "K", "M", "G"} {
		if n < 1024 || n%1024 != 0 || unit == "G" {
			return fmt.Sprintf("%d%s", n, unit)
		}
		n /= 1024
	}
	return ""
}

// Set implements pflag.Value.
func (b *byteSize) Set(text string) error {
	var n int64
	var unit string
	if _, err := fmt.Sscanf(text, "%d%s", &n, &unit); err != nil && unit != "" || n <= 0 {
		return fmt.Errorf("%q is no size, such as 512M or 4G", text)
	}
	shift, known := map[string]uint{"": 0, "K": 10, "M": 20, "G": 30, "T": 40}[unit]
	if !known || n > 1<<62>>shift {
		return fmt.Errorf("%q is no size, such as 512M or 4G", text)
	}
	*b = byteSize(n << shift)
	return nil
}
