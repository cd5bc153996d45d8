package harness

import (
	"context"
	"strconv"
	"time"

	"github.com/pxeproof/pxeproof/captures"
	"github.com/pxeproof/pxeproof/harness/link"
)

// maxLosses bounds the events of one link.
const maxLosses = 1000

// A badLink is the link of a machine that a relay carries. A healthy one, where
// there is no tap, has nothing to tell.
type badLink struct {
	lab        *Lab
	relay      *link.Relay
	port       string
	mac        string // the machine's
	impairment link.Impairment
	told       int
}

func (k *badLink) run(ctx context.Context) error {
	if k.impairment.Healthy() {
		return k.relay.Run(ctx)
	}
	k.tell(captures.LinkImpaired,
		captures.Field{Name: "link.impairment", Value: k.impairment.String()},
		captures.Field{Name: "link.seed", Value: strconv.FormatUint(k.impairment.Seed, 10)})
	k.relay.Lost = k.lost
	err := k.relay.Run(ctx)
	for _, d := range []link.Direction{link.AToB, link.BToA} {
		c := k.relay.Counts(d)
		k.tell(captures.LinkDone,
			captures.Field{Name: "link.to_machine", Value: d == link.AToB},
			captures.Field{Name: "link.frames", Value: c.Frames},
			captures.Field{Name: "link.lost", Value: c.Lost},
			captures.Field{Name: "link.too_long", Value: c.TooLong},
			captures.Field{Name: "link.overflow", Value: c.Overflow},
			captures.Field{Name: "link.duplicated", Value: c.Duplicated},
			captures.Field{Name: "link.reordered", Value: c.Reordered})
	}
	return err
}

func (k *badLink) lost(d link.Direction, number int64, why link.Loss, data []byte) {
	if k.told == maxLosses {
		return
	}
	k.told++
	k.tell(captures.LinkLost,
		captures.Field{Name: "link.to_machine", Value: d == link.AToB},
		captures.Field{Name: "link.number", Value: number},
		captures.Field{Name: "link.reason", Value: string(why)},
		captures.Field{Name: "frame.len", Value: int64(len(data))})
}

func (k *badLink) tell(kind captures.Kind, f ...captures.Field) {
	k.lab.recorder.Inject(captures.Event{
		At: time.Now(), Port: k.port, Source: captures.Harness, Host: k.mac, Kind: kind, Fields: f,
	})
}
