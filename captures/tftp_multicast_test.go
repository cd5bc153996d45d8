package captures_test

import (
	"crypto/sha256"
	"net/netip"
	"testing"

	"github.com/pxeproof/pxeproof/captures"
)

var group = station{[]byte{0x01, 0, 0x5e, 0x7f, 1, 1}, netip.MustParseAddr("239.255.1.1")}

// TestTFTPMulticast has a master acknowledge what another client hears (RFC 2090).
func TestTFTPMulticast(t *testing.T) {
	file := content(1000)
	all := func(b []byte) []byte { return udp(t, server, 3000, group, 1758, b) }
	two := newStation(11)
	tl := decode(t, hashAll,
		ask(t, "f", "multicast", ""), toPC(t, oack("multicast", "239.255.1.1,1758,1")), toServer(t, ack(0)),
		udp(t, two, 2001, server, 69, rrq("f", "multicast", "")),
		udp(t, server, 3000, two, 2001, oack("multicast", "239.255.1.1,1758,0")),
		all(data(1, file[:512])), toServer(t, ack(1)),
		all(data(2, file[512:])), toServer(t, ack(2)))
	if len(tl.Transfers) != 2 {
		t.Fatalf("%d transfers", len(tl.Transfers))
	}
	sum := sha256.Sum256(file)
	for i, x := range tl.Transfers {
		if x.Status != captures.Complete || x.Bytes != 1000 || x.Blocks != 2 || x.Resent != 0 || string(x.Digest) != string(sum[:]) {
			t.Errorf("client %d: %+v", i, x)
		}
	}
	if n := len(of(tl, captures.TFTPDone)); n != 2 {
		t.Errorf("%d transfers are done, of two", n)
	}
}

// TestMTFTP has a client ask at a port that is not TFTP's, and another group's
// last words be in the air.
func TestMTFTP(t *testing.T) {
	file := content(1000)
	all := func(sport uint16, b []byte) []byte { return udp(t, server, sport, group, 3001, b) }
	first := udp(t, pc, 2000, server, 1759, rrq("script"))
	tl := decode(t, hashAll,
		first, all(3000, data(1, []byte("#!ipxe"))), toPC(t, data(1, []byte("#!ipxe"))), // which wants no answer
		udp(t, pc, 2002, server, 1760, rrq("f")),
		all(3000, data(1, []byte("#!ipxe"))),
		all(3002, data(1, file[:512])), udp(t, server, 3002, pc, 2002, data(1, file[:512])),
		udp(t, pc, 2002, server, 3002, ack(1)),
		all(3002, data(2, file[512:])), udp(t, pc, 2002, server, 3002, ack(2)))
	if len(tl.Transfers) != 2 {
		t.Fatalf("%d transfers: %v", len(tl.Transfers), kinds(tl.Events))
	}
	sum := sha256.Sum256(file)
	if x := tl.Transfers[0]; x.Name != "script" || x.Status != captures.Complete || x.Bytes != 6 {
		t.Errorf("%+v", x)
	}
	if x := tl.Transfers[1]; x.Name != "f" || x.Status != captures.Complete || x.Bytes != 1000 || x.Resent != 0 || string(x.Digest) != string(sum[:]) {
		t.Errorf("%+v", x)
	}
	// What only looks like it is nothing.
	for _, b := range [][]byte{rrq("f", "blksize", "1000"), []byte("\x00\x01f\x00netascii\x00"), []byte("\x00\x01\x07\x00octet\x00"), []byte("\x00\x01\x00octet\x00")} {
		if tl := decode(t, captures.Options{}, udp(t, pc, 2000, server, 1759, b)); len(tl.Transfers) != 0 {
			t.Errorf("%q is taken for a request", b)
		}
	}
}
