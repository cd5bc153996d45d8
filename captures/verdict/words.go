package verdict

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/pxeproof/pxeproof/captures"
)

// maxWord bounds what of a name or a console line goes into a verdict.
const maxWord = 200

// clean makes text off the wire or the console fit for a terminal: nothing
// that moves a cursor, nothing without end.
func clean(s string) string {
	plain := true
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] >= 0x7f {
			plain = false
			break
		}
	}
	if !plain {
		s = strings.Map(func(r rune) rune {
			switch {
			case r == '\t':
				return ' '
			case r == unicode.ReplacementChar || !unicode.IsPrint(r):
				return '·'
			}
			return r
		}, s)
	}
	if len(s) > maxWord {
		cut := maxWord
		for cut > 0 && s[cut]&0xc0 == 0x80 {
			cut--
		}
		s = s[:cut] + "…"
	}
	return s
}

// size is a number of bytes for people: "812 B", "42 KB", "8.2 MB"; units of
// 1000.
func size(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	case n < 999_500:
		return short(float64(n)/1e3) + " KB"
	case n < 999_500_000:
		return short(float64(n)/1e6) + " MB"
	}
	return short(float64(n)/1e9) + " GB"
}

func short(f float64) string {
	if f < 9.95 {
		return strconv.FormatFloat(f, 'f', 1, 64)
	}
	return strconv.FormatFloat(f, 'f', 0, 64)
}

// count is a number with its noun: "1 frame", "3 frames".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// span is a duration for people: "250 ms", "3.4 s", "2 min".
func span(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 2*time.Minute:
		return short(d.Seconds()) + " s"
	}
	return short(d.Minutes()) + " min"
}

// rate is bytes per second over a span, 0 if it cannot be known.
func rate(bytes int64, d time.Duration) float64 {
	if d <= 0 || bytes <= 0 {
		return 0
	}
	return float64(bytes) / d.Seconds()
}

// leaseWords says what a DHCP reply gives: "192.168.1.100 from 192.168.1.103,
// next-server 192.168.1.103, file /pxelinux.0".
func leaseWords(e *captures.Event) string {
	var s []string
	from := e.Addr("dhcp.option.dhcp_server_id")
	if !from.IsValid() {
		from = e.Addr("ip.src")
	}
	switch your := e.Addr("dhcp.ip.your"); {
	case your.IsValid() && !your.IsUnspecified():
		s = append(s, fmt.Sprintf("%s from %s", your, from))
	default:
		s = append(s, fmt.Sprintf("no address, from %s", from))
	}
	if next := e.Addr("dhcp.ip.server"); next.IsValid() {
		s = append(s, "next-server "+next.String())
	}
	if f := bootFile(e); f != "" {
		s = append(s, "file "+clean(f))
	} else {
		s = append(s, "no boot file")
	}
	return strings.Join(s, ", ")
}

// transferWords says what a whole transfer was: "pxelinux.0 42 KB, blksize
// 1432, 1.2 MB/s".
func transferWords(t *captures.Transfer) string {
	s := clean(t.Name) + " " + size(t.Bytes)
	if t.Protocol == "tftp" {
		s += fmt.Sprintf(", blksize %d", t.BlockSize)
		if t.WindowSize > 1 {
			s += fmt.Sprintf(", windowsize %d", t.WindowSize)
		}
	}
	// What one round trip carries has no rate worth telling.
	if r := rate(t.Bytes, t.Ended.Sub(t.Begun)); r > 0 && (t.Blocks > 3 || t.Protocol != "tftp" && t.Bytes > 100_000) {
		s += ", " + size(int64(r)) + "/s"
	}
	if t.Resent > 0 {
		s += ", " + count(t.Resent, "block") + " sent again"
	}
	if t.Status == captures.Sent {
		s += ", the last ACK lost"
	}
	return s
}

// describe says what an event is, in the words of the field.
func describe(e *captures.Event) string {
	file := func() string { return clean(e.Text("tftp.source_file")) }
	switch e.Kind {
	case captures.LinkFirst:
		return "first frame from " + e.Host
	case captures.ARPRequest:
		return fmt.Sprintf("ARP: who has %s", e.Addr("arp.dst.proto_ipv4"))
	case captures.ARPReply:
		return fmt.Sprintf("ARP: %s is at %s", e.Addr("arp.src.proto_ipv4"), hexPairs(e.Bytes("arp.src.hw_mac")))
	case captures.DHCPDiscover:
		return "DHCPDISCOVER"
	case captures.DHCPOffer:
		return "DHCPOFFER of " + leaseWords(e)
	case captures.DHCPRequest:
		if a := e.Addr("dhcp.option.requested_ip_address"); a.IsValid() {
			return "DHCPREQUEST for " + a.String()
		}
		return "DHCPREQUEST"
	case captures.DHCPAck:
		return "DHCPACK of " + leaseWords(e)
	case captures.BOOTPReply:
		return "BOOTP reply: " + leaseWords(e)
	case captures.DHCPNak:
		return strings.TrimSpace(fmt.Sprintf("DHCPNAK from %s %s", e.Addr("ip.src"), clean(e.Text("dhcp.option.message"))))
	case captures.TFTPRequest:
		return fmt.Sprintf("RRQ for %s to %s", file(), e.Addr("ip.dst"))
	case captures.TFTPRepeated:
		return fmt.Sprintf("RRQ for %s to %s, again", file(), e.Addr("ip.dst"))
	case captures.TFTPOack:
		return "OACK"
	case captures.TFTPStart:
		return "first DATA of " + file()
	case captures.TFTPError:
		who := "the client"
		if e.Is("tftp.bypeer") {
			who = "the server"
		}
		return strings.TrimSpace(fmt.Sprintf("ERROR %d for %s from %s %s", e.Int("tftp.error.code"), file(), who, quoted(e.Text("tftp.error.message"))))
	case captures.TFTPDone:
		return fmt.Sprintf("%s transferred, %s", file(), size(max(0, e.Int("tftp.bytes"))))
	case captures.TFTPStalled:
		who := "the client"
		if e.Is("tftp.bypeer") {
			who = "the server"
		}
		return fmt.Sprintf("%s sends block %d of %s for the %d. time", who, e.Int("tftp.block"), file(), 1+e.Int("tftp.repeats"))
	case captures.TFTPStray:
		return fmt.Sprintf("TFTP answer from %s, where %s was asked", e.Addr("ip.src"), e.Addr("ip.dst"))
	case captures.ICMPUnreachable:
		return fmt.Sprintf("ICMP unreachable (code %d) from %s: %s port %d", e.Int("icmp.code"), e.Addr("ip.src"), e.Addr("icmp.ip.dst"), e.Int("icmp.udp.dstport"))
	case captures.RouterSolicit:
		return "IPv6 Router Solicitation"
	case captures.RouterAdvert:
		return "IPv6 Router Advertisement"
	case captures.PortmapGetport:
		if !e.Is("rpc.answered") {
			return fmt.Sprintf("portmap asked for the port of %s: no answer", programName(e.Int("portmap.prog")))
		}
		return fmt.Sprintf("portmap: %s is at port %d", programName(e.Int("portmap.prog")), max(0, e.Int("portmap.port")))
	case captures.MountMnt:
		return fmt.Sprintf("MOUNT of %s: %s", clean(e.Text("mount.path")), statusWord(e, "mount.status"))
	case captures.NFSLookup:
		return fmt.Sprintf("NFS LOOKUP of %s: %s", clean(nfsName(e)), statusWord(e, "nfs.status"))
	case captures.NFSAccess:
		return "NFS ACCESS to " + clean(e.Text("nfs.path")) + ": not granted"
	case captures.NFSOpen:
		return "NFS READ of " + clean(e.Text("nfs.path"))
	case captures.NFSDone:
		return fmt.Sprintf("%s read over NFS, %s", clean(e.Text("nfs.path")), size(max(0, e.Int("nfs.bytes"))))
	case captures.HTTPRequest:
		return fmt.Sprintf("HTTP %s %s", clean(e.Text("http.request.method")), clean(e.Text("http.request.uri")))
	case captures.HTTPResponse:
		return fmt.Sprintf("HTTP status %d for %s", e.Int("http.response.code"), clean(e.Text("http.request.uri")))
	case captures.ConsoleLine:
		return "console: " + clean(strings.TrimSpace(e.Text("text")))
	case captures.MachineStarted:
		if e.Text("snapshot") != "" {
			return "machine resumed"
		}
		return "machine started"
	case captures.MachineOff:
		return "machine off (" + clean(e.Text("reason")) + ")"
	case captures.MachineDied:
		return "QEMU died: " + clean(e.Text("status"))
	}
	return string(e.Kind)
}

func quoted(s string) string {
	if s == "" {
		return ""
	}
	return strconv.Quote(clean(s))
}

func nfsName(e *captures.Event) string {
	if p := e.Text("nfs.path"); p != "" {
		return p
	}
	return e.Text("nfs.name")
}

// statusWord names a MOUNT or NFSv3 status (RFC 1813, 2.6 and 5.1.5), whose
// numbers agree.
func statusWord(e *captures.Event, field string) string {
	if !e.Is("rpc.answered") {
		return "no answer"
	}
	n := e.Int(field)
	if w, ok := nfsStatuses[n]; ok {
		return w
	}
	return fmt.Sprintf("status %d", n)
}

var nfsStatuses = map[int64]string{
	-1: "no status", 0: "OK", 1: "not owner (1)", 2: "no such file or directory (2)", 5: "I/O error (5)",
	13: "permission denied (13)", 20: "not a directory (20)", 21: "is a directory (21)",
	22: "invalid argument (22)", 30: "read-only file system (30)", 63: "name too long (63)",
	70: "stale file handle (70)", 10001: "bad file handle (10001)", 10004: "not supported (10004)", 10006: "server fault (10006)",
}
