package tftp

import (
	"encoding/binary"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseRequest(t *testing.T) {
	for _, tt := range []struct {
		packet string
		want   *request
		err    string
	}{
		{"\x00\x01f\x00octet\x00", &request{op: opRRQ, name: "f", mode: "octet"}, ""},
		{"\x00\x02f\x00OCTET\x00", &request{op: opWRQ, name: "f", mode: "octet"}, ""},
		{"\x00\x01f\x00octet\x00tsize\x000\x00BlkSize\x001408\x00", &request{
			op: opRRQ, name: "f", mode: "octet", options: []Option{{"tsize", "0"}, {"BlkSize", "1408"}}}, ""},
		{"\x00\x01f\x00octet\x00tsize\x000\x00half", &request{op: opRRQ, name: "f", mode: "octet", options: []Option{{"tsize", "0"}}}, ""},
		{"\x00\x01f\x00octet\x00tsize\x000\x00\x00\x00\x00", &request{op: opRRQ, name: "f", mode: "octet", options: []Option{{"tsize", "0"}}}, ""},
		{"\x00\x01f\x00octet", nil, "Missing mode"},
		{"\x00\x01f", nil, "Request not null-terminated"},
		{"\x00\x01\x00octet\x00", nil, "Missing file name"},
		{"\x00\x01f\x00\x00", nil, "Missing mode"},
		{"\x00\x04\x00\x01", nil, ""},
		{"\x00", nil, ""},
		{"", nil, ""},
	} {
		got, err := parseRequest([]byte(tt.packet))
		text := ""
		if err != nil {
			text = err.Text
		}
		if d := cmp.Diff(tt.want, got, cmp.AllowUnexported(request{})); d != "" || text != tt.err {
			t.Errorf("%q: error %q, want %q; request (-want +got):\n%s", tt.packet, text, tt.err, d)
		}
	}
}

type size int64

func (s size) Size() int64      { return int64(s) }
func (size) Name() string       { return "" }
func (size) Mode() fs.FileMode  { return 0o644 }
func (size) ModTime() time.Time { return time.Time{} }
func (size) IsDir() bool        { return false }
func (size) Sys() any           { return nil }

func TestNegotiate(t *testing.T) {
	for _, tt := range []struct {
		config  Config
		mode    string
		options string // "name=value …"
		want    string // the OACK, "" for none, or "error 8"
		terms   terms
	}{
		{Config{}, "octet", "", "", terms{blockSize: 512, windowSize: 1}},
		{Config{}, "octet", "tsize=0 blksize=1408", "tsize=3000 blksize=1408", terms{blockSize: 1408, windowSize: 1}},
		{Config{}, "octet", "BLKSIZE=70000", "BLKSIZE=65464", terms{blockSize: 65464, windowSize: 1}},
		{Config{BlockSizeMax: 512}, "octet", "blksize=1468", "blksize=512", terms{blockSize: 512, windowSize: 1}},
		{Config{}, "octet", "blksize=8", "blksize=8", terms{blockSize: 8, windowSize: 1}},
		{Config{}, "octet", "blksize=7", "error 8", terms{}},
		{Config{}, "octet", "blksize=x blksize=-1 blksize=1.5", "", terms{blockSize: 512, windowSize: 1}},
		{Config{}, "octet", "blksize2=1500", "blksize2=1024", terms{blockSize: 1024, windowSize: 1}},
		{Config{}, "octet", "windowsize=4", "windowsize=4", terms{blockSize: 512, windowSize: 4}},
		{Config{}, "octet", "windowsize=1000", "windowsize=64", terms{blockSize: 512, windowSize: 64}},
		{Config{WindowSizeMax: 2}, "octet", "windowsize=4", "windowsize=2", terms{blockSize: 512, windowSize: 2}},
		{Config{}, "octet", "windowsize=0", "error 8", terms{}},
		{Config{}, "octet", "timeout=3", "timeout=3", terms{blockSize: 512, windowSize: 1, timeout: 3 * time.Second}},
		{Config{}, "octet", "timeout=0", "error 8", terms{}},
		{Config{}, "octet", "timeout=256", "error 8", terms{}},
		{Config{}, "octet", "utimeout=20000", "utimeout=20000", terms{blockSize: 512, windowSize: 1, timeout: 20 * time.Millisecond}},
		{Config{}, "octet", "rollover=1", "rollover=1", terms{blockSize: 512, windowSize: 1, rollover: 1}},
		{Config{Rollover: 1}, "octet", "", "", terms{blockSize: 512, windowSize: 1, rollover: 1}},
		{Config{}, "octet", "multicast= exotic=1", "", terms{blockSize: 512, windowSize: 1}},
		{Config{Refuse: []string{"BlkSize"}}, "octet", "blksize=1408 tsize=0", "tsize=3000", terms{blockSize: 512, windowSize: 1}},
		{Config{}, "netascii", "tsize=0", "error 8", terms{}},
	} {
		r := &request{op: opRRQ, name: "f", mode: tt.mode}
		for _, f := range strings.Fields(tt.options) {
			name, value, _ := strings.Cut(f, "=")
			r.options = append(r.options, Option{name, value})
		}
		got, e := tt.config.negotiate(r, size(3000))
		var words []string
		for _, o := range got.ack {
			words = append(words, o.Name+"="+o.Value)
		}
		text := strings.Join(words, " ")
		if e != nil {
			text = "error 8"
			if e.Code != OptionsRefused {
				t.Errorf("%s: %v", tt.options, e)
			}
			got = terms{}
		}
		got.ack = nil
		if d := cmp.Diff(tt.terms, got, cmp.AllowUnexported(terms{})); text != tt.want || d != "" {
			t.Errorf("%q: answered %q, want %q; terms (-want +got):\n%s", tt.options, text, tt.want, d)
		}
	}
}

func TestEmptyFilesSize(t *testing.T) {
	r := &request{op: opRRQ, mode: "octet", options: []Option{{"tsize", "0"}}}
	if got, _ := (&Config{}).negotiate(r, size(0)); got.ack != nil {
		t.Errorf("answered %v", got.ack)
	}
	if got, _ := (&Config{TellEmpty: true}).negotiate(r, size(0)); len(got.ack) != 1 || got.ack[0].Value != "0" {
		t.Errorf("answered %v", got.ack)
	}
}

func FuzzParseRequest(f *testing.F) {
	f.Add([]byte("\x00\x01pxelinux.0\x00octet\x00tsize\x000\x00blksize\x001408\x00"))
	f.Add([]byte("\x00\x02f\x00netascii\x00windowsize\x0065535\x00rollover\x001\x00timeout\x00255\x00"))
	f.Add([]byte("\x00\x01\xff\x00mail\x00a"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, e := parseRequest(b)
		if e != nil {
			if p := e.packet(); binary.BigEndian.Uint16(p) != opERROR {
				t.Errorf("an ERROR is %q", p)
			}
		}
		if r == nil {
			return
		}
		_ = r.String()
		again, e := parseRequest(r.packet())
		if e != nil {
			t.Fatalf("%q is not read again: %v", r.packet(), e)
		}
		if d := cmp.Diff(r, again, cmp.AllowUnexported(request{})); d != "" {
			t.Errorf("it reads differently again:\n%s", d)
		}
		got, e := (&Config{}).negotiate(r, size(1<<40))
		if e == nil && (got.blockSize < minBlockSize || got.blockSize > MaxBlockSize || got.windowSize < 1 || got.windowSize > DefaultWindowSizeMax) {
			t.Errorf("agreed on %+v", got)
		}
	})
}
