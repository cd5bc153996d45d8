package captures_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pxeproof/pxeproof/captures"
)

// say is events as text, without RPC's common fields.
func say(events []captures.Event) string {
	var b strings.Builder
	for _, e := range events {
		fmt.Fprintf(&b, "%d %s", e.Frame.Number, e.Kind)
		for _, f := range e.Fields {
			if slices.Contains([]string{"rpc.xid", "rpc.program", "rpc.version", "rpc.procedure", "ip.src", "ip.dst", "udp.dstport", "tcp.dstport", "rpc.replystat"}, f.Name) {
				continue
			}
			fmt.Fprintf(&b, " %s=%v", strings.TrimPrefix(f.Name, "rpc."), f.Value)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func wantSaid(t *testing.T, tl *captures.Timeline, want string) {
	t.Helper()
	var rpc []captures.Event
	for _, e := range tl.Events {
		if e.Kind != captures.LinkFirst && e.Kind != captures.TCPSyn {
			rpc = append(rpc, e)
			if e.Host != pcMAC {
				t.Errorf("%s: host %q", e.Kind, e.Host)
			}
		}
	}
	if got := say(rpc); got != strings.TrimLeft(want, "\n") {
		t.Errorf("events:\n%s\nwant:\n%s", got, want)
	}
}

func datagram(t testing.TB, b []byte, port uint16) []byte { return udp(t, pc, 700, server, port, b) }
func answer(t testing.TB, b []byte, port uint16) []byte   { return udp(t, server, port, pc, 700, b) }

func TestPortmapAndMountOverUDP(t *testing.T) {
	root := []byte("root")
	tl := decode(t, captures.Options{},
		datagram(t, call(1, portmapper, 2, 3, xdr{}.num(mountd, 3, 17, 0)), 111), answer(t, reply(1, xdr{}.num(20048)), 111),
		datagram(t, call(2, portmapper, 4, 3, xdr{}.num(nfs, 3).text("tcp").text("").text("")), 111), answer(t, reply(2, xdr{}.text("192.168.1.3.8.1")), 111),
		datagram(t, call(3, portmapper, 2, 4, nil), 111), answer(t, reply(3, xdr{}.num(0)), 111),
		datagram(t, call(4, mountd, 3, 1, xdr{}.text("/root/inst")), 20048), answer(t, reply(4, xdr{}.num(0).opaque(root).num(1, 1)), 20048),
		datagram(t, call(5, mountd, 3, 1, xdr{}.text("/etc")), 20048), answer(t, reply(5, xdr{}.num(13)), 20048),
		datagram(t, call(6, mountd, 3, 3, xdr{}.text("/root/inst")), 20048), answer(t, reply(6, nil), 20048),
		datagram(t, call(7, mountd, 1, 1, xdr{}.text("/old")), 20048), answer(t, refused(7, 2), 20048),
		datagram(t, call(8, portmapper, 2, 3, xdr{}.num(mountd, 3, 6, 0)), 111), // nobody answers
	)
	wantSaid(t, tl, `
2 portmap.getport answered=true state_accept=0 portmap.prog=100005 portmap.vers=3 portmap.proto=17 portmap.port=20048
4 portmap.getport answered=true state_accept=0 portmap.prog=100003 portmap.vers=3 portmap.proto=6 portmap.port=2049
6 portmap.call answered=true state_accept=0
8 mount.mnt answered=true state_accept=0 mount.path=/root/inst mount.status=0
10 mount.mnt answered=true state_accept=0 mount.path=/etc mount.status=13
12 mount.umnt answered=true state_accept=0 mount.path=/root/inst
14 mount.mnt answered=true state_accept=2 mount.path=/old
15 portmap.getport answered=false portmap.prog=100005 portmap.vers=3 portmap.proto=6
`)
}

// nfsSession is a mount, a look-up and a file read in three READs.
func nfsSession(t testing.TB) (frames [][]byte, file []byte) {
	root, dir, ks := []byte("root"), []byte("dir."), []byte("ks..")
	file = content(70_000)
	c := newConn(t, 800, 2049)
	m := newConn(t, 801, 20048)
	r := func(m []byte) []byte { return marked(m) }
	frames = concat(m.open(), m.ask(r(call(1, mountd, 3, 1, xdr{}.text("/root/inst")))), m.answer(r(reply(1, xdr{}.num(0).opaque(root).num(1, 1)))),
		c.open(), c.ask(r(call(1, nfs, 3, 0, nil))), c.answer(r(reply(1, nil))),
		c.ask(r(lookupCall(2, root, "sub"))), c.answer(r(lookupReply(2, dir))),
		c.ask(r(lookupCall(3, dir, "none"))), c.answer(r(reply(3, xdr{}.num(2, 0)))),
		c.ask(r(lookupCall(4, dir, "ks"))), c.answer(r(lookupReply(4, ks))),
		// Two READs at once, as a Linux client reads ahead; calls share a segment.
		c.ask(append(r(readCall(5, ks, 0, 32768)), r(readCall(6, ks, 32768, 32768))...)),
		c.answer(r(readReply(5, 70_000, false, file[:32768]))), c.answer(r(readReply(6, 70_000, false, file[32768:65536]))),
		c.ask(r(readCall(7, ks, 65536, 32768))), c.answer(r(readReply(7, 70_000, true, file[65536:]))))
	return frames, file
}

func TestNFS(t *testing.T) {
	frames, file := nfsSession(t)
	tl := decode(t, captures.Options{}, frames...)
	const want = `
5 mount.mnt answered=true state_accept=0 mount.path=/root/inst mount.status=0
12 nfs.lookup answered=true state_accept=0 nfs.name=sub nfs.status=0 nfs.path=/root/inst/sub
14 nfs.lookup answered=true state_accept=0 nfs.name=none nfs.status=2 nfs.path=/root/inst/sub/none
16 nfs.lookup answered=true state_accept=0 nfs.name=ks nfs.status=0 nfs.path=/root/inst/sub/ks
40 nfs.read answered=true state_accept=0 nfs.transfer=0 nfs.path=/root/inst/sub/ks nfs.status=0
68 nfs.done nfs.transfer=0 nfs.path=/root/inst/sub/ks nfs.bytes=70000
`
	wantSaid(t, tl, want)
	x := tl.Transfers[0]
	if x.Protocol != "nfs" || x.Bytes != int64(len(file)) || x.Status != captures.Complete || x.Size != 70_000 || x.BlockSize != 32768 ||
		x.Blocks != 3 || x.Resent != 0 || x.Start.Number != 17 || x.Name != "/root/inst/sub/ks" {
		t.Errorf("%+v", x)
	}

	t.Run("with segments out of order", func(t *testing.T) {
		swapped := slices.Clone(frames)
		for i := 20; i < 60; i += 7 {
			swapped[i], swapped[i+1] = swapped[i+1], swapped[i]
		}
		again := decode(t, captures.Options{}, swapped...)
		if again.Transfers[0].Bytes != 70_000 || again.Transfers[0].Status != captures.Complete {
			t.Errorf("%+v", again.Transfers[0])
		}
	})
	t.Run("with segments twice", func(t *testing.T) {
		var twice [][]byte
		for _, f := range frames {
			twice = append(twice, f, f)
		}
		again := decode(t, captures.Options{}, twice...)
		if x := again.Transfers[0]; x.Bytes != 70_000 || x.Resent != 0 || x.Blocks != 3 {
			t.Errorf("%+v", x)
		}
	})
	t.Run("cut by a snap length", func(t *testing.T) {
		cut := slices.Clone(frames)
		for i, f := range cut {
			cut[i] = f[:min(len(f), 250)]
		}
		again := decode(t, captures.Options{}, cut...)
		wantSaid(t, again, want)
	})
	t.Run("with frames of data lost", func(t *testing.T) {
		var holed [][]byte
		for i, f := range frames {
			if i != 25 && i != 26 && i != 50 {
				holed = append(holed, f)
			}
		}
		again := decode(t, captures.Options{}, holed...)
		if x := again.Transfers[0]; x.Bytes != 70_000 || x.Status != captures.Complete {
			t.Errorf("%+v", x)
		}
	})
	t.Run("from the middle", func(t *testing.T) {
		again := decode(t, captures.Options{}, frames[14:]...)
		wantSaid(t, again, `
2 nfs.lookup answered=true state_accept=0 nfs.name=ks nfs.status=0 nfs.path=?/ks
26 nfs.read answered=true state_accept=0 nfs.transfer=0 nfs.path=?/ks nfs.status=0
54 nfs.done nfs.transfer=0 nfs.path=?/ks nfs.bytes=70000
`)
	})
}

func TestNFSFailures(t *testing.T) {
	root, dir := []byte("root"), []byte("dir.")
	entry := xdr{}.num(1).num64(5).text("ks").num64(1).num(0).num(1).opaque([]byte("kshandle"))
	tl := decode(t, captures.Options{},
		datagram(t, call(1, mountd, 3, 1, xdr{}.text("/")), 2049), answer(t, reply(1, xdr{}.num(0).opaque(root).num(1, 1)), 2049),
		datagram(t, call(2, nfs, 4, 1, nil), 2049), answer(t, refused(2, 2), 2049),
		datagram(t, call(3, nfs, 3, 1, xdr{}.opaque(root)), 2049), answer(t, reply(3, xdr{}.num(70)), 2049),
		datagram(t, call(4, nfs, 3, 17, xdr{}.opaque(root).num64(0).num64(0).num(100, 100)), 2049),
		answer(t, reply(4, append(xdr{}.num(0, 0).num64(0), append(entry, xdr{}.num(0, 1)...)...)), 2049),
		datagram(t, readCall(5, []byte("kshandle"), 0, 100), 2049), answer(t, reply(5, xdr{}.num(13, 0)), 2049),
		datagram(t, readCall(6, []byte("kshandle"), 0, 100), 2049), answer(t, readReply(6, 4, true, []byte("text")), 2049),
		datagram(t, lookupCall(7, dir, "x"), 2049),
		datagram(t, lookupCall(7, dir, "x"), 2049), // the same again
		datagram(t, readCall(8, []byte("else"), 0, 100), 2049),
		datagram(t, call(9, 100227, 3, 0, nil), 2049), answer(t, refused(9, 1), 2049),
		datagram(t, call(10, 100021, 4, 0, nil), 2049), answer(t, reply(10, nil), 2049),
		datagram(t, call(11, 100021, 4, 0, nil), 2049), answer(t, reply(11, nil), 2049),
	)
	wantSaid(t, tl, `
2 mount.mnt answered=true state_accept=0 mount.path=/ mount.status=0
4 nfs.error answered=true state_accept=2
6 nfs.error answered=true state_accept=0 nfs.path=/ nfs.status=70
10 nfs.read answered=true state_accept=0 nfs.transfer=0 nfs.path=/ks nfs.status=13
12 nfs.read answered=true state_accept=0 nfs.transfer=1 nfs.path=/ks nfs.status=0
12 nfs.done nfs.transfer=1 nfs.path=/ks nfs.bytes=4
17 rpc.call answered=true state_accept=1
19 rpc.call answered=true state_accept=0
13 nfs.lookup answered=false nfs.name=x nfs.path=?/x
15 nfs.read answered=false
`)
	if x := tl.Transfers[0]; x.Status != captures.Failed || x.Code != 13 || !x.ByPeer {
		t.Errorf("%+v", x)
	}
}

func TestRPCDenied(t *testing.T) {
	tl := decode(t, captures.Options{}, datagram(t, call(1, mountd, 3, 1, xdr{}.text("/x")), 900),
		answer(t, xdr{}.num(1, 1, 1, 1, 5), 900))
	if e := one(t, tl, captures.MountMnt); e.Int("rpc.replystat") != 1 || e.Int("rpc.state_reject") != 1 {
		t.Errorf("%+v", e)
	}
}

// A record may come in fragments and a segment may end anywhere.
func TestRPCRecordsInPieces(t *testing.T) {
	var stream []byte
	for xid := range uint32(20) {
		m := call(xid, mountd, 3, 1, xdr{}.text(fmt.Sprintf("/export/%d", xid)))
		half := len(m) / 2
		stream = append(append(stream, xdr{}.num(uint32(half))...), m[:half]...)
		stream = append(append(stream, xdr{}.num(1<<31|uint32(len(m)-half))...), m[half:]...)
	}
	for _, size := range []int{1, 3, 7, 100, 1448} {
		c := newConn(t, 800, 20048)
		frames := c.open()
		// The first call whole, so that the protocol can be told.
		first := marked(call(100, mountd, 3, 0, nil))
		frames = append(frames, c.ask(first)...)
		for rest := stream; len(rest) > 0; {
			n := min(size, len(rest))
			frames = append(frames, c.ask(rest[:n])...)
			rest = rest[n:]
		}
		for xid := range uint32(20) {
			frames = append(frames, c.answer(marked(reply(xid, xdr{}.num(13))))...)
		}
		tl := decode(t, captures.Options{}, frames...)
		var paths []string
		for _, e := range of(tl, captures.MountMnt) {
			paths = append(paths, e.Text("mount.path"))
		}
		if len(paths) != 20 || paths[0] != "/export/0" || paths[19] != "/export/19" {
			t.Errorf("segments of %d bytes: %q", size, paths)
		}
	}
}
