package captures_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/pxeproof/pxeproof/captures"
	"github.com/pxeproof/pxeproof/harness/network"
	"github.com/pxeproof/pxeproof/harness/sandbox"
)

func TestMain(m *testing.M) { sandbox.Main(m) }

// bridges counts the networks: nothing takes one down but the sandbox's end.
var bridges atomic.Int32

// lan makes a network with two hosts, a and b; the bridge's name is the first
// part of theirs.
func lan(t *testing.T) (a, b *network.Host, bridge string) {
	t.Helper()
	bridge = fmt.Sprintf("r%d", bridges.Add(1))
	n, err := network.New(bridge)
	if err != nil {
		t.Fatal(err)
	}
	hosts := make([]*network.Host, 2)
	for i, name := range []string{"a", "b"} {
		addr := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 1, 1, byte(i + 1)}), 24)
		if hosts[i], err = n.AddHost(network.HostConfig{Name: bridge + name, Addr: addr}); err != nil {
			t.Fatal(err)
		}
	}
	return hosts[0], hosts[1], bridge
}

func record(t *testing.T, c captures.RecordConfig) *captures.Recorder {
	t.Helper()
	r, err := captures.Record(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func listen(t *testing.T, h *network.Host, address string) net.PacketConn {
	t.Helper()
	c, err := h.ListenPacket(t.Context(), "udp4", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// exchange sends from one socket and receives at the other.
func exchange(t *testing.T, from, to net.PacketConn, payload []byte) {
	t.Helper()
	if _, err := from.WriteTo(payload, to.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 2048)
	n, _, err := to.ReadFrom(buf)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(buf[:n], payload) {
		t.Fatalf("received %q, want %q", buf[:n], payload)
	}
}

// need finds a program, or says how to get it.
func need(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err == nil {
		return path
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is missing; make setup installs it", program)
	}
	t.Skipf("%s is missing; make setup installs it", program)
	return ""
}

func kinds(events []captures.Event) []captures.Kind {
	var k []captures.Kind
	for _, e := range events {
		k = append(k, e.Kind)
	}
	return k
}

func TestRecordSeesEachFrameOnceAtItsPort(t *testing.T) {
	a, b, bridge := lan(t)
	file := filepath.Join(t.TempDir(), "capture.pcapng")
	var live []captures.Event
	r := record(t, captures.RecordConfig{
		File: file, Exclude: []string{bridge},
		Sink:    func(_ *captures.Recorder, e captures.Event) { live = append(live, e) },
		Options: captures.Options{Digest: func(captures.Transfer) bool { return true }},
	})
	client, server, session := listen(t, a, "10.1.1.1:1024"), listen(t, b, "10.1.1.2:69"), listen(t, b, "10.1.1.2:2000")
	exchange(t, client, server, []byte("\x00\x01boot\x00octet\x00blksize\x001000\x00"))
	exchange(t, session, client, []byte("\x00\x06blksize\x001000\x00"))
	exchange(t, client, session, []byte("\x00\x04\x00\x00"))
	exchange(t, session, client, append([]byte("\x00\x03\x00\x01"), make([]byte, 1000)...))
	exchange(t, client, session, []byte("\x00\x04\x00\x01"))
	exchange(t, session, client, []byte("\x00\x03\x00\x02rest"))
	exchange(t, client, session, []byte("\x00\x04\x00\x02"))
	timeline, err := r.Close()
	if err != nil {
		t.Fatal(err)
	}
	if timeline.Dropped != 0 {
		t.Errorf("%d frames lost", timeline.Dropped)
	}
	want := []captures.Kind{
		captures.ARPRequest, captures.ARPReply,
		captures.TFTPRequest, captures.TFTPOack, captures.TFTPStart, captures.TFTPDone,
	}
	var got []captures.Kind
	for _, e := range live {
		// The kernels say things of their own account: to know each other again,
		// and by IPv6.
		if e.Kind == captures.LinkFirst {
			continue
		}
		if len(got) < len(want) || e.Kind != captures.ARPRequest && e.Kind != captures.ARPReply {
			got = append(got, e.Kind)
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("events %v, want %v", got, want)
	}
	for _, e := range live {
		port := map[captures.Kind]string{captures.TFTPRequest: bridge + "a", captures.TFTPOack: bridge + "b", captures.TFTPStart: bridge + "b", captures.TFTPDone: bridge + "a"}[e.Kind]
		if port != "" && e.Port != port {
			t.Errorf("%s was seen at port %q, want %q", e.Kind, e.Port, port)
		}
	}
	tr := timeline.Transfers
	if len(tr) != 1 || tr[0].Bytes != 1004 || tr[0].Status != captures.Complete || len(tr[0].Digest) != 32 {
		t.Errorf("transfers: %+v", tr)
	}
	if r.CPU() <= 0 {
		t.Error("recording took no processor time")
	}

	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	read, err := captures.ReadWith(f, captures.Options{Digest: func(captures.Transfer) bool { return true }})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(read.Events, live) {
		t.Errorf("read from the file:\n%v\nlive:\n%v", read.Events, live)
	}
	if !reflect.DeepEqual(read, timeline) {
		t.Errorf("read from the file:\n%+v\nlive:\n%+v", read, timeline)
	}
	// Seven datagrams and, at least, the question for an address and its answer.
	if read.Frames < 9 {
		t.Errorf("%d frames", read.Frames)
	}
	counted := strings.Count(run(t, need(t, "tshark"), "-r", file), "\n")
	if counted != read.Frames {
		t.Errorf("tshark counts %d frames, we %d", counted, read.Frames)
	}
	datagrams := strings.Count(run(t, "tshark", "-r", file, "-Y", "tftp"), "\n")
	if datagrams != 7 {
		t.Errorf("tshark sees %d frames of TFTP, 7 were sent", datagrams)
	}
	if out := run(t, need(t, "capinfos"), file); !strings.Contains(out, "Name = "+bridge+"a") || !strings.Contains(out, "Name = "+bridge+"b") {
		t.Errorf("capinfos does not show both ports:\n%s", out)
	}
}

// run runs a program and returns what it writes to standard output.
func run(t *testing.T, name string, arg ...string) string {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), name, arg...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, stderr.String())
	}
	return string(out)
}

func TestInjectedEventsAreInOrderOfTime(t *testing.T) {
	a, b, bridge := lan(t)
	seen := make(chan captures.Event, 100)
	r := record(t, captures.RecordConfig{Exclude: []string{bridge}, Sink: func(_ *captures.Recorder, e captures.Event) { seen <- e }})
	line := func(text string) {
		r.Inject(captures.Event{At: time.Now(), Source: captures.Console, Kind: captures.ConsoleLine, Fields: []captures.Field{{Name: "text", Value: text}}})
	}
	client, server := listen(t, a, "10.1.1.1:1024"), listen(t, b, "10.1.1.2:69")
	line("before")
	exchange(t, client, server, []byte("\x00\x01one\x00octet\x00"))
	line("between")
	exchange(t, client, server, []byte("\x00\x01two\x00octet\x00"))
	line("after")
	var got []string
	for len(got) < 5 { // live, before Close
		select {
		case e := <-seen:
			if e.Kind == captures.ConsoleLine || e.Kind == captures.TFTPRequest {
				got = append(got, e.Text("text")+e.Text("tftp.source_file"))
			}
		case <-t.Context().Done():
			t.Fatalf("only %q", got)
		}
	}
	if want := []string{"before", "one", "between", "two", "after"}; !reflect.DeepEqual(got, want) {
		t.Errorf("events %q, want %q", got, want)
	}
	line("at the end")
	timeline, err := r.Close()
	if err != nil {
		t.Fatal(err)
	}
	if last := timeline.Events[len(timeline.Events)-1]; last.Text("text") != "at the end" {
		t.Errorf("the last event is %+v", last)
	}
	line("too late")
}

// An event comes behind the frames that are older, also if the recorder had no
// time to read them for longer than the kernel keeps any.
func TestInjectedEventsWaitForARecorderThatIsLate(t *testing.T) {
	a, b, bridge := lan(t)
	held, let := make(chan struct{}), make(chan struct{})
	var got []string
	r := record(t, captures.RecordConfig{Exclude: []string{bridge}, Sink: func(_ *captures.Recorder, e captures.Event) {
		switch got = append(got, e.Text("text")+e.Text("tftp.source_file")); e.Text("text") {
		case "hold":
			held <- struct{}{}
			<-let
		case "line":
			held <- struct{}{}
		}
	}})
	client, server := listen(t, a, "10.1.1.1:1024"), listen(t, b, "10.1.1.2:69")
	inject := func(text string) {
		r.Inject(captures.Event{At: time.Now(), Source: captures.Console, Kind: captures.ConsoleLine, Fields: []captures.Field{{Name: "text", Value: text}}})
	}
	want := []string{}
	for i := range 10 {
		inject("hold")
		<-held
		name := fmt.Sprint("file", i)
		exchange(t, client, server, []byte("\x00\x01"+name+"\x00octet\x00"))
		inject("line")
		for at := time.Now(); time.Since(at) < 60*time.Millisecond; {
			exchange(t, client, server, []byte("noise"))
		}
		let <- struct{}{}
		<-held
		want = append(want, "hold", name, "line")
	}
	if _, err := r.Close(); err != nil {
		t.Fatal(err)
	}
	got = slices.DeleteFunc(got, func(s string) bool { return s == "" })
	if !slices.Equal(got, want) {
		t.Errorf("events %q, want %q", got, want)
	}
}

func TestRecorderEndsWithItsContext(t *testing.T) {
	lan(t)
	ctx, cancel := context.WithCancel(t.Context())
	r, err := captures.Record(ctx, captures.RecordConfig{})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := r.Close(); err != nil {
		t.Error(err)
	}
	if _, err := r.Close(); err != nil {
		t.Error("closed twice:", err)
	}
}

// TestFullFileIsToldAtOnce records into what is always full.
func TestFullFileIsToldAtOnce(t *testing.T) {
	a, b, bridge := lan(t)
	r := record(t, captures.RecordConfig{File: "/dev/full", Exclude: []string{bridge}})
	exchange(t, listen(t, a, "10.1.1.1:1024"), listen(t, b, "10.1.1.2:69"), []byte("\x00\x01boot\x00octet\x00"))
	<-r.Failed()
	if _, err := r.Close(); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("closing: %v", err)
	}
}

func TestRecordSaysThatTheFileCannotBeMade(t *testing.T) {
	_, err := captures.Record(t.Context(), captures.RecordConfig{File: filepath.Join(t.TempDir(), "no", "such", "folder")})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}
