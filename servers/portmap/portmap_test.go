package portmap_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/pxeproof/pxeproof/harness/assets"
	"github.com/pxeproof/pxeproof/harness/network"
	"github.com/pxeproof/pxeproof/harness/sandbox"
	"github.com/pxeproof/pxeproof/servers/portmap"
	"github.com/pxeproof/pxeproof/servers/rpc"
)

func TestMain(m *testing.M) { sandbox.Main(m) }

var table = []rpc.Mapping{
	{Program: 100003, Version: 3, Protocol: rpc.TCP, Port: 2049},
	{Program: 100005, Version: 3, Protocol: rpc.TCP, Port: 20048},
	{Program: 100005, Version: 3, Protocol: rpc.UDP, Port: 20048},
}

// newLab runs a portmapper at 192.168.1.103 and gives a host beside it.
func newLab(t *testing.T, bridge string) *network.Host {
	t.Helper()
	n, err := network.New(bridge)
	if err != nil {
		t.Fatal(err)
	}
	host := func(name, addr string) *network.Host {
		h, err := n.AddHost(network.HostConfig{Name: bridge + name, Addr: netip.MustParsePrefix(addr)})
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	on := host("s", "192.168.1.103/24")
	s := portmap.New(portmap.Config{Mappings: table})
	ctx, cancel := context.WithCancel(context.Background())
	var g errgroup.Group
	t.Cleanup(func() {
		cancel()
		if err := g.Wait(); err != nil {
			t.Error(err)
		}
	})
	if err := s.Listen(ctx, on); err != nil {
		t.Fatal(err)
	}
	g.Go(func() error { return s.Serve(ctx) })
	return host("c", "192.168.1.50/24")
}

func TestTakenPort(t *testing.T) {
	other := newLab(t, "taken")
	for _, network := range []string{"udp4", "tcp4"} {
		var taken io.Closer
		var err error
		if network == "udp4" {
			taken, err = other.ListenPacket(t.Context(), network, ":111")
		} else {
			taken, err = other.Listen(t.Context(), network, ":111")
		}
		if err != nil {
			t.Fatal(err)
		}
		err = portmap.New(portmap.Config{}).Listen(t.Context(), other)
		if !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), ":111") {
			t.Errorf("on a taken port of %s: %v", network, err)
		}
		taken.Close()
	}
}

func TestRpcinfo(t *testing.T) {
	rpcinfo, err := new(assets.Store).Tool(t.Context(), "rpcinfo")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%v; make setup provides it", err)
		}
		t.Skipf("%v; make setup provides it", err)
	}
	client := newLab(t, "br0")
	run := func(arg ...string) string {
		t.Helper()
		cmd := client.Command(t.Context(), rpcinfo.Path, arg...)
		cmd.Env = append(cmd.Env, rpcinfo.Env...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("rpcinfo %q: %v\n%s", arg, err, out)
		}
		return string(out)
	}
	for _, test := range []struct {
		arg  []string
		want string // a regular expression
	}{
		{[]string{"-p", "192.168.1.103"}, `100003 +3 +tcp +2049 `},
		{[]string{"-p", "192.168.1.103"}, `100000 +2 +udp +111 `},
		{[]string{"192.168.1.103"}, `100005 +3 +udp +192\.168\.1\.103\.78\.80 +`},
		{[]string{"-s", "192.168.1.103"}, `100000 +2,3,4 +`},
		{[]string{"-T", "udp", "192.168.1.103", "100000"}, `program 100000 version 4 ready and waiting`},
		{[]string{"-T", "tcp", "192.168.1.103", "100000", "3"}, `program 100000 version 3 ready and waiting`},
		{[]string{"-u", "192.168.1.103", "portmapper", "2"}, `program 100000 version 2 ready and waiting`},
		{[]string{"-t", "192.168.1.103", "portmapper", "2"}, `program 100000 version 2 ready and waiting`},
	} {
		if out := run(test.arg...); !regexp.MustCompile(test.want).MatchString(out) {
			t.Errorf("rpcinfo %s does not say %q:\n%s", strings.Join(test.arg, " "), test.want, out)
		}
	}
}

func words(vs ...uint32) []byte {
	var b []byte
	for _, v := range vs {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	return b
}

func call(version, proc uint32, args ...byte) []byte {
	return append(words(7, 0, 2, 100000, version, proc, 0, 0, 0, 0), args...)
}

func rpcb(program, version uint32) []byte {
	b := words(program, version)
	for _, s := range []string{"udp", "192.168.1.103.0.111", "pxe"} {
		b = rpc.AppendOpaque(b, s)
	}
	return b
}

func TestAnswers(t *testing.T) {
	client := newLab(t, "br1")
	results := func(status uint32, rest ...byte) []byte { return append(words(7, 1, 0, 0, 0, status), rest...) }
	tests := []struct {
		name     string
		msg      []byte
		udp, tcp []byte // the replies
	}{
		{"null", call(2, 0), results(0), results(0)},
		{"NFS over TCP", call(2, 3, words(100003, 3, 6, 0)...), results(0, words(2049)...), results(0, words(2049)...)},
		{"NFS over UDP", call(2, 3, words(100003, 3, 17, 0)...), results(0, words(0)...), results(0, words(0)...)},
		{"NFS version 2: its own answer is better than none", call(2, 3, words(100003, 2, 6, 0)...), results(0, words(2049)...), results(0, words(2049)...)},
		{"NLM", call(2, 3, words(100021, 4, 6, 0)...), results(0, words(0)...), results(0, words(0)...)},
		{"set", call(2, 1, words(100003, 3, 6, 1)...), results(0, words(0)...), results(0, words(0)...)},
		{"unset", call(2, 2, words(100003, 3, 6, 1)...), results(0, words(0)...), results(0, words(0)...)},
		{"callit", call(2, 5, words(100003, 3, 0, 0)...), results(3), results(3)},
		{"getport, cut", call(2, 3, words(100003)...), results(4), results(4)},
		{"version 1", call(1, 3), results(2, words(2, 4)...), results(2, words(2, 4)...)},
		{"another program", words(7, 0, 2, 100003, 3, 0, 0, 0, 0, 0), results(1), results(1)},
		{"getaddr", call(3, 3, rpcb(100003, 3)...), results(0, words(0)...), results(0, rpc.AppendOpaque(nil, "192.168.1.103.8.1")...)},
		{"getaddr of MOUNT 1", call(4, 3, rpcb(100005, 1)...), results(0, rpc.AppendOpaque(nil, "192.168.1.103.78.80")...), results(0, rpc.AppendOpaque(nil, "192.168.1.103.78.80")...)},
		{"getversaddr of MOUNT 1", call(4, 9, rpcb(100005, 1)...), results(0, words(0)...), results(0, words(0)...)},
		{"getversaddr in version 3", call(3, 9, rpcb(100005, 1)...), results(3), results(3)},
		{"getaddr with a netid of 4 GiB", call(3, 3, words(100003, 3, 0xffffffff)...), results(4), results(4)},
	}
	udp, err := client.ListenPacket(t.Context(), "udp4", "192.168.1.50:0")
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	var tcp net.Conn
	dial := func() (err error) {
		tcp, err = net.Dial("tcp4", "192.168.1.103:111")
		return err
	}
	if err := client.Do(dial); err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	to := net.UDPAddrFromAddrPort(netip.MustParseAddrPort("192.168.1.103:111"))
	buf := make([]byte, 9000)
	for _, test := range tests {
		// What is no call gets no answer, and does not stop the next one.
		for _, msg := range [][]byte{test.msg[:30], {}, test.msg} {
			if _, err := udp.WriteTo(msg, to); err != nil {
				t.Fatal(err)
			}
		}
		n, _, err := udp.ReadFrom(buf)
		if err != nil || !bytes.Equal(buf[:n], test.udp) {
			t.Errorf("%s: UDP: % x, %v, want % x", test.name, buf[:n], err, test.udp)
		}
		record := append(make([]byte, rpc.MarkSize), test.msg...)
		rpc.PutMark(record)
		if _, err := tcp.Write(record); err != nil {
			t.Fatal(err)
		}
		b, err := rpc.ReadRecord(tcp, nil, 9000)
		if err != nil || !bytes.Equal(b, test.tcp) {
			t.Errorf("%s: TCP: % x, %v, want % x", test.name, b, err, test.tcp)
		}
	}
}

// What is no call is the end of a stream, and nothing else's.
func TestHostileStreams(t *testing.T) {
	client := newLab(t, "br2")
	for _, stream := range [][]byte{
		words(0xffffffff, 1, 2, 3),
		append(words(0x80000000|44), call(2, 0)...)[:20],
		append(words(0x80000000|8), words(7, 1)...),
		bytes.Repeat(words(0), 100),
	} {
		var c net.Conn
		err := client.Do(func() (err error) {
			c, err = net.Dial("tcp4", "192.168.1.103:111")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		c.Write(stream)
		c.(*net.TCPConn).CloseWrite()
		if n, _ := c.Read(make([]byte, 100)); n != 0 {
			t.Errorf("% x is answered with %d bytes", stream, n)
		}
		c.Close()
	}
}
