package scenarios

import (
	"net/netip"

	"github.com/pxeproof/pxeproof/servers/conf"
	"github.com/pxeproof/pxeproof/servers/tftp"
)

// knobs reads what only a TFTP server may be told.
func (s *Scenario) knobs(e entry[serverYAML]) (TFTPKnobs, error) {
	y, file := e.v, s.display(File)
	k := TFTPKnobs{BlockSizeMax: y.BlkSize.v, WindowSizeMax: y.WindowSize.v, Rollover: uint16(y.Rollover.v), Engine: tftp.Engine(y.Engine.v)}
	told := []struct {
		name string
		pos  conf.Pos
		own  bool // the other engine does not have it
	}{
		{"blksize", y.BlkSize.pos(file), false},
		{"windowsize", y.WindowSize.pos(file), true},
		{"rollover", y.Rollover.pos(file), true},
		{"multicast", y.Multicast.pos(file), true},
		{"mtftp", mtftpPos(y.MTFTP, file), true},
		{"engine", y.Engine.pos(file), false},
	}
	for _, t := range told {
		switch {
		case t.pos.Line == 0:
		case e.name != "tftp":
			return k, problem(t.pos, "%s has no %s: it is the tftp server's", e.name, t.name)
		case t.own && k.Engine == tftp.EnginePin:
			return k, problem(t.pos, "engine %s has no %s; leave one of the two out", tftp.EnginePin, t.name)
		}
	}
	switch {
	case y.BlkSize.line > 0 && (k.BlockSizeMax < 512 || k.BlockSizeMax > tftp.MaxBlockSize):
		return k, problem(y.BlkSize.pos(file), "a blksize of %d: write 512 to %d bytes", k.BlockSizeMax, tftp.MaxBlockSize)
	case y.WindowSize.line > 0 && (k.WindowSizeMax < 1 || k.WindowSizeMax > tftp.MaxWindowSize):
		return k, problem(y.WindowSize.pos(file), "a windowsize of %d: write 1 to %d blocks", k.WindowSizeMax, tftp.MaxWindowSize)
	case y.Rollover.v != 0 && y.Rollover.v != 1:
		return k, problem(y.Rollover.pos(file), "a rollover to %d: write 0 or 1, the number of the block after 65535", y.Rollover.v)
	case k.Engine != "" && k.Engine != tftp.EngineOwn && k.Engine != tftp.EnginePin:
		return k, problem(y.Engine.pos(file), "no engine is called %q; there are %s and %s", k.Engine, tftp.EngineOwn, tftp.EnginePin)
	}
	if y.Multicast.line > 0 {
		g, ok := multicastGroup(y.Multicast.v)
		if !ok {
			return k, problem(y.Multicast.pos(file), "%q is no IPv4 multicast address with a port, such as 239.255.0.0:1758", y.Multicast.v)
		}
		k.Multicast = g
	}
	for _, m := range y.MTFTP {
		g, ok := multicastGroup(m.v.Group)
		if !ok || m.v.File == "" || m.v.Port == 0 {
			return k, problem(m.pos(file), "mtftp: write {file: NAME, group: ADDRESS:PORT, port: PORT}, with an IPv4 multicast address such as 239.255.1.1:1758")
		}
		k.MTFTP = append(k.MTFTP, tftp.MTFTP{File: m.v.File, Group: g, Port: m.v.Port})
	}
	return k, nil
}

func mtftpPos(list []at[mtftpYAML], file string) conf.Pos {
	if len(list) == 0 {
		return conf.Pos{}
	}
	return list[0].pos(file)
}

func multicastGroup(text string) (netip.AddrPort, bool) {
	g, err := netip.ParseAddrPort(text)
	return g, err == nil && tftp.IsGroup(g)
}
