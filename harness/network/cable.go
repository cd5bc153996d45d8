package network

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/pxeproof/pxeproof/harness/link"
)

// maxFrame is more than any frame: QEMU's own limit for a packet is 64 KiB and
// a header.
const maxFrame = 68 << 10

// A Cable leads from a machine to the segment, by a tap or by a relay. One that
// is loose is not plugged in yet: nothing reaches the machine, not even what
// the hosts' kernels say of themselves, and what it sends is seen by Next
// alone.
//
// QEMU has a copy of its end, so that another can be started when one has
// failed. Release lets ours go: from then on the cable ends with QEMU.
type Cable struct {
	// Relay carries the frames of a cable that is no tap, while it runs. It is
	// to be run once the cable is plugged in. Nil: a tap needs nobody to.
	Relay *link.Relay

	net   *Network
	name  string
	end   *os.File // QEMU's
	loose bool
	heard *os.File // of a loose cable: where what the machine sends can be read
	apart *os.File // a namespace: of a loose tap, or the relay's end
}

// AddCable makes a tap whose port on the segment is called name. The error is
// ErrNoTun where there can be none; AddRelayed needs none.
func (n *Network) AddCable(name string, loose bool) (*Cable, error) {
	c := &Cable{net: n, name: name, loose: loose}
	if !loose {
		var err error
		c.end, err = n.AddTap(name)
		return c, err
	}
	// A namespace of its own: no bridge to be a port of, and no recorder.
	ns, err := newNamespace()
	if err != nil {
		return nil, fmt.Errorf("tap %s: %w", name, err)
	}
	c.apart = ns
	err = c.beside(func() error {
		if c.end, err = openTap(name); err != nil {
			return err
		}
		fd, err := openPort(name)
		if err == nil {
			c.heard = os.NewFile(uintptr(fd), name)
		}
		return err
	})
	if err != nil {
		c.Release()
		return nil, err
	}
	return c, nil
}

// beside calls f inside the namespace that is the cable's own.
func (c *Cable) beside(f func() error) error {
	return (&Host{config: HostConfig{Name: c.name}, ns: c.apart}).Do(f)
}

// Name is the name of its port on the segment.
func (c *Cable) Name() string { return c.name }

// End is a copy of QEMU's end, and whether it is a stream.
func (c *Cable) End() (f *os.File, stream bool, err error) {
	fd, err := unix.FcntlInt(c.end.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, false, fmt.Errorf("cable %s: %w", c.name, err)
	}
	return os.NewFile(uintptr(fd), c.end.Name()), c.Relay != nil, nil
}

// Next waits for the next frame that the machine sends into a loose cable.
func (c *Cable) Next(ctx context.Context) ([]byte, error) {
	_ = c.heard.SetReadDeadline(time.Time{}) // an earlier ctx may have ended
	stop := context.AfterFunc(ctx, func() { _ = c.heard.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	frame, err := c.next()
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	return frame, err
}

func (c *Cable) next() ([]byte, error) {
	if c.Relay == nil {
		b := make([]byte, maxFrame)
		n, err := c.heard.Read(b)
		if err == io.EOF {
			err = nil // a frame without a byte
		}
		return b[:n:n], err
	}
	// No byte more than the frame: the relay reads on where this ends.
	var head [4]byte
	if _, err := io.ReadFull(c.heard, head[:]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(head[:])
	if size > maxFrame {
		return nil, fmt.Errorf("cable %s: QEMU announces a frame of %d bytes", c.name, size)
	}
	b := make([]byte, size)
	_, err := io.ReadFull(c.heard, b)
	return b, err
}

// Pending says whether Next would find a frame at once.
func (c *Cable) Pending() bool {
	raw, err := c.heard.SyscallConn()
	if err != nil {
		return false
	}
	waiting := 0
	// TIOCINQ is FIONREAD: the bytes that can be read.
	err = raw.Control(func(fd uintptr) { waiting, _ = unix.IoctlGetInt(int(fd), unix.TIOCINQ) })
	return err == nil && waiting > 0
}

// Plug plugs a loose cable in.
func (c *Cable) Plug() error {
	if !c.loose {
		return nil
	}
	c.loose = false
	c.heard.Close()
	c.heard = nil
	if c.Relay != nil {
		if err := c.plugRelayed(); err != nil {
			return fmt.Errorf("port %s: %w", c.name, err)
		}
		return nil
	}
	home, err := os.Open("/proc/thread-self/ns/net")
	if err == nil {
		defer home.Close()
		err = c.beside(func() error {
			link, err := netlink.LinkByName(c.name)
			if err == nil {
				err = netlink.LinkSetNsFd(link, int(home.Fd()))
			}
			return err
		})
	}
	if err == nil {
		err = c.net.attach(c.name)
	}
	if err != nil {
		return fmt.Errorf("tap %s: plugging it in: %w", c.name, err)
	}
	return nil
}

// Send sends a frame as if the machine had sent it, by its own end of the cable.
// The machine must be stopped, and the cable not yet released.
func (c *Cable) Send(frame []byte) error {
	b := frame
	if c.Relay != nil {
		b = append(binary.BigEndian.AppendUint32(nil, uint32(len(frame))), frame...)
	}
	if _, err := c.end.Write(b); err != nil {
		return fmt.Errorf("cable %s: %w", c.name, err)
	}
	return nil
}

// Carried is how many frames have come from the machine's side, those of Send
// included, since the cable was plugged in.
func (c *Cable) Carried() (uint64, error) {
	l, err := netlink.LinkByName(c.name)
	if err != nil {
		return 0, fmt.Errorf("cable %s: %w", c.name, err)
	}
	return l.Attrs().Statistics.RxPackets, nil
}

// Release lets our copy of QEMU's end go. It may be called twice.
func (c *Cable) Release() {
	for _, f := range []**os.File{&c.end, &c.heard, &c.apart} {
		if *f != nil {
			(*f).Close()
			*f = nil
		}
	}
}
