package tftp

import "testing"

// A client that answers at once is waited for without sleep, until it no longer
// does; a share of the other waits is spun through all the same.
func TestSpinnerFollowsTheClient(t *testing.T) {
	p := spinner{every: 16, trial: trial}
	// wait is one in which the client takes so many asks; it says whether the
	// whole wait was spun through.
	wait := func(takes int) bool {
		most := p.most()
		if most > 0 {
			p.took(min(takes, most), takes <= most)
		}
		return takes <= most
	}
	spun := func(waits, takes int) (n int) {
		for range waits {
			if wait(takes) {
				n++
			}
		}
		return n
	}
	if n := spun(trial, 100); n != trial {
		t.Errorf("%d of the first %d waits are spun through", n, trial)
	}
	if n := spun(1600, 100); n != 100 {
		t.Errorf("a client that sleeps: %d of 1600 waits are spun through, want one in 16", n)
	}
	spun(sureOfIt*16, 5)
	if n := spun(1000, 5); n != 1000 {
		t.Errorf("a client that polls: %d of 1000 waits are spun through, want all", n)
	}
	if n := spun(100, 2*quickAsks+1); n > 100/16+1 {
		t.Errorf("a client that polls no longer: %d of 100 waits are spun through", n)
	}
	spun(sureOfIt*16, 5)
	for i := range 900 { // every third answer is late
		takes := 5
		if i%3 == 0 {
			takes = 100
		}
		wait(takes)
	}
	spun(16*16, asks+1)
	if n := spun(500, asks+1); n != 0 {
		t.Errorf("a client on a slow link: %d waits", n)
	}
	if p.count >= 0 {
		t.Errorf("a client on a slow link is tried again at once: %+v", p)
	}
}
