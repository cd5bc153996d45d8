// Package dhcpd reads the configuration of ISC's DHCP server, dhcpd.conf(5),
// and answers what that server answers.
//
// [Parse] reads the language of version 4.4: scopes (subnet, shared-network,
// pool, group, host, class, subclass), parameters and options at every level,
// option definitions and option spaces, conditionals and expressions, include.
// Every statement and value keeps its place in the file.
//
//	cfg, problems, err := dhcpd.Parse("etc/dhcp/dhcpd.conf", src, os.DirFS("/"))
//
// What the reader has to say comes as [conf.Problems]: what dhcpd refuses to
// start with, what it accepts in silence though it means nothing to it, and
// what it obeys but this package cannot.
//
// [Config.Answer] is pure. Given what is known of a client it returns what
// dhcpd would put into its reply, each value with the place that it came from.
// The DHCP server and the prediction of what a capture must show both call it,
// so that they cannot disagree. Who has which address is not its business: the
// caller names the lease in [Query.Address], or leaves it out and gets the one
// that a dhcpd with an empty lease file would offer.
//
// Read [Config] and [Query] first, then exec.go for the order in which scopes
// are executed, and order.go for the order in which options leave.
//
// Not covered: DHCPv6, failover, dynamic DNS, OMAPI, LDAP, and names where dhcpd
// would ask the DNS for the address. Each is named by a Problem where it is met.
package dhcpd
