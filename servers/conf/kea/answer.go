package kea

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/pxeproof/pxeproof/servers/conf"
)

// A MessageType is DHCP's option 53 (RFC 2132, section 9.6).
type MessageType uint8

// The message types that are answered here.
const (
	Discover MessageType = 1
	Request  MessageType = 3
)

// A Query is what is known of a client's message. It came in on an interface of
// the server's, and not by a relay.
type Query struct {
	Type    MessageType
	MAC     net.HardwareAddr
	Options map[uint8][]byte // the client's, by code
	// Server is the interface's address and network, and Interface its name; if
	// that is empty, Kea is taken to serve it whatever it is called.
	Server    netip.Prefix
	Interface string
	// Address is the lease that the client is to have. If it is not valid, it is
	// the first address of the first pool that is open to the client, as of a Kea
	// without leases.
	Address netip.Addr
}

// An Answer is what Kea answers.
type Answer struct {
	// Silent says that it answers nothing, and Reason why, in one sentence.
	Silent bool
	Reason conf.Sourced[string]

	Subnet      *Subnet
	Pool        *Pool        // nil for a reserved address
	Reservation *Reservation // nil for none
	Classes     []string     // in Kea's order

	Address conf.Sourced[netip.Addr] // yiaddr
	SIAddr  conf.Sourced[netip.Addr] // 0.0.0.0 unless next-server says otherwise
	File    conf.Sourced[string]
	SName   conf.Sourced[string]
	Options []conf.OptionValue
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
	c   *Config
	q   *Query
	out Answer
}

// Answer is what Kea answers to a message.
func (c *Config) Answer(q Query) Answer {
	a := &answering{c: c, q: &q}
	a.answer()
	return a.out
}

func (a *answering) silent(at conf.Pos, format string, args ...any) {
	a.out.Silent, a.out.Reason = true, conf.Sourced[string]{Value: fmt.Sprintf(format, args...), Pos: at}
}

func (a *answering) member(class string) bool { return slices.Contains(a.out.Classes, class) }

func (a *answering) join(class string) {
	if !a.member(class) {
		a.out.Classes = append(a.out.Classes, class)
	}
}

// open says whether the client may use something.
func (a *answering) open(l limit) bool {
	return len(l.classes) == 0 || slices.ContainsFunc(l.classes, func(v Value) bool { return a.member(v.Text) })
}

// classify tries the tests of classes that do depend on the client's being
// known, or that do not.
func (a *answering) classify(known bool) {
	for i := range a.c.Classes {
		if cl := &a.c.Classes[i]; cl.test != nil && !cl.OnRequest && cl.known == known && isTrue(cl.test(a)) {
			a.join(cl.Name.Text)
		}
	}
}

func (a *answering) answer() {
	if !a.serves() {
		return
	}
	a.join("ALL")
	if v := a.q.Options[60]; len(v) > 0 {
		a.join("VENDOR_CLASS_" + string(v))
	}
	a.classify(false)
	nw := a.network()
	if nw == nil {
		return
	}
	a.reservation(nw)
	if a.member("DROP") {
		a.silent(conf.Pos{}, "the client is of the class DROP")
		return
	}
	if !a.address(nw) {
		return
	}
	s := a.out.Subnet
	limits := []limit{nw.limit, s.limit}
	if a.out.Pool != nil {
		limits = append(limits, a.out.Pool.limit)
	}
	for _, l := range limits {
		for _, v := range slices.Concat(l.required, l.more) {
			if cl := a.class(v.Text); cl != nil && cl.OnRequest && (cl.test == nil && slices.Contains(l.more, v) || cl.test != nil && isTrue(cl.test(a))) {
				a.join(v.Text)
			}
		}
	}
	a.fields()
	a.options()
}

// serves says whether Kea listens on the interface.
func (a *answering) serves() bool {
	for _, v := range a.c.Interfaces {
		name, address, _ := strings.Cut(v.Text, "/")
		if name == "*" || (a.q.Interface == "" || name == a.q.Interface) && (address == "" || address == a.q.Server.Addr().String()) {
			return true
		}
	}
	if len(a.c.Interfaces) > 0 {
		a.silent(a.c.Interfaces[0].Pos, "Kea does not listen on the interface %s", a.q.Interface)
	} else {
		a.silent(a.c.Pos, "interfaces-config names no interface, so Kea listens on none")
	}
	return false
}

// network finds the subnet of the interface, and so the network.
func (a *answering) network() *Network {
	at := a.c.Pos
	for i := range a.c.Networks {
		nw := &a.c.Networks[i]
		for _, s := range nw.Subnets {
			here := s.Prefix.Contains(a.q.Server.Addr())
			if s.Interface != "" {
				here = s.Interface == a.q.Interface || a.q.Interface == "" && here
			}
			if !here {
				continue
			}
			if at = s.Pos; a.open(nw.limit) && a.open(s.limit) {
				return nw
			}
		}
	}
	a.silent(at, "no subnet is there for the server's network (%s) that is open to the client", a.q.Server)
	return nil
}

// reservation finds what is reserved for the client, and sets the classes that
// follow from it.
func (a *answering) reservation(nw *Network) {
	var all []*Reservation
	for _, s := range nw.Subnets {
		if !a.open(s.limit) {
			continue
		}
		if s.modes.Global {
			all = append(all, pointers(a.c.Reservations)...)
		}
		if s.modes.InSubnet {
			all = append(all, pointers(s.Reservations)...)
		}
	}
	for _, id := range a.c.ids {
		for _, h := range all {
			if a.out.Reservation == nil && (id == "hw-address" && h.Hardware != nil && bytes.Equal(h.Hardware, a.q.MAC) ||
				id == "client-id" && h.ClientID != nil && bytes.Equal(h.ClientID, a.q.Options[61])) {
				a.out.Reservation = h
			}
		}
	}
	if h := a.out.Reservation; h != nil {
		for _, v := range h.Classes {
			a.join(v.Text)
		}
		a.join("KNOWN")
	} else {
		a.join("UNKNOWN")
	}
	a.classify(true)
}

func pointers[T any](s []T) []*T {
	var all []*T
	for i := range s {
		all = append(all, &s[i])
	}
	return all
}

// address chooses the address, its pool and its subnet.
func (a *answering) address(nw *Network) bool {
	out := &a.out
	if h := out.Reservation; h != nil && h.Address.IsSet() {
		addr, _ := netip.ParseAddr(h.Address.Text)
		for _, s := range nw.Subnets {
			if s.Prefix.Contains(addr) && a.open(s.limit) {
				out.Subnet, out.Address = s, conf.Sourced[netip.Addr]{Value: addr, Pos: h.Address.Pos}
				return true
			}
		}
	}
	at := nw.Subnets[0].Pos
	for _, s := range nw.Subnets {
		if !a.open(s.limit) {
			continue
		}
		at = s.Pos
		for i := range s.Pools {
			p := &s.Pools[i]
			want := a.q.Address
			if !want.IsValid() {
				want = a.free(nw, p)
			}
			if a.open(p.limit) && want.IsValid() && p.First.Compare(want) <= 0 && want.Compare(p.End) <= 0 {
				out.Subnet, out.Pool, out.Address = s, p, conf.Sourced[netip.Addr]{Value: want, Pos: p.Pos}
				return true
			}
		}
	}
	a.silent(at, "no pool that is open to the client has an address for it")
	return false
}

// free is a pool's first address that is not reserved.
func (a *answering) free(nw *Network, p *Pool) netip.Addr {
	reserved := map[string]bool{}
	for _, s := range nw.Subnets {
		for _, h := range s.Reservations {
			reserved[h.Address.Text] = true
		}
	}
	for addr := p.First; addr.IsValid() && addr.Compare(p.End) <= 0; addr = addr.Next() {
		if !reserved[addr.String()] {
			return addr
		}
	}
	return netip.Addr{}
}

// class finds a class by its name; nil for one that is Kea's own.
func (a *answering) class(name string) *Class {
	for i := range a.c.Classes {
		if a.c.Classes[i].Name.Text == name {
			return &a.c.Classes[i]
		}
	}
	return nil
}

// fields are those of the header: of the reservation, or else of the first class
// that has one, or else of the subnet.
func (a *answering) fields() {
	out := &a.out
	levels := []Boot{}
	if h := out.Reservation; h != nil {
		levels = append(levels, h.Boot)
	}
	for _, name := range out.Classes {
		if cl := a.class(name); cl != nil {
			levels = append(levels, cl.Boot)
		}
	}
	levels = append(levels, out.Subnet.Boot)
	out.SIAddr.Value = netip.IPv4Unspecified()
	for _, b := range slices.Backward(levels) {
		if addr, err := netip.ParseAddr(b.NextServer.Text); err == nil && !addr.IsUnspecified() {
			out.SIAddr = conf.Sourced[netip.Addr]{Value: addr, Pos: b.NextServer.Pos}
		}
		if b.ServerName.Text != "" {
			out.SName = conf.Sourced[string]{Value: b.ServerName.Text, Pos: b.ServerName.Pos}
		}
		if b.File.Text != "" {
			out.File = conf.Sourced[string]{Value: b.File.Text, Pos: b.File.Pos}
		}
	}
}

// lists are the options that count, the most particular first.
func (a *answering) lists() [][]Option {
	out := &a.out
	var all [][]Option
	if out.Reservation != nil {
		all = append(all, out.Reservation.Options)
	}
	if out.Pool != nil {
		all = append(all, out.Pool.Options)
	}
	all = append(all, out.Subnet.Options)
	for i := range a.c.Networks {
		if slices.Contains(a.c.Networks[i].Subnets, out.Subnet) {
			all = append(all, a.c.Networks[i].Options)
		}
	}
	for _, name := range out.Classes {
		if cl := a.class(name); cl != nil {
			all = append(all, cl.Options)
		}
	}
	return append(all, a.c.Options)
}

func (a *answering) put(code int, value []byte, at conf.Pos) {
	a.out.Options = append(a.out.Options, conf.OptionValue{Code: uint8(code), Value: value, Pos: at})
}

// options fills in the options.
func (a *answering) options() {
	q, s := a.q, a.out.Subnet
	kind := byte(2)
	if q.Type != Discover {
		kind = 5
	}
	a.put(53, []byte{kind}, conf.Pos{})
	a.put(54, q.Server.Addr().AsSlice(), conf.Pos{})
	a.put(1, net.CIDRMask(s.Prefix.Bits(), 32), s.Pos)
	a.times()
	if id := q.Options[61]; a.c.EchoID && len(id) > 0 {
		a.put(61, id, conf.Pos{})
	}
	lists := a.lists()
	// What is asked for, what is always sent, and what Kea sends anyhow: routers,
	// DNS servers, the domain.
	codes := slices.Clone(q.Options[55])
	never := map[int]bool{}
	for _, l := range lists {
		for _, o := range l {
			if o.Force && o.Space == space4 {
				codes = append(codes, byte(o.Code))
			}
			never[o.Code] = never[o.Code] || o.Never
		}
	}
	for _, code := range append(codes, 3, 6, 15) {
		if a.out.Option(code) != nil || never[int(code)] {
			continue
		}
		if o := find(lists, space4, int(code)); o != nil {
			a.put(o.Code, a.whole(lists, o), o.Pos)
		}
	}
}

// times are options 51, 58 and 59.
func (a *answering) times() {
	l := a.out.Subnet.Lease
	for _, name := range a.out.Classes {
		if cl := a.class(name); cl != nil && cl.lease > 0 {
			l.Valid = cl.lease
			break
		}
	}
	seconds := func(d time.Duration) []byte { return binary.BigEndian.AppendUint32(nil, uint32(d/time.Second)) }
	a.put(51, seconds(l.Valid), l.ValidPos)
	t2 := l.Valid
	if l.Rebind < 0 && l.Tee {
		l.Rebind = time.Duration(float64(l.Valid/time.Second)*l.T2) * time.Second
	}
	if l.Rebind >= 0 && l.Rebind < l.Valid {
		t2 = l.Rebind
		a.put(59, seconds(t2), conf.Pos{})
	}
	if l.Renew < 0 && l.Tee {
		l.Renew = time.Duration(float64(l.Valid/time.Second)*l.T1) * time.Second
	}
	if l.Renew >= 0 && l.Renew < t2 {
		a.put(58, seconds(l.Renew), conf.Pos{})
	}
}

func find(lists [][]Option, space string, code int) *Option {
	for _, l := range lists {
		for i := range l {
			if l[i].Space == space && l[i].Code == code {
				return &l[i]
			}
		}
	}
	return nil
}

// whole is an option's value with the options that go inside.
func (a *answering) whole(lists [][]Option, o *Option) []byte {
	inner := ""
	if o.Code == 43 {
		inner = "vendor-encapsulated-options-space"
	}
	if s := a.c.inner[o.Code]; s != "" {
		inner = s
	}
	v := bytes.Clone(o.Value)
	if inner == "" {
		return v
	}
	seen := map[int]bool{}
	var codes []int
	for _, l := range lists {
		for _, sub := range l {
			if sub.Space == inner && !seen[sub.Code] {
				seen[sub.Code] = true
				codes = append(codes, sub.Code)
			}
		}
	}
	slices.Sort(codes)
	for _, code := range codes {
		sub := find(lists, inner, code)
		v = append(append(v, byte(code), byte(len(sub.Value))), sub.Value...)
	}
	return v
}
