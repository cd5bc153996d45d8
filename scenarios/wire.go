package scenarios

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"path"
	"strings"

	"github.com/pxeproof/pxeproof/captures"
	"github.com/pxeproof/pxeproof/captures/verdict"
	"github.com/pxeproof/pxeproof/harness/qemu"
	"github.com/pxeproof/pxeproof/servers/conf/pxelinux"
)

// wireFacts are what a capture tells of machines and servers that no
// configuration does. A nil *wireFacts knows nothing.
type wireFacts struct {
	machines []Machine
	asked    map[string]map[uint8][]byte // by MAC: options of its first DISCOVER or REQUEST
	servers  []netip.Addr                // by their identifiers, in the order of their first answers
	files    map[string]int64            // served over TFTP, and how long they are
}

// size is that of a file that was seen to be served.
func (w *wireFacts) size(name string) (int64, bool) {
	if w == nil {
		return 0, false
	}
	n, ok := w.files[path.Join("/", name)]
	return n, ok
}

// A sight gathers, event by event, what wireFacts need of a capture.
type sight struct {
	asks    map[string]captures.Event // by host: its first DISCOVER or REQUEST
	hosts   []string                  // of asks, in order
	answers map[netip.Addr]bool
	servers []netip.Addr
}

// Bounds on the hosts and the DHCP servers of a capture that are looked at.
const (
	maxAsks    = 1 << 14
	maxServers = 256
)

func newSight() *sight {
	return &sight{asks: map[string]captures.Event{}, answers: map[netip.Addr]bool{}}
}

// see takes in the next event.
func (s *sight) see(e *captures.Event) {
	switch e.Kind {
	case captures.DHCPDiscover, captures.DHCPRequest:
		if _, known := s.asks[e.Host]; !known && len(s.hosts) < maxAsks {
			s.asks[e.Host] = *e
			s.hosts = append(s.hosts, e.Host)
		}
	case captures.DHCPOffer, captures.DHCPAck:
		a := e.Addr("dhcp.option.dhcp_server_id")
		if a.Is4() && !s.answers[a] && len(s.answers) < maxServers && e.Addr("dhcp.ip.your") != netip.IPv4Unspecified() {
			s.answers[a] = true
			s.servers = append(s.servers, a)
		}
	}
}

// facts are what the whole capture tells of the machines that boot in it.
func (s *sight) facts(t *captures.Timeline, clients []verdict.ClientVerdict) *wireFacts {
	w := &wireFacts{asked: map[string]map[uint8][]byte{}, files: map[string]int64{}, servers: s.servers}
	boots := map[string]bool{}
	for i := range clients {
		boots[clients[i].Host] = true
	}
	for _, host := range s.hosts {
		if e := s.asks[host]; boots[host] {
			w.ask(&e)
		}
	}
	for i := range t.Transfers {
		if x := &t.Transfers[i]; x.Protocol == "tftp" && x.Status == captures.Complete && x.Bytes > 0 {
			w.files[path.Join("/", x.Name)] = x.Bytes
		}
	}
	return w
}

// ask takes a machine over from its first question.
func (w *wireFacts) ask(e *captures.Event) {
	mac, err := parseMAC(e.Host)
	if err != nil {
		return
	}
	o := map[uint8][]byte{}
	m := Machine{Machine: qemu.Machine{Firmware: qemu.Firmware{Kind: "bios"}, NICs: []qemu.NIC{{MAC: mac, ROM: "none"}}}}
	if arch := e.Int("dhcp.option.client_architecture"); arch >= 0 && arch <= 0xffff {
		o[93] = binary.BigEndian.AppendUint16(nil, uint16(arch))
		if arch != 0 { // RFC 4578, 2.1: 0 is Intel x86PC, a BIOS
			m.Firmware.Kind = "uefi"
		}
	}
	if s := e.Text("dhcp.option.vendor_class_id"); s != "" {
		o[60] = []byte(s)
	}
	if b := e.Bytes("dhcp.option.user_class"); len(b) > 0 {
		o[77] = b
		if strings.Contains(string(b), "iPXE") {
			m.NICs[0].ROM = ""
		}
	}
	if b := e.Bytes("dhcp.option.etherboot"); len(b) > 0 {
		o[175] = b
		m.NICs[0].ROM = "" // gPXE and iPXE alone send it
	}
	if b := e.Bytes("dhcp.option.uuid"); len(b) > 0 {
		o[97] = b
		if len(b) == 17 && b[0] == 0 {
			m.UUID = fmt.Sprintf("%x-%x-%x-%x-%x", b[1:5], b[5:7], b[7:9], b[9:11], b[11:17])
		}
	}
	w.asked[e.Host] = o
	w.machines = append(w.machines, m)
}

// readable says whether the configuration that a loader finds is in the tree.
func readable(got *pxelinux.Prediction, tree *tftpTree) bool {
	for _, l := range got.Lookups {
		if l.Use == pxelinux.UseConfig && l.Found {
			_, _, err := tree.Read(l.Name)
			return err == nil
		}
	}
	// None is in the tree; if the machine got one it came from elsewhere.
	for name := range tree.configs.wire.files {
		if strings.Contains(name, "/pxelinux.cfg/") {
			return false
		}
	}
	return true
}
