package captures_test

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pxeproof/pxeproof/captures"
)

var update = flag.Bool("update", false, "write the goldens in testdata anew")

// asText is a timeline without its times.
func asText(tl *captures.Timeline) string {
	var b strings.Builder
	for _, e := range tl.Events {
		fmt.Fprintf(&b, "%d %s", e.Frame.Number, e.Kind)
		if e.Port != "" {
			fmt.Fprintf(&b, " @%s", e.Port)
		}
		if e.Host != "" {
			fmt.Fprintf(&b, " [%s]", e.Host)
		}
		for _, f := range e.Fields {
			switch v := f.Value.(type) {
			case string:
				if f.Name == "tftp.seconds" {
					continue
				}
				fmt.Fprintf(&b, " %s=%q", f.Name, v)
			case []byte:
				fmt.Fprintf(&b, " %s=%s", f.Name, hex.EncodeToString(v))
			default:
				fmt.Fprintf(&b, " %s=%v", f.Name, v)
			}
		}
		b.WriteByte('\n')
	}
	for i, x := range tl.Transfers {
		fmt.Fprintf(&b, "transfer %d %s [%s] %s %s:%d %q frames %d-%d size %d bytes %d blksize %d windowsize %d blocks %d resent %d status %d code %d %q\n",
			i, x.Protocol, x.Host, x.Client, x.Server.Addr(), x.Server.Port(), x.Name, x.Start.Number, x.End.Number,
			x.Size, x.Bytes, x.BlockSize, x.WindowSize, x.Blocks, x.Resent, x.Status, x.Code, x.Message)
	}
	fmt.Fprintf(&b, "frames %d dropped %d\n", tl.Frames, tl.Dropped)
	return b.String()
}

// recorded are the captures in testdata.
func recorded(t testing.TB) (files []string) {
	t.Helper()
	files, err := filepath.Glob("testdata/*.pcapng*")
	if err != nil || len(files) == 0 {
		t.Fatalf("no captures in testdata: %v", err)
	}
	return files
}

func readFile(t testing.TB, file string) *captures.Timeline {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	tl, err := captures.Read(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return tl
}

func TestGolden(t *testing.T) {
	for _, file := range recorded(t) {
		base, _, _ := strings.Cut(file, ".")
		t.Run(filepath.Base(base), func(t *testing.T) {
			got := asText(readFile(t, file))
			golden := base + ".txt"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatalf("%v; go test ./captures -run TestGolden -update writes it", err)
			}
			if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}

// comparison is one sort of event that tshark shows too.
type comparison struct {
	kinds  []captures.Kind
	when   func(row map[string]string) bool // which of tshark's frames they are
	fields []string
}

func is(field string, values ...string) func(map[string]string) bool {
	return func(row map[string]string) bool { return slices.Contains(values, row[field]) }
}

var comparisons = []comparison{
	{
		[]captures.Kind{captures.DHCPDiscover, captures.DHCPOffer, captures.DHCPRequest, captures.DHCPAck},
		is("dhcp.option.dhcp", "1", "2", "3", "5"),
		[]string{
			"udp.srcport", "udp.dstport", "ip.src", "ip.dst", "dhcp.id", "dhcp.secs", "dhcp.flags.bc", "dhcp.ip.client", "dhcp.ip.your", "dhcp.ip.server", "dhcp.ip.relay",
			"dhcp.server", "dhcp.file", "dhcp.option.dhcp_server_id", "dhcp.option.requested_ip_address", "dhcp.option.ip_address_lease_time",
			"dhcp.option.subnet_mask", "dhcp.option.router", "dhcp.option.vendor_class_id", "dhcp.option.client_architecture",
			"dhcp.option.tftp_server_name", "dhcp.option.bootfile_name", "dhcp.option.message",
		},
	},
	{[]captures.Kind{captures.TFTPRequest, captures.TFTPRepeated}, is("tftp.opcode", "1"), []string{"ip.dst", "tftp.source_file"}},
	{[]captures.Kind{captures.TFTPError}, is("tftp.opcode", "5"), []string{"ip.src", "ip.dst", "tftp.error.code", "tftp.error.message"}},
	{[]captures.Kind{captures.TFTPOack}, is("tftp.opcode", "6"), []string{"ip.src", "udp.srcport"}},
	{[]captures.Kind{captures.ARPRequest}, is("arp.opcode", "1"), []string{"arp.src.hw_mac", "arp.src.proto_ipv4", "arp.dst.proto_ipv4"}},
	{[]captures.Kind{captures.ARPReply}, is("arp.opcode", "2"), []string{"arp.src.hw_mac", "arp.src.proto_ipv4", "arp.dst.hw_mac", "arp.dst.proto_ipv4"}},
	{[]captures.Kind{captures.RouterSolicit}, is("icmpv6.type", "133"), []string{"ipv6.src"}},
	{[]captures.Kind{captures.NeighborSolicit}, is("icmpv6.type", "135"), []string{"ipv6.src", "icmpv6.nd.ns.target_address"}},
	{
		[]captures.Kind{captures.PortmapGetport, captures.MountMnt, captures.NFSLookup},
		func(row map[string]string) bool {
			return row["rpc.msgtyp"] == "1" && (row["portmap.procedure_v2"] == "3" || row["portmap.procedure_v4"] == "3" ||
				row["rpc.program"] == "100005" && row["rpc.procedure"] == "1" || row["nfs.procedure_v3"] == "3")
		},
		[]string{"rpc.xid", "rpc.program", "rpc.procedure", "rpc.replystat", "rpc.state_accept"},
	},
}

// asTsharkCalls names a field as tshark does, where kinds.go says otherwise.
func asTsharkCalls(name string) string {
	if name == "dhcp.option.client_architecture" {
		return "dhcp.option.client_system_architecture"
	}
	return name
}

// tshark reads the same captures: what it calls by a field's name must be what
// we do, in the same frames.
func TestTsharkAgrees(t *testing.T) {
	program := need(t, "tshark")
	names := []string{"frame.number", "dhcp.option.dhcp", "tftp.opcode", "arp.opcode", "icmpv6.type", "rpc.msgtyp", "portmap.procedure_v2", "portmap.procedure_v4", "nfs.procedure_v3"}
	for _, c := range comparisons {
		for _, f := range c.fields {
			if f = asTsharkCalls(f); !slices.Contains(names, f) {
				names = append(names, f)
			}
		}
	}
	for _, file := range recorded(t) {
		args := []string{"-r", file, "-T", "fields", "-E", "occurrence=f"}
		for _, n := range names {
			args = append(args, "-e", n)
		}
		var rows []map[string]string
		for line := range strings.Lines(run(t, program, args...)) {
			row := make(map[string]string)
			for i, v := range strings.Split(strings.TrimSuffix(line, "\n"), "\t") {
				row[names[i]] = decimal(v)
			}
			rows = append(rows, row)
		}
		tl := readFile(t, file)
		for _, c := range comparisons {
			var want, got []string
			for _, row := range rows {
				if c.when(row) {
					line := row["frame.number"]
					for _, f := range c.fields {
						line += "\t" + row[asTsharkCalls(f)]
					}
					want = append(want, line)
				}
			}
			for _, e := range of(tl, c.kinds...) {
				line := strconv.Itoa(e.Frame.Number)
				for _, f := range c.fields {
					line += "\t" + asTshark(e.Get(f))
				}
				got = append(got, line)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, %v (-tshark +ours):\n%s", file, c.kinds, diff)
			}
		}
	}
}

// asTshark writes a value as tshark does, numbers in decimal.
func asTshark(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case bool:
		if v {
			return "1"
		}
		return "0"
	case []byte:
		return hex.EncodeToString(v)
	}
	return fmt.Sprint(v)
}

// decimal is a number of tshark's in decimal, and anything else as it is.
func decimal(v string) string {
	if h, ok := strings.CutPrefix(v, "0x"); ok {
		if n, err := strconv.ParseUint(h, 16, 64); err == nil {
			return strconv.FormatUint(n, 10)
		}
	}
	return v
}
