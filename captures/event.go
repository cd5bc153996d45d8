package captures

import (
	"net/netip"
	"time"
)

// A Source says who saw an Event.
type Source uint8

const (
	Wire    Source = iota // a frame in the capture
	Console               // a line on the machine's serial console
	Server                // a server's own word (its log)
	Harness               // the lab: machine started, powered off, died
)

// A Frame names one frame of a capture. The zero Frame is none.
type Frame struct {
	File   string `json:"file,omitempty"` // empty: the run's own capture
	Number int    `json:"number"`         // 1-based, as Wireshark counts
}

// A Kind names what happened, protocol first: "dhcp.offer", "tftp.rrq",
// "nfs.read", "console.line". The kinds are constants in kinds.go.
type Kind string

// A Field is one named value of an Event. Name is Wireshark's display filter
// name where Wireshark has one ("dhcp.ip.server", "tftp.source_file"). Value
// is a string, int64, bool, netip.Addr, net.HardwareAddr or []byte; helpers on
// Event read it.
type Field struct {
	Name  string
	Value any
}

// An Event is a milestone, not a frame: DATA and ACK of TFTP, and READ of NFS,
// fold into their Transfer, which gives an event when it starts and one when
// it ends.
type Event struct {
	At     time.Time
	Frame  Frame  // zero when it did not come off the wire
	Port   string // where on the network it was seen: one pcapng interface a port
	Source Source
	Host   string // the machine: its MAC ("52:54:00:12:34:56"), lower case
	Kind   Kind
	Fields []Field // ordered
}

// A Transfer is one file, or the part of it that was seen, going over the wire.
type Transfer struct {
	Protocol string         // "tftp", "nfs", "http"
	Host     string         // the client's MAC, as Event.Host
	Client   netip.AddrPort // the client's address and TID
	Server   netip.AddrPort // the server's; the port is the server's TID for TFTP
	Asked    netip.Addr     // where the request went to (differs when the answer came from elsewhere)
	Name     string         // as the client asked for it
	Start    Frame          // the request
	End      Frame          // the last ACK, the ERROR, or the last frame seen
	Begun    time.Time      // when Start was seen
	Ended    time.Time      // when End was seen
	Last     time.Time      // when the last frame of it was seen
	Moved    time.Time      // TFTP: when it last went on: its OACK, or a block not seen before; zero if it never did

	Size   int64  // TFTP: the tsize that the server announced; NFS: the file's size; HTTP: Content-Length; -1 if none
	Bytes  int64  // distinct payload bytes seen
	Digest []byte // SHA-256 of the bytes in order, only if asked for, complete and nothing was missing

	BlockSize  int  // as negotiated; 512 if nothing was (RFC 1350)
	WindowSize int  // as negotiated; 1 if nothing was (RFC 7440)
	Blocks     int  // distinct DATA blocks seen
	Resent     int  // DATA seen again
	Fragments  bool // DATA came in IP fragments

	Status  TransferStatus
	Code    int    // TFTP error code, or NFS status
	Message string // TFTP error message
	ByPeer  bool   // the error came from the server (false: from the client)
}

// A TransferStatus says how a Transfer ended.
type TransferStatus uint8

const (
	Running  TransferStatus = iota // neither end nor error seen (yet)
	Complete                       // the last block was acknowledged
	Failed                         // an ERROR ended it
	Probed                         // the client ended it on purpose once it had tsize (EDK2)
	Sent                           // TFTP: all of it was sent to the client, and no ACK of the last block was seen (yet)
)

// A Timeline is a whole capture, read.
type Timeline struct {
	Events    []Event
	Transfers []Transfer
	Frames    int       // how many frames the capture holds
	Last      time.Time // the latest frame's time
	Dropped   int       // frames that the recorder says it lost
}
