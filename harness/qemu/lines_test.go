package qemu

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// A line waits until the network is level with it, and one that comes meanwhile
// waits for the next time.
func TestLinesWaitForTheNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newLineQueue()
		level := make(chan struct{})
		var got []string
		go q.handOn(func() { <-level }, func(_ time.Time, text string) { got = append(got, text) })
		check := func(when string, want ...string) {
			t.Helper()
			synctest.Wait()
			if !slices.Equal(got, want) {
				t.Errorf("%s: %q, want %q", when, got, want)
			}
		}
		q.add(time.Time{}, "one")
		q.add(time.Time{}, "two")
		check("before the network is level")
		q.add(time.Time{}, "three")
		level <- struct{}{}
		check("once it is", "one", "two")
		level <- struct{}{}
		check("once it is again", "one", "two", "three")
		q.add(time.Time{}, "last words")
		close(q.ended)
		check("at the end", "one", "two", "three")
		level <- struct{}{}
		check("after it", "one", "two", "three", "last words")
	})
}
