package verdict

import (
	"fmt"
	"strconv"
	"strings"
)

// ipxeError reads the number of an error URL that a console line holds
// (http://ipxe.org/2d03e13b), and says what is in it. iPXE composes it of a
// POSIX error (bits 24 to 30), the source file (13 to 23) and which of its
// errors (8 to 12); bits 0 to 7 are the platform's own code.
func ipxeError(line string) (words string, ok bool) {
	_, rest, found := strings.Cut(line, "ipxe.org/")
	if !found {
		return "", false
	}
	end := 0
	for end < len(rest) && strings.IndexByte("0123456789abcdef", rest[end]) >= 0 {
		end++
	}
	n, err := strconv.ParseUint(rest[:end], 16, 32)
	if end != 8 || err != nil {
		return "", false
	}
	if w, known := ipxeErrors[uint32(n)&^0xff]; known {
		return w, true
	}
	what, where := ipxePOSIX[byte(n>>24)&0x7f], ipxeFiles[uint32(n)&0xffe000]
	switch {
	case what == "":
		return "", false
	case where == "":
		return what, true
	}
	return fmt.Sprintf("%s, said by its %s", what, where), true
}

// ipxeErrors are errors whose number says more than its parts.
var ipxeErrors = map[uint32]string{
	0x2d03e100: "DHCP named no boot file, or a file and no server to take it from",
	0x040ee100: "neither DHCP nor IPv6 configuration gave an address",
	0x2d126000: "the TFTP server has no such file",
	0x2d126100: "the TFTP server has no such file",
	0x2d0c6100: "the HTTP server has no such file (404)",
	0x410c6100: "the HTTP server forbids it (403)",
	0x020c6100: "the HTTP server wants a password (401)",
	0x38086100: "the link is down",
}

// ipxePOSIX are the errors of its errno.h that a network boot meets.
var ipxePOSIX = map[byte]string{
	0x02: "permission denied", 0x03: "address in use", 0x04: "address not available",
	0x06: "resource temporarily unavailable", 0x0b: "cancelled", 0x0d: "connection aborted",
	0x0e: "connection refused", 0x0f: "connection reset", 0x16: "file too large",
	0x17: "host unreachable", 0x1a: "still in progress", 0x1c: "invalid argument",
	0x1d: "input/output error", 0x23: "message too long", 0x26: "network down",
	0x28: "network unreachable", 0x2a: "no buffer space", 0x2c: "no such device",
	0x2d: "no such file", 0x2e: "not a format that it can execute", 0x31: "not enough memory",
	0x34: "no space", 0x37: "not implemented", 0x38: "not connected",
	0x3c: "not supported", 0x3e: "no such device or address", 0x3f: "operation not supported",
	0x41: "not permitted", 0x43: "protocol error", 0x44: "protocol not supported",
	0x46: "out of range", 0x4b: "timer expired", 0x4c: "timed out", 0x7f: "an error of the platform",
}

// ipxeFiles are the parts of its source that a network boot meets.
var ipxeFiles = map[uint32]string{
	0x012000: "downloader", 0x092000: "URI opener", 0x0b2000: "name resolver",
	0x016000: "ARP", 0x056000: "IPv4", 0x066000: "IPv6", 0x076000: "neighbour discovery",
	0x086000: "network device layer", 0x0a6000: "TCP", 0x0c6000: "HTTP", 0x0e6000: "IP",
	0x0f6000: "UDP", 0x106000: "DHCP client", 0x116000: "DNS client", 0x126000: "TFTP client",
	0x326000: "portmap client", 0x336000: "NFS client", 0x346000: "NFS client", 0x356000: "MOUNT client",
	0x376000: "neighbour cache", 0x3b6000: "DHCPv6 client", 0x416000: "HTTP connection",
	0x008000: "image layer", 0x028000: "script interpreter", 0x048000: "EFI image loader", 0x0e8000: "kernel image loader",
	0x03e000: "boot menu and autoboot", 0x04e000: "DHCP control", 0x05e000: "image control",
	0x0de000: "TLS", 0x0ee000: "interface control", 0x16e000: "certificates", 0x2ee000: "certificate validation",
}
