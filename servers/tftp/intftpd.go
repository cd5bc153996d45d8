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
		Refuse:       []string{"windowsize"}, // it came with 5.3
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
