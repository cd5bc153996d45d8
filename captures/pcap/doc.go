// Package pcap reads and writes capture files: it reads pcap in its four
// flavours and pcapng, either of them in gzip, and writes pcapng. It is small
// and its own because what pxeproof needs of pcapng (interface names, drop
// counts, packet comments) is more than other libraries keep.
//
// The formats: draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng.
package pcap

// pcapng block types.
const (
	blockSection    = 0x0a0d0d0a
	blockInterface  = 1
	blockOldPacket  = 2
	blockSimple     = 3
	blockStatistics = 5
	blockPacket     = 6
)

// pcapng options.
const (
	optEnd     = 0
	optComment = 1

	optSectionApp = 4 // shb_userappl

	optInterfaceName       = 2  // if_name
	optInterfaceResolution = 9  // if_tsresol
	optInterfaceOffset     = 14 // if_tsoffset

	optStatisticsReceived = 4 // isb_ifrecv
	optStatisticsDropped  = 5 // isb_ifdrop
	optStatisticsOSDrop   = 7 // isb_osdrop
)

const (
	byteOrderMagic = 0x1a2b3c4d
	snapLength     = 262144 // what tcpdump and dumpcap use; larger frames are not believed
)
