package dhcpd

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/pxeproof/pxeproof/servers/conf"
)

func (p *parser) sharedNetwork(s *Scope, into *[]statement, c *cursor) {
	if !p.allowed(s, c, RootScope, GroupScope) {
		return
	}
	called := c.peek().text
	if c.peek().kind == quoted {
		c.i++
	} else if called = c.hostName(); called == "" {
		c.fail(idSyntax, "a name expected after shared-network")
		return
	}
	if !c.braces() {
		return
	}
	n := &Network{Name: called, Pos: c.pos(), Scope: s.inner(NetworkScope, called, c.pos())}
	n.Scope.network = n
	p.statements(n.Scope, &n.Scope.statements, c.n.block, true)
	if len(n.Subnets) == 0 {
		p.refuse(n.Pos, idEmpty, "the shared-network %s has no subnet", called)
		return
	}
	p.cfg.Networks = append(p.cfg.Networks, n)
}

func (p *parser) subnet(s *Scope, into *[]statement, c *cursor) {
	if !p.allowed(s, c, RootScope, NetworkScope, GroupScope) {
		return
	}
	prefix, ok := c.subnetPrefix()
	if !ok || !c.braces() || p.tooMany(&p.subnets, maxNetworks, c, "subnets") {
		return
	}
	sn := &Subnet{Prefix: prefix, Pos: c.pos(), Network: s.network, Scope: s.inner(SubnetScope, prefix.String(), c.pos())}
	sn.Scope.subnet = sn
	if sn.Network == nil {
		// A lone subnet is a link of its own, and shares its braces with it.
		sn.Network = &Network{Name: prefix.String(), Pos: sn.Pos, Implicit: true, Scope: sn.Scope}
		sn.Scope.network = sn.Network
		p.cfg.Networks = append(p.cfg.Networks, sn.Network)
	}
	p.cfg.Subnets = append(p.cfg.Subnets, sn)
	p.statements(sn.Scope, &sn.Scope.statements, c.n.block, true)
	// The narrower of two that overlap is found first.
	at := slices.IndexFunc(sn.Network.Subnets, func(o *Subnet) bool {
		return o.Prefix.Overlaps(prefix) && prefix.Bits() > o.Prefix.Bits()
	})
	if at < 0 {
		at = len(sn.Network.Subnets)
	}
	sn.Network.Subnets = slices.Insert(sn.Network.Subnets, at, sn)
}

// tooMany counts, and says so when it is more than this reader takes: what
// compares each with all others would take for ever.
func (p *parser) tooMany(count *int, limit int, c *cursor, what string) bool {
	*count++
	if *count == limit+1 {
		p.doubt(c.pos(), idTooLarge, "there are more than %d %s; the rest is not read", limit, what)
	}
	return *count > limit
}

// subnetPrefix reads 192.168.1.0 netmask 255.255.255.0.
func (c *cursor) subnetPrefix() (netip.Prefix, bool) {
	net, ok := c.address()
	if !ok || !c.expect("netmask") {
		return netip.Prefix{}, false
	}
	at := c.peek()
	mask, ok := c.address()
	if !ok {
		return netip.Prefix{}, false
	}
	m := mask.As4()
	bits, v := 0, uint32(m[0])<<24|uint32(m[1])<<16|uint32(m[2])<<8|uint32(m[3])
	for ; v&(1<<31) != 0; v <<= 1 {
		bits++
	}
	if v != 0 {
		c.failed = true
		c.p.doubt(at.pos, idUnplayed, "the netmask %s has holes, and is not understood here", mask)
		return netip.Prefix{}, false
	}
	prefix := netip.PrefixFrom(net, bits)
	if prefix.Masked() != prefix {
		c.failed = true
		c.p.refuseHint(at.pos, idValue, "subnet "+net.String()+" netmask "+mask.String()+": the address has bits that the mask has not",
			"did you mean subnet "+prefix.Masked().Addr().String()+"?")
		return netip.Prefix{}, false
	}
	return prefix, true
}

func (p *parser) pool(s *Scope, into *[]statement, c *cursor) {
	if !p.allowed(s, c, NetworkScope, SubnetScope) || !c.braces() || p.tooMany(&p.pools, maxNetworks, c, "pools") {
		return
	}
	n := s.network
	if n == nil {
		n = s.subnet.Network
	}
	// A pool is inside its network, not inside the subnet that it stands in.
	pl := &Pool{Pos: c.pos(), Network: n, Scope: n.Scope.inner(PoolScope, "", c.pos())}
	pl.Scope.pool, pl.Scope.network, pl.Scope.subnet = pl, n, s.subnet
	p.statements(pl.Scope, &pl.Scope.statements, c.n.block, true)
	if len(pl.Ranges) == 0 {
		p.refuse(pl.Pos, idEmpty, "this pool has no range")
		return
	}
	for _, other := range n.Pools {
		if len(pl.Scope.statements) == 0 && len(other.Scope.statements) == 0 &&
			samePermits(pl.Allow, other.Allow) && samePermits(pl.Deny, other.Deny) {
			other.Ranges = append(other.Ranges, pl.Ranges...)
			return
		}
	}
	n.Pools = append(n.Pools, pl)
}

func samePermits(a, b []Permit) bool {
	in := func(list []Permit) func(Permit) bool {
		return func(x Permit) bool {
			return !slices.ContainsFunc(list, func(y Permit) bool { return x.Kind == y.Kind && x.Class == y.Class })
		}
	}
	return !slices.ContainsFunc(a, in(b)) && !slices.ContainsFunc(b, in(a))
}

// rangeOf reads a range, of a pool or of a subnet.
func (p *parser) rangeOf(s *Scope, into *[]statement, c *cursor) {
	if !p.allowed(s, c, SubnetScope, PoolScope) {
		return
	}
	bootp := c.accept("dynamic-bootp")
	low, ok := c.address()
	if !ok {
		return
	}
	high := low
	if !c.atEnd() {
		if high, ok = c.address(); !ok {
			return
		}
	}
	if !c.semicolon(s, into) {
		return
	}
	if high.Less(low) {
		low, high = high, low
	}
	r := Range{Low: low, High: high, Pos: c.pos(), Subnet: s.subnet}
	if r.Subnet == nil {
		// A pool of a shared-network: the subnet must have been declared above.
		if r.Subnet = s.pool.Network.Subnet(low); r.Subnet == nil {
			p.refuseHint(r.Pos, idRange, low.String()+" is in no subnet of the shared-network above this line",
				"put the pool after its subnet")
			return
		}
	}
	for _, a := range []netip.Addr{low, high} {
		if !r.Subnet.Prefix.Contains(a) {
			p.refuse(r.Pos, idRange, "%s is not in the subnet %s", a, r.Subnet.Prefix)
			return
		}
	}
	pl := s.pool
	if pl == nil {
		pl = s.subnet.Network.looseRanges(bootp, r.Pos)
	}
	pl.Ranges = append(pl.Ranges, r)
}

// looseRanges is the pool that dhcpd makes for ranges outside of pools: one
// that refuses BOOTP clients, or one that takes all.
func (n *Network) looseRanges(bootp bool, at conf.Pos) *Pool {
	for i, pl := range n.Pools {
		if bootp && len(pl.Deny) == 0 && len(pl.Allow) == 1 && pl.Allow[0].Kind == AllClients ||
			!bootp && len(pl.Allow) == 0 && len(pl.Deny) == 1 && pl.Deny[0].Kind == DynamicBOOTPClients {
			// dhcpd then takes the pool before the one that it has found, if
			// there is one. It looks like an oversight, and is what it does.
			return n.Pools[max(i-1, 0)]
		}
	}
	pl := &Pool{Pos: at, Implicit: true, Network: n, Scope: n.Scope.inner(PoolScope, "", at)}
	if bootp {
		pl.Allow = []Permit{{Kind: AllClients, Pos: at}}
	} else {
		pl.Deny = []Permit{{Kind: DynamicBOOTPClients, Pos: at}}
	}
	n.Pools = append(n.Pools, pl)
	return pl
}

// overlaps refuses addresses that are in two ranges.
func (p *parser) overlaps() {
	var all []Range
	for _, n := range p.cfg.Networks {
		for _, pl := range n.Pools {
			all = append(all, pl.Ranges...)
		}
	}
	slices.SortStableFunc(all, func(a, b Range) int { return a.Low.Compare(b.Low) })
	for i := 1; i < len(all); i++ {
		a, b := all[i-1], all[i]
		if !a.Contains(b.Low) {
			continue
		}
		if c := cmp.Compare(a.Pos.Line, b.Pos.Line); c > 0 && a.Pos.File == b.Pos.File {
			a, b = b, a
		}
		p.refuse(b.Pos, idAddressTaken, "this range and that of %s have addresses in common", a.Pos)
	}
}
