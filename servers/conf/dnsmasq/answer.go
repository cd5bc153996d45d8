package dnsmasq

import (
	"encoding/binary"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/pxeproof/pxeproof/servers/conf"
)

// A Reply says what kind of answer a message gets.
type Reply uint8

// The replies.
const (
	NoReply    Reply = iota // silence; Answer.Reason says why
	OfferReply              // DHCPOFFER
	AckReply                // DHCPACK
)

func (r Reply) String() string { return [...]string{"no reply", "DHCPOFFER", "DHCPACK"}[r] }

// An Answer is what dnsmasq answers. Of an answer with NoReply only Reason and
// Tags are to be looked at.
type Answer struct {
	Reply  Reply
	Reason conf.Sourced[string] // of NoReply: why, in one sentence
	// Proxy says that it names a boot file and gives no address (dhcp-range with
	// "proxy").
	Proxy bool

	Range *Range   // whose address it is
	Host  *Host    // nil if no dhcp-host is for the client
	Boot  *Boot    // the dhcp-boot that counts, nil for none
	Tags  []string // that are set, sorted

	Address conf.Sourced[netip.Addr] // yiaddr
	SIAddr  conf.Sourced[netip.Addr] // the server's own unless a directive says otherwise
	File    conf.Sourced[string]
	SName   conf.Sourced[string]
	// Options are in the reply's order. Option 81 (RFC 4702) is not among them,
	// nor does a small packet keep any out.
	Options   []conf.OptionValue
	Broadcast bool // the reply goes to all
}

// Option finds an option by its code; nil if it is not there.
func (a *Answer) Option(code uint8) *conf.OptionValue {
	for i := range a.Options {
		if a.Options[i].Code == code {
			return &a.Options[i]
		}
	}
	return nil
}

// An answering is an answer in the making.
type answering struct {
	c      *Config
	q      *Query
	out    Answer
	ranges []*Range // of the interface's networks, masks filled in
	server netip.Addr
	tags   tagSet
	tagIf  tagSet // with what tag-if adds
	host   *Host
	name   string // the client's, as far as dnsmasq believes it
	fixed  bool   // name is that of its dhcp-host
	arch   int    // of a PXE client, else -1
	class  string // its vendor class, as the reply has it
	vendor []bool // of each option: its vendor class is the client's
	tagOK  []bool // of each option: it may be sent
}

// Answer is what dnsmasq answers to a message of a client that has no lease yet.
func (c *Config) Answer(q Query) Answer {
	a := &answering{c: c, q: &q, server: q.Server.Addr(), tags: tagSet{}, arch: -1,
		vendor: make([]bool, len(c.Options)), tagOK: make([]bool, len(c.Options))}
	a.answer()
	a.out.Tags = slices.Sorted(maps.Keys(a.tagIf))
	return a.out
}

func (a *answering) silent(at conf.Pos, format string, args ...any) {
	a.out.Reply, a.out.Reason = NoReply, conf.Sourced[string]{Value: fmt.Sprintf(format, args...), Pos: at}
}

func (a *answering) answer() {
	if !a.serves() || !a.networks() {
		return
	}
	a.identify()
	ignored := slices.ContainsFunc(a.c.Ignores, func(t Tags) bool { return a.tagIf.meet(t, false) })
	if a.pxe(ignored) {
		return
	}
	if first := a.ranges[0]; first.Proxy || a.q.Port4011 {
		a.silent(first.Pos, "the range gives no addresses (proxy), and the client is none of PXE")
		return
	}
	if ignored || a.host != nil && a.host.Ignore {
		at := conf.Pos{}
		if a.host != nil && a.host.Ignore {
			at = a.host.Pos
		}
		a.silent(at, "the client is ignored (dhcp-ignore, or ignore in its dhcp-host)")
		return
	}
	if !a.address() {
		return
	}
	a.out.Reply = OfferReply
	if a.q.Type != Discover {
		a.out.Reply = AckReply
	}
	a.tagIf = a.c.runTagIf(a.tags, a.out.Range.Set)
	a.reply()
}

// serves says whether dnsmasq answers on the interface at all.
func (a *answering) serves() bool {
	is := func(v Value) bool {
		if prefix, wild := strings.CutSuffix(v.Text, "*"); wild {
			return strings.HasPrefix(a.q.Interface, prefix)
		}
		return v.Text == a.q.Interface
	}
	listens := slices.ContainsFunc(a.c.Listen, func(v Value) bool { return v.Text == a.server.String() })
	if len(a.c.Interfaces) == 0 && len(a.c.Listen) > 0 && !listens {
		a.silent(a.c.Listen[0].Pos, "dnsmasq listens on other addresses than %s", a.server)
		return false
	}
	if a.q.Interface == "" {
		return true
	}
	if len(a.c.Interfaces) > 0 && !slices.ContainsFunc(a.c.Interfaces, is) && !listens {
		a.silent(a.c.Interfaces[0].Pos, "dnsmasq does not serve the interface %s", a.q.Interface)
		return false
	}
	for _, v := range slices.Concat(a.c.Excepts, a.c.NoDHCP) {
		if is(v) {
			a.silent(v.Pos, "DHCP is not served on the interface %s", a.q.Interface)
			return false
		}
	}
	return true
}

// networks finds the ranges that are of the interface's network.
func (a *answering) networks() bool {
	mask, broadcast := maskOf(a.q.Server), last(a.q.Server)
	for i := range a.c.Ranges {
		g := a.c.Ranges[i]
		if !g.Mask.IsValid() {
			g.Mask = mask
		}
		if !sameNet(a.server, g.Start, g.Mask) || !sameNet(a.server, g.End, g.Mask) {
			continue
		}
		if !g.Broadcast.IsValid() {
			if g.Broadcast = broadcast; !sameNet(broadcast, g.Start, g.Mask) {
				g.Broadcast = last(netip.PrefixFrom(g.Start, bitsOf(g.Mask)))
			}
		}
		a.ranges = append(a.ranges, &g)
	}
	if len(a.ranges) > 0 {
		return true
	}
	at := conf.Pos{}
	if len(a.c.Ranges) > 0 {
		at = a.c.Ranges[0].Pos
	}
	a.silent(at, "no dhcp-range is in the network of the server's interface, %s", a.q.Server)
	return false
}

// maskOf is a prefix's mask.
func maskOf(p netip.Prefix) netip.Addr { return netip.AddrFrom4([4]byte(net.CIDRMask(p.Bits(), 32))) }

// bitsOf is the length of a mask's prefix.
func bitsOf(mask netip.Addr) int {
	n, _ := net.IPMask(mask.AsSlice()).Size()
	return n
}

// identify sets the client's tags and finds its dhcp-host.
func (a *answering) identify() {
	c, q := a.c, a.q
	set := func(tag string) {
		if tag != "" {
			a.tags[tag] = true
		}
	}
	set(q.Interface)
	for _, m := range c.Matches {
		if m.is(q) {
			set(m.Set)
		}
	}
	a.matchVendor(q.option(60))
	a.host = c.host(q, a.ranges, "", c.runTagIf(a.tags))
	switch {
	case a.host != nil:
		set("known")
	case c.host(q, nil, "", c.runTagIf(a.tags)) != nil:
		set("known-othernet")
	}
	a.name = q.hostName()
	if a.host != nil && a.host.Name != "" {
		a.name, a.fixed = hostPart(a.host.Name), true
	} else if a.host == nil && a.name != "" {
		// A name is believed only where nothing better identifies a client.
		if h := c.host(q, a.ranges, a.name, c.runTagIf(a.tags)); h != nil && h.ClientID == nil && h.Hardware == nil {
			a.host = h
			set("known")
		}
	}
	if a.host != nil {
		for _, t := range a.host.Set {
			set(t)
		}
	}
	a.tagIf = c.runTagIf(a.tags)
	a.out.Host = a.host
}

// matchVendor marks the options that go into option 43 for a vendor class.
func (a *answering) matchVendor(class []byte) {
	for i := range a.c.Options {
		o := &a.c.Options[i]
		classes := []string{""}
		if o.anyPXE {
			classes = a.c.pxeVendors()
		} else if o.Vendor != nil {
			classes[0] = *o.Vendor
		}
		a.vendor[i] = o.Vendor != nil && class != nil &&
			slices.ContainsFunc(classes, func(v string) bool { return strings.Contains(string(class), v) })
	}
}

// pruneVendor takes the marks off those whose tags are not set. It returns
// whether one of the rest is sent even to who does not ask.
func (a *answering) pruneVendor() (force bool) {
	for i := range a.c.Options {
		o := &a.c.Options[i]
		a.vendor[i] = a.vendor[i] && a.tagIf.meet(o.Tags, true)
		force = force || a.vendor[i] && o.Force
	}
	return force
}

// address chooses an address and its range.
func (a *answering) address() bool {
	q := a.q
	want := a.wanted()
	if !want.Value.IsValid() {
		a.silent(a.ranges[0].Pos, "no address is left for the client in the ranges that it may use")
		return false
	}
	a.out.Address = want
	if q.Type == Inform {
		a.out.Address = conf.Sourced[netip.Addr]{Value: netip.IPv4Unspecified()}
	}
	if a.out.Range = a.narrow(want.Value); a.out.Range == nil {
		a.silent(want.Pos, "%s is in none of the networks that the client may use", want.Value)
		return false
	}
	if !want.Pos.IsValid() {
		a.out.Address.Pos = a.out.Range.Pos
	}
	return true
}

// wanted is the address that the client is to have.
func (a *answering) wanted() (s conf.Sourced[netip.Addr]) {
	q := a.q
	asked := q.requested()
	switch {
	case q.Type == Request && asked.IsValid():
		s.Value = asked
	case q.Type != Discover:
		s.Value = q.CIAddr
	case a.host != nil && a.host.address.IsValid() && a.host.address != a.server && !a.taken(a.host.address):
		s.Value, s.Pos = a.host.address, a.host.Address.Pos
	case asked.IsValid() && a.available(asked) != nil && !a.c.reserved(asked) && !a.taken(asked):
		s.Value = asked
	default:
		s.Value = a.allocate()
	}
	return s
}

func (a *answering) taken(addr netip.Addr) bool { return a.q.Taken != nil && a.q.Taken(addr) }

// reserved says whether an address is some dhcp-host's.
func (c *Config) reserved(addr netip.Addr) bool {
	return slices.ContainsFunc(c.Hosts, func(h Host) bool { return h.address == addr })
}

// available is the range that an address may be given from.
func (a *answering) available(addr netip.Addr) *Range {
	for _, g := range a.ranges {
		if addr != a.server && !g.Static && !g.Proxy && g.Start.Compare(addr) <= 0 && addr.Compare(g.End) <= 0 && a.tagIf.meet(g.Tags, true) {
			return g
		}
	}
	return nil
}

// narrow is the range that an address belongs to: one that gives it, or else one
// of its network, static ones first.
func (a *answering) narrow(addr netip.Addr) *Range {
	if g := a.available(addr); g != nil {
		return g
	}
	for _, static := range []bool{true, false} {
		for _, g := range a.ranges {
			if a.tagIf.meet(g.Tags, true) && sameNet(addr, g.Start, g.Mask) && (g.Static || !static && !g.Proxy) {
				return g
			}
		}
	}
	return nil
}

// allocate is the first free address: counted from one that follows from the
// MAC, or from the range's first with dhcp-sequential-ip. Ranges whose tags are
// set are preferred.
func (a *answering) allocate() netip.Addr {
	hash := uint32(0)
	for _, b := range a.q.MAC {
		hash = uint32(b) + hash<<6 + hash<<16 - hash
	}
	hash = max(hash, 1)
	if a.c.SequentialIP.IsSet() {
		hash = 0
	}
	for _, untagged := range []bool{false, true} {
		for _, g := range a.ranges {
			if g.Static || g.Proxy || !a.tagIf.meet(g.Tags, untagged) {
				continue
			}
			from, to := number4(g.Start), number4(g.End)
			size := uint64(to) - uint64(from) + 1
			for i := range min(size, 1<<16) {
				addr := address4(from + uint32((uint64(hash)%size+i)%size))
				if b := addr.As4(); b[0] >= 192 && b[0] < 224 && (b[3] == 0 || b[3] == 255) {
					continue // Windows would not use it
				}
				if addr != a.server && !a.c.reserved(addr) && !a.taken(addr) {
					return addr
				}
			}
		}
	}
	return netip.Addr{}
}

func number4(a netip.Addr) uint32 { return binary.BigEndian.Uint32(a.AsSlice()) }

func address4(n uint32) netip.Addr {
	return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, n)))
}

// lookUp is the address of a name as far as dnsmasq's own files have it; else
// 0.0.0.0, which dnsmasq sends then.
func (c *Config) lookUp(name string) netip.Addr {
	if a, ok := c.names[strings.ToLower(strings.TrimSuffix(name, "."))]; ok {
		return a
	}
	return netip.IPv4Unspecified()
}
