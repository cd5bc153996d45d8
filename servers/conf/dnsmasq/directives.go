package dnsmasq

import (
	"slices"
	"strings"

	"github.com/pxeproof/pxeproof/servers/conf"
	"github.com/pxeproof/pxeproof/servers/conf/spell"
)

// What a directive takes.
const (
	none = iota
	needed
	optional
)

// A directive is one of dnsmasq's.
type directive struct {
	parameter int
	once      bool // twice is an error
	// do obeys it. nil is for what no answer of DHCP or TFTP depends on.
	do func(r *reader, at conf.Pos, arg text)
}

// flag keeps a directive without a parameter.
func flag(of func(c *Config) *Value) directive {
	return directive{do: func(r *reader, at conf.Pos, _ text) { *of(r.c) = Value{Pos: at} }}
}

// list keeps all comma-separated words.
func list(of func(c *Config) *[]Value) directive {
	return directive{parameter: needed, do: func(r *reader, _ conf.Pos, arg text) {
		for _, f := range arg.fields() {
			*of(r.c) = append(*of(r.c), f.value())
		}
	}}
}

// unplayed is for a directive that could change a boot's answer and is not
// obeyed here.
func unplayed(parameter int, why string) directive {
	return directive{parameter: parameter, do: func(r *reader, at conf.Pos, _ text) {
		r.doubt(at, idUnplayed, "%s", why)
	}}
}

// directives are those that say something to a boot. They are filled in by
// init, as some of them include files and so read directives.
var directives map[string]directive

func init() {
	directives = map[string]directive{
		"conf-file":   {parameter: optional, do: (*reader).confFile},
		"conf-dir":    {parameter: needed, do: (*reader).confDir},
		"conf-script": unplayed(needed, "the configuration goes on with what a program prints, and no program is run here"),

		"dhcp-range":        {parameter: needed, do: (*reader).dhcpRange},
		"dhcp-host":         {parameter: needed, do: (*reader).dhcpHost},
		"dhcp-hostsfile":    {parameter: needed, do: (*reader).hostsFile},
		"dhcp-hostsdir":     {parameter: needed, do: (*reader).hostsDir},
		"dhcp-option":       {parameter: needed, do: func(r *reader, at conf.Pos, arg text) { r.dhcpOption(at, arg, false) }},
		"dhcp-option-force": {parameter: needed, do: func(r *reader, at conf.Pos, arg text) { r.dhcpOption(at, arg, true) }},
		"dhcp-option-pxe":   unplayed(needed, "dhcp-option-pxe is known to dnsmasq since 2.92 only, and not obeyed here"),
		"dhcp-optsfile":     {parameter: needed, do: (*reader).optsFile},
		"dhcp-optsdir":      {parameter: needed, do: (*reader).optsDir},
		"dhcp-boot":         {parameter: needed, do: (*reader).dhcpBoot},
		"pxe-service":       {parameter: needed, do: (*reader).pxeService},
		"pxe-prompt":        {parameter: needed, do: (*reader).pxePrompt},
		"dhcp-pxe-vendor":   list(func(c *Config) *[]Value { return &c.PXEVendors }),
		"dhcp-match":        {parameter: needed, do: (*reader).dhcpMatch},
		"dhcp-vendorclass":  {parameter: needed, do: func(r *reader, at conf.Pos, arg text) { r.dhcpClass(at, arg, 60) }},
		"dhcp-userclass":    {parameter: needed, do: func(r *reader, at conf.Pos, arg text) { r.dhcpClass(at, arg, 77) }},
		"dhcp-mac":          {parameter: needed, do: (*reader).dhcpMAC},
		"dhcp-name-match":   {parameter: needed, do: (*reader).dhcpNameMatch},
		"tag-if":            {parameter: needed, do: (*reader).tagIf},
		"dhcp-ignore":       {parameter: needed, do: conditions(func(c *Config) *[]Tags { return &c.Ignores })},
		"dhcp-broadcast":    {parameter: optional, do: conditions(func(c *Config) *[]Tags { return &c.Broadcasts })},
		"dhcp-ignore-names": {parameter: optional, do: conditions(func(c *Config) *[]Tags { return &c.NameIgnore })},
		"domain":            {parameter: needed, do: (*reader).domain},
		"domain-suffix":     {parameter: needed, do: (*reader).domain},
		"host-record":       {parameter: needed, do: (*reader).hostRecord},
		"addn-hosts":        {parameter: needed, do: (*reader).addnHosts},
		"no-hosts":          {do: func(r *reader, _ conf.Pos, _ text) { r.noHosts = true }},
		"port":              {parameter: needed, once: true, do: (*reader).port},

		"interface":           list(func(c *Config) *[]Value { return &c.Interfaces }),
		"except-interface":    list(func(c *Config) *[]Value { return &c.Excepts }),
		"listen-address":      list(func(c *Config) *[]Value { return &c.Listen }),
		"no-dhcp-interface":   list(func(c *Config) *[]Value { return &c.NoDHCP }),
		"no-dhcpv4-interface": list(func(c *Config) *[]Value { return &c.NoDHCP }),

		"dhcp-no-override":   flag(func(c *Config) *Value { return &c.NoOverride }),
		"dhcp-authoritative": flag(func(c *Config) *Value { return &c.Authoritative }),
		"dhcp-sequential-ip": flag(func(c *Config) *Value { return &c.SequentialIP }),
		"dhcp-ignore-clid":   flag(func(c *Config) *Value { return &c.IgnoreID }),
		"dhcp-client-update": flag(func(c *Config) *Value { return &c.ClientUpdate }),
		"enable-ra":          flag(func(c *Config) *Value { return &c.EnableRA }),

		"enable-tftp":       {parameter: optional, do: (*reader).enableTFTP},
		"tftp-root":         {parameter: needed, do: (*reader).tftpRoot},
		"tftp-unique-root":  {parameter: optional, do: (*reader).tftpUniqueRoot},
		"tftp-secure":       flag(func(c *Config) *Value { return &c.TFTP.Secure }),
		"tftp-no-fail":      flag(func(c *Config) *Value { return &c.TFTP.NoFail }),
		"tftp-lowercase":    flag(func(c *Config) *Value { return &c.TFTP.Lowercase }),
		"tftp-no-blocksize": flag(func(c *Config) *Value { return &c.TFTP.NoBlockSize }),
		"tftp-single-port":  flag(func(c *Config) *Value { return &c.TFTP.SinglePort }),
		"tftp-mtu":          {parameter: needed, once: true, do: (*reader).tftpMTU},
		"tftp-max":          {parameter: needed, once: true},
		"tftp-port-range":   {parameter: needed, once: true},

		"dhcp-relay":          unplayed(needed, "requests go on to another server, of which nothing is known here"),
		"dhcp-split-relay":    unplayed(needed, "requests go on to another server, of which nothing is known here"),
		"shared-network":      unplayed(needed, "ranges of other networks are open to clients by shared-network, and not here"),
		"bridge-interface":    unplayed(needed, "bridge-interface has other interfaces answered, and is not obeyed here"),
		"dhcp-alternate-port": unplayed(optional, "DHCP is served on other ports than a firmware's"),
		"read-ethers":         unplayed(none, "/etc/ethers is not read here"),
		"dhcp-generate-names": {parameter: optional},
		"dhcp-rapid-commit":   {}, // for clients that ask with option 80, which no firmware does
		"dhcp-reply-delay":    {parameter: needed, once: true},
		"no-ping":             {},
	}
	for parameter, words := range passedOver {
		for w := range strings.FieldsSeq(words) {
			w, once := strings.CutSuffix(w, "!")
			directives[w] = directive{parameter: parameter, once: once}
		}
	}
}

// passedOver are the directives of which no answer of DHCP or TFTP depends:
// DNS, DHCPv6, relays' options, scripts, logs. A mark says that one may be given
// once only.
var passedOver = map[int]string{
	none: `version no-poll help no-daemon bogus-priv selfmx filterwin2k filter-A filter-AAAA strict-order no-resolv
		expand-hosts localmx no-negcache no-round-robin no-0x20-encode do-0x20-encode domain-needed bind-interfaces
		keep-in-foreground localise-queries leasefile-ro script-on-renewal clear-on-reload log-dhcp stop-dns-rebind
		all-servers dhcp-fqdn test rebind-localhost-ok strip-mac strip-subnet proxy-dnssec conntrack bind-dynamic
		dnssec dnssec-debug dnssec-no-timecheck quiet-dhcp quiet-dhcp6 quiet-ra dns-loop-detect script-arp log-debug
		quiet-tftp no-ident`,
	needed: `servers-file! mx-host mx-target! dhcp-lease! bogus-nxdomain ignore-address filter-rr server rev-server
		local address local-ttl! cache-rr hostsdir query-port! no-dhcpv6-interface dhcp-lease-max! alias
		edns-packet-max! srv-host txt-record caa-record dns-rr dhcp-script! log-facility! dns-forward-max!
		ptr-record naptr-record dhcp-circuitid dhcp-remoteid dhcp-subscrid interface-name rebind-domain-ok neg-ttl!
		max-ttl! min-cache-ttl! max-cache-ttl! dhcp-scriptuser! min-port! max-port! cname add-cpe-id! dhcp-luascript
		dhcp-duid! auth-zone auth-server! auth-ttl! auth-soa! auth-sec-servers auth-peer ipset nftset
		connmark-allowlist synth-domain trust-anchor dnssec-timestamp! dnssec-limits! ra-param dhcp-ttl! dumpfile!
		dumpmask! dynamic-host port-limit! max-tcp-connections!`,
	optional: `log-queries user! group! resolv-file cache-size! dhcp-leasefile! local-service! pid-file! enable-dbus!
		enable-ubus! bootp-dynamic log-async! dhcp-proxy add-mac add-subnet! connmark-allowlist-enable!
		dnssec-check-unsigned umbrella! fast-dns-retry! use-stale-cache! leasequery`,
}

// directive obeys one line.
func (r *reader) directive(line text) {
	name, arg, given := line, text{}, false
	for i, c := range line.chars {
		if c.b == '=' {
			name, arg, given = line.slice(0, i).trim(), line.slice(i+1, len(line.chars)).trim(), true
			break
		}
	}
	word := name.String()
	d, ok := directives[word]
	switch {
	case !ok:
		hint := ""
		if near := spell.Nearest(word, names()...); near != "" {
			hint = "did you mean " + near + "?"
		}
		r.report(conf.Refusal, name.pos, idUnknown, hint, "dnsmasq knows no directive %.60q and does not start", word)
	case d.parameter == none && given:
		r.refuse(arg.pos, idParameter, "%s takes no parameter, and dnsmasq does not start", word)
	case d.parameter == needed && !given:
		r.refuse(name.pos, idParameter, "%s needs a parameter, and dnsmasq does not start", word)
	case d.once && r.seen[word].IsValid():
		r.refuse(name.pos, idRepeated, "%s stands here for the second time (%s), and dnsmasq does not start", word, r.seen[word])
	default:
		if d.once {
			r.seen[word] = name.pos
		}
		if d.do != nil {
			if !given {
				arg.pos = name.pos
			}
			d.do(r, name.pos, arg)
		}
	}
}

// names are those of all directives, in order.
func names() []string {
	all := make([]string, 0, len(directives))
	for n := range directives {
		all = append(all, n)
	}
	slices.Sort(all)
	return all
}
