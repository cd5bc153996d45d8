package kea

import (
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pxeproof/pxeproof/servers/conf"
	"github.com/pxeproof/pxeproof/servers/conf/spell"
)

// The IDs of this reader's problems.
const (
	idSyntax   = "kea-syntax"          // not Kea's JSON
	idUnknown  = "kea-unknown-keyword" // Kea does not start
	idValue    = "kea-bad-value"       // not a value of that kind
	idOption   = "kea-unknown-option"  // neither Kea's own nor defined
	idMissing  = "kea-missing"         // what has to be there
	idClass    = "kea-unknown-class"   // of which nothing says when it is
	idInclude  = "kea-include"         // what is included is not known
	idTest     = "kea-expression"      // a class's test beyond what is read here
	idUnplayed = "kea-not-played"      // known, could change an answer, not obeyed here
)

// maxProblems bounds what a hostile file can make of itself.
const maxProblems = 1000

// A reader makes a Config of JSON.
type reader struct {
	c        *Config
	defs     map[string][]definition
	problems conf.Problems
	worst    conf.Effect
}

func (r *reader) report(effect conf.Effect, at conf.Pos, id, hint, format string, args ...any) {
	if len(r.problems) >= maxProblems && effect <= r.worst {
		return
	}
	r.worst = max(r.worst, effect)
	r.problems = append(r.problems, conf.Problem{Pos: at, Effect: effect, ID: id, Hint: hint, Text: fmt.Sprintf(format, args...)})
}

func (r *reader) refuse(at conf.Pos, id, format string, args ...any) {
	r.report(conf.Refusal, at, id, "", format, args...)
}

func (r *reader) doubt(at conf.Pos, id, format string, args ...any) {
	r.report(conf.Doubt, at, id, "", format, args...)
}

// Parse reads a configuration. File is its path, for messages and for what it
// includes; fsys stands for the server's /, and may be nil. The Config is never
// nil; a file of which nothing can be made gives an empty one, and a Refusal.
func Parse(file string, src []byte, fsys fs.FS) (*Config, conf.Problems) {
	r := &reader{c: &Config{EchoID: true, modes: Modes{InSubnet: true}}, defs: map[string][]definition{}}
	root, err := parseJSON(file, string(src), fsys, func(at conf.Pos, name string) {
		r.doubt(at, idInclude, "what is in %s is not known here", name)
	})
	if err != nil {
		r.refuse(err.pos, idSyntax, "%s, and Kea does not start", err.why)
		return r.c, r.problems
	}
	dhcp := root.get("Dhcp4")
	if dhcp == nil || dhcp.kind != kindMap {
		r.refuse(root.pos, idMissing, "there is no map Dhcp4, and Kea's DHCPv4 server does not start")
		return r.c, r.problems
	}
	r.global(dhcp)
	return r.c, r.problems
}

const (
	bootWords   = " next-server server-hostname boot-file-name"
	limitWords  = " client-class client-classes require-client-classes evaluate-additional-classes"
	leaseWords  = " valid-lifetime min-valid-lifetime max-valid-lifetime renew-timer rebind-timer calculate-tee-times t1-percent t2-percent offer-lifetime"
	modeWords   = " reservation-mode reservations-global reservations-in-subnet reservations-out-of-pool"
	sharedWords = " 4o6-interface 4o6-interface-id 4o6-subnet authoritative match-client-id interface relay allocator pd-allocator" +
		" cache-threshold cache-max-age hostname-char-set hostname-char-replacement store-extended-info" +
		" ddns-send-updates ddns-override-no-update ddns-override-client-update ddns-replace-client-name" +
		" ddns-generated-prefix ddns-qualifying-suffix ddns-update-on-renew ddns-use-conflict-resolution" +
		" ddns-conflict-resolution-mode ddns-ttl ddns-ttl-percent ddns-ttl-min ddns-ttl-max"
	globalWords = "interfaces-config lease-database hosts-database hosts-databases config-control hooks-libraries control-socket control-sockets" +
		" option-def option-data client-classes subnet4 shared-networks reservations expired-leases-processing loggers" +
		" echo-client-id decline-probation-period dhcp-ddns multi-threading dhcp-queue-control sanity-checks statistic-default-sample-count" +
		" statistic-default-sample-age server-tag compatibility early-global-reservations-lookup ip-reservations-unique" +
		" reservations-lookup-first parked-packet-limit host-reservation-identifiers user-context comment stash-agent-options" +
		" dhcp4o6-port" + bootWords + leaseWords + modeWords + sharedWords
	subnetWords  = "id subnet pools option-data reservations" + bootWords + limitWords + leaseWords + modeWords + sharedWords
	networkWords = "name subnet4 option-data" + bootWords + limitWords + leaseWords + modeWords + sharedWords
	poolWords    = "pool pool-id option-data" + limitWords
	classWords   = "name test template-test only-if-required only-in-additional-list option-data option-def" + bootWords + leaseWords
	hostWords    = "hw-address client-id duid circuit-id flex-id ip-address hostname client-classes option-data" + bootWords
)

// global reads Dhcp4.
func (r *reader) global(n *node) {
	c := r.c
	c.Pos = n.pos
	r.known(n, "Dhcp4", globalWords)
	for _, key := range []string{"hosts-database", "hosts-databases", "config-control"} {
		if v := n.get(key); v != nil && (len(v.list) > 0 || len(v.members) > 0) {
			r.doubt(v.pos, idUnplayed, "%s: what a database says of clients is not known here", key)
		}
	}
	r.hooks(n.get("hooks-libraries"))
	r.optionDefs(n.get("option-def"))
	c.inner = map[int]string{}
	for _, d := range r.defs[space4] {
		c.inner[d.code] = d.inner
	}
	c.Boot = r.boot(n, Boot{})
	c.Lease = r.lease(n, Lease{Valid: 2 * time.Hour, Renew: -1, Rebind: -1, T1: 0.5, T2: 0.875})
	c.EchoID = r.truth(n, "echo-client-id", true)
	c.modes = r.mode(n, c.modes)
	c.ids = []string{"hw-address", "duid", "circuit-id", "client-id"}
	if v := n.get("host-reservation-identifiers"); v != nil {
		c.ids = nil
		for _, e := range r.texts(v) {
			c.ids = append(c.ids, e.Text)
		}
	}
	if v := n.get("interfaces-config"); v != nil {
		c.Interfaces = r.texts(v.get("interfaces"))
	}
	c.Options = r.optionData(n.get("option-data"))
	r.classes(n.get("client-classes"))
	for _, m := range r.maps(n.get("shared-networks"), "shared-networks", networkWords) {
		nw := Network{Name: r.text(m, "name"), Boot: r.boot(m, c.Boot), Options: r.optionData(m.get("option-data")), limit: r.limit(m)}
		r.subnets(m.get("subnet4"), nw, r.lease(m, c.Lease), r.mode(m, c.modes))
	}
	for _, m := range r.nodes(n.get("subnet4"), "subnet4") {
		r.subnets(&node{kind: kindList, list: []*node{m}}, Network{Boot: c.Boot}, c.Lease, c.modes)
	}
	c.Reservations = r.reservations(n.get("reservations"))
	r.classNames()
}

// harmless are hooks that change no answer to a boot.
var harmless = []string{"lease_cmds", "stat_cmds", "host_cmds", "subnet_cmds", "class_cmds", "cb_cmds", "run_script", "legal_log", "forensic_log", "perfmon", "ping_check", "bootp"}

func (r *reader) hooks(n *node) {
	for _, m := range r.maps(n, "hooks-libraries", "library parameters") {
		lib := r.text(m, "library")
		base := path.Base(lib.Text)
		if !slices.ContainsFunc(harmless, func(h string) bool { return strings.Contains(base, h) }) {
			r.doubt(lib.Pos, idUnplayed, "what the hook %s makes of answers is not known here", base)
		}
	}
}

// known complains of members of other names.
func (r *reader) known(n *node, what, words string) {
	names := strings.Fields(words + " user-context comment metadata")
	seen := map[string]conf.Pos{}
	for _, m := range n.members {
		if !slices.Contains(names, m.key) {
			hint := ""
			if near := spell.Nearest(m.key, names...); near != "" {
				hint = "did you mean " + near + "?"
			}
			r.report(conf.Refusal, m.pos, idUnknown, hint, "Kea knows no %.60q in %s, and does not start", m.key, what)
		} else if seen[m.key].IsValid() {
			r.refuse(m.pos, idValue, "%q stands here for the second time (%s), and Kea does not start", m.key, seen[m.key])
		}
		seen[m.key] = m.pos
	}
}

func (r *reader) is(n *node, k kind, what string) bool {
	if n.kind != k {
		r.refuse(n.pos, idValue, "%s is to be %s, and not %s: Kea does not start", what, k, n.kind)
	}
	return n.kind == k
}

// nodes are the maps of a list.
func (r *reader) nodes(n *node, what string) []*node {
	if n == nil || !r.is(n, kindList, what) {
		return nil
	}
	var all []*node
	for _, e := range n.list {
		if r.is(e, kindMap, "what stands in "+what) {
			all = append(all, e)
		}
	}
	return all
}

// maps is nodes, with their members' names checked.
func (r *reader) maps(n *node, what, words string) []*node {
	all := r.nodes(n, what)
	for _, e := range all {
		r.known(e, what, words)
	}
	return all
}

func (r *reader) text(n *node, key string) Value {
	v := n.get(key)
	if v == nil || !r.is(v, kindString, key) {
		return Value{}
	}
	return Value{v.text, v.pos}
}

func (r *reader) texts(n *node) []Value {
	if n == nil || !r.is(n, kindList, "this") {
		return nil
	}
	var all []Value
	for _, e := range n.list {
		if r.is(e, kindString, "what stands in this list") {
			all = append(all, Value{e.text, e.pos})
		}
	}
	return all
}

func (r *reader) truth(n *node, key string, otherwise bool) bool {
	v := n.get(key)
	if v == nil || !r.is(v, kindBool, key) {
		return otherwise
	}
	return v.truth
}

func (r *reader) integer(n *node, key string, most int) (int, bool) {
	v := n.get(key)
	if v == nil || !r.is(v, kindNumber, key) {
		return 0, false
	}
	i, err := strconv.Atoi(v.text)
	if err != nil || i < 0 || i > most {
		r.refuse(v.pos, idValue, "%s is to be a number from 0 to %d, and not %.20s: Kea does not start", key, most, v.text)
		return 0, false
	}
	return i, true
}

// boot reads the header's fields; what a level does not say it has from above.
func (r *reader) boot(n *node, above Boot) Boot {
	for key, of := range map[string]*Value{"next-server": &above.NextServer, "server-hostname": &above.ServerName, "boot-file-name": &above.File} {
		v := r.text(n, key)
		if !v.IsSet() {
			continue
		}
		if key == "next-server" && v.Text != "" {
			if a, err := netip.ParseAddr(v.Text); err != nil || !a.Is4() {
				r.refuse(v.Pos, idValue, "next-server %.60q is no IPv4 address, and Kea does not start", v.Text)
				continue
			}
		}
		*of = v
	}
	return above
}

func (r *reader) lease(n *node, above Lease) Lease {
	for key, of := range map[string]*time.Duration{"valid-lifetime": &above.Valid, "renew-timer": &above.Renew, "rebind-timer": &above.Rebind} {
		if s, ok := r.integer(n, key, 1<<32-1); ok {
			*of = time.Duration(s) * time.Second
			if key == "valid-lifetime" {
				above.ValidPos = n.get(key).pos
			}
		}
	}
	above.Tee = r.truth(n, "calculate-tee-times", above.Tee)
	for key, of := range map[string]*float64{"t1-percent": &above.T1, "t2-percent": &above.T2} {
		if v := n.get(key); v != nil && r.is(v, kindNumber, key) {
			*of, _ = strconv.ParseFloat(v.text, 64)
		}
	}
	return above
}

func (r *reader) mode(n *node, above Modes) Modes {
	switch r.text(n, "reservation-mode").Text {
	case "disabled", "off":
		above = Modes{}
	case "global":
		above = Modes{Global: true}
	case "all", "out-of-pool":
		above = Modes{InSubnet: true}
	}
	above.Global = r.truth(n, "reservations-global", above.Global)
	above.InSubnet = r.truth(n, "reservations-in-subnet", above.InSubnet)
	return above
}

func (r *reader) limit(n *node) (l limit) {
	if v := r.text(n, "client-class"); v.Text != "" {
		l.classes = append(l.classes, v)
	}
	l.classes = append(l.classes, r.texts(n.get("client-classes"))...)
	l.required, l.more = r.texts(n.get("require-client-classes")), r.texts(n.get("evaluate-additional-classes"))
	return l
}

// subnets reads the subnets of a network.
func (r *reader) subnets(n *node, nw Network, lease Lease, modes Modes) {
	r.c.Networks = append(r.c.Networks, nw)
	at := len(r.c.Networks) - 1
	var all []*Subnet
	for _, m := range r.maps(n, "subnet4", subnetWords) {
		v := r.text(m, "subnet")
		p, err := netip.ParsePrefix(v.Text)
		if err != nil || !p.Addr().Is4() {
			r.refuse(m.pos, idValue, "subnet %.60q is no IPv4 network such as 192.0.2.0/24, and Kea does not start", v.Text)
			continue
		}
		s := &Subnet{Pos: v.Pos, Prefix: p.Masked(), Interface: r.text(m, "interface").Text, Boot: r.boot(m, nw.Boot),
			Options: r.optionData(m.get("option-data")), Lease: r.lease(m, lease), modes: r.mode(m, modes), limit: r.limit(m)}
		s.Reservations = r.reservations(m.get("reservations"))
		for _, pm := range r.maps(m.get("pools"), "pools", poolWords) {
			r.pool(s, pm)
		}
		all = append(all, s)
	}
	r.c.Networks[at].Subnets = all
}

func (r *reader) pool(s *Subnet, n *node) {
	v := r.text(n, "pool")
	p := Pool{Pos: v.Pos, Options: r.optionData(n.get("option-data")), limit: r.limit(n)}
	first, end, isRange := strings.Cut(v.Text, "-")
	a, err := netip.ParseAddr(strings.TrimSpace(first))
	b, err2 := netip.ParseAddr(strings.TrimSpace(end))
	if !isRange {
		var net netip.Prefix
		net, err = netip.ParsePrefix(strings.TrimSpace(v.Text))
		err2 = err
		a = net.Masked().Addr()
		b = last(net)
	}
	if err != nil || err2 != nil || !a.Is4() || !b.Is4() || b.Less(a) {
		r.refuse(n.pos, idValue, "pool %.60q is no range such as 192.0.2.10-192.0.2.20, and Kea does not start", v.Text)
		return
	}
	if !s.Prefix.Contains(a) || !s.Prefix.Contains(b) {
		r.refuse(v.Pos, idValue, "the pool %s is not within its subnet %s, and Kea does not start", v.Text, s.Prefix)
		return
	}
	p.First, p.End = a, b
	s.Pools = append(s.Pools, p)
}

// last is the last address of an IPv4 prefix.
func last(p netip.Prefix) netip.Addr {
	if !p.IsValid() || !p.Addr().Is4() {
		return netip.Addr{}
	}
	b := p.Masked().Addr().As4()
	for i := p.Bits(); i < 32; i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	return netip.AddrFrom4(b)
}

func (r *reader) reservations(n *node) []Reservation {
	var all []Reservation
	for _, m := range r.maps(n, "reservations", hostWords) {
		h := Reservation{Pos: m.pos, Address: r.text(m, "ip-address"), Boot: r.boot(m, Boot{}),
			Options: r.optionData(m.get("option-data")), Classes: r.texts(m.get("client-classes"))}
		if v := r.text(m, "hw-address"); v.IsSet() {
			mac, err := net.ParseMAC(v.Text)
			if err != nil {
				r.refuse(v.Pos, idValue, "hw-address %.60q is no MAC, and Kea does not start", v.Text)
				continue
			}
			h.Hardware = mac
		}
		if v := r.text(m, "client-id"); v.IsSet() {
			b, err := hexBytes(v.Text)
			if err != nil {
				r.refuse(v.Pos, idValue, "client-id: %v", err)
				continue
			}
			h.ClientID = b
		}
		for _, other := range []string{"duid", "circuit-id", "flex-id"} {
			if v := r.text(m, other); v.IsSet() {
				h.Other = other
				if other == "flex-id" {
					r.doubt(v.Pos, idUnplayed, "a client's flex-id is made by a hook, and not known here")
				}
			}
		}
		if a := h.Address; a.IsSet() {
			if p, err := netip.ParseAddr(a.Text); err != nil || !p.Is4() {
				r.refuse(a.Pos, idValue, "ip-address %.60q is no IPv4 address, and Kea does not start", a.Text)
				continue
			}
		}
		all = append(all, h)
	}
	return all
}

// classes reads client-classes. A class's test may ask for those before it.
func (r *reader) classes(n *node) {
	for _, m := range r.maps(n, "client-classes", classWords) {
		if v := m.get("template-test"); v != nil {
			r.doubt(v.pos, idUnplayed, "classes that are made of a client's bytes are not told apart here")
		}
		r.optionDefs(m.get("option-def"))
		c := Class{Name: r.text(m, "name"), Boot: r.boot(m, Boot{}), Options: r.optionData(m.get("option-data")),
			OnRequest: r.truth(m, "only-if-required", false) || r.truth(m, "only-in-additional-list", false)}
		if s, ok := r.integer(m, "valid-lifetime", 1<<32-1); ok {
			c.lease = time.Duration(s) * time.Second
		}
		if t := r.text(m, "test"); t.IsSet() && t.Text != "" {
			c.test, c.known = r.expression(t)
		}
		r.c.Classes = append(r.c.Classes, c)
	}
}

// classNames reports names of classes that are not there.
func (r *reader) classNames() {
	known := []string{"ALL", "KNOWN", "UNKNOWN", "BOOTP", "DROP", "SKIP_DDNS"}
	for _, c := range r.c.Classes {
		known = append(known, c.Name.Text)
	}
	check := func(l []Value) {
		for _, v := range l {
			if slices.Contains(known, v.Text) || strings.HasPrefix(v.Text, "VENDOR_CLASS_") {
				continue
			}
			hint := ""
			if near := spell.Nearest(v.Text, known...); near != "" {
				hint = "did you mean " + near + "?"
			}
			r.report(conf.Warning, v.Pos, idClass, hint, "no class is called %.60q", v.Text)
		}
	}
	for _, nw := range r.c.Networks {
		check(slices.Concat(nw.classes, nw.required, nw.more))
		for _, s := range nw.Subnets {
			check(slices.Concat(s.classes, s.required, s.more))
			for _, p := range s.Pools {
				check(slices.Concat(p.classes, p.required, p.more))
			}
		}
	}
}
