package dnsmasq

import (
	"net/netip"
	"time"

	"github.com/pxeproof/pxeproof/servers/conf"
)

// A Value is a directive's argument, or a part of it, and where it stands. A
// zero Pos means that it is not there.
type Value struct {
	Text string
	Pos  conf.Pos
}

// IsSet says whether it is there.
func (v Value) IsSet() bool { return v.Pos.IsValid() }

// Tags are a condition: all of them must be set. One that begins with "!" (or
// "#", its old form) must not be.
type Tags []Value

// A Config is what dnsmasq's files say of DHCP and TFTP, in their order.
type Config struct {
	Ranges     []Range
	Hosts      []Host
	Boots      []Boot
	Options    []Option
	Services   []Service // pxe-service
	Matches    []Match
	Conditions []Condition // tag-if
	Ignores    []Tags      // dhcp-ignore
	Broadcasts []Tags      // dhcp-broadcast
	NameIgnore []Tags      // dhcp-ignore-names
	PXEVendors []Value     // dhcp-pxe-vendor; none is "PXEClient"
	Domains    []Domain
	TFTP       TFTP

	// Listen, Interfaces and Excepts say where dnsmasq serves: all are set by
	// their directive (listen-address, interface, except-interface), NoDHCP by
	// no-dhcp-interface and no-dhcpv4-interface.
	Listen, Interfaces, Excepts, NoDHCP []Value

	// Flags that matter to an answer; not set is off.
	NoOverride    Value // dhcp-no-override
	Authoritative Value // dhcp-authoritative
	SequentialIP  Value // dhcp-sequential-ip
	IgnoreID      Value // dhcp-ignore-clid
	ClientUpdate  Value // dhcp-client-update
	EnableRA      Value // enable-ra

	// DNSPort is where dnsmasq answers DNS, 53 by default. With any other it
	// names no DNS server to clients on its own account.
	DNSPort int

	// names are the addresses of host-record and /etc/hosts, by which dhcp-boot
	// may name a server.
	names map[string]netip.Addr
	pxe   bool // pxe-service or pxe-prompt is there, and PXE clients are told apart
}

// A Range is a dhcp-range. Those of DHCPv6 are not kept.
type Range struct {
	Pos        conf.Pos
	Start, End netip.Addr
	Set        string // the tag that it sets, "" for none
	Tags       Tags
	Static     bool // addresses of dhcp-host alone
	Proxy      bool // no addresses: another server gives them
	// Mask and Broadcast are not valid if they are left to the interface.
	Mask, Broadcast netip.Addr
	Lease           time.Duration // by default an hour; negative for ever
}

// A Host is a dhcp-host.
type Host struct {
	Pos      conf.Pos
	Hardware []Hardware
	ClientID []byte
	AnyID    bool // id:*, which has the client's identifier ignored
	Set      []string
	Tags     Tags
	Address  Value // with its place
	address  netip.Addr
	Name     string
	Lease    time.Duration // 0 if it says nothing of it
	Ignore   bool
}

// Addr is the host's address; not valid if it has none.
func (h Host) Addr() netip.Addr { return h.address }

// A Hardware is a MAC, of which some bytes may be any.
type Hardware struct {
	Type byte // 0: any
	Addr []byte
	Any  []bool // as long as Addr
}

// A Boot is a dhcp-boot.
type Boot struct {
	Pos    conf.Pos
	Tags   Tags
	File   Value
	SName  Value
	Server Value      // the third argument
	Addr   netip.Addr // what Server is, if it is an address
}

// A Service is a pxe-service.
type Service struct {
	Pos    conf.Pos
	Tags   Tags
	Arch   int    // client system architecture, RFC 4578 section 2.1
	Menu   string // text of the menu's line
	Type   int    // boot server type, 0 for local boot
	File   Value  // without it, some other server has the type
	Server Value
	Addr   netip.Addr
}

// A Match is a directive that sets a tag for some clients: dhcp-match,
// dhcp-vendorclass, dhcp-userclass, dhcp-mac or dhcp-name-match.
type Match struct {
	Pos conf.Pos
	Set string
	is  func(q *Query) bool
}

// A Condition is a tag-if.
type Condition struct {
	Pos  conf.Pos
	Set  []string
	Tags Tags
}

// A Domain is a domain=, perhaps for some addresses only.
type Domain struct {
	Name     string
	From, To netip.Addr // not valid: for all
}
