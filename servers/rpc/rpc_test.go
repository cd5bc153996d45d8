package rpc

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func words(vs ...uint32) []byte {
	var b []byte
	for _, v := range vs {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	return b
}

func TestParseCall(t *testing.T) {
	sys := AppendOpaque(words(AuthSys), bytes.Join([][]byte{words(9), AppendOpaque(nil, "host"), words(5, 6, 2, 7, 8)}, nil))
	msg := bytes.Join([][]byte{words(1, 0, 2, 100003, 3, 1), sys, words(0, 0), []byte("args")}, nil)
	c, err := ParseCall(msg)
	if err != nil || c.XID != 1 || c.Program != 100003 || c.Version != 3 || c.Proc != 1 || string(c.Args) != "args" {
		t.Fatalf("%+v, %v", c, err)
	}
	s, ok := c.Cred.Sys()
	if !ok || s.Machine != "host" || s.UID != 5 || s.GID != 6 || len(s.GIDs) != 2 || s.GIDs[1] != 8 {
		t.Errorf("%+v, %v", s, ok)
	}
	if _, ok := c.Verf.Sys(); ok {
		t.Error("AUTH_NONE is an AUTH_SYS credential")
	}
	// Cut anywhere before its arguments, it is no call; nothing reads past its end.
	for n := range len(msg) - len("args") {
		if c, err := ParseCall(msg[:n:n]); err == nil {
			t.Errorf("cut to %d bytes: %+v", n, c)
		}
	}
	for name, bad := range map[string][]byte{
		"reply":              words(1, 1, 2, 100003, 3, 1, 0, 0, 0, 0),
		"credential too big": append(words(1, 0, 2, 100003, 3, 1, 6, MaxAuth+1), make([]byte, 500)...),
		"credential of 4 GB": words(1, 0, 2, 100003, 3, 1, 6, 0xffffffff, 0, 0),
	} {
		if _, err := ParseCall(bad); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestRefuse(t *testing.T) {
	programs := []Program{{100003, 3, 3}, {100005, 1, 3}}
	for _, test := range []struct {
		name                            string
		rpcVersion, program, programVer uint32
		want                            []byte // behind the xid
	}{
		{"known", 2, 100003, 3, nil},
		{"known, lowest", 2, 100005, 1, nil},
		{"RPC version 1", 1, 100003, 3, words(1, 1, 0, 2, 2)},
		{"another program", 2, 100227, 3, words(1, 0, 0, 0, 1)},
		{"version too high", 2, 100003, 4, words(1, 0, 0, 0, 2, 3, 3)},
		{"version too low", 2, 100005, 0, words(1, 0, 0, 0, 2, 1, 3)},
	} {
		c, err := ParseCall(words(77, 0, test.rpcVersion, test.program, test.programVer, 0, 0, 0, 0, 0))
		if err != nil {
			t.Fatal(err)
		}
		want := test.want
		if want != nil {
			want = append(words(77), want...)
		}
		if got := Refuse(c, programs...); !bytes.Equal(got, want) {
			t.Errorf("%s: % x, want % x", test.name, got, want)
		}
	}
}

func TestReadRecord(t *testing.T) {
	const last = lastFragment
	one := append(words(last|5), "hello"...)
	three := append(words(2), "he"...)
	three = append(append(three, words(0)...), append(words(last|3), "llo"...)...)
	big := append(words(last|100_000), make([]byte, 100_000)...)
	for name, stream := range map[string][]byte{"one fragment": one, "three fragments": three} {
		for _, r := range []io.Reader{bytes.NewReader(stream), iotest.OneByteReader(bytes.NewReader(stream))} {
			b, err := ReadRecord(r, []byte("> "), 5)
			if err != nil || string(b) != "> hello" {
				t.Errorf("%s: %q, %v", name, b, err)
			}
		}
	}
	if b, err := ReadRecord(bytes.NewReader(big), nil, 100_000); err != nil || len(b) != 100_000 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	for name, test := range map[string]struct {
		stream []byte
		want   error // nil: any
	}{
		"nothing":              {nil, io.EOF},
		"half a mark":          {[]byte{0x80, 0}, io.ErrUnexpectedEOF},
		"cut":                  {one[:7], io.ErrUnexpectedEOF},
		"no last fragment":     {words(0), io.ErrUnexpectedEOF},
		"too big":              {append(words(last|6), "hello!"...), nil},
		"too big in fragments": {append(append(words(3), "hel"...), append(words(last|3), "lo!"...)...), nil},
		"2 GiB":                {words(0xffffffff), nil},
		"endless fragments":    {bytes.Repeat(words(0), 1000), nil},
	} {
		b, err := ReadRecord(bytes.NewReader(test.stream), nil, 5)
		if err == nil || test.want != nil && !errors.Is(err, test.want) {
			t.Errorf("%s: %q, %v, want %v", name, b, err, test.want)
		}
	}
}

// A record that only claims to be large costs next to nothing.
func TestReadRecordBelievesLittle(t *testing.T) {
	stream := append(words(lastFragment|1<<30), strings.Repeat("x", 10)...)
	allocated := testing.AllocsPerRun(10, func() {
		b, err := ReadRecord(bytes.NewReader(stream), nil, 1<<30)
		if err == nil || cap(b) > 1<<20 {
			t.Fatalf("%d bytes of room, %v", cap(b), err)
		}
	})
	if allocated > 10 {
		t.Errorf("%v allocations", allocated)
	}
}

func TestDecoder(t *testing.T) {
	b := AppendBool(AppendOpaque(AppendOpaque(words(7), "abc"), []byte{}), true)
	b = append(b, words(0, 9)...)
	d := NewDecoder(b)
	if v, s, e, f, n := d.Uint32(), string(d.Opaque(3)), d.Opaque(0), d.Bool(), d.Uint64(); v != 7 || s != "abc" || len(e) != 0 || !f || n != 9 || d.Err() != nil || len(d.Rest()) != 0 {
		t.Errorf("%d %q %q %v %d, %v", v, s, e, f, n, d.Err())
	}
	for name, read := range map[string]func(*Decoder){
		"short":           func(d *Decoder) { d.Uint64() },
		"padding missing": func(d *Decoder) { d.Fixed(5) },
		"negative":        func(d *Decoder) { d.Fixed(-1) },
		"bool of 2":       func(d *Decoder) { d.Bool() },
		"too long":        func(d *Decoder) { d.Opaque(1) },
	} {
		d := NewDecoder(words(2)[:4:4])
		if name == "padding missing" {
			d = NewDecoder([]byte("12345"))
		}
		read(d)
		first := d.Err()
		if first == nil || d.Uint32() != 0 || d.Err() != first || d.Rest() != nil {
			t.Errorf("%s: %v, then %v", name, first, d.Err())
		}
	}
}

func FuzzParseCall(f *testing.F) {
	f.Add(words(1, 0, 2, 100003, 3, 1, 0, 0, 0, 0, 5))
	f.Add(bytes.Join([][]byte{words(1, 0, 2, 100000, 2, 3, 1, 28, 0, 0, 0, 0, 2, 1, 2), words(0, 0, 1, 2, 3)}, nil))
	f.Fuzz(func(t *testing.T, msg []byte) {
		c, err := ParseCall(msg)
		if err != nil {
			return
		}
		if len(c.Args) > len(msg) || len(c.Cred.Body) > MaxAuth || len(c.Verf.Body) > MaxAuth {
			t.Fatalf("%+v from %d bytes", c, len(msg))
		}
		c.Cred.Sys()
		Refuse(c, Program{100000, 2, 4})
	})
}

func FuzzReadRecord(f *testing.F) {
	f.Add(append(words(lastFragment|5), "hello"...))
	f.Add(append(append(words(2), "he"...), append(words(lastFragment|3), "llo"...)...))
	f.Fuzz(func(t *testing.T, stream []byte) {
		b, err := ReadRecord(bytes.NewReader(stream), nil, 64)
		if err == nil && len(b) > 64 {
			t.Fatalf("%d bytes", len(b))
		}
	})
}
