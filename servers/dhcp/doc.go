// Package dhcp is a DHCP server for IPv4 that answers as ISC's dhcpd 4.4 does
// with the same dhcpd.conf: the same address out of the same pool, the same
// header, the same options in the same order, byte for byte. A test runs both.
//
//	cfg, problems, err := dhcpd.Parse("etc/dhcp/dhcpd.conf", src, fsys)
//	s := dhcp.New(cfg, dhcp.Options{})
//	err = s.Listen(ctx, host) // bound: ready
//	err = s.Serve(ctx)
//
// What an answer holds is decided in servers/conf/dhcpd, which is pure. Here
// are the wire, the leases, and who may have which of them (RFC 2131, section 4).
// Leases live in memory: every server starts with an empty lease file.
//
// Other than dhcpd it does not ping an address before it offers it, so that an
// offer comes about a second sooner.
//
// Read handle.go first: handle takes a message and returns the answer, and
// knows nothing of sockets. leases.go and find.go are dhcpd's bookkeeping.
package dhcp
