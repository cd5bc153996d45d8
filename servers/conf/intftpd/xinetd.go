package intftpd

import (
	"net/netip"
	"path"
	"strconv"

	"github.com/pxeproof/pxeproof/servers/conf"
	"github.com/pxeproof/pxeproof/servers/conf/xinetd"
)

// ReadXinetd reads the service tftp of an xinetd configuration: of a file of
// its own, as in /etc/xinetd.d, or of an xinetd.conf with what it includes
// (include may be nil). It returns nil if there is no service of that name.
func ReadXinetd(file string, src []byte, include xinetd.Include) (*Service, conf.Problems) {
	config, problems := xinetd.Parse(file, src, include)
	entry := config.Service("tftp")
	if entry == nil {
		return nil, problems
	}
	s, more := fromXinetd(entry)
	return s, append(problems, more...)
}

func fromXinetd(entry *xinetd.Service) (*Service, conf.Problems) {
	p := &parser{s: newService()}
	args := entry.Args
	program := path.Base(entry.Server.Text)
	if program == "tcpd" && entry.HasFlag("NAMEINARGS") && len(args) > 0 {
		// The TCP wrapper runs what its first argument names.
		program, args = path.Base(args[0].Text), args[1:]
	}
	if entry.Server.IsSet() && program != "in.tftpd" && entry.Runs() {
		p.report(conf.Doubt, entry.Server.Pos, "intftpd-other-program", "",
			"the server is %s, and its arguments are read as in.tftpd's", entry.Server.Text)
	}
	p.args(args)
	p.finish()
	s := p.s
	s.Xinetd = entry
	if !entry.Runs() {
		s.Off, s.Why = entry.Off, entry.Why
		return s, p.problems
	}

	// xinetd makes the socket, and by itself an IPv4 one.
	s.Network = "udp4"
	if entry.HasFlag("IPv6") {
		s.Network = "udp6"
	}
	port := Port
	if n, err := strconv.Atoi(entry.Port.Text); err == nil {
		port = n
	}
	s.Address = netip.AddrPortFrom(netip.Addr{}, uint16(port))
	if entry.Bind.IsSet() {
		a, err := netip.ParseAddr(entry.Bind.Text)
		if err != nil {
			p.report(conf.Doubt, entry.Bind.Pos, "xinetd-host-name", "write an address",
				"%q is looked up by xinetd, and what it is there is not known here", entry.Bind.Text)
		}
		s.Address = netip.AddrPortFrom(a, uint16(port))
		if a.Is6() {
			s.Network = "udp6"
		}
	}
	p.xinetd(entry)
	return s, p.problems
}

// xinetd checks that the entry can carry a TFTP server.
func (p *parser) xinetd(entry *xinetd.Service) {
	switch {
	case entry.SocketType.Text != "dgram":
		p.exit(entry.SocketType.Pos, "intftpd-socket-type", "write: socket_type = dgram",
			"TFTP comes in datagrams, and this socket is %s", entry.SocketType.Text)
	case entry.Protocol.IsSet() && entry.Protocol.Text != "udp" && entry.Protocol.Text != "udp6":
		p.exit(entry.Protocol.Pos, "intftpd-protocol", "write: protocol = udp", "TFTP runs over udp, not %s", entry.Protocol.Text)
	}
	if entry.Wait.Text == "no" {
		p.report(conf.Doubt, entry.Wait.Pos, "intftpd-wait", "write: wait = yes",
			"in.tftpd reads the request itself, so with wait = no xinetd starts one server after the other for the same request")
	}
	if u := entry.User.Text; u != "root" && u != "0" && p.s.Secure.IsSet() {
		p.exit(entry.User.Pos, "intftpd-not-root", "write: user = root (in.tftpd -u drops it)",
			"-s needs root to change the root directory, and %s may not", u)
	}
	if len(entry.AccessTimes) > 0 {
		p.report(conf.Doubt, entry.AccessTimes[0].Pos, "xinetd-access-times", "",
			"the service is there at certain hours only")
	}
}
