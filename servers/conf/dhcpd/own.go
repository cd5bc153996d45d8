package dhcpd

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/pxeproof/pxeproof/servers/conf"
)

// own sets an option of dhcpd's own.
func (e *env) own(code uint32, b []byte) {
	e.out.put(&held{option: e.cfg.spaces.dhcp.coded(code), value: constant(bytes.Clone(b), conf.Pos{})})
}

func (e *env) ownIfUnset(code uint32, b []byte) {
	if e.out.find(e.cfg.spaces.dhcp, code) == nil {
		e.own(code, b)
	}
}

// serverIdentifier makes sure that there is one: the address of the interface,
// unless the file gives an address.
func (e *env) serverIdentifier() {
	if b, ok := e.held(e.cfg.spaces.dhcp, 54); !ok || len(b) != 4 {
		if e.q.Server.Is4() {
			e.own(54, e.q.Server.AsSlice())
		}
	}
}

// The lease times of a file without any, in seconds.
const (
	defaultLeaseTime = 43200
	defaultMaxTime   = 86400
	defaultMinTime   = 300
)

func (e *env) seconds(name string, otherwise uint32) uint32 {
	if b, ok := e.parameter(name); ok && len(b) == 4 {
		return binary.BigEndian.Uint32(b)
	}
	return otherwise
}

// leaseTime is the time that the client asked for, within the limits.
func (e *env) leaseTime() time.Duration {
	t := e.seconds("default-lease-time", defaultLeaseTime)
	if b := e.q.Options[51]; len(b) == 4 {
		t = binary.BigEndian.Uint32(b)
	}
	longest := e.seconds("max-lease-time", defaultMaxTime)
	t = min(t, longest)
	if shortest := e.seconds("min-lease-time", min(defaultMinTime, longest)); t < shortest {
		t = shortest
	}
	return time.Duration(t) * time.Second
}

// defaultThreshold is dhcp-cache-threshold, in percent.
const defaultThreshold = 25

// rest is what is left of the lease that the client has, if it asks again so
// early that dhcpd does not bother to make a new one.
func (e *env) rest() (time.Duration, bool) {
	q := e.q
	if !q.Bound || !q.Ends.After(q.Now) {
		return 0, false
	}
	percent := int64(defaultThreshold)
	if b, ok := e.parameter("dhcp-cache-threshold"); ok && len(b) == 1 && b[0] < 100 {
		percent = int64(b[0])
	}
	length, age := q.Ends.Unix()-q.Began.Unix(), q.Now.Unix()-q.Began.Unix()
	return time.Duration(q.Ends.Unix()-q.Now.Unix()) * time.Second, percent > 0 && age <= length*percent/100
}

func (e *env) text(name string) Sourced[[]byte] {
	b, ok := e.parameter(name)
	if !ok || len(b) == 0 {
		return Sourced[[]byte]{}
	}
	return Sourced[[]byte]{Value: b, Pos: e.posOf(name)}
}

func (e *env) posOf(name string) conf.Pos {
	if h := e.out.find(e.cfg.spaces.server, e.cfg.spaces.server.byName[name].Code); h != nil {
		return h.pos
	}
	return conf.Pos{}
}

func (e *env) nextServer() Sourced[netip.Addr] {
	if b, ok := e.parameter("next-server"); ok && len(b) >= 4 {
		return Sourced[netip.Addr]{Value: netip.AddrFrom4([4]byte(b[:4])), Pos: e.posOf("next-server")}
	}
	return Sourced[netip.Addr]{Value: netip.IPv4Unspecified()}
}

// hostName fills in host-name by the name of the host declaration.
func (e *env) hostName(a *Answer) {
	if is, _ := e.flag("use-host-decl-names"); is && a.Host != nil {
		if e.out.find(e.cfg.spaces.dhcp, 12) == nil {
			e.out.put(&held{option: e.cfg.spaces.dhcp.coded(12), value: constant([]byte(a.Host.Name), a.Host.Pos), pos: a.Host.Pos})
		}
	}
}

// echoClientID returns the client's identifier (RFC 6842) if that is on.
func (e *env) echoClientID() {
	if is, _ := e.flag("echo-client-id"); is {
		e.echo = true
		if id, ok := e.q.Options[61]; ok {
			e.own(61, id)
		}
	}
}

// requestList is the parameter request list that counts: the file's, else the
// client's.
func (e *env) requestList() []byte {
	if e.out.find(e.cfg.spaces.dhcp, 55) != nil {
		b, _ := e.held(e.cfg.spaces.dhcp, 55)
		return b
	}
	return e.q.Options[55]
}
