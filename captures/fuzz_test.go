package captures_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"reflect"
	"testing"

	"github.com/pxeproof/pxeproof/captures"
	"github.com/pxeproof/pxeproof/captures/pcap"
)

// small are limits that a fuzzer reaches.
var small = captures.Limits{Machines: 4, Transfers: 4, Streams: 3, Handles: 3, Held: 3000, Events: 100}

// fuzzDecode decodes frames and holds what must hold for any input.
func fuzzDecode(t *testing.T, link captures.LinkType, frames ...[]byte) {
	t.Helper()
	o := captures.Options{Limits: small, Digest: func(captures.Transfer) bool { return true }}
	d := captures.NewDecoder(o)
	n := 0
	emit := func(e captures.Event) {
		if e.Frame.Number < 1 || e.Frame.Number > n {
			t.Errorf("%s names frame %d of %d", e.Kind, e.Frame.Number, n)
		}
		b, err := json.Marshal(e)
		if err != nil {
			t.Fatalf("%s: %v", e.Kind, err)
		}
		var back captures.Event
		if err := json.Unmarshal(b, &back); err != nil {
			t.Fatalf("%s: %v\n%s", e.Kind, err, b)
		}
		if !reflect.DeepEqual(e, back) {
			t.Errorf("%s\nbecomes %#v\nof      %#v", b, back, e)
		}
	}
	for _, f := range frames {
		n++
		d.Frame(captures.FrameInfo{Number: n, At: epoch, Port: "p", Link: link, Length: len(f)}, f, emit)
	}
	d.Finish(emit)
	if held := d.Held(); held != "" {
		t.Error(held)
	}
	for _, x := range d.Transfers() {
		if x.Bytes < 0 || x.Blocks < 0 || x.Resent < 0 || x.Start.Number < 1 {
			t.Errorf("%+v", x)
		}
	}
}

// split cuts fuzz data into frames: two bytes of length before each.
func split(b []byte) (frames [][]byte) {
	for len(b) >= 2 && len(frames) < 64 {
		n := min(int(b[0])<<8|int(b[1]), len(b)-2)
		frames = append(frames, b[2:2+n])
		b = b[2+n:]
	}
	return frames
}

func join(frames ...[]byte) (b []byte) {
	for _, f := range frames {
		b = append(append(b, byte(len(f)>>8), byte(len(f))), f...)
	}
	return b
}

func FuzzFrames(f *testing.F) {
	session, _ := nfsSession(f)
	f.Add(uint16(1), join(session[:20]...))
	f.Add(uint16(1), join(append([][]byte{ask(f, "f")}, lockStep(f, content(600), 512, plainNumber)...)...))
	f.Add(uint16(1), join(pieces(f, toPC(f, data(1, content(4000))), 1480)...))
	f.Add(uint16(113), join(append([]byte{0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0}, session[0][12:]...)))
	f.Add(uint16(276), join(append([]byte{8, 0, 0, 0, 0, 0, 0, 9, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0}, session[0][14:]...)))
	f.Add(uint16(101), join(session[0][14:]))
	f.Add(uint16(1), join(fromClient(f, bootp{options: append(opt(53, 1), 255)})))
	f.Fuzz(func(t *testing.T, link uint16, b []byte) {
		fuzzDecode(t, captures.LinkType(link), split(b)...)
	})
}

func FuzzDHCP(f *testing.F) {
	f.Add(bootp{op: 2, options: append(append(opt(53, 2), opt(52, 3)...), 255), file: append(opt(67, 'x'), 255)}.bytes())
	f.Add(bootp{op: 1}.bytes())
	f.Fuzz(func(t *testing.T, m []byte) {
		if len(m) > 60_000 {
			return
		}
		fuzzDecode(t, captures.LinkEthernet, udp(t, pc, 68, everybody, 67, m), udp(t, server, 67, everybody, 68, m))
	})
}

func FuzzTFTP(f *testing.F) {
	f.Add(join(rrq("f", "blksize", "8", "tsize", "0"), oack("blksize", "8"), ack(0), data(1, content(8)), ack(1), data(2, nil), ack(2)))
	f.Add(join(rrq("f"), tftpError(1, "no")))
	f.Fuzz(func(t *testing.T, b []byte) {
		var frames [][]byte
		for i, m := range split(b) {
			switch {
			case i == 0:
				frames = append(frames, udp(t, pc, 2000, server, 69, m))
			case i%2 == 1:
				frames = append(frames, toPC(t, m))
			default:
				frames = append(frames, toServer(t, m))
			}
		}
		fuzzDecode(t, captures.LinkEthernet, frames...)
	})
}

// FuzzMulticast has two clients, of RFC 2090 or of MTFTP, a server, and its group
// speak in turn.
func FuzzMulticast(f *testing.F) {
	whole := content(8)
	f.Add(uint16(69), join(rrq("f", "blksize", "8", "multicast", ""), oack("blksize", "8", "multicast", "239.255.1.1,1758,1"), ack(0), data(1, whole),
		rrq("f", "multicast", ""), oack("multicast", "239.255.1.1,1758,0"), ack(1), data(2, nil)))
	f.Add(uint16(1759), join(rrq("f"), data(1, whole), ack(1), data(1, whole), rrq("f"), data(2, nil), ack(2), data(2, nil)))
	two := newStation(11)
	f.Fuzz(func(t *testing.T, port uint16, b []byte) {
		var frames [][]byte
		for i, m := range split(b) {
			client := pc
			if i/4%2 == 1 {
				client = two
			}
			switch i % 4 {
			case 0:
				frames = append(frames, udp(t, client, 2000, server, port, m))
			case 1:
				frames = append(frames, udp(t, server, 3000, client, 2000, m))
			case 2:
				frames = append(frames, udp(t, client, 2000, server, 3000, m))
			case 3:
				frames = append(frames, udp(t, server, 3000, group, 1758, m))
			}
		}
		fuzzDecode(t, captures.LinkEthernet, frames...)
	})
}

// FuzzRPC gives calls and replies in turn, as datagrams.
func FuzzRPC(f *testing.F) {
	f.Add(join(call(1, portmapper, 2, 3, xdr{}.num(mountd, 3, 17, 0)), reply(1, xdr{}.num(20048))))
	f.Add(join(call(1, portmapper, 3, 3, xdr{}.num(nfs, 3).text("tcp")), reply(1, xdr{}.text("1.2.3.4.8.1"))))
	f.Add(join(call(1, mountd, 3, 1, xdr{}.text("/x")), reply(1, xdr{}.num(0).opaque([]byte("h"))), lookupCall(2, []byte("h"), "a"), lookupReply(2, []byte("i")),
		readCall(3, []byte("i"), 0, 9), readReply(3, 9, true, content(9))))
	f.Add(join(call(4, nfs, 3, 17, xdr{}.opaque([]byte("h")).num64(0).num64(0).num(1, 1)),
		reply(4, xdr{}.num(0, 0).num64(0).num(1).num64(5).text("ks").num64(1).num(0).num(1).opaque([]byte("k")).num(0, 1))))
	f.Fuzz(func(t *testing.T, b []byte) {
		var frames [][]byte
		for i, m := range split(b) {
			if i%2 == 0 {
				frames = append(frames, datagram(t, m, 2049))
			} else {
				frames = append(frames, answer(t, m, 2049))
			}
		}
		fuzzDecode(t, captures.LinkEthernet, frames...)
	})
}

// FuzzStream gives the bytes of a TCP connection, from both sides in turn. The
// port decides whether the protocol is known or must be guessed; the sequence
// numbers jump where gap has a bit.
func FuzzStream(f *testing.F) {
	f.Add(uint16(2049), uint64(0), join(marked(lookupCall(1, []byte("h"), "a")), marked(lookupReply(1, []byte("i"))), marked(readCall(2, []byte("i"), 0, 2000)), marked(readReply(2, 2000, true, content(2000)))))
	f.Add(uint16(80), uint64(4), join([]byte("GET / HTTP/1.1\r\n\r\n"), []byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")))
	f.Add(uint16(80), uint64(2), join([]byte("GET / HTTP/1.1\r\n\r\n"), []byte("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nabc")))
	f.Fuzz(func(t *testing.T, port uint16, gap uint64, b []byte) {
		c := newConn(t, 800, port)
		frames := c.open()
		for i, m := range split(b) {
			if gap>>(i%64)&1 == 1 {
				c.seq[i%2] += 10
			}
			frames = append(frames, c.send(i%2, m)...)
		}
		fuzzDecode(t, captures.LinkEthernet, frames...)
	})
}

// FuzzLink gives what stands behind an Ethernet type: ARP, LLC with BPDUs, IPv4
// and IPv6 with ICMP in them. Two of each, so that one follows the other.
func FuzzLink(f *testing.F) {
	f.Add(uint16(0x0806), append([]byte{0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1}, 192, 168, 1, 3, 0, 0, 0, 0, 0, 0, 192, 168, 1, 10))
	f.Add(uint16(38), append([]byte{0x42, 0x42, 3, 0, 0, 0, 0, 1}, make([]byte, 34)...))
	f.Add(uint16(46), append([]byte{0xaa, 0xaa, 3, 0, 0, 0x0c, 1, 0x0b, 0, 0, 2, 2}, make([]byte, 34)...))
	refused := ask(f, "f")[14:]
	f.Add(uint16(0x0800), append([]byte{0x45, 0, 0, 56, 0, 0, 0, 0, 64, 1, 0, 0, 192, 168, 1, 3, 192, 168, 1, 10, 3, 3, 0, 0, 0, 0, 0, 0}, refused[:28]...))
	ipv6 := append([]byte{0x60, 0, 0, 0, 0, 24, 58, 255}, make([]byte, 32)...)
	f.Add(uint16(0x86dd), append(ipv6, append([]byte{133}, make([]byte, 23)...)...))
	f.Add(uint16(0x86dd), append(bytes.Clone(ipv6), append([]byte{135}, make([]byte, 23)...)...))
	f.Fuzz(func(t *testing.T, ether uint16, b []byte) {
		head := []byte{2, 0, 0, 0, 0, 3, 2, 0, 0, 0, 0, 10, byte(ether >> 8), byte(ether)}
		back := append(append(append([]byte(nil), head[6:12]...), head[:6]...), head[12:]...)
		fuzzDecode(t, captures.LinkEthernet, append(head, b...), append(back, b...))
	})
}

// FuzzFragments gives pieces of datagrams to the TFTP client's port: for each,
// a byte of where it belongs and whether more come, and its bytes.
func FuzzFragments(f *testing.F) {
	f.Add(join([]byte("\x80one piece and another"), []byte("\x03the last one")))
	f.Add(join(append([]byte{0x80}, data(1, content(1476))...), []byte("\x60never the end"), []byte("\x00\x00\x00\x00\x00")))
	f.Fuzz(func(t *testing.T, b []byte) {
		frames := [][]byte{ask(t, "f", "blksize", "8000"), toPC(t, oack("blksize", "8000")), toServer(t, ack(0))}
		for _, m := range split(b) {
			if len(m) == 0 || len(m) > 1400 {
				continue
			}
			frame := toPC(t, m[1:])
			at := uint16(m[0] & 0x1f)
			if m[0]&0x80 != 0 {
				at |= 0x2000
			}
			binary.BigEndian.PutUint16(frame[20:], at)
			frame[19] = m[0] & 0x60 // which datagram
			frames = append(frames, frame)
		}
		fuzzDecode(t, captures.LinkEthernet, frames...)
	})
}

// FuzzRead reads files.
func FuzzRead(f *testing.F) {
	var b bytes.Buffer
	w := pcap.NewWriter(&b, "fuzz")
	if _, err := w.Interface("p", 1); err != nil {
		f.Fatal(err)
	}
	for _, frame := range append([][]byte{ask(f, "f")}, lockStep(f, content(600), 512, plainNumber)...) {
		if err := w.Packet(0, epoch, frame, len(frame)); err != nil {
			f.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, file []byte) {
		tl, err := captures.ReadWith(bytes.NewReader(file), captures.Options{Limits: small})
		if tl == nil && err == nil {
			t.Error("neither a timeline nor an error")
		}
	})
}

func FuzzEventJSON(f *testing.F) {
	f.Add([]byte(`{"at":"2026-01-02T15:04:05Z","source":"wire","kind":"k","fields":{"a":1,"b":"x","c":true,"d":"1.2.3.4"},"types":{"d":"addr"}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var e captures.Event
		if json.Unmarshal(b, &e) != nil {
			return
		}
		out, err := json.Marshal(e)
		if err != nil {
			t.Fatalf("%v of %s", err, b)
		}
		var back captures.Event
		if err := json.Unmarshal(out, &back); err != nil {
			t.Fatalf("%v of %s", err, out)
		}
		again, err := json.Marshal(back)
		if err != nil || !bytes.Equal(out, again) {
			t.Errorf("%s\nbecomes %s (%v)", out, again, err)
		}
	})
}
