package verdict

import (
	"net/netip"
	"strings"
	"time"

	"github.com/pxeproof/pxeproof/captures"
)

// Bounds on what is remembered, so that no capture makes a Judge grow without
// end. A boot is far below them.
const (
	maxAddrs     = 1 << 16
	maxExchanges = 64
	maxReplies   = 16
	maxFetches   = 2048
	maxLines     = 64
	maxARPs      = 256
	maxTriggers  = 512
)

// seen is one thing at one moment.
type seen struct {
	at    time.Time
	frame captures.Frame
	text  string
	n     int // how often
}

func (s *seen) mark(e *captures.Event) {
	if s.n == 0 {
		s.at, s.frame = e.At, e.Frame
	}
	s.n++
}

// facts is what has been seen of one machine, as far as detectors need it.
type facts struct {
	m     *Machine
	net   *network
	named bool

	powerOn   time.Time
	resumed   bool // not switched on, but resumed at its first DISCOVER
	first     seen // its first frame
	lastWire  time.Time
	lastEvent captures.Event
	osAt      seen // the operating system's first sign
	off       seen // machine.off
	died      bool
	over      bool // the capture has ended, or the run
	overAt    time.Time

	dhcp    dhcpFacts
	tftp    tftpFacts
	http    httpFacts
	nfs     nfsFacts
	arps    map[netip.Addr]*arpAsk
	solicit solicitFacts
	console consoleFacts

	trigger  bool // the latest event may prove a failure
	triggers int
}

type arpAsk struct {
	seen
	last   time.Time
	frames []captures.Frame
}

func newFacts(m *Machine, net *network, named bool) facts {
	return facts{m: m, net: net, named: named, arps: map[netip.Addr]*arpAsk{}, tftp: newTFTPFacts()}
}

// forget lets go of what neither the result nor the judgement of the next boot
// needs: a capture may show thousands of boots.
func (f *facts) forget() {
	f.dhcp, f.http, f.nfs, f.console = dhcpFacts{}, httpFacts{}, nfsFacts{}, consoleFacts{}
	f.tftp = tftpFacts{got: f.tftp.got}
	f.arps = nil
}

// since is the time since power-on, zero before it is known.
func (f *facts) since(t time.Time) Seconds {
	if f.powerOn.IsZero() || t.IsZero() {
		return 0
	}
	return seconds(t.Sub(f.powerOn))
}

// see takes in the machine's next event.
func (f *facts) see(e *captures.Event) {
	f.trigger = false
	if f.powerOn.IsZero() && (e.Kind == captures.MachineStarted || e.Source == captures.Wire) {
		f.powerOn = e.At
	}
	if e.Source == captures.Wire {
		f.first.mark(e)
		f.lastWire = e.At
	}
	switch e.Kind {
	case captures.ServerSays, captures.LinkImpaired, captures.LinkLost, captures.LinkDone:
		// It comes late, or at the end, and was not the machine's doing.
	default:
		f.lastEvent = *e
	}
	switch e.Kind {
	case captures.MachineStarted:
		f.resumed = f.resumed || e.Text("snapshot") != ""
	case captures.DHCPDiscover, captures.DHCPOffer, captures.DHCPRequest, captures.DHCPAck, captures.DHCPNak,
		captures.DHCPDecline, captures.DHCPInform, captures.BOOTPRequest, captures.BOOTPReply:
		f.seeDHCP(e)
	case captures.TFTPRequest, captures.TFTPRepeated, captures.TFTPOack, captures.TFTPStart, captures.TFTPDone,
		captures.TFTPError, captures.TFTPStalled, captures.TFTPStray:
		f.seeTFTP(e)
	case captures.ARPRequest:
		f.seeARP(e)
	case captures.RouterSolicit:
		f.solicit.see(e, f)
	case captures.ICMPUnreachable:
		f.mayProve()
	case captures.PortmapGetport, captures.MountMnt, captures.NFSLookup, captures.NFSOpen, captures.NFSDone,
		captures.NFSError, captures.NFSAccess, captures.RPCOther, captures.MountOther, captures.PortmapOther, captures.TCPRefused, captures.TCPSyn:
		f.seeRPC(e)
	case captures.HTTPRequest, captures.HTTPResponse, captures.HTTPDone:
		f.seeHTTP(e)
	case captures.ConsoleLine:
		f.seeConsole(e)
	case captures.MachineOff:
		// The lab itself pulls the plug once it knows enough; that proves nothing.
		if e.Text("reason") != "host-qmp-quit" {
			f.off.mark(e)
			f.mayProve()
		}
	case captures.MachineDied:
		f.died = true
	}
	if f.unheard() {
		f.mayProve()
	}
}

// mayProve makes the judge look whether the failure is proven. In an endless
// stream of such events it looks more and more rarely.
func (f *facts) mayProve() {
	f.triggers++
	f.trigger = f.triggers <= maxTriggers || f.triggers&(f.triggers-1) == 0
}

// stopped says that the boot goes no further: the capture has ended or the
// machine is off.
func (f *facts) stopped() bool { return f.over || f.off.n > 0 }

// How often, and for how long, an address must be asked for in vain before
// nobody can be there. Clients ask again after 0.15 to 1 s, and a host that is
// up answers within microseconds.
const (
	deadAsks = 5
	deadSpan = 1500 * time.Millisecond
	fewAsks  = 3
)

func (f *facts) seeARP(e *captures.Event) {
	to := e.Addr("arp.dst.proto_ipv4")
	// A probe for an address conflict (RFC 5227) hopes for silence.
	if from := e.Addr("arp.src.proto_ipv4"); !to.IsValid() || to == from || from.IsUnspecified() {
		return
	}
	a := f.arps[to]
	if a == nil {
		if len(f.arps) >= maxARPs {
			return
		}
		a = &arpAsk{}
		f.arps[to] = a
	}
	a.mark(e)
	a.last = e.At
	if len(a.frames) < fewAsks {
		a.frames = append(a.frames, e.Frame)
	}
	if a.n >= deadAsks && e.At.Sub(a.at) >= deadSpan {
		f.mayProve()
	}
}

// silent says whether ARP for an address went without any answer, and whether
// that is certain by now.
func (f *facts) silent(a netip.Addr) (asked *arpAsk, certain bool) {
	ask := f.arps[a]
	if ask == nil || ask.n < fewAsks || f.net.alive(a) {
		return nil, false
	}
	return ask, ask.n >= deadAsks && ask.last.Sub(ask.at) >= deadSpan
}

// network is what has been seen that concerns more than one machine.
type network struct {
	heard   map[netip.Addr]bool      // addresses that sent something
	refused map[netip.AddrPort]*seen // UDP ports that ICMP says are closed
	// Those of which ICMP says that somebody forbids them.
	forbidden map[netip.AddrPort]*seen
	owners    map[netip.Addr][]ownerClaim // MACs that answered ARP for an address
	adverts   seen                        // Router Advertisements
	bpdus     seen
	says      []seen // server logs worth keeping
}

type ownerClaim struct {
	mac   string
	at    time.Time
	frame captures.Frame
}

func newNetwork() network {
	return network{heard: map[netip.Addr]bool{}, refused: map[netip.AddrPort]*seen{}, forbidden: map[netip.AddrPort]*seen{}, owners: map[netip.Addr][]ownerClaim{}}
}

func (n *network) alive(a netip.Addr) bool { return n.heard[a] }

func (n *network) hear(a netip.Addr) {
	if a.IsValid() && len(n.heard) < maxAddrs {
		n.heard[a] = true
	}
}

func (n *network) see(e *captures.Event) {
	if e.Source == captures.Wire {
		switch e.Kind {
		case captures.ARPRequest, captures.ARPReply:
			from := e.Addr("arp.src.proto_ipv4")
			n.hear(from)
			if mac := hexPairs(e.Bytes("arp.src.hw_mac")); from.IsValid() && !from.IsUnspecified() {
				n.claim(from, ownerClaim{mac, e.At, e.Frame})
			}
		default:
			n.hear(e.Addr("ip.src"))
		}
	}
	switch e.Kind {
	case captures.ICMPUnreachable:
		table := n.refused
		switch e.Int("icmp.code") {
		case 3:
		case 9, 10, 13: // RFC 1812, 5.2.7.1: administratively prohibited
			table = n.forbidden
		default:
			return
		}
		port := e.Int("icmp.udp.dstport")
		if to := e.Addr("icmp.ip.dst"); to.IsValid() && port >= 0 && port <= 65535 {
			at := netip.AddrPortFrom(to, uint16(port))
			if table[at] == nil && len(table) < maxAddrs {
				table[at] = &seen{}
			}
			if s := table[at]; s != nil {
				s.mark(e)
			}
		}
	case captures.RouterAdvert:
		n.adverts.mark(e)
	case captures.STP:
		n.bpdus.mark(e)
	case captures.ServerSays:
		if text := e.Text("text"); len(n.says) < maxLines && strings.Contains(text, "no free lease") {
			n.says = append(n.says, seen{at: e.At, text: text, n: 1})
		}
	}
}

// claim notes who says that an address is theirs: the latest word of each MAC.
func (n *network) claim(a netip.Addr, c ownerClaim) {
	claims := n.owners[a]
	for i := range claims {
		if claims[i].mac == c.mac {
			claims[i] = c
			return
		}
	}
	if len(claims) < 4 && (claims != nil || len(n.owners) < maxAddrs) {
		n.owners[a] = append(claims, c)
	}
}
