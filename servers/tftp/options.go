package tftp

import (
	"io/fs"
	"strconv"
	"strings"
	"time"
)

// Defaults of a transfer without options (RFC 1350, RFC 7440).
const (
	defaultBlockSize  = 512
	minBlockSize      = 8 // RFC 2348
	defaultWindowSize = 1
)

// terms are what client and server have agreed on.
type terms struct {
	blockSize  int
	windowSize int
	// timeout is how long to wait for an answer before sending again; 0 leaves
	// it to the timer.
	timeout time.Duration
	// rollover is the number of the block after 65535.
	rollover uint16
	// ack is what the OACK says, nil if no OACK is sent.
	ack []Option
}

// negotiate reads a request's options (RFC 2347). As in.tftpd does, it passes
// over those that it does not know and those whose value is no number, and
// refuses the whole request for a value that is out of range.
func (c *Config) negotiate(r *request, info fs.FileInfo) (terms, *Error) {
	t := terms{blockSize: defaultBlockSize, windowSize: defaultWindowSize, rollover: c.Rollover}
	for _, o := range r.options {
		name := strings.ToLower(o.Name)
		value, err := strconv.ParseUint(o.Value, 10, 64)
		if err != nil || c.refuses(name) {
			continue
		}
		bad := false
		switch name {
		case "blksize":
			bad = value < minBlockSize
			t.blockSize = int(min(value, uint64(c.blockSizeMax())))
			value = uint64(t.blockSize)
		case "blksize2": // tftpd-hpa's own: a power of two
			bad = value < minBlockSize
			t.blockSize = powerOfTwo(min(value, uint64(c.blockSizeMax())))
			value = uint64(t.blockSize)
		case "tsize":
			// The size after conversion is not known before it is done.
			bad = r.mode == "netascii"
			if value = uint64(info.Size()); value == 0 && !c.TellEmpty {
				continue
			}
		case "timeout":
			bad = value < 1 || value > 255
			t.timeout = time.Duration(value) * time.Second
		case "utimeout": // tftpd-hpa's own: in microseconds
			bad = value < 10_000 || value > 255_000_000
			t.timeout = time.Duration(value) * time.Microsecond
		case "rollover": // tftpd-hpa's own
			bad = value > 65535
			t.rollover = uint16(value)
		case "windowsize":
			bad = value < 1 || value > MaxWindowSize
			t.windowSize = int(min(value, uint64(c.windowSizeMax())))
			value = uint64(t.windowSize)
		default:
			continue
		}
		if bad {
			return t, &Error{OptionsRefused, "Unsupported option(s) requested"}
		}
		// The name goes back as the client wrote it.
		t.ack = append(t.ack, Option{o.Name, strconv.FormatUint(value, 10)})
	}
	return t, nil
}

// powerOfTwo is the largest that is not above n.
func powerOfTwo(n uint64) int {
	p := 1
	for uint64(p)*2 <= n {
		p *= 2
	}
	return p
}

func (c *Config) refuses(option string) bool {
	for _, name := range c.Refuse {
		if strings.EqualFold(name, option) {
			return true
		}
	}
	return false
}

func (c *Config) blockSizeMax() int {
	if c.BlockSizeMax == 0 {
		return MaxBlockSize
	}
	return c.BlockSizeMax
}

func (c *Config) windowSizeMax() int {
	if c.WindowSizeMax == 0 {
		return DefaultWindowSizeMax
	}
	return c.WindowSizeMax
}
