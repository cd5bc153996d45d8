package verdict

import (
	"fmt"
	"strconv"
	"time"
)

// An Origin is a place in a configuration file. Line and Col count from 1; the
// zero Origin is nowhere.
type Origin struct {
	File string `json:"file"`
	Line int    `json:"line,omitempty"`
	Col  int    `json:"col,omitempty"`
	// Text is what stands there, or what should and does not ("no next-server
	// for this subnet"); it is shown behind the place.
	Text string `json:"text,omitempty"`
}

// IsZero says whether o is nowhere.
func (o Origin) IsZero() bool { return o == Origin{} }

// String gives the place as compilers do, file:line:col, without Text.
func (o Origin) String() string {
	switch {
	case o.Line == 0:
		return o.File
	case o.Col == 0:
		return fmt.Sprintf("%s:%d", o.File, o.Line)
	}
	return fmt.Sprintf("%s:%d:%d", o.File, o.Line, o.Col)
}

// A Doubt is a reason for which a run can prove nothing, whatever it shows: a
// directive that could change a boot answer and that nobody here knows.
type Doubt struct {
	Text  string `json:"text"`
	Where Origin `json:"where,omitzero"`
}

// Seconds is a span of time; in JSON it is a number of seconds with three
// decimals.
type Seconds time.Duration

// seconds rounds to what JSON keeps, so that a round trip changes nothing.
func seconds(d time.Duration) Seconds { return Seconds(d.Round(time.Millisecond)) }

// Duration is s as the time package has it.
func (s Seconds) Duration() time.Duration { return time.Duration(s) }

// String gives seconds with two decimals: "3.41 s".
func (s Seconds) String() string {
	return strconv.FormatFloat(time.Duration(s).Seconds(), 'f', 2, 64) + " s"
}

// MarshalJSON gives a number of seconds.
func (s Seconds) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, time.Duration(s).Seconds(), 'f', 3, 64), nil
}

// UnmarshalJSON reads a number of seconds, up to ten years either way.
func (s *Seconds) UnmarshalJSON(b []byte) error {
	f, err := strconv.ParseFloat(string(b), 64)
	const tenYears = 10 * 366 * 24 * 3600
	if err != nil || !(f > -tenYears && f < tenYears) {
		return fmt.Errorf("%.40q is no number of seconds", b)
	}
	*s = seconds(time.Duration(f * float64(time.Second)))
	return nil
}
