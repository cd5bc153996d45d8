package tftp_test

import (
	"bytes"
	"net"
	"strconv"
	"testing"

	"github.com/pxeproof/pxeproof/harness/network"
	"github.com/pxeproof/pxeproof/servers/tftp"
)

// TestMTFTPAtftp has atftp's MTFTP client, on two hosts, fetch a file.
func TestMTFTPAtftp(t *testing.T) {
	needProgram(t, "atftp")
	l := newLab(t)
	want := l.write(t, "boot/f", 100_000)
	m := tftp.MTFTP{File: "boot/f", Group: group, Port: 1759}
	l.startWatched(t, tftp.Config{MTFTP: []tftp.MTFTP{m}})
	hosts := []*network.Host{l.client, l.host(t, "192.168.1.51/24")}
	l.fetchTogether(t, hosts, want, "--mtftp", "client-port "+strconv.Itoa(int(group.Port())), "--mtftp", "server-port "+strconv.Itoa(int(m.Port)),
		"--mtftp", "mcast-ip "+group.Addr().String(), "--mtftp", "listen-delay 1", "--mtftp", "timeout-delay 2", "--mget", "-r", "boot/f")
}

// TestMTFTP plays the clients by hand.
func TestMTFTP(t *testing.T) {
	l := newLab(t)
	want := l.write(t, "f", 600)
	l.write(t, "g", 600)
	m := tftp.MTFTP{File: "f", Group: group, Port: 1759}
	done := l.startWatched(t, tftp.Config{MTFTP: []tftp.MTFTP{m}, Log: func(line string) { t.Log(line) }})
	air := l.air(t)
	one, two := l.peer(t), l.peer(t)
	one.server = &net.UDPAddr{IP: net.ParseIP(serverAddr), Port: int(m.Port)}
	two.server = one.server
	two.read("g")
	two.wantError(tftp.FileNotFound, "File not found")
	one.read("f", "blksize", "1428") // which it does not know
	data := air.wantBlocks(1)
	two.read("f") // is not answered: the data is in the air
	one.tid = air.tid
	one.ack(1)
	block := air.next()
	for block[3] == 1 {
		block = air.next() // on a busy machine the acknowledgement comes late
	}
	data = append(data, block[4:])
	one.ack(2)
	if tr := <-done; tr.Err != nil || tr.Bytes != 600 || tr.BlockSize != 512 {
		t.Errorf("%+v", tr)
	}
	if got := bytes.Join(data, nil); !bytes.Equal(got, want) {
		t.Errorf("got %d other bytes", len(got))
	}
}
