package tftp_test

import (
	"bytes"
	"encoding/binary"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pxeproof/pxeproof/servers/tftp"
)

// Opcodes.
const (
	opDATA  = 3
	opACK   = 4
	opERROR = 5
	opOACK  = 6
)

// A peer is a client that does as the test says, packet by packet.
type peer struct {
	t *testing.T
	net.PacketConn
	server net.Addr // where requests go
	tid    net.Addr // where the last packet came from
}

func (l *lab) peer(t *testing.T) *peer {
	t.Helper()
	c, err := l.client.ListenPacket(t.Context(), "udp4", ":0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &peer{t: t, PacketConn: c, server: &net.UDPAddr{IP: net.ParseIP(serverAddr), Port: tftp.Port}}
}

func (p *peer) send(packet string, to net.Addr) {
	p.t.Helper()
	if _, err := p.WriteTo([]byte(packet), to); err != nil {
		p.t.Fatal(err)
	}
}

// read asks for a file with options, a name and a value each.
func (p *peer) read(name string, options ...string) {
	p.t.Helper()
	packet := "\x00\x01" + name + "\x00octet\x00"
	for _, o := range options {
		packet += o + "\x00"
	}
	p.send(packet, p.server)
}

func (p *peer) ack(block uint16) {
	p.t.Helper()
	p.send(string(binary.BigEndian.AppendUint16([]byte{0, opACK}, block)), p.tid)
}

// next is the next packet, whoever sent it.
func (p *peer) next() []byte {
	p.t.Helper()
	// Long enough that only a server that does not answer reaches it.
	p.SetReadDeadline(time.Now().Add(20 * time.Second))
	b := make([]byte, 70000)
	n, from, err := p.ReadFrom(b)
	if err != nil {
		p.t.Fatalf("no packet: %v", err)
	}
	p.tid = from
	return b[:n]
}

// wantOACK expects an OACK with this text, its NULs written as blanks.
func (p *peer) wantOACK(text string) {
	p.t.Helper()
	b := p.next()
	if got := string(bytes.ReplaceAll(b[2:], []byte{0}, []byte(" "))); b[1] != opOACK || got != text+" " {
		p.t.Fatalf("got %q, want OACK %q", b, text)
	}
}

// wantBlocks expects DATA packets with these numbers, in this order.
func (p *peer) wantBlocks(numbers ...uint16) [][]byte {
	p.t.Helper()
	var data [][]byte
	for _, n := range numbers {
		b := p.next()
		if len(b) < 4 || b[1] != opDATA || binary.BigEndian.Uint16(b[2:]) != n {
			p.t.Fatalf("got %.20q, want block %d", b, n)
		}
		data = append(data, b[4:])
	}
	return data
}

// wantError expects an ERROR.
func (p *peer) wantError(code tftp.Code, text string) {
	p.t.Helper()
	p.isError(p.next(), code, text)
}

// isError expects an ERROR in what has come.
func (p *peer) isError(b []byte, code tftp.Code, text string) {
	p.t.Helper()
	if len(b) < 5 || b[1] != opERROR || b[len(b)-1] != 0 {
		p.t.Fatalf("got %.40q, want an ERROR", b)
	}
	if c, got := tftp.Code(binary.BigEndian.Uint16(b[2:])), string(b[4:len(b)-1]); c != code || got != text {
		p.t.Fatalf("got error %d %q, want %d %q", c, got, code, text)
	}
}

// wantNothing expects that nothing is under way: the answer to a new request is
// the next packet.
func (p *peer) wantNothing() {
	p.t.Helper()
	tid := p.tid
	p.read("there is no such file")
	p.wantError(tftp.FileNotFound, "File not found")
	p.tid = tid
}

func TestErrors(t *testing.T) {
	l := newLab(t)
	l.write(t, "file", 10)
	l.write(t, "private", 10)
	if err := os.Chmod(filepath.Join(l.root, "private"), 0o600); err != nil {
		t.Fatal(err)
	}
	l.start(t, tftp.Config{Log: func(s string) { t.Log(s) }})
	for _, tt := range []struct {
		packet string
		code   tftp.Code
		text   string
	}{
		{"\x00\x01nothing\x00octet\x00", tftp.FileNotFound, "File not found"},
		{"\x00\x01file/below\x00octet\x00", tftp.FileNotFound, "File not found"},
		{"\x00\x01private\x00octet\x00", tftp.AccessViolation, "File must have global read permissions"},
		{"\x00\x01file\x00mail\x00", tftp.IllegalOperation, "Unknown mode"},
		{"\x00\x01file\x00", tftp.IllegalOperation, "Missing mode"},
		{"\x00\x01file", tftp.IllegalOperation, "Request not null-terminated"},
		{"\x00\x02file\x00octet\x00", tftp.IllegalOperation, "This server is read-only"},
	} {
		p := l.peer(t)
		p.send(tt.packet, p.server)
		p.wantError(tt.code, tt.text)
		if port := p.tid.(*net.UDPAddr).Port; port == tftp.Port {
			t.Errorf("%q: answered from port %d, not from a new one", tt.packet, port)
		}
	}
}
