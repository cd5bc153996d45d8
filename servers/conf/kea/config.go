package kea

import (
	"net"
	"net/netip"
	"time"

	"github.com/pxeproof/pxeproof/servers/conf"
)

// A Value is a text of the configuration and where it stands.
type Value struct {
	Text string
	Pos  conf.Pos
}

// IsSet says whether it is there.
func (v Value) IsSet() bool { return v.Pos.IsValid() }

// Boot are the fields of a message's header that any level can set.
type Boot struct {
	NextServer Value // an IPv4 address
	ServerName Value // server-hostname
	File       Value // boot-file-name
}

// A Config is the member Dhcp4.
type Config struct {
	Pos          conf.Pos
	Interfaces   []Value // "*", a name, or name/address
	Boot         Boot
	Options      []Option
	Classes      []Class
	Networks     []Network // shared-networks; a subnet by itself is one too
	Reservations []Reservation
	Lease        Lease
	EchoID       bool // echo-client-id
	modes        Modes
	ids          []string       // by what of a client reservations are looked for
	inner        map[int]string // spaces of options inside of others, by the outer's code
}

// Modes say where reservations are looked for.
type Modes struct{ Global, InSubnet bool }

// A Lease is how long addresses are given for. Times that are not set are
// negative.
type Lease struct {
	Valid, Renew, Rebind time.Duration
	Tee                  bool // calculate-tee-times
	T1, T2               float64
	ValidPos             conf.Pos
}

// A Network is a shared network.
type Network struct {
	Name    Value
	Boot    Boot
	Options []Option
	Subnets []*Subnet
	limit
}

// A Subnet is a member of subnet4.
type Subnet struct {
	Pos          conf.Pos
	Prefix       netip.Prefix
	Interface    string
	Boot         Boot // its own, or what it has from its network or the whole
	Options      []Option
	Pools        []Pool
	Reservations []Reservation
	Lease        Lease
	Network      *Network
	modes        Modes
	limit
}

// A Pool is a range of addresses.
type Pool struct {
	Pos        conf.Pos
	First, End netip.Addr
	Options    []Option
	limit
}

// limit says which clients may use something, and which classes are tried once
// it is used.
type limit struct {
	classes  []Value // client-class: one of them is enough; none: all may
	required []Value // require-client-classes
	more     []Value // evaluate-additional-classes: those without a test too
}

// A Class is a member of client-classes.
type Class struct {
	Name    Value
	Boot    Boot
	Options []Option
	// OnRequest says that it is tried only where something requires it.
	OnRequest bool
	test      expr // nil: only a reservation puts a client into it
	known     bool // the test asks whether the client is known
	lease     time.Duration
}

// A Reservation is for one client.
type Reservation struct {
	Pos      conf.Pos
	Hardware net.HardwareAddr
	ClientID []byte
	Other    string // by what else: "duid", "circuit-id", "flex-id"
	Address  Value
	Boot     Boot
	Options  []Option
	Classes  []Value
}

// An Option is a member of option-data.
type Option struct {
	Pos   conf.Pos // of the data, or of the whole if there is none
	Name  string
	Code  int
	Space string
	Value []byte
	Force bool // always-send
	Never bool // never-send
}
