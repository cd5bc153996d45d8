package captures

import (
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// sameAsGopacket says whether the fast way and gopacket's make the same of a
// frame.
func sameAsGopacket(t *testing.T, data []byte) {
	t.Helper()
	fast := packet{FrameInfo: FrameInfo{Link: LinkEthernet}}
	if !fast.parseFast(data) {
		return
	}
	slow := packet{FrameInfo: fast.FrameInfo}
	if !newParser().parse(&slow, data) {
		t.Fatalf("gopacket makes nothing of % x", data)
	}
	if slow.segment == nil {
		return // gopacket also looks at TCP's options, which say nothing to us
	}
	a, b := fast, slow
	a.payload, a.segment, b.payload, b.segment = nil, nil, nil, nil
	if a.FrameInfo != b.FrameInfo || a.macs != b.macs || a.srcMAC != b.srcMAC || a.dstMAC != b.dstMAC || a.ether != b.ether || a.flow() != b.flow() ||
		a.proto != b.proto || a.cut != b.cut || a.fragment != b.fragment || a.joined != b.joined {
		t.Errorf("fast %+v\nslow %+v", a, b)
	}
	if a.proto == protoTCP && (a.seq != b.seq || a.ack != b.ack || a.flags != b.flags) {
		t.Errorf("fast %+v\nslow %+v", a, b)
	}
	if string(fast.payload) != string(slow.payload) || string(fast.segment) != string(slow.segment) {
		t.Errorf("fast payload % x\nslow payload % x", fast.payload, slow.payload)
	}
}

func FuzzFastPath(f *testing.F) {
	for _, l := range []gopacket.SerializableLayer{&layers.UDP{SrcPort: 1, DstPort: 2}, &layers.TCP{SrcPort: 1, DstPort: 2, Seq: 3, SYN: true}} {
		ip := &layers.IPv4{Version: 4, Protocol: layers.IPProtocolUDP, SrcIP: []byte{1, 2, 3, 4}, DstIP: []byte{5, 6, 7, 8}}
		if l.LayerType() == layers.LayerTypeTCP {
			ip.Protocol = layers.IPProtocolTCP
		}
		eth := &layers.Ethernet{SrcMAC: []byte{2, 0, 0, 0, 0, 1}, DstMAC: []byte{2, 0, 0, 0, 0, 2}, EthernetType: layers.EthernetTypeIPv4}
		b := gopacket.NewSerializeBuffer()
		if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true}, eth, ip, l, gopacket.Payload("payload")); err != nil {
			f.Fatal(err)
		}
		plain := append([]byte(nil), b.Bytes()...)
		f.Add(plain)
		f.Add(append(plain[:12:12], append([]byte{0x81, 0, 0, 5}, plain[12:]...)...))
		f.Add(append(plain[:len(plain):len(plain)], make([]byte, 20)...))
	}
	f.Fuzz(sameAsGopacket)
}
