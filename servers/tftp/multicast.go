package tftp

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Limits of a multicast transfer.
const (
	maxGroups  = 256
	maxMembers = 4096
	// masterPatience is how often a master client may miss its turn: the next
	// one is made master then.
	masterPatience = 5
	// maxMulticastBlock is the last block that a client can tell from an older
	// one when it is asked, in the middle, what it has.
	maxMulticastBlock = 65535
)

// A groupKey says which requests can be answered together: the same bytes, cut
// the same way.
type groupKey struct {
	device, inode uint64
	size, changed int64
	blockSize     int
}

// A group sends one file to many clients at once (RFC 2090). One of them, the
// master, acknowledges. When it has everything, the next one does, from where
// it misses something, until all have.
type group struct {
	desk   *desk
	key    groupKey
	to     netip.AddrPort // where the data goes
	conn   *net.UDPConn
	file   *os.File
	last   int64 // number of the last block
	joins  chan *member
	wanted chan struct{} // closed when it takes nobody any more

	members []*member // the first is the master
	data    []byte    // the packet under way
	timer   timer
	tries   int
	sentAt  time.Time
}

// A member is a client of a group.
type member struct {
	Transfer
	began time.Time
	terms terms
	// chosen is set from when it was told that it is the master until it says
	// from where.
	chosen  bool
	passive bool  // was no master at first
	spoke   bool  // has acknowledged something
	acked   int64 // as the master
}

// multicast says whether a request is to be answered by multicast.
func (c *Config) multicast(r *request, t *transfer) bool {
	if !c.Multicast.Addr().IsMulticast() || r.mode != "octet" || t.faults != nil || c.refuses("multicast") {
		return false
	}
	for _, o := range r.options {
		if strings.EqualFold(o.Name, "multicast") {
			return t.Client.Addr().Is4()
		}
	}
	return false
}

func keyOf(f *os.File, blockSize int) (groupKey, error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return groupKey{}, err
	}
	return groupKey{uint64(st.Dev), st.Ino, st.Size, st.Mtim.Nano(), blockSize}, nil
}

// join has a client be served with others, and starts a group if there is none.
// It takes the file over if it returns nil.
func (d *desk) join(ctx context.Context, t *transfer, local netip.Addr) error {
	if d.mtftp != nil {
		t.terms = terms{blockSize: defaultBlockSize} // it knows no options
		t.BlockSize = defaultBlockSize
	}
	if t.size/int64(t.terms.blockSize) >= maxMulticastBlock {
		return fmt.Errorf("%d bytes are more than %d blocks", t.size, maxMulticastBlock)
	}
	key, err := keyOf(t.file, t.terms.blockSize)
	if err != nil {
		return err
	}
	m := &member{Transfer: t.Transfer, began: time.Now(), terms: t.terms}
	// A window is between two.
	m.WindowSize = 1
	m.terms.ack = slices.DeleteFunc(slices.Clone(t.terms.ack), func(o Option) bool { return strings.EqualFold(o.Name, windowSize) })
	if g := d.groups[key]; g != nil {
		select {
		case g.joins <- m:
			t.file.Close()
			return nil
		case <-g.wanted:
		}
	}
	if len(d.groups) >= maxGroups {
		d.forget()
	}
	if len(d.groups) >= maxGroups {
		return errors.New("too many multicast groups")
	}
	g, err := d.newGroup(ctx, t, key, local)
	if err != nil {
		return err
	}
	d.groups[key] = g
	d.wg.Go(func() {
		defer g.close()
		g.run(ctx, m)
	})
	return nil
}

// forget drops the groups that have ended.
func (d *desk) forget() {
	for key, g := range d.groups {
		select {
		case <-g.wanted:
			delete(d.groups, key)
		default:
		}
	}
}

func (d *desk) newGroup(ctx context.Context, t *transfer, key groupKey, local netip.Addr) (*group, error) {
	at := local
	if !at.IsValid() {
		at = d.server.on.Addr().Addr()
	}
	c, err := d.server.on.ListenPacket(ctx, "udp4", netip.AddrPortFrom(at, 0).String())
	if err != nil {
		return nil, err
	}
	conn := c.(*net.UDPConn)
	if err := sendFrom(conn, at); err != nil {
		conn.Close()
		return nil, err
	}
	to := d.server.config.Multicast
	if d.mtftp != nil {
		to = d.mtftp.Group
	} else {
		to = netip.AddrPortFrom(nthAfter(to.Addr(), d.nextGroup), to.Port())
		d.nextGroup++
	}
	return &group{
		desk: d, key: key, conn: conn, file: t.file, to: to,
		last: t.size/int64(t.terms.blockSize) + 1, joins: make(chan *member), wanted: make(chan struct{}),
		data: make([]byte, 4+t.terms.blockSize),
	}, nil
}

// sendFrom has multicasts leave by the interface that has an address, and not
// the segment: a time to live of 1.
func sendFrom(conn *net.UDPConn, at netip.Addr) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	ctlErr := raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_MULTICAST_TTL, 1)
		if err == nil {
			err = unix.SetsockoptInet4Addr(int(fd), unix.IPPROTO_IP, unix.IP_MULTICAST_IF, at.As4())
		}
	})
	return errors.Join(err, ctlErr)
}

// nthAfter is an address n after a, among the 256 that differ in the last byte.
func nthAfter(a netip.Addr, n int) netip.Addr {
	b := a.AsSlice()
	b[len(b)-1] += byte(n)
	next, _ := netip.AddrFromSlice(b)
	return next
}

// A heard packet came to a group's socket.
type heard struct {
	from netip.AddrPort
	b    []byte
}

// listen passes on what comes until the socket is closed.
func (g *group) listen(to chan<- heard, stop <-chan struct{}) {
	defer close(to)
	b := make([]byte, 1024)
	for {
		n, from, err := g.conn.ReadFromUDPAddrPort(b)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // a client's closed port
		}
		select {
		case to <- heard{netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), append([]byte(nil), b[:n]...)}:
		case <-stop:
			return
		}
	}
}

// run is the whole life of a group.
func (g *group) run(ctx context.Context, first *member) {
	packets, stop := make(chan heard), make(chan struct{})
	g.desk.wg.Go(func() { g.listen(packets, stop) })
	defer close(stop)
	defer g.conn.Close()
	g.add(first)
	alarm := time.NewTimer(g.timer.wait())
	defer alarm.Stop()
	for len(g.members) > 0 {
		var err error
		select {
		case <-ctx.Done():
			for len(g.members) > 0 {
				g.drop(0, fmt.Errorf("the server stops: %w", net.ErrClosed))
			}
			return
		case m := <-g.joins:
			g.add(m)
			continue // and the alarm runs on
		case p := <-packets:
			if !g.hear(p) {
				continue
			}
			if g.tries == 0 {
				g.timer.sample(time.Since(g.sentAt))
			}
			g.tries = 0
			g.timer.answered()
			err = g.next()
		case <-alarm.C:
			g.timer.expired()
			if g.tries++; g.tries > masterPatience {
				g.drop(0, ErrSilent)
				g.tries = 0
			}
			if len(g.members) > 0 {
				err = g.next()
			}
		}
		if err != nil {
			for len(g.members) > 0 {
				g.tell(g.members[0], &Error{NotDefined, "Error reading the file"})
				g.drop(0, err)
			}
		}
		alarm.Reset(g.timer.wait())
	}
}

// close has no client come any more, and answers those that are just coming.
func (g *group) close() {
	close(g.wanted)
	g.file.Close()
}

// add takes a client in, or answers one that asks again.
func (g *group) add(m *member) {
	for _, old := range g.members {
		if old.Client == m.Client {
			g.oack(old)
			return
		}
	}
	if g.desk.mtftp != nil {
		g.open(m)
		return
	}
	if len(g.members) >= maxMembers {
		g.tell(m, &Error{NotDefined, "Too many clients"})
		return
	}
	g.members = append(g.members, m)
	m.chosen = len(g.members) == 1
	m.passive = !m.chosen
	g.sentAt, g.timer.fixed = time.Now(), g.members[0].terms.timeout
	g.oack(m)
}

// oack answers a client's request.
func (g *group) oack(m *member) {
	g.send(appendOptions([]byte{0, opOACK}, append(slices.Clone(m.terms.ack), g.option(m))), m.Client)
}

// option tells the group's address, and whether the client is the master. The
// address may be left empty for one that knows it (RFC 2090), but atftp gives up
// then.
func (g *group) option(m *member) Option {
	master := 0
	if m == g.members[0] {
		master = 1
	}
	return Option{"multicast", fmt.Sprintf("%v,%d,%d", g.to.Addr(), g.to.Port(), master)}
}

// next asks the master for what it misses, or sends the block after that.
func (g *group) next() error {
	m := g.members[0]
	g.sentAt, g.timer.fixed = time.Now(), m.terms.timeout
	if m.chosen {
		if m.passive {
			g.send(appendOptions([]byte{0, opOACK}, []Option{g.option(m)}), m.Client)
		} else {
			g.oack(m)
		}
		return nil
	}
	n := m.acked + 1
	size := int64(len(g.data) - 4)
	got, err := g.file.ReadAt(g.data[4:4+min(size, g.key.size-(n-1)*size)], (n-1)*size)
	if err != nil && int64(got) < min(size, g.key.size-(n-1)*size) {
		return fmt.Errorf("reading the file: %w", err)
	}
	binary.BigEndian.PutUint16(g.data, opDATA)
	binary.BigEndian.PutUint16(g.data[2:], uint16(n))
	g.send(g.data[:4+got], g.to)
	if g.desk.mtftp != nil && !m.spoke {
		g.send(g.data[:4+got], m.Client)
	}
	m.Sent++
	return nil
}

// hear understands one packet. It says whether something is to be sent now.
func (g *group) hear(p heard) bool {
	i := 0
	for i < len(g.members) && g.members[i].Client != p.from {
		i++
	}
	if i == len(g.members) || len(p.b) < 4 {
		return false
	}
	m := g.members[i]
	switch binary.BigEndian.Uint16(p.b) {
	case opERROR:
		text, _, _ := cutString(p.b[4:])
		g.drop(i, fmt.Errorf("%w: error %d %.100q", ErrAborted, binary.BigEndian.Uint16(p.b[2:]), text))
		return i == 0 && len(g.members) > 0
	case opACK:
		return i == 0 && g.acknowledged(m, int64(binary.BigEndian.Uint16(p.b[2:])))
	}
	return false
}

// acknowledged is the master saying that it has all blocks up to n. The same
// again says nothing: the answer would double from here on.
func (g *group) acknowledged(m *member, n int64) bool {
	if n > g.last || !m.chosen && n <= m.acked {
		return false
	}
	m.chosen, m.spoke, m.acked = false, true, n
	if n == g.last {
		m.Bytes = g.key.size
		g.drop(0, nil)
		return len(g.members) > 0
	}
	return true
}

// drop ends a client's part. If it was the master, the next one is.
func (g *group) drop(i int, err error) {
	m := g.members[i]
	g.members = append(g.members[:i], g.members[i+1:]...)
	if i == 0 && len(g.members) > 0 {
		g.members[0].chosen = true
	}
	m.Err, m.Took = err, time.Since(m.began)
	g.desk.server.report(&m.Transfer)
}

func (g *group) tell(m *member, e *Error) { g.send(e.packet(), m.Client) }

// send sends a packet. One that does not leave is lost, as others are.
func (g *group) send(packet []byte, to netip.AddrPort) {
	if _, err := g.conn.WriteToUDPAddrPort(packet, to); err != nil {
		g.desk.server.logf("multicast: %v", err)
	}
}
