package captures_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pxeproof/pxeproof/captures"
)

func TestTCPRefused(t *testing.T) {
	syn := tcp(t, pc, 800, server, 2049, "S", 5, 0, nil)
	tl := decode(t, captures.Options{}, syn, syn, tcp(t, server, 2049, pc, 800, "RA", 0, 6, nil))
	if e := one(t, tl, captures.TCPSyn); e.Addr("ip.dst") != server.addr || e.Int("tcp.dstport") != 2049 || e.Host != pcMAC {
		t.Errorf("%+v", e)
	}
	if e := one(t, tl, captures.TCPRefused); e.Frame.Number != 3 || e.Host != pcMAC {
		t.Errorf("%+v", e)
	}
	c := newConn(t, 800, 80)
	if tl := decode(t, captures.Options{}, append(c.open(), tcp(t, server, 80, pc, 800, "R", c.seq[1], 0, nil))...); len(of(tl, captures.TCPRefused)) != 0 {
		t.Error("a connection that was reset later was not refused")
	}
}

// saidHTTP is the HTTP events as text.
func saidHTTP(tl *captures.Timeline) string {
	var b strings.Builder
	for _, e := range of(tl, captures.HTTPRequest, captures.HTTPResponse, captures.HTTPDone) {
		fmt.Fprint(&b, e.Kind)
		for _, f := range e.Fields {
			fmt.Fprintf(&b, " %v", f.Value)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestHTTP(t *testing.T) {
	const get = "GET /boot/vmlinuz HTTP/1.1\r\nHost: boot.example\r\nConnection: keep-alive\r\n\r\n"
	c := newConn(t, 800, 8080)
	body := string(content(5000))
	frames := concat(c.open(),
		c.ask([]byte("HEAD /boot/vmlinuz HTTP/1.1\r\nHost: boot.example\r\n\r\n")), c.answer([]byte("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n")),
		c.ask([]byte(get[:20])), c.ask([]byte(get[20:])),
		c.answer([]byte("HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n"+body)),
		c.ask([]byte("GET /none HTTP/1.1\r\nHost: boot.example\r\n\r\n")), c.answer([]byte("HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nno\n")),
		c.ask([]byte("GET /menu HTTP/1.1\r\nHost: boot.example\r\n\r\n")),
		c.answer([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n, ther\r\n0\r\nX: y\r\n\r\n")),
		c.ask([]byte("GET /last HTTP/1.0\r\n\r\n")), c.answer([]byte("HTTP/1.0 200 OK\r\n\r\nuntil the end")),
		[][]byte{tcp(t, server, 8080, pc, 800, "FA", c.seq[1], c.seq[0], nil)})
	const want = `http.request HEAD /boot/vmlinuz boot.example 192.168.1.3 8080
http.response 200 /boot/vmlinuz 5000
http.request GET /boot/vmlinuz boot.example 192.168.1.3 8080
http.response 200 /boot/vmlinuz 5000 0
http.done 0 /boot/vmlinuz 5000
http.request GET /none boot.example 192.168.1.3 8080
http.response 404 /none 3
http.request GET /menu boot.example 192.168.1.3 8080
http.response 200 /menu 1
http.done 1 /menu 11
http.request GET /last  192.168.1.3 8080
http.response 200 /last 2
http.done 2 /last 13
`
	tl := decode(t, captures.Options{}, frames...)
	if got := saidHTTP(tl); got != want {
		t.Errorf("events:\n%s\nwant:\n%s", got, want)
	}
	for _, x := range tl.Transfers {
		if x.Status != captures.Complete || x.Protocol != "http" || x.Host != pcMAC {
			t.Errorf("%+v", x)
		}
	}
	// A byte a segment changes nothing.
	slow := newConn(t, 801, 80)
	frames = slow.open()
	for i := range get {
		frames = append(frames, slow.ask([]byte(get[i:i+1]))...)
	}
	if got := saidHTTP(decode(t, captures.Options{}, frames...)); !strings.Contains(got, "GET /boot/vmlinuz boot.example") {
		t.Errorf("a byte at a time: %s", got)
	}
}

func TestHTTPClosedInTheMiddle(t *testing.T) {
	c := newConn(t, 800, 80)
	frames := concat(c.open(), c.ask([]byte("GET /f HTTP/1.1\r\n\r\n")), c.answer([]byte("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nonly this")))
	tl := decode(t, captures.Options{}, append(frames, tcp(t, server, 80, pc, 800, "FA", c.seq[1], c.seq[0], nil))...)
	if x := tl.Transfers[0]; x.Status != captures.Failed || x.Bytes != 9 || x.Size != 500 || !x.ByPeer {
		t.Errorf("%+v", x)
	}
}

// A connection of another protocol is left alone, and one of ours is found
// again after a loss that cannot be bridged.
func TestTCPResync(t *testing.T) {
	c := newConn(t, 800, 2049)
	lost := func(b []byte) { c.seq[0] += uint32(len(b)) } // sent, not captured
	frames := c.open()
	frames = append(frames, c.ask(marked(lookupCall(1, []byte("dir."), "one")))...)
	lost(marked(lookupCall(2, []byte("dir."), "two")))
	frames = append(frames, c.ask(marked(lookupCall(3, []byte("dir."), "three")))...)
	frames = append(frames, c.answer(marked(lookupReply(1, []byte("h1"))))...) // its ACK covers what was lost
	frames = append(frames, c.answer(marked(lookupReply(3, []byte("h3"))))...)
	var names []string
	for _, e := range of(decode(t, captures.Options{}, frames...), captures.NFSLookup) {
		names = append(names, e.Text("nfs.name"))
	}
	if !slices.Equal(names, []string{"one", "three"}) {
		t.Errorf("look-ups of %q", names)
	}
}

func TestTCPLimits(t *testing.T) {
	o := captures.Options{Limits: captures.Limits{Streams: 4, Held: 1000}}
	var frames [][]byte
	for i := range uint16(50) {
		c := newConn(t, 1000+i, 2049)
		frames = append(frames, c.open()...)
		c.seq[0]++ // a byte is missing for ever
		for range 10 {
			frames = append(frames, c.ask(content(100))...)
		}
	}
	decode(t, o, frames...)
}
