package dhcpd

import (
	"net/netip"
	"time"

	"github.com/pxeproof/pxeproof/servers/conf"
)

// A Config is a dhcpd.conf that has been read.
type Config struct {
	File     string
	Root     *Scope
	Networks []*Network // links; a subnet outside of any shared-network makes one of its own
	Subnets  []*Subnet  // of all networks, in the order of the file
	Hosts    []*Host
	Classes  []*Class // subclasses excepted

	spaces *spaces
	groups map[string]*Scope
}

// A ScopeKind says which declaration made a Scope.
type ScopeKind uint8

// The kinds of scope.
const (
	RootScope ScopeKind = iota
	NetworkScope
	SubnetScope
	PoolScope
	GroupScope
	HostScope
	ClassScope
)

func (k ScopeKind) String() string {
	return [...]string{"the file", "shared-network", "subnet", "pool", "group", "host", "class"}[k]
}

// A Scope is a pair of braces, or the file: a place for parameters and options.
// Those of an inner scope supersede those of the scopes around it.
type Scope struct {
	Kind  ScopeKind
	Name  string // as declared; "" for the file
	Pos   conf.Pos
	Outer *Scope // nil for the file

	// Authoritative is what holds here; AuthoritativePos is the statement that
	// says so, zero if nothing does (then it is false).
	Authoritative    bool
	AuthoritativePos conf.Pos

	statements []statement
	// What the scope belongs to, as far as it is of that kind.
	network *Network
	subnet  *Subnet
	pool    *Pool
	host    *Host
	class   *Class
}

// inner makes a scope inside s.
func (s *Scope) inner(kind ScopeKind, name string, pos conf.Pos) *Scope {
	return &Scope{Kind: kind, Name: name, Pos: pos, Outer: s,
		Authoritative: s.Authoritative, AuthoritativePos: s.AuthoritativePos}
}

// encloses says whether s is of or one of the scopes around it.
func (s *Scope) encloses(of *Scope) bool {
	for ; of != nil; of = of.Outer {
		if of == s {
			return true
		}
	}
	return false
}

// A Network is a link: a shared-network, or the link that dhcpd invents around
// a subnet that stands alone.
type Network struct {
	Name     string
	Pos      conf.Pos
	Implicit bool
	Scope    *Scope
	Subnets  []*Subnet // the narrower before the wider
	Pools    []*Pool
}

// Subnet finds the network's subnet that an address belongs to, nil if none.
func (n *Network) Subnet(a netip.Addr) *Subnet { return subnetOf(n.Subnets, a) }

// A Subnet is a subnet declaration.
type Subnet struct {
	Prefix  netip.Prefix
	Pos     conf.Pos
	Scope   *Scope // for a lone subnet the same as its network's
	Network *Network
}

func subnetOf(subnets []*Subnet, a netip.Addr) *Subnet {
	for _, s := range subnets {
		if s.Prefix.Contains(a) {
			return s
		}
	}
	return nil
}

// mask is the subnet's netmask as option 1 holds it.
func (s *Subnet) mask() []byte {
	m := ^uint32(0) << (32 - s.Prefix.Bits())
	return []byte{byte(m >> 24), byte(m >> 16), byte(m >> 8), byte(m)}
}

// A Pool is a set of ranges with the same permissions: a pool declaration, or
// the one that dhcpd makes of a subnet's own ranges.
type Pool struct {
	Pos         conf.Pos // of the declaration, or of the first range
	Implicit    bool
	Scope       *Scope
	Network     *Network
	Ranges      []Range
	Allow, Deny []Permit
}

// A Range is a range declaration, both ends included.
type Range struct {
	Low, High netip.Addr
	Subnet    *Subnet
	Pos       conf.Pos
}

// Contains says whether the address is in the range.
func (r Range) Contains(a netip.Addr) bool {
	return a.Is4() && r.Low.Compare(a) <= 0 && a.Compare(r.High) <= 0
}

// Range finds the pool's range with the address; ok is false if none has it.
func (p *Pool) Range(a netip.Addr) (r Range, ok bool) {
	for _, r := range p.Ranges {
		if r.Contains(a) {
			return r, true
		}
	}
	return Range{}, false
}

// A PermitKind is what an allow or deny statement of a pool is about.
type PermitKind uint8

// The kinds of permit.
const (
	KnownClients PermitKind = iota
	UnknownClients
	AuthenticatedClients // never the case: no authentication exists
	UnauthenticatedClients
	AllClients
	DynamicBOOTPClients
	MembersOf
	After
)

// A Permit is an allow or deny statement of a pool.
type Permit struct {
	Kind  PermitKind
	Class *Class    // of MembersOf
	When  time.Time // of After
	Pos   conf.Pos
}

// A Host is a host declaration.
type Host struct {
	Name        string
	Pos         conf.Pos
	Scope       *Scope
	Hardware    []byte // type, then address; empty if not given
	HardwarePos conf.Pos
	// ClientID is what option 61 must be; nil if not given.
	ClientID []byte
	// Addresses are those of fixed-address; FixedPos is zero if there is no
	// such statement.
	Addresses []netip.Addr
	FixedPos  conf.Pos
	// idOption and id are the host-identifier.
	idOption *Option
	id       []byte
}

// A Class is a class or a subclass.
type Class struct {
	Name string // of a subclass: its class's
	Pos  conf.Pos
	// Super is the class of a subclass.
	Super *Class
	// Match is the data of a subclass.
	Match []byte
	Scope *Scope

	matchIf    *expr
	submatch   *expr
	spawns     bool
	subclasses map[string]*Class
}
