package tftp

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestLossCostsLittle is the timer's promise: the first wait is at most three
// round trips or 250 ms, whichever is more, whatever the link was like before.
func TestLossCostsLittle(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var tm timer
		if w := tm.wait(); w > 250*time.Millisecond {
			t.Fatalf("the first wait is %v", w)
		}
		rtt := time.Duration(r.Int64N(int64(time.Second)))
		for range r.IntN(50) + 1 {
			sample := rtt
			if r.IntN(3) == 0 {
				sample = time.Duration(r.Int64N(int64(2*rtt) + 1))
			}
			tm.sample(sample)
			most := max(3*tm.srtt, 250*time.Millisecond)
			if w := tm.wait(); w > most || w < leastWait {
				t.Fatalf("a wait of %v with round trips of about %v", w, tm.srtt)
			}
		}
	}
}

func TestTimerFollowsTheLink(t *testing.T) {
	var tm timer
	for range 100 {
		tm.sample(200 * time.Microsecond)
	}
	if w := tm.wait(); w != leastWait {
		t.Errorf("on a fast link the wait is %v, want %v", w, leastWait)
	}
	for range 100 {
		tm.sample(400 * time.Millisecond)
	}
	if w := tm.wait(); w < 400*time.Millisecond {
		t.Errorf("on a slow link the wait is %v, shorter than a round trip", w)
	}
}

func TestTimerBacksOff(t *testing.T) {
	tm := timer{fixed: time.Second}
	want := []time.Duration{1, 2, 4, 4, 4}
	for i, w := range want {
		if got := tm.wait(); got != w*time.Second {
			t.Errorf("wait %d is %v, want %v", i, got, w*time.Second)
		}
		tm.expired()
	}
	tm.answered()
	if got := tm.wait(); got != time.Second {
		t.Errorf("after an answer the wait is %v", got)
	}
	slow := timer{fixed: 100 * time.Second}
	slow.expired()
	if got := slow.wait(); got != 100*time.Second {
		t.Errorf("a wait that the client chose becomes %v", got)
	}
}
