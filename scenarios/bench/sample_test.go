package bench

import "testing"

func TestSample(t *testing.T) {
	for _, c := range []struct {
		s              Sample
		median, spread float64
	}{
		{nil, 0, 0},
		{Sample{3}, 3, 0},
		{Sample{4, 1, 2}, 2, 1.5},
		{Sample{4, 1, 2, 2}, 2, 1.5},
	} {
		if m, sp := c.s.Median(), c.s.Spread(); m != c.median || sp != c.spread {
			t.Errorf("%v: median %v, spread %v; want %v, %v", c.s, m, sp, c.median, c.spread)
		}
	}
}
