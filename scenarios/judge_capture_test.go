package scenarios_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"testing"

	"github.com/pxeproof/pxeproof/captures/verdict"
	"github.com/pxeproof/pxeproof/scenarios"
)

// TestJudgeForeign names of each captured boot by other servers the cause that
// it has and no other, and calls what went well good.
func TestJudgeForeign(t *testing.T) {
	const v6 = "ipxe-slaac-delay" // a note, true of every one of iPXE's here
	for name, want := range map[string]struct {
		status   verdict.Status
		reached  verdict.Stage
		findings []string
	}{
		"ipxe-dead-next-server.pcapng": {verdict.Fail, verdict.DHCP, []string{"dhcp-next-server-dead", v6}},
		"ipxe-file-not-found.pcapng":   {verdict.Fail, verdict.DHCP, []string{"tftp-file-not-found", v6}},
		"ipxe-pxelinux.pcapng.gz":      {verdict.Pass, verdict.Kernel, []string{v6}},
		// They end, or were cut, before anything more was to be seen.
		"ovmf-probe.pcapng":     {verdict.Inconclusive, verdict.NBP, nil},
		"ovmf-proxydhcp.pcapng": {verdict.Inconclusive, verdict.NBP, nil},
		"linux-nfs.pcapng":      {verdict.Inconclusive, verdict.DHCP, nil},
	} {
		t.Run(name, func(t *testing.T) {
			v, _, err := scenarios.JudgeCapture(bytes.NewReader(readFile(t, filepath.Join(foreign, name))))
			if err != nil || len(v.Clients) != 1 {
				t.Fatalf("%d machines, %v", len(v.Clients), err)
			}
			c := v.Clients[0]
			var got []string
			for _, f := range c.Findings {
				got = append(got, f.ID)
			}
			if v.Status != want.status || c.Reached != want.reached || !slices.Equal(got, want.findings) {
				t.Errorf("%s at %s, findings %q; want %s at %s, %q", v.Status, c.Reached, got, want.status, want.reached, want.findings)
			}
		})
	}
}

// TestJudgeNoBoot calls nothing a boot that asks for no boot file.
func TestJudgeNoBoot(t *testing.T) {
	v, _, err := scenarios.JudgeCapture(bytes.NewReader(readFile(t, filepath.Join(foreign, "libnfs-ganesha.pcapng.gz"))))
	if err != nil || len(v.Clients) != 0 || v.Status != verdict.Inconclusive {
		t.Errorf("%+v, %v", v, err)
	}
}

// TestJudgeDamaged judges what is left of a capture, and says that it is damaged.
func TestJudgeDamaged(t *testing.T) {
	whole := readFile(t, filepath.Join(foreign, "ipxe-file-not-found.pcapng"))
	corrupt := bytes.Clone(whole)
	at := len(corrupt) * 3 / 4
	for i := range corrupt[at : at+200] {
		corrupt[at+i] = 0xff
	}
	packed := zipped(t, whole)
	for _, c := range []struct {
		name    string
		capture []byte
		judged  bool
	}{
		{"truncated", whole[:len(whole)-7], true},
		{"truncated in the middle", whole[:len(whole)/2], true},
		{"corrupt", corrupt, true},
		{"truncated gzip", packed[:len(packed)*3/4], true},
		{"truncated pcap", asPCAP(t, whole)[:2000], true},
		{"empty", nil, false},
		{"one byte", whole[:1], false},
		{"gzip of nothing", zipped(t, nil), false},
		{"not a capture", []byte("subnet 192.168.1.0 netmask 255.255.255.0 {}\n"), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			v, tl, err := scenarios.JudgeCapture(bytes.NewReader(c.capture))
			if _, ok := errors.AsType[*scenarios.InputError](err); !ok {
				t.Errorf("error %v, want an InputError", err)
			}
			if judged := v.Schema != ""; judged != c.judged || (tl != nil) != c.judged {
				t.Fatalf("judged: %t, want %t: %+v", judged, c.judged, v)
			}
			if c.judged && len(v.Clients) == 0 {
				t.Errorf("nobody was judged: %+v", v)
			}
			var out bytes.Buffer
			err = scenarios.Annotate(&out, bytes.NewReader(c.capture), v)
			if _, ok := errors.AsType[*scenarios.InputError](err); !ok {
				t.Errorf("annotating: error %v, want an InputError", err)
			}
			if c.judged {
				if all, _ := packets(t, out.Bytes()); len(all) != tl.Frames {
					t.Errorf("%d frames were annotated, %d judged", len(all), tl.Frames)
				}
			}
		})
	}
}

// FuzzJudgeCapture has any file judged and annotated: what comes out reads again.
func FuzzJudgeCapture(f *testing.F) {
	for _, name := range []string{"ipxe-dead-next-server.pcapng", "ipxe-file-not-found.pcapng", "linux-nfs.pcapng", "ovmf-proxydhcp.pcapng"} {
		f.Add(readFile(f, filepath.Join(foreign, name)))
	}
	f.Add([]byte("not a capture"))
	f.Fuzz(func(t *testing.T, b []byte) {
		v, tl, err := scenarios.JudgeCapture(bytes.NewReader(b))
		if (tl == nil) != (v.Schema == "") || tl == nil && err == nil {
			t.Fatalf("verdict %+v, timeline %v, error %v", v, tl, err)
		}
		if _, err := json.Marshal(v); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		_ = scenarios.Annotate(&out, bytes.NewReader(b), v) // that it is damaged is known
		if tl == nil {
			return
		}
		// Reading again must go to the end.
		_, again, err := scenarios.JudgeCapture(bytes.NewReader(out.Bytes()))
		if again == nil || again.Frames != tl.Frames {
			t.Fatalf("%d frames, annotated %+v: %v", tl.Frames, again, err)
		}
		if err != nil && err != io.EOF && tl.Frames == 0 {
			t.Fatal(err)
		}
	})
}
