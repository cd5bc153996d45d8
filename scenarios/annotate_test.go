package scenarios_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pxeproof/pxeproof/captures/pcap"
	"github.com/pxeproof/pxeproof/captures/verdict"
	"github.com/pxeproof/pxeproof/scenarios"
)

// foreign are captures of boots by other servers than pxeproof's.
const foreign = "../captures/testdata"

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// annotate judges a capture and annotates it.
func annotate(t *testing.T, capture []byte) (verdict.Verdict, []byte) {
	t.Helper()
	v, _, err := scenarios.JudgeCapture(bytes.NewReader(capture))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := scenarios.Annotate(&out, bytes.NewReader(capture), v); err != nil {
		t.Fatal(err)
	}
	return v, out.Bytes()
}

// packets reads a whole capture.
func packets(t *testing.T, capture []byte) (all []pcap.Packet, in *pcap.Reader) {
	t.Helper()
	in, err := pcap.NewReader(bytes.NewReader(capture))
	if err != nil {
		t.Fatal(err)
	}
	for {
		var p pcap.Packet
		err := in.Next(&p)
		if err == io.EOF {
			return all, in
		}
		if err != nil {
			t.Fatal(err)
		}
		p.Data = bytes.Clone(p.Data)
		all = append(all, p)
	}
}

// asPCAP is a capture in the older format.
func asPCAP(t *testing.T, capture []byte) []byte {
	t.Helper()
	all, _ := packets(t, capture)
	le := binary.LittleEndian
	b := le.AppendUint32(nil, 0xa1b23c4d) // nanoseconds
	b = le.AppendUint32(b, 2|4<<16)
	b = append(b, make([]byte, 8)...)
	b = le.AppendUint32(le.AppendUint32(b, 262144), uint32(all[0].Link))
	for _, p := range all {
		b = le.AppendUint32(le.AppendUint32(b, uint32(p.At.Unix())), uint32(p.At.Nanosecond()))
		b = le.AppendUint32(le.AppendUint32(b, uint32(len(p.Data))), uint32(p.Length))
		b = append(b, p.Data...)
	}
	return b
}

func zipped(t *testing.T, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestAnnotate holds the annotated capture against the one it was made of, in
// every format that is read, and has tshark find the comments.
func TestAnnotate(t *testing.T) {
	original := readFile(t, filepath.Join(foreign, "ipxe-file-not-found.pcapng"))
	for _, c := range []struct {
		name    string
		capture []byte
	}{
		{"pcapng", original},
		{"pcap", asPCAP(t, original)},
		{"pcapng in gzip", zipped(t, original)},
		{"pcap in gzip", zipped(t, asPCAP(t, original))},
	} {
		t.Run(c.name, func(t *testing.T) {
			v, out := annotate(t, c.capture)
			want := map[int][]string{}
			for _, f := range v.Clients[0].Findings {
				for _, frame := range f.Frames {
					want[frame.Number] = append(want[frame.Number], f.ID)
				}
			}
			if len(want) == 0 {
				t.Fatalf("no finding names a frame: %+v", v.Clients[0].Findings)
			}
			before, in := packets(t, c.capture)
			after, again := packets(t, out)
			if len(before) != len(after) {
				t.Fatalf("%d frames, before %d", len(after), len(before))
			}
			if a, b := fmt.Sprint(again.Interfaces()), fmt.Sprint(in.Interfaces()); a != b {
				t.Errorf("interfaces %s, before %s", a, b)
			}
			for i := range before {
				a, b := after[i], before[i]
				if !bytes.Equal(a.Data, b.Data) || !a.At.Equal(b.At) || a.Length != b.Length || a.Interface != b.Interface || a.Link != b.Link {
					t.Fatalf("frame %d: %+v, before %+v", i+1, a, b)
				}
				for _, id := range want[i+1] {
					if text := strings.Join(a.Comments, "\n"); !strings.Contains(text, id) {
						t.Errorf("frame %d: comments %q, want %s", i+1, text, id)
					}
				}
			}
			commented := 0
			for _, p := range after {
				if len(p.Comments) > 0 {
					commented++
				}
			}
			if shown := tshark(t, out, "-Y", "frame.comment"); len(shown) != commented {
				t.Errorf("tshark shows %d frames with comments, want %d", len(shown), commented)
			}
			if shown := tshark(t, out); len(shown) != len(before) {
				t.Errorf("tshark shows %d frames, want %d", len(shown), len(before))
			}
			found := strings.Join(tshark(t, out, "-Y", `frame.comment contains "pxeproof: error tftp-file-not-found"`), "\n")
			if found == "" {
				t.Error("tshark does not find the finding")
			}
			if _, twice := annotate(t, out); !bytes.Equal(twice, out) {
				t.Error("annotated twice, it says more")
			}
		})
	}
}

// tshark prints a capture, a line a frame.
func tshark(t *testing.T, capture []byte, args ...string) []string {
	t.Helper()
	program, err := exec.LookPath("tshark")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skipf("%v; `make setup` installs it", err)
	}
	cmd := exec.CommandContext(t.Context(), program, append([]string{"-n", "-r", "-"}, args...)...)
	cmd.Stdin = bytes.NewReader(capture)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tshark: %v\n%s", err, stderr.String())
	}
	return strings.FieldsFunc(string(out), func(r rune) bool { return r == '\n' })
}

// TestAnnotateKeeps has comments, lost frames and interfaces without frames
// come through.
func TestAnnotateKeeps(t *testing.T) {
	var b bytes.Buffer
	w := pcap.NewWriter(&b, "test")
	for _, name := range []string{"quiet", "tap0"} {
		if _, err := w.Interface(name, 1); err != nil {
			t.Fatal(err)
		}
	}
	at := time.Unix(1700000000, 0)
	frame := make([]byte, 60)
	if err := errors.Join(w.Packet(1, at, frame, 1500, "mine", "and mine"), w.Statistics(1, at, 10, 9), w.Flush()); err != nil {
		t.Fatal(err)
	}
	v := verdict.Verdict{Clients: []verdict.ClientVerdict{{Host: "52:54:00:12:34:56"}}}
	var out bytes.Buffer
	if err := scenarios.Annotate(&out, &b, v); err != nil {
		t.Fatal(err)
	}
	all, in := packets(t, out.Bytes())
	if got, want := fmt.Sprint(in.Interfaces()), "[{quiet 1 0} {tap0 1 9}]"; got != want {
		t.Errorf("interfaces %s, want %s", got, want)
	}
	if len(all) != 1 || fmt.Sprint(all[0].Comments) != "[mine and mine]" || all[0].Length != 1500 {
		t.Errorf("packets %+v", all)
	}
}
