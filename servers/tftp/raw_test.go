package tftp_test

import (
	"encoding/binary"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pxeproof/pxeproof/servers/tftp"
)

// ask sends one packet to port 69 and returns the first answer and its source.
func (l *lab) ask(t *testing.T, packet string) ([]byte, net.Addr) {
	t.Helper()
	c, err := l.client.ListenPacket(t.Context(), "udp4", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	to := &net.UDPAddr{IP: net.ParseIP(serverAddr), Port: tftp.Port}
	if _, err := c.WriteTo([]byte(packet), to); err != nil {
		t.Fatal(err)
	}
	// Long enough that only a server that does not answer reaches it.
	c.SetReadDeadline(time.Now().Add(10 * time.Second))
	b := make([]byte, 70000)
	n, from, err := c.ReadFrom(b)
	if err != nil {
		t.Fatalf("%q: no answer: %v", packet, err)
	}
	return b[:n], from
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
		b, from := l.ask(t, tt.packet)
		if len(b) < 5 || binary.BigEndian.Uint16(b) != 5 || b[len(b)-1] != 0 {
			t.Errorf("%q: answered %q, not an ERROR", tt.packet, b)
			continue
		}
		if code, text := tftp.Code(binary.BigEndian.Uint16(b[2:])), string(b[4:len(b)-1]); code != tt.code || text != tt.text {
			t.Errorf("%q: error %d %q, want %d %q", tt.packet, code, text, tt.code, tt.text)
		}
		if port := from.(*net.UDPAddr).Port; port == tftp.Port {
			t.Errorf("%q: answered from port %d, not from a new one", tt.packet, port)
		}
	}
}
