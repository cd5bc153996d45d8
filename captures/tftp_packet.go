package captures

import (
	"bytes"
	"strconv"
	"strings"
)

// TFTP's packets: RFC 1350, options by RFC 2347, 2348 (blksize), 2349
// (timeout, tsize), 2090 (multicast) and 7440 (windowsize).
const (
	tftpRRQ   = 1
	tftpWRQ   = 2
	tftpDATA  = 3
	tftpACK   = 4
	tftpERROR = 5
	tftpOACK  = 6

	tftpPort         = 69
	tftpDefaultBlock = 512
	tftpUnknownTID   = 5 // an error code
)

// tftpOpcode is 0 for what cannot be TFTP.
func tftpOpcode(b []byte) int {
	if len(b) < 4 || b[0] != 0 || b[1] > tftpOACK {
		return 0
	}
	return int(b[1])
}

func tftpBlock(b []byte) uint16 { return uint16(b[2])<<8 | uint16(b[3]) }

// tftpOptions are the options of a request or an OACK; numbers are -1 if they
// are not there or are none.
type tftpOptions struct {
	blksize, tsize, timeout, windowsize int64
	multicast                           string
	hasMulticast                        bool
}

// cutString takes a NUL-terminated string off b. A last one without its NUL
// is taken as it is: real clients send such.
func cutString(b []byte) (s string, rest []byte, ok bool) {
	if len(b) == 0 {
		return "", nil, false
	}
	head, rest, _ := bytes.Cut(b, []byte{0})
	return string(head), rest, true
}

func readTFTPOptions(b []byte) tftpOptions {
	o := tftpOptions{blksize: -1, tsize: -1, timeout: -1, windowsize: -1}
	for range 16 { // more are nonsense
		name, rest, ok := cutString(b)
		if !ok {
			break
		}
		value, rest, _ := cutString(rest)
		b = rest
		number := func(v *int64) {
			if n, err := strconv.ParseInt(value, 10, 64); err == nil && n >= 0 && *v < 0 {
				*v = n
			}
		}
		switch strings.ToLower(name) {
		case "blksize":
			number(&o.blksize)
		case "tsize":
			number(&o.tsize)
		case "timeout":
			number(&o.timeout)
		case "windowsize":
			number(&o.windowsize)
		case "multicast":
			o.multicast, o.hasMulticast = clip(value, maxFileName), true
		}
	}
	return o
}

func (o tftpOptions) fields(f []Field) []Field {
	number := func(name string, v int64) {
		if v >= 0 {
			f = append(f, Field{"tftp.option." + name, v})
		}
	}
	number("blksize", o.blksize)
	number("tsize", o.tsize)
	number("timeout", o.timeout)
	number("windowsize", o.windowsize)
	if o.hasMulticast {
		f = append(f, Field{"tftp.option.multicast", o.multicast})
	}
	return f
}
