package bench

import (
	"fmt"
	"slices"
	"time"
)

// timed is how long f took, in seconds.
func timed(f func() error) (float64, error) {
	begun := time.Now()
	err := f()
	return time.Since(begun).Seconds(), err
}

// A Sample is the same thing measured several times.
type Sample []float64

// Median is the middle value, 0 for no values.
func (s Sample) Median() float64 {
	if len(s) == 0 {
		return 0
	}
	v := slices.Sorted(slices.Values(s))
	n := len(v)
	if n%2 == 1 {
		return v[n/2]
	}
	return (v[n/2-1] + v[n/2]) / 2
}

// Extremes are the smallest and the largest value.
func (s Sample) Extremes() (least, most float64) {
	if len(s) == 0 {
		return 0, 0
	}
	return slices.Min(s), slices.Max(s)
}

// Spread is the distance from the smallest to the largest value as a part of
// the median.
func (s Sample) Spread() float64 {
	if m := s.Median(); m > 0 {
		return (slices.Max(s) - slices.Min(s)) / m
	}
	return 0
}

// Row is a line for a table: median, extremes and spread, in a unit.
func (s Sample) Row(unit string) string {
	if len(s) == 0 {
		return "nothing measured"
	}
	return fmt.Sprintf("%7.2f %s  (%.2f to %.2f, spread %2.0f %%, n=%d)", s.Median(), unit, slices.Min(s), slices.Max(s), 100*s.Spread(), len(s))
}
