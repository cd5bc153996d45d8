package tftp

import (
	"net/netip"
	"path"
	"slices"
)

// Faults is what is wrong with transfers on purpose. Its zero value is nothing.
// Blocks are counted from 1 and on past 65535.
type Faults struct {
	// Files is a pattern, as of [path.Match], that a file's name must match,
	// without a leading slash. Empty is every file.
	Files string

	// StallAfter lets nothing out after this block.
	StallAfter int64
	// TruncateAt ends the file after so many bytes. The size that is told to
	// the client (tsize) stays the whole one.
	TruncateAt int64
	// CorruptBlock changes the first byte of this block.
	CorruptBlock int64
	// RepeatBlock sends this block twice.
	RepeatBlock int64
	// DropEvery loses every so many'th DATA packet.
	DropEvery int64
	// WrongPortAt sends the blocks from this one on from another port: a wrong
	// transfer identifier.
	WrongPortAt int64
	// WrongAddress is the address that the answers come from, in place of the
	// one that was asked.
	WrongAddress netip.Addr
	// ErrorAt sends Error in place of this block.
	ErrorAt int64
	Error   Error
	// IgnoreOptions answers as a server that knows no options, and ExtraOptions
	// puts some into the OACK that nobody asked for.
	IgnoreOptions bool
	ExtraOptions  []Option
}

// faultsOf finds the first of the server's faults that concerns a file, nil if
// none does.
func (c *Config) faultsOf(name string) *faults {
	for _, f := range c.Faults {
		if ok, err := path.Match(f.Files, trimSlashes(name)); f.Files == "" || ok && err == nil {
			return &faults{Faults: f}
		}
	}
	return nil
}

func trimSlashes(s string) string {
	for s != "" && s[0] == '/' {
		s = s[1:]
	}
	return s
}

// faults are those of one transfer. A nil one is healthy.
type faults struct {
	Faults
	sent  int64   // DATA packets, for DropEvery
	wrong *socket // for WrongPortAt
}

// options spoils what was negotiated.
func (f *faults) options(t terms) terms {
	if f == nil {
		return t
	}
	if f.IgnoreOptions {
		t = terms{blockSize: defaultBlockSize, windowSize: defaultWindowSize, rollover: t.rollover}
	}
	t.ack = append(slices.Clone(t.ack), f.ExtraOptions...)
	return t
}

func (f *faults) truncate(s *octets) source {
	if f != nil && f.TruncateAt > 0 {
		s.size = min(s.size, f.TruncateAt)
	}
	return s
}

// send sends blocks one by one, each with its fault.
func (f *faults) send(t *transfer, low, high int64) error {
	for n := low; n < high; n++ {
		if f.StallAfter > 0 && n > f.StallAfter {
			return nil
		}
		if n == f.ErrorAt {
			if err := t.sock.send(f.Error.packet()); err != nil {
				return err
			}
			return &f.Error
		}
		times := 1
		if n == f.RepeatBlock {
			times = 2
		}
		for range times {
			if err := f.sendOne(t, n); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *faults) sendOne(t *transfer, n int64) error {
	if f.sent++; f.DropEvery > 0 && f.sent%f.DropEvery == 0 {
		return nil
	}
	sock := t.sock
	if f.WrongPortAt > 0 && n >= f.WrongPortAt {
		sock = f.wrong
	}
	data := t.blocks.data(n)
	if n == f.CorruptBlock && len(data) > 0 {
		data = slices.Clone(data)
		data[0] ^= 0xff
	}
	sock.set(0, wire(n, t.terms.rollover), data)
	return sock.flush(1)
}
