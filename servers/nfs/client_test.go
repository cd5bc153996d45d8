package nfs_test

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"path"
	"strings"
	"testing"

	"github.com/pxeproof/pxeproof/servers/rpc"
)

const (
	programNFS   = 100003
	programMount = 100005
)

// A client speaks raw RPC over one connection.
type client struct {
	t    testing.TB
	conn net.Conn
	in   *bufio.Reader
	xid  uint32
	cred []byte // of each call, with its flavor; AUTH_NONE if nil
}

func newClient(t testing.TB, c net.Conn) *client {
	t.Cleanup(func() { c.Close() })
	return &client{t: t, conn: c, in: bufio.NewReaderSize(c, 1<<16), cred: authSys(0, 0)}
}

// authSys is an AUTH_SYS credential.
func authSys(uid, gid uint32, gids ...uint32) []byte {
	body := u32(nil, 0)
	body = rpc.AppendOpaque(body, "client")
	body = u32(body, uid, gid, uint32(len(gids)))
	body = u32(body, gids...)
	return rpc.AppendOpaque(u32(nil, rpc.AuthSys), body)
}

func u32(b []byte, vs ...uint32) []byte {
	for _, v := range vs {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	return b
}

func u64(b []byte, v uint64) []byte { return binary.BigEndian.AppendUint64(b, v) }

// message is a call with its record mark.
func (c *client) message(program, version, proc uint32, args []byte) []byte {
	c.xid++
	b := u32(make([]byte, rpc.MarkSize), c.xid, 0, 2, program, version, proc)
	if c.cred == nil {
		b = u32(b, 0, 0)
	}
	b = append(b, c.cred...)
	b = u32(b, 0, 0)
	b = append(b, args...)
	rpc.PutMark(b)
	return b
}

// reply reads a reply and gives what stands behind its xid.
func (c *client) reply(buf []byte) (uint32, []byte, error) {
	b, err := rpc.ReadRecord(c.in, buf[:0], 4<<20)
	if err != nil {
		return 0, nil, err
	}
	if len(b) < 12 {
		return 0, nil, io.ErrUnexpectedEOF
	}
	return binary.BigEndian.Uint32(b), b[4:], nil
}

// raw makes a call and gives the reply from msg_type on.
func (c *client) raw(program, version, proc uint32, args []byte) []byte {
	c.t.Helper()
	if _, err := c.conn.Write(c.message(program, version, proc, args)); err != nil {
		c.t.Fatal(err)
	}
	xid, b, err := c.reply(nil)
	if err != nil || xid != c.xid {
		c.t.Fatalf("reply %d to call %d: %v", xid, c.xid, err)
	}
	return b
}

// call makes a call of version 3 that RPC must accept, and gives its results.
func (c *client) call(program, proc uint32, args []byte) *rpc.Decoder {
	c.t.Helper()
	d := rpc.NewDecoder(c.raw(program, 3, proc, args))
	if kind, stat := d.Uint32(), d.Uint32(); kind != 1 || stat != 0 {
		c.t.Fatalf("reply of kind %d, status %d", kind, stat)
	}
	d.Uint32()
	d.Opaque(400)
	if s := d.Uint32(); s != 0 {
		c.t.Fatalf("procedure %d of %d: RPC status %d", proc, program, s)
	}
	return d
}

// mount asks for an export's handle.
func (c *client) mount(dir string) (handle []byte, status uint32) {
	c.t.Helper()
	d := c.call(programMount, 1, rpc.AppendOpaque(nil, dir))
	status = d.Uint32()
	return d.Opaque(64), status
}

// fattr is an fattr3.
type fattr struct {
	Type, Mode, Nlink, UID, GID uint32
	Size, Used                  uint64
	Rdev                        [2]uint32
	FSID, Fileid                uint64
	Atime, Mtime, Ctime         uint64
}

func readAttr(d *rpc.Decoder) fattr {
	return fattr{
		d.Uint32(), d.Uint32(), d.Uint32(), d.Uint32(), d.Uint32(), d.Uint64(), d.Uint64(),
		[2]uint32{d.Uint32(), d.Uint32()}, d.Uint64(), d.Uint64(), d.Uint64(), d.Uint64(), d.Uint64(),
	}
}

// postAttr reads a post_op_attr.
func postAttr(d *rpc.Decoder) *fattr {
	if !d.Bool() {
		return nil
	}
	a := readAttr(d)
	return &a
}

func dirop(handle []byte, name string) []byte {
	return rpc.AppendOpaque(rpc.AppendOpaque(nil, handle), name)
}

// lookup walks to a path below a handle.
func (c *client) lookup(handle []byte, name string) ([]byte, uint32) {
	c.t.Helper()
	for n := range strings.SplitSeq(name, "/") {
		d := c.call(programNFS, 3, dirop(handle, n))
		if s := d.Uint32(); s != 0 {
			return nil, s
		}
		handle = d.Opaque(64)
	}
	return handle, 0
}

// find mounts and looks up a path of the server, whose folder is exported.
func (c *client) find(name string) []byte {
	c.t.Helper()
	h, status := c.mount(path.Dir(name))
	if status != 0 {
		c.t.Fatalf("mounting %s: status %d", path.Dir(name), status)
	}
	if h, status = c.lookup(h, path.Base(name)); status != 0 {
		c.t.Fatalf("looking up %s: status %d", name, status)
	}
	return h
}

// readAll reads a file as a kernel does: size bytes a READ, several of them
// under way at once, one behind the other. It gives the file's length.
func (c *client) readAll(handle []byte, size uint32, ahead int) (int64, error) {
	var next uint64
	send := func() error {
		args := u32(u64(rpc.AppendOpaque(nil, handle), next), size)
		next += uint64(size)
		_, err := c.conn.Write(c.message(programNFS, 3, 6, args))
		return err
	}
	for range ahead {
		if err := send(); err != nil {
			return 0, err
		}
	}
	var total int64
	buf := make([]byte, 0, size+1024)
	for eof, waiting := false, ahead; waiting > 0; waiting-- {
		_, b, err := c.reply(buf)
		if err != nil {
			return 0, err
		}
		d := rpc.NewDecoder(b)
		d.Fixed(20)
		if s := d.Uint32(); s != 0 || d.Err() != nil {
			return 0, fmt.Errorf("READ: status %d", s)
		}
		postAttr(d)
		n := d.Uint32()
		eof = d.Bool() || eof
		if len(d.Opaque(1<<20)) != int(n) {
			return 0, fmt.Errorf("READ: %d bytes announced, others sent", n)
		}
		total += int64(n)
		if !eof {
			if err := send(); err != nil {
				return 0, err
			}
			waiting++
		}
	}
	return total, nil
}

func handleArg(h []byte) []byte { return rpc.AppendOpaque(nil, h) }
