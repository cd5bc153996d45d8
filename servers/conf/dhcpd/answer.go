package dhcpd

import (
	"encoding/binary"
	"fmt"
	"maps"
	"net/netip"
	"time"

	"github.com/pxeproof/pxeproof/servers/conf"
)

// A Sourced is a value with the statement that it comes from.
type Sourced[T any] = conf.Sourced[T]

// A Reply says what kind of answer a message gets.
type Reply uint8

// The replies.
const (
	NoReply    Reply = iota // silence; Answer.Reason says why
	OfferReply              // DHCPOFFER
	AckReply                // DHCPACK
	NakReply                // DHCPNAK
	BOOTPReply
)

func (r Reply) String() string {
	return [...]string{"no reply", "DHCPOFFER", "DHCPACK", "DHCPNAK", "BOOTREPLY"}[r]
}

// An Answer is what dhcpd answers. Of an answer with NoReply only Reason and
// what comes before Address are to be looked at.
type Answer struct {
	Reply  Reply
	Reason Sourced[string] // of NoReply: why, in one sentence

	Network *Network
	Subnet  *Subnet
	Pool    *Pool // nil for a fixed address
	Host    *Host // the declaration whose options are in the answer; may be nil
	Classes []*Class
	Known   bool
	// Candidates are the ranges that the client may have an address of, in the
	// order in which dhcpd tries their pools.
	Candidates []Range

	Address Sourced[netip.Addr] // yiaddr; Pos is the fixed-address or range statement
	SIAddr  Sourced[netip.Addr] // 0.0.0.0 unless next-server says otherwise
	// File and SName are as configured: without NULs, and perhaps longer than
	// what Wire could take.
	File  Sourced[[]byte]
	SName Sourced[[]byte]
	// Options are those of the reply, in its order, those in the file and sname
	// fields (option overload) included.
	Options []OptionValue
	// LeaseTime is that of option 51. Of a BOOTP reply it is how long the
	// address is the client's, 0 for ever.
	LeaseTime time.Duration
	// Kept says that LeaseTime is the rest of the lease that the client has.
	Kept bool
	// Broadcast says that always-broadcast is on.
	Broadcast     bool
	Authoritative Sourced[bool] // whether this server may send a DHCPNAK here

	// Variables are to be kept with the lease. They are nil of a fixed address.
	Variables *Variables

	// Wire holds the bytes of the reply's variable part.
	Wire Wire
	// Identify says that the client's identifier is to be remembered with the
	// lease (it is not if ignore-client-uids is on).
	Identify bool
	// OneLease and Duplicates are one-lease-per-client and its companion.
	OneLease, Duplicates bool
	// Stash says that the relay's options are to be remembered with the lease.
	Stash bool
}

// An OptionValue is an option of a reply.
type OptionValue = conf.OptionValue

// Option finds an option of the reply by its code; nil if it is not there.
func (a *Answer) Option(code uint8) *OptionValue {
	for i := range a.Options {
		if a.Options[i].Code == code {
			return &a.Options[i]
		}
	}
	return nil
}

// Answer is what dhcpd answers to a message. A DHCPREQUEST is taken to be for a
// lease that the client may have; whether it may is for the server to know.
func (c *Config) Answer(q Query) Answer { return c.Client(q).Answer() }

// Answer is what dhcpd answers to the message that Client was asked about.
func (cl *Client) Answer() Answer {
	cl.renew()
	a := Answer{Network: cl.Network, Classes: cl.Classes, Known: cl.Known}
	q := cl.env.q
	switch q.Type {
	case Inform:
		return cl.inform(a)
	case BOOTP, Discover, Request:
	default:
		return a.silent(conf.Pos{}, "a %s is not answered", q.Type)
	}
	if cl.Network == nil && !q.Address.IsValid() {
		return a.silent(conf.Pos{}, "no subnet is declared for the network of the message (%s)", cl.origin())
	}
	if cl.Network != nil {
		a.Authoritative = authority(cl.Network.Scope)
		cl.candidates(&a)
	}
	if !cl.choose(&a) {
		return a
	}
	a.Authoritative = authority(a.Subnet.Scope)
	return cl.lease(a)
}

func authority(s *Scope) Sourced[bool] {
	return Sourced[bool]{Value: s.Authoritative, Pos: s.AuthoritativePos}
}

func (cl *Client) origin() string {
	q := cl.env.q
	if set4(q.GIAddr) {
		return "relay " + q.GIAddr.String()
	}
	return "server address " + q.Server.String()
}

func (a Answer) silent(at conf.Pos, format string, arg ...any) Answer {
	a.Reply, a.Reason = NoReply, Sourced[string]{Value: fmt.Sprintf(format, arg...), Pos: at}
	return a
}

func (cl *Client) candidates(a *Answer) {
	for _, p := range cl.Network.Pools {
		if cl.Permitted(p) {
			a.Candidates = append(a.Candidates, p.Ranges...)
		}
	}
}

// firstAddress is what a client gets of a dhcpd without leases: the first
// address of the first pool that is open to it.
func (cl *Client) firstAddress() netip.Addr {
	for _, p := range cl.Network.Pools {
		if cl.Permitted(p) {
			return p.first()
		}
	}
	return netip.Addr{}
}

// choose decides about address, subnet and pool.
func (cl *Client) choose(a *Answer) bool {
	want := cl.env.q.Address
	switch {
	case cl.Fixed != nil && (!want.IsValid() || want == cl.Address):
		a.Address = Sourced[netip.Addr]{Value: cl.Address, Pos: cl.Fixed.FixedPos}
		a.Subnet, a.Host = cl.Network.Subnet(cl.Address), cl.Fixed
		return true
	case !want.IsValid() && len(a.Candidates) > 0:
		want = cl.firstAddress()
	case !want.IsValid() && len(cl.Network.Pools) == 0:
		*a = a.silent(cl.Network.Pos, "the network %s has no range of addresses, and no host with a fixed address is for the client", cl.Network.Name)
		return false
	case !want.IsValid():
		*a = a.silent(cl.Network.Pools[0].Pos, "no pool of the network %s is open to the client", cl.Network.Name)
		return false
	}
	// A client that renews through a router may have a lease of another link.
	if p := cl.env.cfg.pool(want); p != nil {
		r, _ := p.Range(want)
		a.Address = Sourced[netip.Addr]{Value: want, Pos: r.Pos}
		a.Pool, a.Subnet = p, r.Subnet
		return true
	}
	if s := cl.env.cfg.Subnet(want); s != nil {
		if h, fixed := cl.FixedOn(s.Network); h != nil && fixed == want {
			a.Address, a.Subnet, a.Host = Sourced[netip.Addr]{Value: want, Pos: h.FixedPos}, s, h
			return true
		}
	}
	*a = a.silent(conf.Pos{}, "%s is in no range of addresses", want)
	return false
}

// lease answers with the address that has been chosen.
func (cl *Client) lease(a Answer) Answer {
	e, q := cl.env, cl.env.q
	e.out, e.vars = newState(), &vars{}
	if a.Pool != nil {
		e.vars.m = make(map[string]value)
		if q.Variables != nil {
			maps.Copy(e.vars.m, q.Variables.m)
		}
		a.Variables = &Variables{e.vars.m}
	}
	addr := a.Address.Value.As4()
	e.lease = &leased{address: addr[:], fixed: a.Pool == nil, host: a.Host}
	limit := a.Subnet.Scope
	e.scope(a.Subnet.Scope, nil)
	if a.Pool != nil {
		e.scope(a.Pool.Scope, a.Pool.Network.Scope)
		limit = a.Pool.Scope
	}
	for i := len(e.classes) - 1; i >= 0; i-- {
		e.scope(e.classes[i].Scope, limit)
	}
	a.Classes = e.classes
	if secs, ok := e.parameter("min-secs"); ok && q.Type == Discover && len(secs) > 0 && q.Secs < uint16(secs[0]) {
		return a.silent(e.posOf("min-secs"), "min-secs is %d, and the client has waited for %d s only", secs[0], q.Secs)
	}
	if a.Host == nil {
		a.Host = e.cfg.host(e)
		if q.Bound {
			e.lease.host = a.Host
		}
	}
	if a.Host != nil {
		e.scope(a.Host.Scope, limit)
	}
	for _, deny := range []struct {
		parameter string
		applies   bool
		reason    string
	}{
		{"boot-unknown-clients", a.Host == nil, "unknown clients are denied, and no host declaration is for the client"},
		{"allow-bootp", q.Type == BOOTP, "BOOTP is denied"},
		{"allow-booting", true, "booting is denied"},
	} {
		if is, ok := e.flag(deny.parameter); ok && !is && deny.applies {
			return a.silent(e.posOf(deny.parameter), "%s", deny.reason)
		}
	}
	a.File, a.SName = e.text("filename"), e.text("server-name")
	e.lease.host = a.Host
	if class, ok := q.Options[60]; ok && len(class) > 0 {
		e.vars.set("vendor-class-identifier", value{kind: isData, data: class})
	}
	a.Reply = map[MessageType]Reply{Discover: OfferReply, Request: AckReply, BOOTP: BOOTPReply}[q.Type]
	if a.Reply != OfferReply {
		e.run(e.commit)
	}
	ignoreID, _ := e.flag("ignore-client-uids")
	a.Identify = !ignoreID
	a.OneLease, _ = e.flag("one-lease-per-client")
	duplicates, ok := e.flag("duplicates")
	a.Duplicates = duplicates || !ok
	stash, ok := e.flag("stash-agent-options")
	a.Stash = stash || !ok
	a.Broadcast, _ = e.flag("always-broadcast")
	if a.Reply == BOOTPReply && a.Pool == nil {
		return cl.staticBOOTP(a)
	}
	return cl.complete(a)
}

// complete adds what dhcpd adds on its own account, and packs.
func (cl *Client) complete(a Answer) Answer {
	e, q := cl.env, cl.env.q
	dhcp := e.cfg.spaces.dhcp
	if _, ok := q.Options[118]; ok {
		e.own(118, q.Options[118])
	}
	if a.Reply != BOOTPReply {
		e.own(53, []byte{byte(map[Reply]MessageType{OfferReply: Offer, AckReply: ACK}[a.Reply])})
		e.serverIdentifier()
		a.LeaseTime = e.leaseTime()
		if rest, ok := e.rest(); ok {
			a.LeaseTime, a.Kept = rest, true
		}
		seconds := uint32(a.LeaseTime / time.Second)
		e.own(51, binary.BigEndian.AppendUint32(nil, seconds))
		// Renewing has to come before rebinding, and that before the end.
		for _, code := range []uint32{59, 58} {
			if b, ok := e.held(dhcp, code); ok && len(b) >= 4 {
				if t := binary.BigEndian.Uint32(b); t >= seconds {
					e.out.delete(dhcp, code)
				} else if code == 59 {
					seconds = t
				}
			}
		}
	}
	if a.Reply == BOOTPReply {
		a.LeaseTime = time.Duration(e.seconds("dynamic-bootp-lease-length", 0)) * time.Second
	}
	a.SIAddr = e.nextServer()
	e.ownIfUnset(1, a.Subnet.mask())
	e.hostName(&a)
	e.echoClientID()
	if is, _ := e.flag("use-lease-addr-for-default-route"); is {
		e.ownIfUnset(3, a.Address.Value.AsSlice())
	}
	pk := packer{env: e, requested: e.requestList(), overload: true, bootp: a.Reply == BOOTPReply, reply: &a,
		terminate: q.TerminatesTexts() && q.Type != BOOTP}
	if b, ok := q.Options[57]; ok && len(b) == 2 {
		pk.maxSize = int(binary.BigEndian.Uint16(b))
	} else if b, held := e.held(dhcp, 57); !ok && held && len(b) == 2 {
		pk.maxSize = int(binary.BigEndian.Uint16(b))
	}
	pk.pack()
	return a
}
