package verdict

import (
	"slices"
	"testing"
)

// Captures of real firmware (iPXE's ROM under SeaBIOS, and EDK2) that failed to
// boot from a server that is not ours, dnsmasq 2.90. The ones named slirp are
// from QEMU's own. No Router Advertisement was on the network. Those named isc are
// from ISC dhcpd 4.4.3 and tftpd-hpa 5.2, each on a host of its own, with Router
// Advertisements; proxy has a ProxyDHCP server (dnsmasq) beside that dhcpd, and
// isc-http Python's web server.
var wild = map[string]struct {
	stage   Stage
	finding string
	besides []string
}{
	"noboot":        {stage: NBP, finding: "dhcp-no-bootfile", besides: []string{"ipxe-slaac-delay"}},
	"nofile":        {stage: NBP, finding: "tftp-file-not-found", besides: []string{"ipxe-slaac-delay"}},
	"perm":          {stage: NBP, finding: "tftp-access-violation", besides: []string{"ipxe-slaac-delay"}},
	"dead":          {stage: NBP, finding: "dhcp-next-server-dead", besides: []string{"ipxe-slaac-delay"}},
	"offnet":        {stage: NBP, finding: "dhcp-next-server-offsubnet", besides: []string{"ipxe-slaac-delay"}},
	"refused":       {stage: NBP, finding: "tftp-refused", besides: []string{"ipxe-slaac-delay"}},
	"dropped":       {stage: NBP, finding: "tftp-no-answer", besides: []string{"ipxe-slaac-delay"}}, // a firewall before port 69
	"ackdrop":       {stage: NBP, finding: "tftp-stalled", besides: []string{"ipxe-slaac-delay"}},   // a firewall before all other ports
	"silence":       {stage: DHCP, finding: "dhcp-no-answer"},
	"silence-efi":   {stage: DHCP, finding: "dhcp-no-answer"},
	"noboot-efi":    {stage: DHCP, finding: "dhcp-no-bootfile"},
	"refused-efi":   {stage: NBP, finding: "tftp-refused", besides: []string{"dhcp-wrong-arch"}},
	"dead-efi":      {stage: NBP, finding: "dhcp-next-server-dead", besides: []string{"dhcp-wrong-arch"}},
	"good-efi":      {stage: Config, finding: "dhcp-wrong-arch"},  // pxelinux.0 arrives, at a UEFI machine
	"isc-case":      {stage: NBP, finding: "tftp-file-not-found"}, // PXELINUX.0
	"isc-rogue":     {stage: NBP, finding: "dhcp-rogue-server"},   // dnsmasq beside it, without a boot file
	"isc-no-next":   {stage: NBP, finding: "dhcp-next-server-unset"},
	"isc-perm":      {stage: NBP, finding: "tftp-access-violation"}, // in.tftpd says ERROR 0
	"isc-backslash": {stage: NBP, finding: "tftp-file-not-found"},   // boot\pxelinux.0
	"isc-http":      {stage: NBP, finding: "http-error"},
	"proxy-nofile":  {stage: NBP, finding: "tftp-file-not-found"},
	"slirp-a":       {stage: NBP, finding: "tftp-file-not-found"},
	"slirp-b":       {stage: Config, finding: "tftp-file-not-found"}, // no ldlinux.c32
}

func TestWildCaptures(t *testing.T) {
	for name, want := range wild {
		t.Run(name, func(t *testing.T) {
			v := judgeFrames(t, wildFrames(t, name))
			if v.Status != Fail || len(v.Clients) != 1 {
				t.Fatalf("verdict: %s", asJSON(v))
			}
			c := v.Clients[0]
			i := slices.IndexFunc(c.Stages, func(s StageOutcome) bool { return s.Status == Fail })
			if c.Stages[i].Stage != want.stage {
				t.Errorf("it failed at %v, want %v", c.Stages[i].Stage, want.stage)
			}
			var besides []string
			for _, f := range c.Findings[1:] {
				if f.Severity == Error {
					t.Errorf("a second cause, %s: %s", f.ID, f.Summary)
				}
				besides = append(besides, f.ID)
			}
			if c.Findings[0].ID != want.finding || !slices.Equal(besides, want.besides) {
				t.Errorf("findings %s", asJSON(c.Findings))
			}
		})
	}
}
