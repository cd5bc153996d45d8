package pxelinux

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// maxName is the longest file name that PXELINUX keeps, in bytes.
const maxName = 255

// A File is a file as PXELINUX asks for it.
type File struct {
	// Scheme is "tftp" unless the name was a URL with another.
	Scheme string
	// Host is the server that the name tells, and "" for the one that the boot
	// program came from.
	Host string
	// Name is what the read request holds.
	Name string
}

// String is the name, with the server if it is another.
func (f File) String() string {
	switch {
	case f.Scheme != "tftp":
		return f.Scheme + "://" + f.Host + "/" + f.Name
	case f.Host != "":
		return f.Host + "::" + f.Name
	}
	return f.Name
}

// isURL says whether a name stands for itself and is not put behind the prefix:
// "scheme://host/path", or "host::path", where an empty host is the server and
// so "::path" is free of the prefix.
func isURL(name string) bool {
	_, after, found := strings.Cut(name, ":")
	return found && (strings.HasPrefix(after, "//") || strings.HasPrefix(after, ":"))
}

// resolve turns a name, as a configuration file or DHCP has it, into what is
// asked for. The prefix goes in front of any name that is not a URL, be it
// absolute or not: with the prefix "::/boot/", "/vmlinuz" is "/boot//vmlinuz".
func resolve(prefix, name string) File {
	name = name[:wordLen(name)]
	name = name[:min(len(name), maxName)]
	if !isURL(name) {
		name = prefix + name
	}
	before, after, found := strings.Cut(name, ":")
	switch {
	case !found:
		return File{Scheme: "tftp", Name: name}
	case strings.HasPrefix(after, "//"):
		host, path, _ := strings.Cut(after[2:], "/")
		path, _, _ = strings.Cut(path, "#")
		if _, h, ok := strings.Cut(host, "@"); ok {
			host = h
		}
		if before == "tftp" {
			path, _, _ = strings.Cut(path, ";") // ";mode=octet"
			path = unescape(path)
		}
		return File{Scheme: before, Host: host, Name: path}
	case strings.HasPrefix(after, ":"):
		return File{Scheme: "tftp", Host: before, Name: after[1:]}
	}
	return File{Scheme: "tftp", Name: name}
}

// unescape replaces %XX. What is no such thing stays.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if c, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(c))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// Prefix is what PXELINUX puts in front of file names. It is option 210, and
// without that the boot file's name up to the last character that is not a
// letter, a digit, a dot or a hyphen: mostly a slash, but "pxe_linux.0" has the
// prefix "pxe_".
func (o Options) Prefix() string {
	prefix := o.PathPrefix
	if prefix == "" {
		prefix = o.BootFile
		end := len(prefix)
		for end > 0 && inName(prefix[end-1]) {
			end--
		}
		prefix = prefix[:end]
	}
	prefix = prefix[:min(len(prefix), maxName)]
	if !isURL(prefix) {
		prefix = "::" + prefix
	}
	return prefix
}

func inName(c byte) bool {
	c |= 0x20
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || c == '.' || c == '-'
}

// ConfigNames are the names under which a client looks for its configuration,
// in order and without the prefix: option 209, the machine's UUID, the MAC with
// the hardware type in front, the IPv4 address in hexadecimal and that with ever
// fewer digits, and "default".
func ConfigNames(c Client, o Options) []string {
	const dir = "pxelinux.cfg/"
	var names []string
	if o.ConfigFile != "" {
		names = append(names, o.ConfigFile)
	}
	if u := c.uuid(); u != "" {
		names = append(names, dir+u)
	}
	names = append(names, dir+c.bootIf())
	if c.Addr.Is4() {
		addr := c.Addr.As4()
		hex := fmt.Sprintf("%02X%02X%02X%02X", addr[0], addr[1], addr[2], addr[3])
		for n := len(hex); n > 0; n-- {
			names = append(names, dir+hex[:n])
		}
	}
	return append(names, dir+"default")
}

// A Client is the machine that boots, as far as names depend on it.
type Client struct {
	MAC net.HardwareAddr
	// HardwareType is that of ARP and DHCP (RFC 1700). Default 1, Ethernet.
	HardwareType byte
	// UUID is the machine's, in the order of bytes in which DHCP option 97 has
	// it. A UUID without a version (the zero one) counts as none.
	UUID [16]byte
	// Addr is its IPv4 address, and Server, Gateway and Mask what goes with it
	// into the command line's ip= (SYSAPPEND 1).
	Addr, Server, Gateway, Mask netip.Addr
	// Typed is what somebody enters at the boot: prompt, such as a label's name.
	// By default nobody touches the keyboard.
	Typed string
}

// Options are what DHCP tells PXELINUX.
type Options struct {
	BootFile   string // the file field, or option 67
	ConfigFile string // option 209
	PathPrefix string // option 210
	// RebootTime is option 211: how long PXELINUX waits before it restarts a
	// machine for which it found no configuration. Default 5 minutes.
	RebootTime time.Duration
}

// bootIf is the MAC as in file names and in BOOTIF=.
func (c Client) bootIf() string {
	t := c.HardwareType
	if t == 0 {
		t = 1
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%02x", t)
	for _, x := range c.MAC[:min(len(c.MAC), 16)] {
		fmt.Fprintf(&b, "-%02x", x)
	}
	return b.String()
}

// uuid is the UUID as in file names and in SYSUUID=, or "".
func (c Client) uuid() string {
	u := c.UUID
	if u[6] < 0x10 || u[6] >= 0xf0 {
		return ""
	}
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}
