package dnsmasq

import (
	"net"
	"net/netip"
	"path"
	"strconv"
	"strings"

	"github.com/pxeproof/pxeproof/servers/conf"
)

// A TFTP is what the configuration says of dnsmasq's TFTP server.
type TFTP struct {
	Enable     Value   // enable-tftp
	Interfaces []Value // where it answers; none: wherever DHCP does
	Roots      []Root
	// UniqueRoot is "ip" or "mac": a folder below the root for each client, if
	// it is there.
	UniqueRoot  Value
	Secure      Value // files must be owned by dnsmasq's user
	NoFail      Value
	Lowercase   Value
	NoBlockSize Value
	SinglePort  Value
	MTU         int // 0: that of the interface
}

// A Root is a tftp-root, perhaps for one interface alone.
type Root struct {
	Value
	Interface string
}

// Root is the folder that files are served from to clients on an interface;
// not set if files have their whole paths as names.
func (t *TFTP) Root(iface string) Value {
	var root Value
	for _, r := range t.Roots {
		if r.Interface == "" {
			root = r.Value
		}
	}
	for _, r := range t.Roots {
		if r.Interface != "" && r.Interface == iface {
			root = r.Value
		}
	}
	return root
}

// Path is where the file of a read request is looked for, from the server's /.
// isDir says whether a folder is there, for tftp-unique-root. It is not ok if
// the request is refused for its name alone.
func (t *TFTP) Path(name, iface string, client netip.Addr, mac net.HardwareAddr, isDir func(string) bool) (file string, ok bool) {
	name = strings.ReplaceAll(name, `\`, "/")
	if t.Lowercase.IsSet() {
		name = strings.ToLower(name)
	}
	root := t.Root(iface)
	if root.Text == "" {
		return path.Join("/", name), name != ""
	}
	dir := strings.TrimRight("/"+strings.TrimLeft(root.Text, "/"), "/") + "/"
	var own string
	switch {
	case t.UniqueRoot.Text == "ip" && client.IsValid():
		own = client.String()
	case t.UniqueRoot.Text == "mac" && len(mac) == 6:
		own = strings.ReplaceAll(mac.String(), ":", "-")
	}
	if own != "" && isDir(dir+own) {
		dir += own + "/"
	}
	full := dir + name
	if strings.HasPrefix(name, "/") {
		full = dir + name[1:]
		if strings.HasPrefix(name, dir) {
			full = name
		}
	}
	if strings.Contains(full, "/../") || name == "" {
		return "", false
	}
	return path.Clean(full), true
}

// enableTFTP is `enable-tftp[=INTERFACE,...]`.
func (r *reader) enableTFTP(at conf.Pos, arg text) {
	r.c.TFTP.Enable = Value{arg.String(), at}
	if len(arg.chars) > 0 {
		for _, f := range arg.fields() {
			r.c.TFTP.Interfaces = append(r.c.TFTP.Interfaces, f.value())
		}
	}
}

// tftpRoot is `tftp-root=FOLDER[,INTERFACE]`.
func (r *reader) tftpRoot(_ conf.Pos, arg text) {
	dir, iface, _ := arg.cut(',')
	r.c.TFTP.Roots = append(r.c.TFTP.Roots, Root{dir.value(), iface.String()})
}

// tftpUniqueRoot is `tftp-unique-root[=ip|mac]`.
func (r *reader) tftpUniqueRoot(at conf.Pos, arg text) {
	by := strings.ToLower(arg.String())
	switch by {
	case "":
		by = "ip"
	case "ip", "mac":
	default:
		r.refuse(arg.pos, idValue, "tftp-unique-root is by ip or by mac, and not by %q: dnsmasq does not start", by)
		return
	}
	r.c.TFTP.UniqueRoot = Value{by, at}
}

// tftpMTU is `tftp-mtu`.
func (r *reader) tftpMTU(_ conf.Pos, arg text) {
	n, err := strconv.ParseUint(arg.String(), 10, 31)
	if err != nil {
		r.refuse(arg.pos, idValue, "%q is no number of bytes, and dnsmasq does not start", arg)
	}
	r.c.TFTP.MTU = int(n)
}
