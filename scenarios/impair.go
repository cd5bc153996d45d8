package scenarios

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/pxeproof/pxeproof/harness/link"
)

// An impairYAML is what is wrong with a link: of the whole network at the top of
// scenario.yaml, of one machine there. A machine's own takes the place of the
// network's, so {} is a healthy link on a bad network. Each direction has it, and
// losses follow from the seed and from the number of a frame in its direction:
//
//	impair: {loss: 1%, delay: 5ms, jitter: 1ms, reorder: 1%, duplicate: 1%, rate: 100 Mbit/s, mtu: 1400, seed: 7}
type impairYAML struct {
	// Loss, Duplicate and Reorder are parts of the frames, in percent.
	Loss      at[percent] `yaml:"loss"`
	Duplicate at[percent] `yaml:"duplicate"`
	Reorder   at[percent] `yaml:"reorder"`
	// Delay is one way, and Jitter the most that is added to it.
	Delay  at[duration] `yaml:"delay"`
	Jitter at[duration] `yaml:"jitter"`
	// Rate is in kbit/s, Mbit/s or Gbit/s.
	Rate at[bitRate] `yaml:"rate"`
	// MTU is in bytes; longer packets vanish.
	MTU  at[int]    `yaml:"mtu"`
	Seed at[uint64] `yaml:"seed"`
}

// impairment is what a link has; y is nil where nothing is said.
func (s *Scenario) impairment(y *at[impairYAML]) (link.Impairment, error) {
	if y == nil {
		return link.Impairment{}, nil
	}
	v := y.v
	i := link.Impairment{
		Loss: float64(v.Loss.v), Duplicate: float64(v.Duplicate.v), Reorder: float64(v.Reorder.v),
		Delay: time.Duration(v.Delay.v), Jitter: time.Duration(v.Jitter.v),
		Rate: int64(v.Rate.v), MTU: v.MTU.v, Seed: v.Seed.v,
	}
	if err := i.Check(); err != nil {
		return i, problem(y.pos(s.display(File)), "impair: %w", err)
	}
	return i, nil
}

// links are the links of machines that are bad, by machine.
func (s *Scenario) links() map[string]link.Impairment {
	bad := map[string]link.Impairment{}
	for _, m := range s.Machines {
		if !m.Link.Healthy() {
			bad[m.Name] = m.Link
		}
	}
	return bad
}

// A percent is written "1%" or "0.5 %", and kept as a part of 1.
type percent float64

// UnmarshalText implements [encoding.TextUnmarshaler].
func (p *percent) UnmarshalText(b []byte) error {
	number, ok := strings.CutSuffix(string(b), "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if !ok || err != nil || !(v >= 0 && v <= 100) {
		return fmt.Errorf("%q is no part of the frames, such as 1%%", b)
	}
	*p = percent(v / 100)
	return nil
}

// A bitRate is written "100 Mbit/s", and kept in bits a second. Units are
// decimal, as those of networks are.
type bitRate int64

// UnmarshalText implements [encoding.TextUnmarshaler].
func (r *bitRate) UnmarshalText(b []byte) error {
	text := string(b)
	for _, u := range []struct {
		name  string
		scale float64
	}{{"kbit/s", 1e3}, {"Mbit/s", 1e6}, {"Gbit/s", 1e9}} {
		number, ok := strings.CutSuffix(text, u.name)
		if !ok {
			continue
		}
		v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if v *= u.scale; err == nil && v >= 1 && v <= 1e12 {
			*r = bitRate(math.Round(v))
			return nil
		}
	}
	return fmt.Errorf("%q is no rate of a link, such as 100 Mbit/s", text)
}
