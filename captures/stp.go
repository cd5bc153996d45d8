package captures

import (
	"bytes"
	"encoding/binary"
)

// LLC headers before a BPDU: IEEE 802.1D, and Cisco's per-VLAN spanning tree in
// SNAP.
var (
	llcBPDU  = []byte{0x42, 0x42, 0x03}
	snapPVST = []byte{0xaa, 0xaa, 0x03, 0x00, 0x00, 0x0c, 0x01, 0x0b}
)

// bpduKey is who speaks where.
type bpduKey struct {
	port string
	from mac
}

// bpduState is what makes two BPDUs the same: all but their ages.
type bpduState struct {
	kind, flags  byte
	root, bridge [8]byte
	cost         uint32
	portID       uint16
}

// stp reads BPDUs (IEEE 802.1D-2004, section 9.3): spanning tree, rapid and
// multiple alike, as the fields up to the port are the same.
func (d *Decoder) stp() {
	const topologyChange, config, rapid = 0x80, 0, 2
	p := &d.p
	b, ok := bytes.CutPrefix(p.payload, llcBPDU)
	if !ok {
		if b, ok = bytes.CutPrefix(p.payload, snapPVST); !ok {
			return
		}
	}
	if len(b) < 27 || b[0] != 0 || b[1] != 0 || b[3] != config && b[3] != rapid {
		return // a topology change notice says nothing of root and port
	}
	// Bits 0 and 7 come and go with changes elsewhere.
	s := bpduState{
		kind: b[3], flags: b[4] & 0x7e, root: [8]byte(b[5:13]), cost: binary.BigEndian.Uint32(b[13:]),
		bridge: [8]byte(b[17:25]), portID: binary.BigEndian.Uint16(b[25:]),
	}
	key := bpduKey{p.Port, p.srcMAC}
	old, known := d.bpdus[key]
	if known && old == s || !known && len(d.bpdus) >= d.limits.Machines {
		return
	}
	d.bpdus[key] = s
	d.event("", STP, []Field{
		{"stp.root.hw", mac(s.root[2:]).hardware()},
		{"stp.port", int64(s.portID)},
	})
}
