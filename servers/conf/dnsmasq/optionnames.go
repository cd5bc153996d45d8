package dnsmasq

// What dnsmasq knows of an option's value: a length in bytes in the low bits,
// or one of these.
const (
	ofAddresses = 0x100 << iota
	ofName
	ofTime
	internal // dnsmasq sends it by itself, and lets it be matched only
)

// optionName is one of dnsmasq's names for the options of RFC 2132 and others.
type optionName struct {
	name string
	code uint8
	kind int
}

var optionNames = []optionName{
	{"netmask", 1, ofAddresses}, {"time-offset", 2, 4}, {"router", 3, ofAddresses}, {"dns-server", 6, ofAddresses},
	{"log-server", 7, ofAddresses}, {"lpr-server", 9, ofAddresses}, {"hostname", 12, internal | ofName},
	{"boot-file-size", 13, 2}, {"domain-name", 15, ofName}, {"swap-server", 16, ofAddresses},
	{"root-path", 17, ofName}, {"extension-path", 18, ofName}, {"ip-forward-enable", 19, 1},
	{"non-local-source-routing", 20, 1}, {"policy-filter", 21, ofAddresses}, {"max-datagram-reassembly", 22, 2},
	{"default-ttl", 23, 1}, {"mtu", 26, 2}, {"all-subnets-local", 27, 1}, {"broadcast", 28, internal | ofAddresses},
	{"router-discovery", 31, 1}, {"router-solicitation", 32, ofAddresses}, {"static-route", 33, ofAddresses},
	{"trailer-encapsulation", 34, 1}, {"arp-timeout", 35, 4}, {"ethernet-encap", 36, 1}, {"tcp-ttl", 37, 1},
	{"tcp-keepalive", 38, 4}, {"nis-domain", 40, ofName}, {"nis-server", 41, ofAddresses},
	{"ntp-server", 42, ofAddresses}, {"vendor-encap", 43, internal}, {"netbios-ns", 44, ofAddresses},
	{"netbios-dd", 45, ofAddresses}, {"netbios-nodetype", 46, 1}, {"netbios-scope", 47, 0},
	{"x-windows-fs", 48, ofAddresses}, {"x-windows-dm", 49, ofAddresses},
	{"requested-address", 50, internal | ofAddresses}, {"lease-time", 51, internal | ofTime},
	{"option-overload", 52, internal}, {"message-type", 53, internal}, {"server-identifier", 54, internal | ofAddresses},
	{"parameter-request", 55, internal}, {"message", 56, internal}, {"max-message-size", 57, internal},
	{"T1", 58, ofTime}, {"T2", 59, ofTime}, {"vendor-class", 60, 0}, {"client-id", 61, internal},
	{"nis+-domain", 64, ofName}, {"nis+-server", 65, ofAddresses}, {"tftp-server", 66, ofName},
	{"bootfile-name", 67, ofName}, {"mobile-ip-home", 68, ofAddresses}, {"smtp-server", 69, ofAddresses},
	{"pop3-server", 70, ofAddresses}, {"nntp-server", 71, ofAddresses}, {"irc-server", 74, ofAddresses},
	{"user-class", 77, 0}, {"rapid-commit", 80, 0}, {"FQDN", 81, internal}, {"agent-info", 82, internal},
	{"last-transaction", 91, 4 | ofTime}, {"associated-ip", 92, ofAddresses}, {"client-arch", 93, 2},
	{"client-interface-id", 94, 0}, {"client-machine-id", 97, 0}, {"posix-timezone", 100, ofName},
	{"tzdb-timezone", 101, ofName}, {"ipv6-only", 108, 4}, {"captive-portal", 114, ofName},
	{"subnet-select", 118, internal}, {"domain-search", 119, ofName}, {"sip-server", 120, 0},
	{"classless-static-route", 121, 0}, {"vendor-id-encap", 125, 0}, {"tftp-server-address", 150, ofAddresses},
	// Not an option: it sets siaddr.
	{"server-ip-address", 255, ofAddresses},
}

// kindOf is what is known of an option's value.
func kindOf(code int) int {
	for _, n := range optionNames {
		if int(n.code) == code {
			return n.kind
		}
	}
	return 0
}
