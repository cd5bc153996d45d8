// Package dnsmasq reads dnsmasq's configuration, and says what dnsmasq's DHCP
// server answers to a client and where its TFTP server looks for a file.
//
// [Parse] is where to start. [Config.Answer] is the answer to one message of a
// client on the server's own network, as dnsmasq 2.90 without leases gives it;
// a test asks both the same. Relayed messages, BOOTP and DHCPv6 are not
// answered here. All directives of dnsmasq 2.93's manual are known by name:
// those that are about DNS, logging or files of dnsmasq's own are passed over,
// and those that could change a boot's answer and are not obeyed here are
// reported as a doubt.
//
// lines.go has the language: quotes, comments, commas. directives.go is the
// table of directives; ranges.go, hosts.go, options.go and matches.go read
// those of DHCP, tftp.go those of TFTP. answer.go begins an answer, and
// reply.go fills in its options as dnsmasq does; pxe.go is what PXE adds.
package dnsmasq
