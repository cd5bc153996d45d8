package dhcpd

import "slices"

// The order of options in a reply. dhcpd writes a list of codes, each once, and
// packs what it has of them:
//
//   - the message type, the server and what is about the lease;
//   - what the parameter request list asks for, in its order, and the subnet
//     mask; nothing else;
//   - or, without such a list, the mask, routers, name servers, host name, and
//     everything else in the order of its hash table, then encapsulations.
//
// So an option that a client does not ask for does not leave, however much it
// is configured. The mask always comes before the routers (RFC 2132, section 3.3).

var always = []uint32{53, 54, 51, 58, 59, 56, 50, 92}

const agentOption = 82 // comes last, and is not for the client to ask for

// maxListed is how many codes dhcpd's list holds.
const maxListed = 300

func (p *packer) order() []uint32 {
	list := slices.Clone(always)
	e := p.env
	dhcp := e.cfg.spaces.dhcp
	if len(p.requested) > 0 {
		if e.out.find(dhcp, 118) != nil {
			list = append(list, 118)
		}
		if e.echo {
			list = append(list, 61)
		}
		for _, code := range p.requested[:min(len(p.requested), maxListed-len(list))] {
			if code != agentOption {
				list = append(list, uint32(code))
			}
		}
		if p.env.q.Type == Discover || p.env.q.Type == Request {
			list = append(list, 1)
		}
		return maskFirst(unique(list))
	}
	list = append(list, 1, 3, 6, 12, 81)
	add := func(space *Space, wanted func(code uint32) bool) {
		e.out.each(space, func(h *held) {
			if wanted(h.option.Code) && h.option.Code != agentOption && len(list) < maxListed {
				list = append(list, h.option.Code)
			}
		})
	}
	if p.siteFrom > 0 {
		add(dhcp, func(code uint32) bool { return code < p.siteFrom })
	}
	add(p.site, func(code uint32) bool { return code >= p.siteFrom })
	for _, s := range e.cfg.spaces.all {
		if s.holder != nil && s.holder.Space == dhcp && s.holder.Code != agentOption && len(list) < maxListed {
			list = append(list, s.holder.Code)
		}
	}
	return maskFirst(unique(append(list, 43)))
}

func unique(list []uint32) []uint32 {
	seen := make(map[uint32]bool, len(list))
	return slices.DeleteFunc(list, func(code uint32) bool {
		was := seen[code]
		seen[code] = true
		return was
	})
}

func maskFirst(list []uint32) []uint32 {
	mask, routers := slices.Index(list, 1), slices.Index(list, 3)
	if routers >= 0 && routers < mask {
		list[mask], list[routers] = list[routers], list[mask]
	}
	return list
}

// siteSpace finds the space of site-local options, if the file names one, and
// from which code on it holds (RFC 3942: 224).
func (p *packer) siteSpace() {
	e := p.env
	p.site = e.cfg.spaces.dhcp
	b, ok := e.parameter("site-option-space")
	if !ok || p.noSite {
		return
	}
	s := e.cfg.spaces.named(string(b))
	if s == nil {
		return
	}
	p.site, p.siteFrom = s, 224
	for code := range s.byCode {
		p.siteFrom = min(p.siteFrom, code)
	}
	p.siteFrom = max(p.siteFrom, 128)
}
