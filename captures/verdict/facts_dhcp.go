package verdict

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/pxeproof/pxeproof/captures"
)

// dhcpFacts are the DHCP exchanges in which a machine wanted to boot. An
// operating system's own are left out.
type dhcpFacts struct {
	exchanges []*exchange
	declined  seen
}

// An exchange is one DISCOVER, OFFER, REQUEST, ACK, with its repetitions.
type exchange struct {
	xid       int64
	class     string // option 60 of the client
	ipxe      bool   // user class (77) iPXE, or option 175
	arch      int64  // option 93; -1 if absent
	discovers seen
	asked     time.Time // the latest of discovers
	retried   int       // DISCOVERs after the first OFFER
	offers    []reply
	request   seen
	chosen    netip.Addr // option 54 of the REQUEST
	ack, nak  *reply
	naks      int
	proxyAsk  seen // to port 4011
	proxyXID  int64
	proxyAck  *reply
}

// A reply is what a server said.
type reply struct {
	at                   time.Time
	frame                captures.Frame
	port                 string
	server, from         netip.Addr // option 54; ip.src
	your, siaddr, router netip.Addr
	mask                 netip.Addr
	file, name66         string
	rawFile              string
	has150, has43        bool
	proxy                bool // a ProxyDHCP offer: PXEClient, and no address
	pxe                  bool // option 60 PXEClient or HTTPClient
	badSum               bool
	message              string
}

// proxyPort is where boot servers listen.
const proxyPort = 4011

func readReply(e *captures.Event) reply {
	r := reply{
		at: e.At, frame: e.Frame, port: e.Port,
		server: e.Addr("dhcp.option.dhcp_server_id"), from: e.Addr("ip.src"),
		your: e.Addr("dhcp.ip.your"), siaddr: e.Addr("dhcp.ip.server"),
		router: e.Addr("dhcp.option.router"), mask: e.Addr("dhcp.option.subnet_mask"),
		file: bootFile(e), rawFile: e.Text("dhcp.file"), name66: e.Text("dhcp.option.tftp_server_name"),
		has150: e.Addr("dhcp.option.tftp_server_address").IsValid(),
		has43:  e.Get("dhcp.option.vendor_specific") != nil,
		pxe:    isBootClass(e.Text("dhcp.option.vendor_class_id")), badSum: e.Is("dhcp.checksum.bad"),
		message: e.Text("dhcp.option.message"),
	}
	r.proxy = r.pxe && (!r.your.IsValid() || r.your.IsUnspecified())
	if !r.server.IsValid() {
		r.server = r.from
	}
	return r
}

func isBootClass(class string) bool {
	return strings.HasPrefix(class, "PXEClient") || strings.HasPrefix(class, "HTTPClient")
}

// isURL says whether a boot file names its server itself.
func isURL(file string) bool { return strings.Contains(file, "://") }

func (x *exchange) frames() []captures.Frame {
	list := []captures.Frame{x.discovers.frame}
	for i := range x.offers {
		list = append(list, x.offers[i].frame)
	}
	list = append(list, x.request.frame)
	if x.ack != nil {
		list = append(list, x.ack.frame)
	}
	return framesOf(list...)
}

// offered says whether anybody offered an address; a ProxyDHCP server does not.
func (x *exchange) offered() bool {
	return slices.ContainsFunc(x.offers, func(r reply) bool { return !r.proxy })
}

// bootReply is what told the client what to boot: the ProxyDHCP server's word
// if there is one, else the ACK. Nil without an ACK.
func (x *exchange) bootReply() *reply {
	if x.proxyAck != nil && x.proxyAck.file != "" {
		return x.proxyAck
	}
	if x.ack == nil {
		return nil
	}
	if x.ack.file == "" {
		for i := range x.offers {
			if o := &x.offers[i]; o.proxy && o.file != "" {
				return o
			}
		}
	}
	return x.ack
}

// offerOf is the OFFER that led to a reply; nil if it was not seen.
func (x *exchange) offerOf(r *reply) *reply {
	for i := range x.offers {
		if x.offers[i].server == r.server {
			return &x.offers[i]
		}
	}
	return nil
}

func (d *dhcpFacts) byXID(xid int64) *exchange {
	for i := len(d.exchanges) - 1; i >= 0; i-- {
		if d.exchanges[i].xid == xid {
			return d.exchanges[i]
		}
	}
	return nil
}

// last is the latest exchange; nil if there is none.
func (d *dhcpFacts) last() *exchange {
	if len(d.exchanges) == 0 {
		return nil
	}
	return d.exchanges[len(d.exchanges)-1]
}

// firstOffer is the first OFFER of all; nil if there was none.
func (d *dhcpFacts) firstOffer() *reply {
	for _, x := range d.exchanges {
		if len(x.offers) > 0 {
			return &x.offers[0]
		}
	}
	return nil
}

// acked is the latest exchange that came to an ACK; nil if there is none. EDK2
// tries HTTP when PXE has failed; that does not count if there is another.
func (d *dhcpFacts) acked() *exchange {
	var web *exchange
	for i := len(d.exchanges) - 1; i >= 0; i-- {
		switch x := d.exchanges[i]; {
		case x.ack == nil:
		case !strings.HasPrefix(x.class, "HTTPClient"):
			return x
		case web == nil:
			web = x
		}
	}
	return web
}

// halfHeard says whether the machine acts on answers that are not to be seen: a
// switch's mirror port or a filter has given one direction alone. Whatever else is
// missing then proves nothing.
func (f *facts) halfHeard() bool {
	x := f.dhcp.last()
	if x == nil || x.discovers.n+x.proxyAsk.n == 0 || x.ack != nil || len(x.offers) > 0 || x.nak != nil {
		return false
	}
	return x.request.n > 0 && x.chosen.IsValid() || len(f.tftp.order) > 0
}

func (f *facts) seeDHCP(e *captures.Event) {
	d := &f.dhcp
	x := d.byXID(e.Int("dhcp.id"))
	// The talk with a boot server on port 4011 (PXE 2.1, 2.2.4) belongs to the
	// exchange before it, whatever its transaction ID; iPXE's is 0.
	if last := d.acked(); last != nil && e.Int("udp.dstport") == proxyPort {
		x = last
		x.proxyXID = e.Int("dhcp.id")
	} else if last != nil && e.Int("udp.srcport") == proxyPort && last.proxyAsk.n > 0 && last.proxyXID == e.Int("dhcp.id") {
		x = last
	}
	switch e.Kind {
	case captures.DHCPDiscover, captures.DHCPRequest, captures.DHCPInform, captures.BOOTPRequest:
		if !f.wantsBoot(e) && x == nil {
			f.osSign(e)
			return
		}
		again := e.Kind == captures.DHCPDiscover || e.Kind == captures.BOOTPRequest
		if x == nil || again && (x.ack != nil || x.nak != nil) {
			if len(d.exchanges) >= maxExchanges {
				copy(d.exchanges[1:], d.exchanges[2:]) // keep the first and the latest
				d.exchanges = d.exchanges[:maxExchanges-1]
			}
			x = &exchange{xid: e.Int("dhcp.id"), arch: -1}
			d.exchanges = append(d.exchanges, x)
		}
		x.ask(e)
		if x.retried >= fewRetried {
			f.mayProve()
		}
	case captures.DHCPDecline:
		d.declined.mark(e)
	default:
		if x == nil {
			return // of an exchange that does not concern us, or begun before the capture
		}
		x.answer(e, readReply(e))
		if e.Kind == captures.DHCPNak {
			f.mayProve()
		}
	}
}

// ask takes in a message of the client.
func (x *exchange) ask(e *captures.Event) {
	if c := e.Text("dhcp.option.vendor_class_id"); c != "" {
		x.class = c
	}
	if a := e.Int("dhcp.option.client_architecture"); a >= 0 {
		x.arch = a
	}
	x.ipxe = x.ipxe || isIPXE(e)
	switch {
	case e.Int("udp.dstport") == proxyPort:
		x.proxyAsk.mark(e)
	case e.Kind == captures.DHCPDiscover, e.Kind == captures.BOOTPRequest:
		if len(x.offers) > 0 {
			x.retried++
		}
		x.discovers.mark(e)
		x.asked = e.At
	case e.Kind == captures.DHCPRequest:
		x.request.mark(e)
		x.chosen = e.Addr("dhcp.option.dhcp_server_id")
	}
}

// answer takes in a message of a server.
func (x *exchange) answer(e *captures.Event, r reply) {
	switch e.Kind {
	case captures.DHCPOffer:
		if len(x.offers) < maxReplies {
			x.offers = append(x.offers, r)
		}
	case captures.DHCPAck, captures.BOOTPReply:
		if e.Int("udp.srcport") == proxyPort || r.proxy && x.proxyAsk.n > 0 {
			x.proxyAck = &r
			return
		}
		if x.ack == nil {
			x.ack = &r
		}
	case captures.DHCPNak:
		x.nak = &r
		x.naks++
	}
}

// iPXE sends so many DISCOVERs, 1, 2 and 4 s apart, and waits 8 s more before it
// says that there was no answer.
const ipxeAsks = 4

// lastWait is how long an answer to the last of them is waited for. ISC dhcpd
// takes a second to look whether an address is free; those before it were
// waited for longer.
const lastWait = 1200 * time.Millisecond

// unheard says that the client has asked for the last time, and that nobody
// answers: it is as certain then as by its own word.
func (f *facts) unheard() bool {
	x := f.dhcp.last()
	return x != nil && x.ipxe && x.discovers.n >= ipxeAsks && len(x.offers) == 0 && x.ack == nil && x.nak == nil &&
		f.lastEvent.At.Sub(x.asked) >= lastWait
}

func isIPXE(e *captures.Event) bool {
	return bytes.Contains(e.Bytes("dhcp.option.user_class"), []byte("iPXE")) || e.Get("dhcp.option.etherboot") != nil
}

// wantsBoot says whether the client asks in order to boot. Firmware says so by
// option 60, 77, 93 or 175; a machine of ours that has fetched nothing yet
// needs not.
func (f *facts) wantsBoot(e *captures.Event) bool {
	return saysBoot(e) || f.named && f.osAt.n == 0 && f.tftp.done == 0
}

// saysBoot says whether a DHCP message is a boot client's by what is in it.
func saysBoot(e *captures.Event) bool {
	return isBootClass(e.Text("dhcp.option.vendor_class_id")) || isIPXE(e) || e.Int("dhcp.option.client_architecture") >= 0
}

// osSign notes that an operating system runs.
func (f *facts) osSign(e *captures.Event) {
	if f.tftp.done > 0 || e.Source == captures.Console {
		f.osAt.mark(e)
	}
}
