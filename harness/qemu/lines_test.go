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
		check("before the end", "one", "two", "three")
		close(level) // nothing of a QEMU that has ended is on its way
		close(q.ended)
		check("at the end", "one", "two", "three", "last words")
	})
}

// What the console said last is handed on if nobody could be asked any more.
func TestLinesOfAnEndedConsole(t *testing.T) {
	q := newLineQueue()
	q.add(time.Time{}, "last words")
	close(q.ended)
	var got []string
	q.handOn(func() {}, func(_ time.Time, text string) { got = append(got, text) })
	if !slices.Equal(got, []string{"last words"}) {
		t.Errorf("%q", got)
	}
}
