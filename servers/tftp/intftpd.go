package tftp

import "github.com/pxeproof/pxeproof/servers/conf/intftpd"

// InTFTPD is the configuration of a server that answers as in.tftpd 5.2 would,
// started as s says. Root is the directory that stands for the host's "/". A
// service that does not run (see [intftpd.Service.Runs]) has none.
func InTFTPD(s *intftpd.Service, root string) Config {
	c := Config{
		Root:         root,
		Permissive:   s.Permissive.IsSet(),
		BlockSizeMax: s.BlockSizeMax.N,
		TellEmpty:    true,
		Refuse:       []string{windowSize}, // it came with 5.3
		Network:      s.Network,
		Address:      s.Address,
		Allow:        s.Allows,
	}
	for _, o := range s.Refuse {
		c.Refuse = append(c.Refuse, o.Text)
	}
	if s.Secure.IsSet() {
		c.Chroot = s.Root().Text
		return c
	}
	c.Absolute = true
	for _, d := range s.Dirs {
		c.Dirs = append(c.Dirs, d.Text)
	}
	return c
}

// windowSize is the option's name (RFC 7440).
const windowSize = "windowsize"

// Windows is the configuration with windowsize granted, up to most blocks, as
// in.tftpd 5.3 does, unless the file refuses the option (-r windowsize).
func (c Config) Windows(most int) Config {
	c.WindowSizeMax = most
	if len(c.Refuse) > 0 && c.Refuse[0] == windowSize {
		c.Refuse = c.Refuse[1:]
	}
	return c
}
