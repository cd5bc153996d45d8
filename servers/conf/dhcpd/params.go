package dhcpd

// A use says what this package does with a parameter of dhcpd.
type use uint8

const (
	played   use = iota // obeyed
	noEffect            // it does not reach a reply; the text says what it is about
	unplayed            // it could change a reply, and is not obeyed
)

// A parameter is a statement of dhcpd.conf(5) that is not an option of the
// protocol. To dhcpd they are the options of the space "server", and may be
// given by any of the ways in which options are given.
type parameter struct {
	name   string
	format string
	use    use
	about  string // for noEffect and unplayed: what it is about
}

const (
	aboutDNS   = "dynamic DNS updates, which are not made here"
	aboutV6    = "DHCPv6"
	aboutFiles = "files of the daemon, which are not written here"
	aboutLog   = "logging"
	aboutPing  = "the ping before an offer, which is not sent here: an offer comes about a second sooner"
	aboutOmapi = "OMAPI, which is not spoken here"
)

var parameters = []parameter{
	{"default-lease-time", "T", played, ""},
	{"max-lease-time", "T", played, ""},
	{"min-lease-time", "T", played, ""},
	{"dynamic-bootp-lease-cutoff", "T", noEffect, "the end of leases to BOOTP clients"},
	{"dynamic-bootp-lease-length", "L", played, ""},
	{"boot-unknown-clients", "f", played, ""},
	{"dynamic-bootp", "f", noEffect, "nothing: dhcpd reads it and does not use it"},
	{"allow-bootp", "f", played, ""},
	{"allow-booting", "f", played, ""},
	{"one-lease-per-client", "f", played, ""},
	{"get-lease-hostnames", "f", noEffect, "asking the DNS for a client's name, which is not done here: host-name is not filled in"},
	{"use-host-decl-names", "f", played, ""},
	{"use-lease-addr-for-default-route", "f", played, ""},
	{"min-secs", "B", played, ""},
	{"filename", "t", played, ""},
	{"server-name", "t", played, ""},
	{"next-server", "I", played, ""},
	{"authoritative", "f", noEffect, "nothing in this form: the statement is `authoritative;`"},
	{"vendor-option-space", "U", played, ""},
	{"always-reply-rfc1048", "f", played, ""},
	{"site-option-space", "X", played, ""},
	{"always-broadcast", "f", played, ""},
	{"ddns-domainname", "t", noEffect, aboutDNS},
	{"ddns-hostname", "t", noEffect, aboutDNS},
	{"ddns-rev-domainname", "t", noEffect, aboutDNS},
	{"lease-file-name", "t", noEffect, aboutFiles},
	{"pid-file-name", "t", noEffect, aboutFiles},
	{"duplicates", "f", played, ""},
	{"declines", "f", played, ""},
	{"ddns-updates", "f", noEffect, aboutDNS},
	{"omapi-port", "S", noEffect, aboutOmapi},
	{"local-port", "S", unplayed, "the port that dhcpd listens on; here it is 67"},
	{"limited-broadcast-address", "I", unplayed, "where broadcasts go to; here it is 255.255.255.255"},
	{"remote-port", "S", unplayed, "the port that replies go to; here it is 68"},
	{"local-address", "I", noEffect, "the address that dhcpd binds to; here it is the host's"},
	{"omapi-key", "k", noEffect, aboutOmapi},
	{"stash-agent-options", "f", played, ""},
	{"ddns-ttl", "T", noEffect, aboutDNS},
	{"ddns-update-style", "Nddns-styles.", noEffect, aboutDNS},
	{"client-updates", "f", noEffect, aboutDNS},
	{"update-optimization", "f", noEffect, aboutDNS},
	{"ping-check", "f", noEffect, aboutPing},
	{"update-static-leases", "f", noEffect, aboutDNS},
	{"log-facility", "Nsyslog-facilities.", noEffect, aboutLog},
	{"do-forward-updates", "f", noEffect, aboutDNS},
	{"ping-timeout", "T", noEffect, aboutPing},
	{"infinite-is-reserved", "f", noEffect, "reserving a lease for good"},
	{"update-conflict-detection", "f", noEffect, aboutDNS},
	{"leasequery", "f", noEffect, "DHCPLEASEQUERY, which is not answered here"},
	{"adaptive-lease-time-threshold", "B", noEffect, "shorter leases when a pool runs out"},
	{"do-reverse-updates", "f", noEffect, aboutDNS},
	{"fqdn-reply", "f", noEffect, aboutDNS},
	{"preferred-lifetime", "T", noEffect, aboutV6},
	{"dhcpv6-lease-file-name", "t", noEffect, aboutV6},
	{"dhcpv6-pid-file-name", "t", noEffect, aboutV6},
	{"limit-addrs-per-ia", "L", noEffect, aboutV6},
	{"limit-prefs-per-ia", "L", noEffect, aboutV6},
	{"delayed-ack", "S", noEffect, "writing several leases at once"},
	{"max-ack-delay", "L", noEffect, "writing several leases at once"},
	{"dhcp-cache-threshold", "B", played, ""},
	{"dont-use-fsync", "f", noEffect, aboutFiles},
	{"ddns-local-address4", "I", noEffect, aboutDNS},
	{"ddns-local-address6", "6", noEffect, aboutDNS},
	{"ignore-client-uids", "f", played, ""},
	{"log-threshold-low", "B", noEffect, aboutLog},
	{"log-threshold-high", "B", noEffect, aboutLog},
	{"echo-client-id", "f", played, ""},
	{"server-id-check", "f", noEffect, "failover, which is not played here"},
	{"prefix-length-mode", "Nprefix_length_modes.", noEffect, aboutV6},
	{"dhcpv6-set-tee-times", "f", noEffect, aboutV6},
	{"abandon-lease-time", "T", played, ""},
	{"use-eui-64", "f", noEffect, aboutV6},
	{"persist-eui-64-leases", "f", noEffect, aboutV6},
	{"check-secs-byte-order", "f", noEffect, "failover, which is not played here"},
	{"ddns-dual-stack-mixed-mode", "f", noEffect, aboutDNS},
	{"ddns-guard-id-must-match", "f", noEffect, aboutDNS},
	{"ddns-other-guard-is-dynamic", "f", noEffect, aboutDNS},
	{"release-on-roam", "f", noEffect, aboutV6},
	{"local-address6", "6", noEffect, aboutV6},
	{"bind-local-address6", "f", noEffect, aboutV6},
	{"ping-cltt-secs", "T", noEffect, aboutPing},
	{"ping-timeout-ms", "T", noEffect, aboutPing},
}

// enumerations are the words that a parameter of type N takes.
var enumerations = map[string][]string{
	"ddns-styles": {"none", "ad-hoc", "interim", "standard"},
	"syslog-facilities": {"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron",
		"authpriv", "ftp", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"},
	"prefix_length_modes": {"ignore", "prefer", "exact", "minimum", "maximum"},
}

// permissions are what allow, deny and ignore take outside of pools, and the
// parameter that they set.
var permissions = map[string]string{
	"bootp":           "allow-bootp",
	"booting":         "allow-booting",
	"dynamic-bootp":   "dynamic-bootp",
	"unknown-clients": "boot-unknown-clients",
	"duplicates":      "duplicates",
	"declines":        "declines",
	"client-updates":  "client-updates",
	"leasequery":      "leasequery",
}

var parameterByName = func() map[string]*parameter {
	m := make(map[string]*parameter, len(parameters))
	for i := range parameters {
		m[parameters[i].name] = &parameters[i]
	}
	return m
}()
