package report

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/pxeproof/pxeproof/captures"
	"github.com/pxeproof/pxeproof/captures/verdict"
)

// A Transfer is a file that went over the wire, as reports show it.
type Transfer struct {
	Host     string     `json:"host"`     // the client's MAC
	Protocol string     `json:"protocol"` // "tftp", "nfs", "http"
	Name     string     `json:"name"`     // as the client asked for it
	Server   netip.Addr `json:"server,omitzero"`
	Status   string     `json:"status"` // "complete", "failed", "probed" (its size alone was wanted), "unfinished", "unacknowledged" (all was sent, and no last ACK seen)
	// Tolerated: the server has no such file, and that is no cause of a failure;
	// loaders try several names.
	Tolerated bool `json:"tolerated,omitempty"`

	Bytes      int64           `json:"bytes"`                // distinct payload bytes seen
	Size       int64           `json:"size,omitempty"`       // that was announced; absent if none was
	BlockSize  int             `json:"blksize,omitempty"`    // TFTP alone
	WindowSize int             `json:"windowsize,omitempty"` // TFTP alone
	Resent     int             `json:"resent"`               // DATA blocks seen again; TFTP alone
	Seconds    verdict.Seconds `json:"seconds"`              // from the request to the last frame
	Rate       float64         `json:"rate,omitempty"`       // bytes per second; absent if no time went by
	Start      captures.Frame  `json:"start"`
	End        captures.Frame  `json:"end"`
	Code       int             `json:"code,omitempty"`    // of a failed one: TFTP error code, or NFS status
	Message    string          `json:"message,omitempty"` // the TFTP ERROR's
}

// A Judgement is a verdict with the transfers of its capture, for programs.
type Judgement struct {
	verdict.Verdict
	Transfers []Transfer `json:"transfers"`
}

// Transfers are those of a capture's timeline: the machines' of the verdict
// first, in its order, then those of others by their MACs, each in the order of
// the wire.
func Transfers(t *captures.Timeline, v verdict.Verdict) []Transfer {
	list := []Transfer{}
	if t == nil {
		return list
	}
	blamed := map[captures.Frame]bool{} // by findings that stopped a boot
	rank := map[string]int{}
	for i := range v.Clients {
		c := &v.Clients[i]
		if _, twice := rank[c.Host]; !twice {
			rank[c.Host] = i
		}
		for _, f := range c.Findings {
			for _, n := range f.Frames {
				blamed[n] = blamed[n] || f.Severity == verdict.Error
			}
		}
	}
	for i := range t.Transfers {
		x := &t.Transfers[i]
		y := shown(x)
		const notFound = 1 // RFC 1350
		y.Tolerated = x.Protocol == "tftp" && x.Status == captures.Failed && x.ByPeer && x.Code == notFound &&
			!blamed[x.Start] && !blamed[x.End]
		list = append(list, y)
	}
	slices.SortStableFunc(list, func(a, b Transfer) int {
		i, ours := rank[a.Host]
		j, theirs := rank[b.Host]
		switch {
		case ours && theirs:
			return cmp.Compare(i, j)
		case ours:
			return -1
		case theirs:
			return 1
		}
		return cmp.Compare(a.Host, b.Host)
	})
	return list
}

func shown(x *captures.Transfer) Transfer {
	y := Transfer{
		Host: x.Host, Protocol: x.Protocol, Name: x.Name, Server: x.Server.Addr(), Bytes: x.Bytes,
		Size: max(0, x.Size), Start: x.Start, End: x.End, Code: x.Code, Message: x.Message,
		Status: map[captures.TransferStatus]string{captures.Running: "unfinished", captures.Complete: "complete",
			captures.Failed: "failed", captures.Probed: "probed", captures.Sent: "unacknowledged"}[x.Status],
	}
	if !y.Server.IsValid() {
		y.Server = x.Asked
	}
	if x.Protocol == "tftp" {
		// What is read twice over NFS or HTTP was not lost.
		y.BlockSize, y.WindowSize, y.Resent = x.BlockSize, x.WindowSize, x.Resent
	}
	end := x.Ended
	if end.IsZero() {
		end = x.Last
	}
	if d := end.Sub(x.Begun); d > 0 && !x.Begun.IsZero() {
		y.Seconds = verdict.Seconds(d)
		y.Rate = float64(x.Bytes) / d.Seconds()
	}
	return y
}
