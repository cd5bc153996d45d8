package scenarios_test

import (
	"io/fs"
	"net/netip"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/pxeproof/pxeproof/harness/link"
	"github.com/pxeproof/pxeproof/harness/sandbox"
	"github.com/pxeproof/pxeproof/scenarios"
	"github.com/pxeproof/pxeproof/servers/tftp"
)

func TestMain(m *testing.M) {
	sandbox.Enter(scenarios.Entries())
	if out := os.Getenv(envRun); out != "" {
		runAlone(out)
	}
	os.Exit(m.Run())
}

// folder is a scenario in one text.
func folder(t *testing.T, text string) fs.FS {
	t.Helper()
	fsys, err := txtar.FS(txtar.Parse([]byte(text)))
	if err != nil {
		t.Fatal(err)
	}
	return fsys
}

const smallest = `-- scenario.yaml --
about: the smallest
hosts:
  server:
    address: 10.0.0.1/24
    servers: {dhcp: {}, ra: {}}
machines:
  client: {}
-- root/etc/dhcpd.conf --
subnet 10.0.0.0 netmask 255.255.255.0 {}
`

func TestDefaults(t *testing.T) {
	s, err := scenarios.Open(folder(t, smallest), "small", "small")
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Hosts) != 1 || len(s.Hosts[0].Servers) != 2 || s.Hosts[0].Servers[0].Config != "/etc/dhcpd.conf" {
		t.Errorf("hosts: %+v", s.Hosts)
	}
	m := s.Machines[0]
	if m.NICs[0].MAC.String() != "52:54:00:12:34:56" || m.Firmware.Kind != "bios" || s.Timeout != scenarios.DefaultTimeout {
		t.Errorf("machine %+v, time limit %v", m, s.Timeout)
	}
}

// A machine's own impairment takes the place of the network's.
func TestImpair(t *testing.T) {
	text := strings.Replace(smallest, "about: the smallest\n", "impair: {loss: 0.5%, delay: 5ms, jitter: 1ms, reorder: 2 %, duplicate: 3%, rate: 1.5 Mbit/s, mtu: 1400, seed: 7}\n", 1)
	text = strings.Replace(text, "  client: {}\n", "  a: {}\n  b: {impair: {}}\n  c: {impair: {loss: 10%}}\n", 1)
	s, err := scenarios.Open(folder(t, text), "s", "s")
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []link.Impairment{
		{Loss: 0.005, Delay: 5 * time.Millisecond, Jitter: time.Millisecond, Reorder: 0.02, Duplicate: 0.03, Rate: 1_500_000, MTU: 1400, Seed: 7},
		{},
		{Loss: 0.1},
	} {
		if got := s.Machines[i].Link; got != want {
			t.Errorf("machine %s: %+v, want %+v", s.Machines[i].Name, got, want)
		}
	}
}

func TestTFTPKnobs(t *testing.T) {
	text := strings.Replace(smallest, "{dhcp: {}, ra: {}}", "{tftp: {blksize: 1024, windowsize: 8, rollover: 1, multicast: \"239.255.0.0:1758\", mtftp: [{file: f, group: \"239.255.1.1:1758\", port: 1759}], engine: own}}", 1) + "-- root/etc/default/tftpd-hpa --\n"
	s, err := scenarios.Open(folder(t, text), "s", "s")
	if err != nil {
		t.Fatal(err)
	}
	want := scenarios.TFTPKnobs{BlockSizeMax: 1024, WindowSizeMax: 8, Rollover: 1, Engine: tftp.EngineOwn,
		Multicast: netip.MustParseAddrPort("239.255.0.0:1758"),
		MTFTP:     []tftp.MTFTP{{File: "f", Group: netip.MustParseAddrPort("239.255.1.1:1758"), Port: 1759}}}
	if got := s.Hosts[0].Servers[0].TFTP; !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, c := range []struct {
		name     string
		old, new string // what is changed in the smallest
		want     string // the error, or a part of it
	}{
		{"a field that does not exist", "about:", "abuot:", `s/scenario.yaml:1:1: unknown field "abuot"`},
		{"a nested one", "    address:", "    adress:", `s/scenario.yaml:4:5: unknown field "adress"`},
		{"no YAML", "hosts:\n", "hosts: [\n", "s/scenario.yaml:"},
		{"a knob of another server", "ra: {}", "ra: {blksize: 1000}", "s/scenario.yaml:5:39: ra has no blksize"},
		{"a block that is too small", "ra: {}", "tftp: {blksize: 100}", "s/scenario.yaml:5:41: a blksize of 100: write 512 to 65464"},
		{"no window", "ra: {}", "tftp: {windowsize: 0}", "s/scenario.yaml:5:44: a windowsize of 0: write 1 to 65535"},
		{"an engine that nobody knows", "ra: {}", "tftp: {engine: fast}", `s/scenario.yaml:5:40: no engine is called "fast"; there are own and pin`},
		{"windows of an engine without", "ra: {}", "tftp: {engine: pin, windowsize: 4}", "engine pin has no windowsize"},
		{"multicast of that engine", "ra: {}", "tftp: {engine: pin, multicast: \"239.255.0.0:1758\"}", "engine pin has no multicast"},
		{"a rollover to nowhere", "ra: {}", "tftp: {rollover: 2}", "s/scenario.yaml:5:42: a rollover to 2: write 0 or 1"},
		{"a group that is none", "ra: {}", "tftp: {multicast: \"10.0.0.9:1758\"}", `"10.0.0.9:1758" is no IPv4 multicast address`},
		{"MTFTP without a port", "ra: {}", "tftp: {mtftp: [{file: f, group: \"239.255.1.1:1758\"}]}", "mtftp: write {file: NAME"},
		{"a host without address", "    address: 10.0.0.1/24\n", "", "s/scenario.yaml:3:3: host server has no address"},
		{"an address without prefix", "10.0.0.1/24", "10.0.0.1", "s/scenario.yaml:4:14: host server: \"10.0.0.1\" is no IPv4 address with a prefix length"},
		{"the subnet's own address", "10.0.0.1/24", "10.0.0.0/24", "is the subnet's own"},
		{"an unknown server", "ra: {}", "smb: {}", `s/scenario.yaml:5:25: no server is called "smb"; there are acd, dhcp, http, nfs, portmap, ra, tftp`},
		{"a server without its file", "ra: {}", "tftp: {}", "s/scenario.yaml:5:25: tftp has no configuration: put it at s/root/etc/xinetd.d/tftp"},
		{"a config that is not there", "dhcp: {}", "dhcp: {config: /etc/my.conf}", "there is no s/root/etc/my.conf"},
		{"no machines", "machines:\n  client: {}\n", "", "s/scenario.yaml: no machines"},
		{"a multicast MAC", "client: {}", "client: {mac: \"01:00:5e:00:00:01\"}", "s/scenario.yaml:7:17: machine client: 01:00:5e:00:00:01 is a multicast address"},
		{"two of a MAC", "client: {}", "client: {}\n  other: {mac: \"52:54:00:12:34:56\"}", "the MAC 52:54:00:12:34:56 is used already, in line 7"},
		{"a name for no port", "client: {}", "\"a name far too long\": {}", "use 1 to 15 letters"},
		{"no such firmware", "client: {}", "client: {firmware: coreboot}", `no firmware is called "coreboot"`},
		{"an MTU too small", "address: 10.0.0.1/24", "address: 10.0.0.1/24\n    mtu: 68", "s/scenario.yaml:5:10: host server: an mtu of 68 is outside of 576 to 1500"},
		{"a switch that is too quick", "hosts:", "network: {stp: 1s}\nhosts:", "s/scenario.yaml:2:16: stp: a forward delay of 1s is outside"},
		{"a fault that does not exist", "dhcp: {}", "dhcp: {faults: {nack: true}}", `s/scenario.yaml:5:31: unknown field "nack"`},
		{"a fault of another protocol", "dhcp: {}", "dhcp: {faults: [{stall-after: 3}]}", "s/scenario.yaml:5:"},
		{"a fault of one that has none", "ra: {}", "ra: {faults: {late: true}}", "no faults of ra are known"},
		{"a status that is no refusal", "ra: {}", "http: {faults: [{status: 200}]}", "200 is no refusal"},
		{"a pattern that is none", "ra: {}", "http: {faults: [{files: \"[\", status: 404}]}", `"[" is no pattern`},
		{"a block before the first", "ra: {}", "tftp: {faults: [{stall-after: -1}]}", "-1: blocks and bytes are counted from 1"},
		{"a root that is not its own", "ra: {}", "ra: {root: /srv}", "root: is for http"},
		{"a mode that is none", "about:", "modes: {/etc/dhcpd.conf: rw}\nabout:", `s/scenario.yaml:1:9: modes: "rw" is no permission in octal`},
		{"Secure Boot of a BIOS", "client: {}", "client: {secure-boot: true}", "secure-boot is for firmware: uefi"},
		{"a matrix of nobody", "about:", "matrix: {\"not a name\": {}}\nabout:", `s/scenario.yaml:1:10: the variant name "not a name"`},
		{"a matrix that leaves open who provokes", "about:", "matrix: {one: {}}\nprovokes: [dhcp-nak]\nabout:", "each variant says by itself"},
		{"a timeout that is none", "about: the smallest", "timeout: soon", `s/scenario.yaml:1:10: "soon" is no length of time`},
		{"an unknown payload", "about: the smallest", "payload: doom", `s/scenario.yaml:1:10: no payload is called "doom"; there are kernel and probe`},
		{"a file for an asset that nobody knows", "about: the smallest", "files: {kernle: vmlinuz}", "s/scenario.yaml:1:9: files: "},
		{"no file for an asset", "about: the smallest", "files: {kernel: \"\"}", "s/scenario.yaml:1:9: files: kernel has no file"},
		{"a loss that is no part", "client: {}", "client: {impair: {loss: 5}}", `s/scenario.yaml:7:27: "5" is no part of the frames, such as 1%`},
		{"more than all is lost", "client: {}", "client: {impair: {loss: 101%}}", `"101%" is no part of the frames`},
		{"a link with a wrong field", "client: {}", "client: {impair: {los: 1%}}", `s/scenario.yaml:7:21: unknown field "los"`},
		{"a rate that is none", "about: the smallest", "impair: {rate: 5 MB/s}", `s/scenario.yaml:1:16: "5 MB/s" is no rate of a link, such as 100 Mbit/s`},
		{"an MTU that is none", "about: the smallest", "impair: {mtu: 40}", "s/scenario.yaml:1:9: impair: mtu is at least 68 bytes, not 40"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !strings.Contains(smallest, c.old) {
				t.Fatalf("%q is not in the scenario", c.old)
			}
			_, err := scenarios.Open(folder(t, strings.Replace(smallest, c.old, c.new, 1)), "s", "s")
			if err == nil {
				t.Fatal("no error")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("error:\n\t%v\nwant\n\t%s", err, c.want)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("the error has several lines:\n%v", err)
			}
		})
	}
}

func TestLoad(t *testing.T) {
	if _, err := scenarios.Load("no-such"); err == nil || !strings.Contains(err.Error(), "kickstart-nfs") {
		t.Errorf("an unknown scenario: %v; want the library's names", err)
	}
	if _, err := scenarios.Load("scenario_test.go"); err == nil || !strings.Contains(err.Error(), "is a file") {
		t.Errorf("a file: %v", err)
	}
	if _, err := scenarios.Load(t.TempDir()); err == nil || !strings.Contains(err.Error(), "scenario.yaml") {
		t.Errorf("an empty folder: %v", err)
	}
	all, err := scenarios.List()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if s.About == "" {
			t.Errorf("%s does not say what it is about", s.Name)
		}
	}
}

func FuzzOpen(f *testing.F) {
	f.Add([]byte(smallest[len("-- scenario.yaml --\n"):strings.Index(smallest, "-- root")]))
	f.Fuzz(func(t *testing.T, src []byte) {
		if strings.Contains(string(src), "-- ") {
			t.Skip("it would be cut up")
		}
		text := "-- scenario.yaml --\n" + string(src) + "\n-- root/etc/dhcpd.conf --\n"
		_, err := scenarios.Open(folder(t, text), "s", "s")
		if err != nil && !strings.HasPrefix(err.Error(), "s/scenario.yaml") {
			t.Errorf("an error without a place: %v", err)
		}
	})
}
