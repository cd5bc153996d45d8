package dnsmasq

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"slices"
	"time"

	"github.com/pxeproof/pxeproof/servers/conf"
)

func (a *answering) put(code int, value []byte, at conf.Pos) {
	a.out.Options = append(a.out.Options, conf.OptionValue{Code: uint8(code), Value: value, Pos: at})
}

// filter marks the options that may be sent, of each code one: tagged before
// untagged, by the client's tags before by its range's, later in the file before
// earlier.
func (a *answering) filter() {
	opts := a.c.Options
	client := a.c.runTagIf(a.tags)
	taken := func(code int) bool {
		for i := range opts {
			if a.tagOK[i] && opts[i].Code == code {
				return true
			}
		}
		return false
	}
	for i := range opts {
		a.tagOK[i] = opts[i].outer() && client.meet(opts[i].Tags, false)
	}
	if a.out.Range != nil && a.out.Range.Set != "" {
		for i := range opts {
			a.tagOK[i] = a.tagOK[i] && a.tagIf.meet(opts[i].Tags, false)
		}
		for i := range slices.Backward(opts) {
			if opts[i].outer() && !a.tagOK[i] && a.tagIf.meet(opts[i].Tags, false) && !taken(opts[i].Code) {
				a.tagOK[i] = true
			}
		}
	}
	for i := range slices.Backward(opts) {
		if opts[i].outer() && !a.tagOK[i] && len(opts[i].Tags) == 0 && !taken(opts[i].Code) {
			a.tagOK[i] = true
		}
	}
	seen := map[int]bool{}
	for i := range slices.Backward(opts) {
		a.tagOK[i] = a.tagOK[i] && !seen[opts[i].Code]
		seen[opts[i].Code] = seen[opts[i].Code] || a.tagOK[i]
	}
}

// configured is the option that the file has for the client; nil for none.
func (a *answering) configured(code int) *Option {
	for i := range slices.Backward(a.c.Options) {
		if a.tagOK[i] && a.c.Options[i].Code == code {
			return &a.c.Options[i]
		}
	}
	return nil
}

// boot is the dhcp-boot that counts: the last one whose tags are set, or else
// the last one without any.
func (a *answering) boot() *Boot {
	for _, untagged := range []bool{false, true} {
		for i := range slices.Backward(a.c.Boots) {
			if a.tagIf.meet(a.c.Boots[i].Tags, untagged) {
				return &a.c.Boots[i]
			}
		}
	}
	return nil
}

// reply fills in a reply with an address.
func (a *answering) reply() {
	q, out := a.q, &a.out
	a.filter()
	out.Broadcast = slices.ContainsFunc(a.c.Broadcasts, func(t Tags) bool { return a.tags.meet(t, len(t) == 0) })
	kind := map[Reply]byte{OfferReply: 2, AckReply: 5}[out.Reply]
	a.put(53, []byte{kind}, conf.Pos{})
	a.put(54, a.server.AsSlice(), conf.Pos{})
	lease, leaseAt := a.lease()
	if q.Type != Inform {
		a.put(51, seconds(lease), leaseAt)
	} else {
		lease = forever
	}
	a.bootFields()
	a.ownOptions(lease)
	doneClass := a.fileOptions()
	a.encapsulated()
	a.vendorOptions(doneClass)
}

// seconds is a time as options have it.
func seconds(d time.Duration) []byte {
	n := uint32(d / time.Second)
	if d < 0 {
		n = 0xffffffff
	}
	return binary.BigEndian.AppendUint32(nil, n)
}

// lease is how long the client may keep the address: as long as it asks for, and
// two minutes at least, up to what the range or its dhcp-host says.
func (a *answering) lease() (time.Duration, conf.Pos) {
	d, at := a.out.Range.Lease, a.out.Range.Pos
	if a.host != nil && a.host.Lease != 0 {
		d, at = a.host.Lease, a.host.Pos
	}
	if b := a.q.option(51); len(b) == 4 {
		asked := time.Duration(binary.BigEndian.Uint32(b)) * time.Second
		infinite := binary.BigEndian.Uint32(b) == 0xffffffff
		asked = max(asked, shortestLease)
		if !infinite && (d < 0 || asked < d) {
			return asked, conf.Pos{}
		}
	}
	return d, at
}

// bootFields are siaddr, file and sname.
func (a *answering) bootFields() {
	q, out := a.q, &a.out
	_, list := q.Options[55]
	asOption := func(code int) bool { return !a.c.NoOverride.IsSet() && list && q.wants(code) }
	out.SIAddr.Value = a.server
	b := a.boot()
	if b == nil {
		// The options of the same meaning, unless they are asked for as such.
		for code, field := range map[int]*conf.Sourced[string]{67: &out.File, 66: &out.SName} {
			if o := a.configured(code); o != nil && !o.Force && (!list || !q.wants(code)) {
				*field = conf.Sourced[string]{Value: cString(o.Value), Pos: o.ValuePos}
			}
		}
		if o := a.configured(255); o != nil && len(o.Value) >= 4 {
			out.SIAddr = conf.Sourced[netip.Addr]{Value: netip.AddrFrom4([4]byte(o.Value[:4])), Pos: o.ValuePos}
		}
		return
	}
	out.Boot = b
	field := func(code int, v Value, of *conf.Sourced[string]) {
		switch {
		case v.Text == "":
		case asOption(code):
			a.put(code, append([]byte(v.Text), 0), v.Pos)
		default:
			*of = conf.Sourced[string]{Value: v.Text, Pos: v.Pos}
		}
	}
	field(66, b.SName, &out.SName)
	field(67, b.File, &out.File)
	switch {
	case b.Addr.IsValid() && !b.Addr.IsUnspecified():
		out.SIAddr = conf.Sourced[netip.Addr]{Value: b.Addr, Pos: b.Server.Pos}
	case b.Server.Text != "" && !b.Addr.IsValid():
		out.SIAddr = conf.Sourced[netip.Addr]{Value: a.c.lookUp(b.Server.Text), Pos: b.Server.Pos}
	}
}

func cString(b []byte) string {
	s, _, _ := bytes.Cut(b, []byte{0})
	return string(s)
}

// ownOptions are those that dnsmasq sends without being told.
func (a *answering) ownOptions(lease time.Duration) {
	q, g := a.q, a.out.Range
	if lease >= 0 {
		s := uint32(lease / time.Second)
		t1, t2 := s/2, uint32(uint64(s)*7/8)
		for code, t := range map[int]*uint32{58: &t1, 59: &t2} {
			if o := a.configured(code); o != nil && len(o.Value) == 4 {
				if n := binary.BigEndian.Uint32(o.Value); n < s && n > 2 {
					*t = n
				}
			}
		}
		if t2 <= t1 {
			t1 = t2 - 1
		}
		a.put(58, binary.BigEndian.AppendUint32(nil, t1), g.Pos)
		a.put(59, binary.BigEndian.AppendUint32(nil, t2), g.Pos)
	}
	if a.configured(1) == nil {
		a.put(1, g.Mask.AsSlice(), g.Pos)
	}
	if a.configured(28) == nil {
		a.put(28, g.Broadcast.AsSlice(), g.Pos)
	}
	for _, code := range []int{3, 6} {
		if q.wants(code) && a.configured(code) == nil && (code == 3 || a.c.DNSPort == 53) {
			a.put(code, a.server.AsSlice(), conf.Pos{})
		}
	}
	if d := a.c.domainOf(a.out.Address.Value); d != "" && q.wants(15) && a.configured(15) == nil {
		a.put(15, a.ended(d), conf.Pos{})
	}
	if name := a.hostName(); name != "" && q.wants(12) && a.configured(12) == nil {
		a.put(12, a.ended(name), conf.Pos{})
	}
}

// hostName is the name that the client is told. In an offer a client that has
// one is not told another.
func (a *answering) hostName() string {
	client := a.q.hostName()
	switch {
	case a.out.Reply == OfferReply && (!a.fixed || client != "" && client != a.name):
		return ""
	case !a.fixed && slices.ContainsFunc(a.c.NameIgnore, func(t Tags) bool { return a.tagIf.meet(t, len(t) == 0) }):
		return ""
	}
	return a.name
}

// ended is a text with a NUL for clients that send one themselves.
func (a *answering) ended(s string) []byte {
	if a.q.endsNames() && len(s) != 255 {
		return append([]byte(s), 0)
	}
	return []byte(s)
}

// bytesOf is an option's value as it is sent.
func (a *answering) bytesOf(o *Option, encapsulated, end bool) []byte {
	v := o.Value
	if o.addresses && !encapsulated {
		v = bytes.Clone(v)
		for i := 0; i+4 <= len(v); i += 4 {
			if bytes.Equal(v[i:i+4], []byte{0, 0, 0, 0}) {
				copy(v[i:], a.server.AsSlice())
			}
		}
	}
	if o.text && end && len(v) != 255 {
		v = append(bytes.Clone(v), 0)
	}
	return v
}

// fileOptions are those of the file that stand by themselves. It returns whether
// the client's vendor class is among them.
func (a *answering) fileOptions() (class bool) {
	q := a.q
	for i := range slices.Backward(a.c.Options) {
		o := &a.c.Options[i]
		if !a.tagOK[i] || !o.Force && !q.wants(o.Code) {
			continue
		}
		switch o.Code {
		case 0, 52, 57, 58, 59, 81, 255:
			continue // dnsmasq's own
		case 66:
			if a.out.SName.Pos == o.ValuePos {
				continue // it is in the field
			}
		case 67:
			if a.out.File.Pos == o.ValuePos {
				continue
			}
		case 1, 3, 6, 12, 15, 28:
			if len(o.Value) == 0 {
				continue // no value is to say that there is to be no such option
			}
		case 60:
			if a.arch >= 0 {
				continue // PXE has its own
			}
		}
		v := a.bytesOf(o, false, o.Code == 66 || o.Code == 67 || q.endsNames())
		a.put(o.Code, v, o.ValuePos)
		if o.Code == 60 {
			a.matchVendor(v)
			class = true
		}
	}
	return class
}

// encapsulated are options inside of others, by the directives encap: and
// vi-encap:.
func (a *answering) encapsulated() {
	type outer struct {
		encap      int
		enterprise uint32
	}
	done := map[outer]bool{}
	for i := range slices.Backward(a.c.Options) {
		first := &a.c.Options[i]
		of := outer{first.Encap, first.Enterprise}
		if of == (outer{}) || done[of] {
			continue
		}
		done[of] = true
		code := of.encap
		if of.enterprise != 0 {
			code = 125
		}
		var inner []Option
		for j := range slices.Backward(a.c.Options) {
			o := a.c.Options[j]
			if (outer{o.Encap, o.Enterprise}) == of && a.tagIf.meet(o.Tags, true) && (o.Force || a.q.wants(code)) {
				inner = append(inner, o)
			}
		}
		if len(inner) == 0 {
			continue
		}
		if of.enterprise == 0 {
			a.inside(code, inner)
			continue
		}
		v := binary.BigEndian.AppendUint32(nil, of.enterprise)
		v = append(v, 0)
		for _, o := range inner {
			v = append(append(v, byte(o.Code), byte(len(o.Value))), o.Value...)
		}
		if v[4] = byte(len(v) - 5); len(v) <= 255 {
			a.put(code, v, inner[0].ValuePos)
		}
	}
}

// inside puts options into another, whose end is marked. What does not fit goes
// into a second one.
func (a *answering) inside(code int, inner []Option) {
	var v []byte
	var at conf.Pos
	for i := range inner {
		o := &inner[i]
		b := a.bytesOf(o, true, a.q.endsNames())
		if len(v)+len(b)+2 > 255 {
			a.put(code, v, at)
			v = nil
		}
		if !at.IsValid() {
			at = o.ValuePos
		}
		v = append(append(v, byte(o.Code), byte(len(b))), b...)
	}
	if len(v) > 0 {
		a.put(code, append(v, 255), at)
	}
}

// vendorOptions are option 43, and 60 with it.
func (a *answering) vendorOptions(doneClass bool) {
	force := a.pruneVendor()
	var inner []Option
	if a.arch >= 0 {
		a.pxeOptions()
		if a.only() == nil {
			inner = a.menu()
		}
	}
	inner = append(inner, a.vendorsOwn()...)
	if !force && !a.q.wants(43) && !a.q.wants(60) {
		return
	}
	if len(inner) == 0 {
		return
	}
	a.inside(43, inner)
	if class := a.q.option(60); a.arch < 0 && !doneClass && class != nil {
		a.put(60, class, conf.Pos{})
	}
}

// vendorsOwn are the file's options for the client's vendor class.
func (a *answering) vendorsOwn() []Option {
	var own []Option
	for i := range slices.Backward(a.c.Options) {
		if a.vendor[i] {
			own = append(own, a.c.Options[i])
		}
	}
	return own
}
