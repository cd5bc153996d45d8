package scenarios_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pxeproof/pxeproof/captures"
	"github.com/pxeproof/pxeproof/captures/pcap"
	"github.com/pxeproof/pxeproof/captures/verdict"
	"github.com/pxeproof/pxeproof/harness"
	"github.com/pxeproof/pxeproof/harness/warm"
	"github.com/pxeproof/pxeproof/scenarios"
)

// uefi makes the library's first-process one of a UEFI machine.
var uefi = strings.NewReplacer(
	"  client: {}", "  client:\n    firmware: uefi",
	"/tftpboot/pxelinux.0: pxelinux.0", "/tftpboot/syslinux.efi: syslinux.efi",
	"/tftpboot/ldlinux.c32: ldlinux.c32", "/tftpboot/ldlinux.e64: ldlinux.e64",
	`filename "/pxelinux.0"`, `filename "/syslinux.efi"`)

// TestResumedBootIsTheSame boots a machine from its beginning, then so that it
// is kept, then from where it was kept, and wants the same boot.
func TestResumedBootIsTheSame(t *testing.T) {
	needVM(t)
	src, err := os.ReadFile("library/first-process.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"BIOS": string(src), "UEFI": uefi.Replace(string(src))} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			file := filepath.Join(dir, "first-process.txtar")
			if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			s, err := scenarios.Load(file)
			if err != nil {
				t.Fatal(err)
			}
			boot := func(out string, cold bool) string {
				t.Helper()
				out = filepath.Join(dir, out)
				res, err := scenarios.Run(t.Context(), s, scenarios.Options{Out: out, Accel: "tcg", Cold: cold, Snapshots: filepath.Join(dir, "snapshots")})
				if err != nil {
					t.Fatal(err)
				}
				if res.Verdict.Status != verdict.Pass {
					t.Fatalf("verdict:\n%s", explain(res.Verdict))
				}
				judgedAgain(t, out)
				return out
			}
			cold, kept, resumed := boot("cold", true), boot("kept", false), boot("resumed", false)
			for _, out := range []string{cold, kept} {
				if key, why := cameToRun(t, out); key != "" || why == "" {
					t.Errorf("%s: resumed from %q, or %q", out, key, why)
				}
			}
			key, _ := cameToRun(t, resumed)
			if key == "" {
				t.Fatal("the third run was not resumed")
			}
			said := comments(t, resumed)
			if !slices.ContainsFunc(said, func(s string) bool { return strings.HasPrefix(s, "Warm start: ") }) {
				t.Errorf("the capture does not say that it is one of a warm start: %q", said)
			}
			if said := comments(t, cold); len(said) > 0 {
				t.Errorf("comments in the capture of a cold start: %q", said)
			}
			want := sinceDiscover(t, cold)
			for _, out := range []string{kept, resumed} {
				if got := sinceDiscover(t, out); got != want {
					t.Errorf("%s is another boot:\n%s\nthe cold one:\n%s", out, got, want)
				}
			}
			evidence := string(readFile(t, filepath.Join(resumed, scenarios.VerdictText)))
			if !strings.Contains(strings.Join(strings.Fields(evidence), " "), "resumed where it sends its first DISCOVER") {
				t.Errorf("the report does not say that it is one of a warm start:\n%s", evidence)
			}
		})
	}
}

// TestDamagedSnapshot damages what the first run has kept in all the ways that a
// disk has. The run that finds it boots cold, and the next one keeps the machine
// anew.
func TestDamagedSnapshot(t *testing.T) {
	needVM(t)
	dir := t.TempDir()
	conf := copyOf(t, "kickstart-nfs")
	edit(t, filepath.Join(conf, "root/etc/dhcpd.conf"), "next-server 192.168.1.103;\n", "") // ends soon
	s, err := scenarios.Load(conf)
	if err != nil {
		t.Fatal(err)
	}
	cache := warm.Cache{Dir: filepath.Join(dir, "snapshots")}
	for i, want := range []string{"no snapshot", "checksum", "no snapshot", "QEMU ended", "no snapshot", ""} {
		out := filepath.Join(dir, fmt.Sprint(i))
		var notes []string
		res, err := scenarios.Run(t.Context(), s, scenarios.Options{
			Out: out, Accel: "tcg", Snapshots: cache.Dir, Notes: true, Warn: func(text string) { notes = append(notes, text) },
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(res.Verdict.Clients[0].Findings) != 1 {
			t.Errorf("run %d: verdict:\n%s", i, explain(res.Verdict))
		}
		key, why := cameToRun(t, out)
		if (key != "") != (want == "") || !strings.Contains(why, want) {
			t.Errorf("run %d: resumed from %q, or cold because %q; want %q", i, key, why, want)
		}
		if want != "" && !strings.Contains(strings.Join(notes, "\n"), want) {
			t.Errorf("run %d: nobody was told that %q: %q", i, want, notes)
		}
		list, err := cache.List()
		if err != nil {
			t.Fatal(err)
		}
		switch i {
		case 0: // a byte in the midst of the memory
			file := filepath.Join(cache.Dir, list[0].Key+".snapshot")
			b := readFile(t, file)
			b[len(b)/2] ^= 1
			if err := os.WriteFile(file, b, 0o600); err != nil {
				t.Fatal(err)
			}
		case 2: // a file that is whole, but no state that QEMU knows
			replaceState(t, &cache, list[0])
		}
	}
	// A machine is loaded in vain if the configuration turns out to be wrong.
	edit(t, filepath.Join(conf, "root/etc/dhcpd.conf"), "authoritative;", "authoritative")
	wrong := filepath.Join(dir, "not", "there")
	_, err = scenarios.Run(t.Context(), s, scenarios.Options{Out: wrong, Accel: "tcg", Snapshots: cache.Dir})
	if _, ok := errors.AsType[*scenarios.InputError](err); !ok || !strings.Contains(err.Error(), "dhcpd.conf:") {
		t.Errorf("a wrong dhcpd.conf: %v", err)
	}
	if _, err := os.Stat(filepath.Dir(wrong)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it left its folder: %v, %v", err, filesIn(t, wrong))
	}
}

func filesIn(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Error(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// replaceState keeps, in the place of a snapshot, one whose state is nonsense.
func replaceState(t *testing.T, c *warm.Cache, e warm.Entry) {
	t.Helper()
	b, err := hex.DecodeString(e.Key)
	if err != nil {
		t.Fatal(err)
	}
	k := warm.Key(b)
	if err := c.Forget(k); err != nil {
		t.Fatal(err)
	}
	d, err := c.Create(k)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := d.File().Write(bytes.Repeat([]byte("nonsense"), 1000)); err != nil {
		t.Fatal(err)
	}
	if err := d.Keep(e.About, e.Frames); err != nil {
		t.Fatal(err)
	}
}

// cameToRun is what run.json says of how the machine came to run.
func cameToRun(t *testing.T, out string) (snapshot, why string) {
	t.Helper()
	var rec scenarios.RunRecord
	if err := json.Unmarshal(readFile(t, filepath.Join(out, scenarios.RunFile)), &rec); err != nil {
		t.Fatal(err)
	}
	if len(rec.Machines) != 1 {
		t.Fatalf("machines: %+v", rec.Machines)
	}
	if rec.Memory < 100<<20 {
		t.Errorf("a lab with a machine of 512 MiB took %d bytes", rec.Memory)
	}
	return rec.Machines[0].Snapshot, rec.Machines[0].Why
}

// comments are those on the frames of a run's capture.
func comments(t *testing.T, out string) []string {
	t.Helper()
	f, err := os.Open(filepath.Join(out, harness.CaptureFile))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := pcap.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for {
		var p pcap.Packet
		err := r.Next(&p)
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p.Comments...)
	}
}

// mayDiffer are fields that differ between any two boots: transaction numbers
// and ports are drawn anew, and the rest are times, or come of them. A lease
// counts down while EDK2 collects offers.
var mayDiffer = []string{"dhcp.id", "dhcp.secs", "dhcp.option.ip_address_lease_time", "rpc.xid", "udp.srcport", "udp.dstport", "tftp.seconds", "tftp.resent"}

// sinceDiscover is a run's events from the first DISCOVER on, a line each,
// without what may differ:
//
//   - Router solicitations and advertisements. A machine that is switched on
//     finds the advertisement of the server's start when it opens its card, and
//     does not ask; one that is resumed has opened it, and asks, as machines do
//     on any network where routers do not happen to advertise just then.
//   - ARP for the machine. The server's kernel looks after its neighbours every
//     few seconds, of its own time.
//   - What TFTP sends again. PXELINUX repeats its request after 0.11 s already,
//     which a busy host may take to answer.
//   - The console, but for what the first process says. A line of iPXE's is cut
//     in two by the resumption, and a kernel's lines have times in them.
//   - The machine's power-off. The run ends with the first process, and may or
//     may not hear of it.
func sinceDiscover(t *testing.T, out string) string {
	t.Helper()
	f, err := os.Open(filepath.Join(out, harness.EventsFile))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var b strings.Builder
	begun := false
	for dec := json.NewDecoder(f); ; {
		var e captures.Event
		err := dec.Decode(&e)
		if errors.Is(err, io.EOF) {
			return b.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		begun = begun || e.Kind == captures.DHCPDiscover
		switch {
		case !begun, strings.HasPrefix(string(e.Kind), "icmpv6."), e.Kind == captures.ServerSays, e.Kind == captures.MachineOff,
			e.Kind == captures.TFTPRepeated, e.Kind == captures.TFTPStalled:
			continue
		case e.Kind == captures.ARPRequest && !fromMachine(&e), e.Kind == captures.ARPReply && fromMachine(&e):
			continue
		case e.Source == captures.Console && !strings.HasPrefix(e.Text("text"), "pxeproof: "):
			continue
		}
		fmt.Fprintf(&b, "%s %s", e.Kind, e.Host)
		for _, f := range e.Fields {
			if !slices.Contains(mayDiffer, f.Name) {
				fmt.Fprintf(&b, " %s=%v", f.Name, f.Value)
			}
		}
		b.WriteByte('\n')
	}
}

// fromMachine says whether an ARP message is the machine's own.
func fromMachine(e *captures.Event) bool { return fmt.Sprint(e.Get("arp.src.hw_mac")) == e.Host }
