package dhcpd

import "encoding/binary"

// A Wire is the variable part of a reply: three fields of the BOOTP message.
type Wire struct {
	SName [64]byte
	File  [128]byte
	// Options is the options field from the cookie to the end option. A reply
	// is padded with zeros to the 300 bytes of BOOTP.
	Options []byte
}

// Sizes of dhcpd's packets: the least and the most that it takes a client to
// mean by the maximum message size (option 57), and what of it is not options.
const (
	leastSize  = 576
	mostSize   = 1500
	fixedSize  = 236
	headerSize = fixedSize + 20 + 8 // with IP and UDP
	bootpField = 64
)

// A packer puts options into a reply.
type packer struct {
	env       *env
	reply     *Answer
	requested []byte // the parameter request list
	maxSize   int    // the maximum message size, 0 if not given
	overload  bool   // sname and file may hold options if nothing else (RFC 2132, section 9.3)
	bootp     bool
	terminate bool // the client ends its texts with NULs, and gets them like that

	noSite   bool // site-option-space does not count
	site     *Space
	siteFrom uint32

	// Where the next byte goes: of the options, of file and of sname.
	room  [3]int
	used  [3]int
	bytes [3][]byte
}

func (p *packer) pack() {
	p.siteSpace()
	a := p.reply
	size := p.size()
	agent := p.agentOptions()
	size = min(size+len(agent), mostSize-headerSize)
	room := size
	if size > len(agent) {
		room -= len(agent)
	}
	p.room[0] = room - len(cookie)
	p.bytes[0] = append(p.bytes[0], cookie...)
	if p.overload && len(a.File.Value) == 0 {
		p.room[1] = len(a.Wire.File)
	}
	if p.overload && len(a.SName.Value) == 0 {
		p.room[2] = len(a.Wire.SName)
	}
	order := p.order()
	for i, code := range order {
		p.option(code, i == len(order)-1)
	}
	out := p.bytes[0]
	overloaded := byte(0)
	for i, field := range [][]byte{1: a.Wire.File[:], 2: a.Wire.SName[:]} {
		if i > 0 && p.used[i] > 0 {
			overloaded |= 1 << (i - 1)
			copy(field, append(p.bytes[i], 255))
		}
	}
	if overloaded > 0 {
		out = append(out, 52, 1, overloaded)
	}
	copy(a.Wire.File[:], a.File.Value)
	copy(a.Wire.SName[:], a.SName.Value)
	if len(agent) > 0 && size-len(out) >= len(agent) {
		out = append(out, agent...)
		a.Options = append(a.Options, OptionValue{Code: agentOption, Name: "relay-agent-information", Value: agent[2:]})
	}
	if len(out) < size {
		out = append(out, 255)
	}
	a.Wire.Options = out
}

// size is how long the options field may be.
func (p *packer) size() int {
	size := p.maxSize
	if b, ok := p.env.q.Options[57]; ok && len(b) >= 2 {
		if n := int(binary.BigEndian.Uint16(b)); size == 0 || n < size {
			size = n
		}
	}
	switch {
	case size > 0:
		return min(max(size, leastSize), mostSize) - headerSize
	case p.bootp:
		return max(bootpField, len(p.env.q.message())-fixedSize)
	}
	return leastSize - headerSize
}

// agentOptions returns the relay's own options, which it wants to see again
// (RFC 3046, section 2.2).
func (p *packer) agentOptions() []byte {
	b, ok := p.env.q.Options[agentOption]
	if !ok || len(b) > 255 {
		return nil
	}
	var out []byte
	for rest := b; len(rest) >= 2 && rest[0] != 0; rest = rest[2+rest[1]:] {
		if len(rest) < 2+int(rest[1]) {
			break
		}
		if rest[1] > 0 {
			out = append(out, rest[:2+int(rest[1])]...)
		}
	}
	if len(out) == 0 {
		return nil
	}
	return append([]byte{agentOption, byte(len(out))}, out...)
}

// option packs one option, if the reply has it and there is room.
func (p *packer) option(code uint32, last bool) {
	e := p.env
	space := e.cfg.spaces.dhcp
	if code >= p.siteFrom && p.siteFrom > 0 {
		space = p.site
	}
	h := e.out.find(space, code)
	o := space.coded(code)
	var b []byte
	if h != nil {
		o = h.option
		var ok bool
		if b, ok = e.data(h.value); !ok || len(b) == 0 {
			return
		}
	} else if called, ok := o.encapsulates(); ok {
		b = e.encapsulation(e.carried(called), 0)
		if len(b) == 0 {
			return
		}
	} else {
		return
	}
	value := OptionValue{Code: uint8(code), Name: o.String(), Value: b}
	if h != nil {
		value.Pos = h.pos
	}
	if p.terminate && o.isText() {
		b = append(b[:len(b):len(b)], 0)
	}
	if p.store(byte(code), b, last) {
		p.reply.Options = append(p.reply.Options, value)
	}
}

// carried is the space that an option carries: the one of that name, or
// the vendor's.
func (e *env) carried(called string) *Space {
	if called == "" {
		b, ok := e.parameter("vendor-option-space")
		if !ok {
			return nil
		}
		called = string(b)
	}
	return e.cfg.spaces.named(called)
}

// encapsulation is the value of an option that carries a space.
func (e *env) encapsulation(s *Space, depth int) []byte {
	if s == nil || depth > 8 || s.Name == "server" || s.Name == "agent" || s.Name == "fqdn" {
		return nil
	}
	var out []byte
	add := func(o *Option, b []byte) {
		if len(b) == 0 && o.format != "Z" || len(out) > maxData {
			return
		}
		out = appendNumber(out, o.Code, s.codeWidth)
		out = appendNumber(out, uint32(len(b)), s.lengthWidth)
		out = append(out, b...)
	}
	e.out.each(s, func(h *held) {
		if b, ok := e.data(h.value); ok {
			add(h.option, b)
		}
	})
	for _, sub := range e.cfg.spaces.all {
		if sub.holder != nil && sub.holder.Space == s && e.out.find(s, sub.holder.Code) == nil {
			if b := e.encapsulation(sub, depth+1); len(b) > 0 {
				add(sub.holder, b)
			}
		}
	}
	return out
}

func appendNumber(b []byte, n uint32, width int) []byte {
	return append(b, binary.BigEndian.AppendUint32(nil, n)[4-width:]...)
}

// store puts an option where there is room: among the options, in the file
// field, in the sname field, or in pieces all over (RFC 3396). It leaves five
// bytes of the options free, for the overload option, unless it packs the last.
func (p *packer) store(code byte, b []byte, last bool) bool {
	var before [3]int
	for i := range p.bytes {
		before[i] = len(p.bytes[i])
	}
	used := p.used
	split := len(b) > 255
	for length := len(b); length > 0; {
		n, into := length, -1
		switch {
		case !split && (p.used[1] == 0 && p.used[2] == 0 && last && p.used[0]+2+n < p.room[0] || p.used[0]+5+n < p.room[0]):
			into = 0
		case !split && p.used[1]+3+n < p.room[1]:
			into = 1
		case !split && p.used[2]+3+n < p.room[2]:
			into = 2
		default:
			split = true
			switch {
			case p.used[0]+6 < p.room[0]:
				into, n = 0, p.room[0]-p.used[0]-5
			case p.used[1]+4 < p.room[1]:
				into, n = 1, p.room[1]-p.used[1]-3
			case p.used[2]+4 < p.room[2]:
				into, n = 2, p.room[2]-p.used[2]-3
			}
		}
		if into < 0 {
			for i := range p.bytes {
				p.bytes[i] = p.bytes[i][:before[i]]
			}
			p.used = used
			return false
		}
		n = min(n, length, 255)
		from := len(b) - length
		p.bytes[into] = append(append(p.bytes[into], code, byte(n)), b[from:from+n]...)
		p.used[into] += 2 + n
		length -= n
	}
	return true
}
