package pcap

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

var at = time.Date(2026, 1, 2, 3, 4, 5, 123456789, time.UTC)

// sample is a file with two interfaces, three frames, a comment and drops.
func sample(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	w := NewWriter(&b, "test")
	for _, name := range []string{"tap0", "srv"} {
		if _, err := w.Interface(name, 1); err != nil {
			t.Fatal(err)
		}
	}
	err := errors.Join(
		w.Packet(0, at, []byte("first"), 5),
		w.Packet(1, at.Add(1), []byte("second!"), 1500, "a comment", "another"),
		w.Packet(0, at.Add(2), nil, 0),
		w.Statistics(0, at.Add(3), 10, 3),
		w.Statistics(1, at.Add(3), 10, 4),
		w.Flush())
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

var want = []Packet{
	{Interface: 0, Name: "tap0", Link: 1, At: at, Data: []byte("first"), Length: 5},
	{Interface: 1, Name: "srv", Link: 1, At: at.Add(1), Data: []byte("second!"), Length: 1500, Comments: []string{"a comment", "another"}},
	{Interface: 0, Name: "tap0", Link: 1, At: at.Add(2), Data: []byte{}, Length: 0},
}

func readAll(file []byte) (ps []Packet, dropped uint64, err error) {
	return readAllOf(NewReader(bytes.NewReader(file)))
}

func readAllOf(r *Reader, err error) (ps []Packet, dropped uint64, _ error) {
	if err != nil {
		return nil, 0, err
	}
	defer r.Close()
	for {
		var p Packet
		if err := r.Next(&p); err != nil {
			if err == io.EOF {
				err = nil
			}
			return ps, r.Dropped(), err
		}
		p.Data = append([]byte{}, p.Data...)
		ps = append(ps, p)
	}
}

func TestWriteAndRead(t *testing.T) {
	got, dropped, err := readAll(sample(t))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v\nwant %+v", got, want)
	}
	if dropped != 7 {
		t.Errorf("%d frames lost, want 7", dropped)
	}
}

func TestGzip(t *testing.T) {
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	if _, err := w.Write(sample(t)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, _, err := readAll(z.Bytes())
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v, %v", got, err)
	}
	// Cut off, it gives what there is.
	if _, _, err := readAll(z.Bytes()[:z.Len()-9]); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut off: %v", err)
	}
}

// oldPcap is a pcap file with one frame.
func oldPcap(order binary.AppendByteOrder, magic, frac uint32) []byte {
	b := order.AppendUint32(nil, magic)
	b = order.AppendUint16(order.AppendUint16(b, 2), 4)
	for _, v := range []uint32{0, 0, 65535, 113, uint32(at.Unix()), frac, 4, 60} {
		b = order.AppendUint32(b, v)
	}
	return append(b, "data"...)
}

func TestPcapFlavours(t *testing.T) {
	micro := at.Truncate(time.Microsecond)
	for name, c := range map[string]struct {
		file []byte
		at   time.Time
	}{
		"µs little": {oldPcap(binary.LittleEndian, 0xa1b2c3d4, 123456), micro},
		"µs big":    {oldPcap(binary.BigEndian, 0xa1b2c3d4, 123456), micro},
		"ns little": {oldPcap(binary.LittleEndian, 0xa1b23c4d, 123456789), at},
		"ns big":    {oldPcap(binary.BigEndian, 0xa1b23c4d, 123456789), at},
	} {
		got, _, err := readAll(c.file)
		want := []Packet{{Link: 113, At: c.at, Data: []byte("data"), Length: 60}}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// block is a pcapng block.
func block(order binary.AppendByteOrder, kind uint32, body ...any) []byte {
	var b []byte
	for _, v := range body {
		switch v := v.(type) {
		case uint16:
			b = order.AppendUint16(b, v)
		case uint32:
			b = order.AppendUint32(b, v)
		case uint64:
			b = order.AppendUint64(b, v)
		case string:
			b = append(b, v...)
		}
	}
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	n := uint32(len(b) + 12)
	return order.AppendUint32(append(order.AppendUint32(order.AppendUint32(nil, kind), n), b...), n)
}

func section(order binary.AppendByteOrder) []byte {
	return block(order, blockSection, uint32(byteOrderMagic), uint16(1), uint16(0), uint64(1<<64-1))
}

func TestPcapngFromOthers(t *testing.T) {
	o := binary.BigEndian
	l := binary.LittleEndian
	file := bytes.Join([][]byte{
		section(o),
		block(o, 0x0bad, "a block that nobody knows"),
		block(o, blockInterface, uint16(1), uint16(0), uint32(3)),                                                                                  // µs, snap length 3
		block(o, blockInterface, uint16(276), uint16(0), uint32(0), uint16(9), uint16(1), "\x8a\x00\x00\x00"),                                      // 2^-10 s
		block(o, blockInterface, uint16(101), uint16(0), uint32(0), uint16(14), uint16(8), uint64(1000), uint16(9), uint16(1), "\x00\x00\x00\x00"), // s, offset
		block(o, blockSimple, uint32(7), "abc"),
		block(o, blockPacket, uint32(1), uint32(0), uint32(1536), uint32(2), uint32(2), "hi"),
		block(o, blockOldPacket, uint16(2), uint16(9), uint32(0), uint32(5), uint32(2), uint32(2), "ho"),
		section(l), // another section, the other way round
		block(l, blockInterface, uint16(1), uint16(0), uint32(0), uint16(2), uint16(3), "en0\x00"),
		block(l, blockPacket, uint32(0), uint32(0), uint32(1), uint32(2), uint32(2), "he"),
	}, nil)
	got, _, err := readAll(file)
	want := []Packet{
		{Interface: 0, Link: 1, Data: []byte("abc"), Length: 7},
		{Interface: 1, Link: 276, At: time.Unix(1, 500_000_000).UTC(), Data: []byte("hi"), Length: 2},
		{Interface: 2, Link: 101, At: time.Unix(1005, 0).UTC(), Data: []byte("ho"), Length: 2},
		{Interface: 3, Name: "en0", Link: 1, At: time.Unix(0, 1000).UTC(), Data: []byte("he"), Length: 2},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v, %v\nwant %+v", got, err, want)
	}
}

func TestBrokenFiles(t *testing.T) {
	good := sample(t)
	at := bytes.Index(good, []byte("first")) - 28 // where the first frame's block begins
	grown := bytes.Clone(good)
	binary.LittleEndian.PutUint32(grown[at+4:], 0x7ffffff0)
	odd := bytes.Clone(good)
	binary.LittleEndian.PutUint32(odd[at+4:], 37)
	huge := oldPcap(binary.LittleEndian, 0xa1b2c3d4, 0)
	binary.LittleEndian.PutUint32(huge[32:], 1<<31)
	for name, c := range map[string]struct {
		file    []byte
		packets int
		offset  int64 // -1: no error
	}{
		"whole":              {good, 3, -1},
		"empty":              {nil, 0, 0},
		"one byte":           {[]byte{0x0a}, 0, 0},
		"something else":     {[]byte("#!/bin/sh\n"), 0, 0},
		"cut in a frame":     {good[:at+20], 0, int64(at)},
		"cut after a frame":  {good[:at+8+20+8+4], 1, -1},
		"a length too large": {grown, 0, int64(at)},
		"a length not right": {odd, 0, int64(at)},
		"pcap, header cut":   {huge[:20], 0, 0},
		"pcap, a length":     {huge, 0, 24},
		"pcap, frame cut":    {oldPcap(binary.BigEndian, 0xa1b2c3d4, 0)[:42], 0, 24},
	} {
		got, _, err := readAll(c.file)
		if len(got) != c.packets {
			t.Errorf("%s: %d packets, want %d", name, len(got), c.packets)
		}
		var e *Error
		switch {
		case c.offset < 0 && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.offset >= 0 && !errors.As(err, &e):
			t.Errorf("%s: error %v", name, err)
		case c.offset >= 0 && e.Offset != c.offset:
			t.Errorf("%s: %v, want byte %d", name, err, c.offset)
		}
	}
}

// A length in a corrupt file costs no memory.
func TestHugeLengthIsNotBelieved(t *testing.T) {
	o := binary.LittleEndian
	file := append(section(o), o.AppendUint32(o.AppendUint32(nil, 0x0bad), 0xfffffff0)...)
	if got := testing.AllocsPerRun(1, func() { _, _, _ = readAll(file) }); got > 100 {
		t.Errorf("%v allocations", got)
	}
}

func TestCapinfosAgrees(t *testing.T) {
	program, err := exec.LookPath("capinfos")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("capinfos is missing; make setup installs it")
		}
		t.Skip("capinfos is missing; make setup installs it")
	}
	file := filepath.Join(t.TempDir(), "x.pcapng")
	if err := os.WriteFile(file, sample(t), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), program, "-M", file).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"Number of packets:   3", "Name = tap0", "Name = srv", "nanoseconds (9)", "Number of stat entries = 1", "Capture application: test"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("capinfos does not say %q:\n%s", want, out)
		}
	}
}

// sameAhead has both ways to read a file agree.
func sameAhead(t *testing.T, file []byte) {
	t.Helper()
	want, lost, err := readAll(file)
	got, lostToo, errToo := readAllOf(ReadAhead(iotest.OneByteReader(bytes.NewReader(file))))
	if len(file) > 1<<12 {
		got, lostToo, errToo = readAllOf(ReadAhead(bytes.NewReader(file)))
	}
	if !reflect.DeepEqual(got, want) || lost != lostToo || fmt.Sprint(err) != fmt.Sprint(errToo) {
		t.Errorf("ahead: %d frames, %d lost, %v; want %d, %d, %v", len(got), lostToo, errToo, len(want), lost, err)
	}
}

// TestReadAhead reads a file of several chunks, with frames that end in the next
// one and frames for which there is no room before it.
func TestReadAhead(t *testing.T) {
	var b bytes.Buffer
	w := NewWriter(&b, "test")
	if _, err := w.Interface("tap0", 1); err != nil {
		t.Fatal(err)
	}
	for n := range 60 {
		frame := bytes.Repeat([]byte{byte(n)}, n*4001%snapLength)
		if err := w.Packet(0, at, frame, len(frame)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	whole := b.Bytes()
	if len(whole) < 4*chunkSize {
		t.Fatalf("%d bytes prove nothing", len(whole))
	}
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	if _, err := z.Write(whole); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string][]byte{
		"whole": whole, "cut off": whole[:len(whole)-5], "cut off at a chunk": whole[:2*chunkSize], "empty": nil,
		"corrupt": append(bytes.Clone(whole[:3*chunkSize]), make([]byte, chunkSize)...),
		"gzip":    zipped.Bytes(), "gzip cut off": zipped.Bytes()[:zipped.Len()/2],
	} {
		t.Run(name, func(t *testing.T) { sameAhead(t, file) })
	}
	// Who stops early leaves no goroutine behind.
	r, err := ReadAhead(bytes.NewReader(whole))
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	if r.in.ahead != nil {
		r.in.ahead.done.Wait()
	}
	// Nor is it waited for who may never write on.
	pr, pw := io.Pipe()
	go pw.Write(whole[:2*chunkSize])
	if r, err = ReadAhead(pr); err != nil {
		t.Fatal(err)
	}
	r.Close()
	pr.Close()
	if r.in.ahead != nil {
		r.in.ahead.done.Wait()
	}
}

func TestWriterSaysWhatWentWrong(t *testing.T) {
	w := NewWriter(failing{}, "test")
	if err := w.Packet(0, at, nil, 0); err == nil {
		t.Error("a packet of no interface was taken")
	}
	if _, err := w.Interface("x", 1); err != nil {
		t.Error(err) // nothing has been written yet
	}
	if err := w.Flush(); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("error %v", err)
	}
	if err := w.Packet(0, at, nil, 0); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("after an error: %v", err)
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func FuzzReader(f *testing.F) {
	f.Add(sample(f))
	f.Add(oldPcap(binary.LittleEndian, 0xa1b2c3d4, 1))
	f.Add(oldPcap(binary.BigEndian, 0xa1b23c4d, 1))
	f.Add(append(section(binary.BigEndian), block(binary.BigEndian, blockInterface, uint16(1), uint16(0), uint32(0))...))
	f.Fuzz(func(t *testing.T, file []byte) {
		got, _, err := readAll(file)
		total := 0
		for _, p := range got {
			total += len(p.Data)
			if p.Length < len(p.Data) {
				t.Errorf("a frame of %d bytes has %d", p.Length, len(p.Data))
			}
		}
		// Data come from the file, not from nowhere; gzip aside.
		if !bytes.HasPrefix(file, []byte{0x1f, 0x8b}) && total > len(file) {
			t.Errorf("%d bytes of frames from a file of %d", total, len(file))
		}
		var e *Error
		if err != nil && !errors.As(err, &e) {
			t.Errorf("an error without its place: %v", err)
		}
		sameAhead(t, file)
	})
}

// TestYears holds timestamps within what JSON can say.
func TestYears(t *testing.T) {
	for _, i := range []iface{{units: 1}, {units: 1, offset: math.MaxInt64}, {units: 1, offset: math.MinInt64}, {units: 1e9, offset: -1e12}} {
		for _, ts := range []uint64{0, 1, math.MaxInt64, math.MaxUint64} {
			if y := i.time(ts).Year(); y < 1 || y > 9999 {
				t.Errorf("%+v: %d is in the year %d", i, ts, y)
			}
		}
	}
}
