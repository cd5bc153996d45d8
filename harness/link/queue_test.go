package link

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// numbered is a frame that says its number.
func numbered(n, size int) []byte {
	return binary.BigEndian.AppendUint32(make([]byte, size-4, size), uint32(n))
}

func numberOf(frame []byte) int { return int(binary.BigEndian.Uint32(frame[len(frame)-4:])) }

// An arrival is a frame that came through.
type arrival struct {
	number int
	at     time.Duration
}

// through puts n frames in, one each gap, and takes out all that comes.
func through(i Impairment, d Direction, n, size int, gap func(int) time.Duration) ([]arrival, *Queue) {
	q := NewQueue(i, d)
	var out []arrival
	drain := func(until time.Time) {
		for {
			at, ok := q.Next()
			if !ok || at.After(until) {
				return
			}
			data, _, _ := q.Pop(at)
			out = append(out, arrival{numberOf(data), at.Sub(start)})
		}
	}
	now := start
	for k := range n {
		now = now.Add(gap(k))
		drain(now)
		q.Push(now, numbered(k, size))
	}
	drain(now.Add(time.Hour))
	return out, q
}

func every(d time.Duration) func(int) time.Duration { return func(int) time.Duration { return d } }

func numbers(a []arrival) []int {
	var n []int
	for _, x := range a {
		n = append(n, x.number)
	}
	return n
}

func TestHealthyLinkChangesNothing(t *testing.T) {
	out, q := through(Impairment{Seed: 9}, AToB, 100, 60, every(time.Millisecond))
	for k, a := range out {
		if a.number != k || a.at != time.Duration(k+1)*time.Millisecond {
			t.Fatalf("frame %d came as %+v", k, a)
		}
	}
	if c := q.Counts(); c != (Counts{Frames: 100}) || len(out) != 100 {
		t.Errorf("%d came, %+v", len(out), c)
	}
}

// What becomes of a frame must not depend on when it came, nor on what else is
// wrong with the link.
func TestFateIsTheNumbers(t *testing.T) {
	i := Impairment{Loss: 0.1, Seed: 3}
	slow, _ := through(i, AToB, 5000, 60, every(time.Second))
	rnd := rand.New(rand.NewPCG(1, 1))
	fast, _ := through(i, AToB, 5000, 60, func(int) time.Duration { return time.Duration(rnd.IntN(1000)) })
	if !slices.Equal(numbers(slow), numbers(fast)) {
		t.Error("other times, other losses")
	}
	more := i
	more.Delay, more.Jitter, more.Rate, more.Duplicate = time.Second, time.Second, 1e9, 0.5
	also, _ := through(more, AToB, 5000, 60, every(time.Millisecond))
	if got := slices.Compact(numbers(also)); !slices.Equal(got, numbers(slow)) {
		t.Error("delay, rate and duplicates changed what is lost")
	}
	back, _ := through(i, BToA, 5000, 60, every(time.Second))
	other, _ := through(Impairment{Loss: 0.1, Seed: 4}, AToB, 5000, 60, every(time.Second))
	if slices.Equal(numbers(back), numbers(slow)) || slices.Equal(numbers(other), numbers(slow)) {
		t.Error("both directions, or both seeds, lose the same frames")
	}
}

// Over many seeds the parts are as asked, within five standard deviations, and
// whatever goes in comes out, once or twice, but for what is counted as lost.
func TestPartsAreAsAsked(t *testing.T) {
	const n = 20000
	for seed := range uint64(10) {
		i := Impairment{Loss: 0.02, Duplicate: 0.03, Reorder: 0.05, Jitter: 3 * time.Millisecond, Rate: 1e8, Seed: seed}
		out, q := through(i, AToB, n, 100, every(200*time.Microsecond))
		c := q.Counts()
		near := func(what string, got int64, p float64) {
			d := float64(got) - n*p
			if d*d > 25*n*p*(1-p) {
				t.Errorf("seed %d: %s %d of %d frames, want %g %%", seed, what, got, n, 100*p)
			}
		}
		near("lost", c.Lost, i.Loss)
		near("duplicated", c.Duplicated, i.Duplicate*(1-i.Loss))
		// One that would follow a held frame overtakes it and is not held.
		near("reordered", c.Reordered, i.Reorder*(1-i.Loss)/(1+i.Reorder))
		if int64(len(out)) != n-c.Lost+c.Duplicated {
			t.Errorf("seed %d: %d came, %+v", seed, len(out), c)
		}
		swaps := int64(0)
		seen := slices.Compact(numbers(out))
		for k := 1; k < len(seen); k++ {
			if seen[k] < seen[k-1] {
				swaps++
				if k > 1 && seen[k] < seen[k-2] {
					t.Fatalf("seed %d: frame %d was overtaken by more than one", seed, seen[k])
				}
			}
		}
		if swaps != c.Reordered {
			t.Errorf("seed %d: %d frames came late, %d are counted", seed, swaps, c.Reordered)
		}
	}
}

func TestDelayAndJitterKeepTheOrder(t *testing.T) {
	i := Impairment{Delay: 5 * time.Millisecond, Jitter: 4 * time.Millisecond}
	out, _ := through(i, AToB, 1000, 60, every(500*time.Microsecond))
	lowest, highest := time.Hour, time.Duration(0)
	for k, a := range out {
		took := a.at - time.Duration(k+1)*500*time.Microsecond
		lowest, highest = min(lowest, took), max(highest, took)
		if a.number != k {
			t.Fatalf("frame %d came as number %d", a.number, k)
		}
	}
	if lowest < i.Delay || highest > i.Delay+i.Jitter || highest-lowest < i.Jitter/2 {
		t.Errorf("frames took %v to %v", lowest, highest)
	}
}

// A frame that nothing overtakes waits its time and no longer.
func TestLastFrameIsNotHeldForEver(t *testing.T) {
	out, _ := through(Impairment{Reorder: 1}, AToB, 3, 60, every(time.Second))
	for k, a := range out {
		if a.number != k || a.at != time.Duration(k+1)*time.Second+ReorderHold {
			t.Errorf("frame %d came as %+v", k, a)
		}
	}
	out, _ = through(Impairment{Reorder: 1}, AToB, 4, 60, every(time.Millisecond))
	if got := numbers(out); !slices.Equal(got, []int{1, 0, 3, 2}) {
		t.Errorf("the order is %v", got)
	}
}

func TestRateIsKept(t *testing.T) {
	// 1250 bytes at 10 Mbit/s are 1 ms.
	out, _ := through(Impairment{Rate: 10e6, Delay: time.Millisecond}, AToB, 100, 1250, every(0))
	for k, a := range out {
		if want := time.Duration(k+2) * time.Millisecond; a.at != want {
			t.Fatalf("frame %d came after %v, want %v", k, a.at, want)
		}
	}
}

func TestLongPacketsVanish(t *testing.T) {
	q := NewQueue(Impairment{MTU: 1400}, AToB)
	tagged := make([]byte, 14+4+1400)
	tagged[12] = 0x81
	for _, c := range []struct {
		frame []byte
		want  Loss
	}{
		{make([]byte, 14+1400), ""}, {make([]byte, 14+1401), TooLong}, {tagged, ""}, {append(tagged, 0), TooLong}, {nil, ""},
	} {
		if got := q.Push(start, c.frame); got != c.want {
			t.Errorf("a frame of %d bytes: %q, want %q", len(c.frame), got, c.want)
		}
	}
}

func TestQueueIsBounded(t *testing.T) {
	q := NewQueue(Impairment{Rate: 1000}, AToB)
	kept := 0
	for range 3 * QueueBytes / smallBuffer {
		if q.Push(start, make([]byte, 60)) == "" {
			kept++
		}
	}
	if kept != QueueBytes/smallBuffer || q.Counts().Overflow != int64(2*kept) {
		t.Errorf("%d are under way, %+v", kept, q.Counts())
	}
	for range kept {
		at, _ := q.Next()
		q.Pop(at)
	}
	if q.bytes != 0 || q.Push(start, make([]byte, 60)) != "" {
		t.Errorf("an empty queue is full: %d bytes", q.bytes)
	}
}

func TestCheck(t *testing.T) {
	for _, bad := range []Impairment{
		{Loss: -0.1}, {Loss: 1.1}, {Duplicate: 2}, {Reorder: -1}, {Delay: -1}, {Delay: time.Minute}, {Jitter: -1}, {Rate: -5}, {Rate: 10}, {MTU: 10},
	} {
		if bad.Check() == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
	good := Impairment{Loss: 0.01, Delay: 5 * time.Millisecond, Rate: 1e8, MTU: 1400, Seed: 5}
	if err := good.Check(); err != nil || good.Healthy() || !(Impairment{Seed: 5}).Healthy() {
		t.Errorf("%v, healthy %v", err, good.Healthy())
	}
	if got := good.String(); got != "loss 1%, delay 5ms, rate 100 Mbit/s, mtu 1400" {
		t.Error(got)
	}
}

// Any sequence of frames and times gives back no byte changed, none out of
// nothing, none before its time, and ends empty.
func FuzzQueue(f *testing.F) {
	f.Add(uint64(1), 0.1, 0.1, 0.1, uint32(1000), uint32(500), []byte{1, 2, 3, 250, 0, 9})
	f.Fuzz(func(t *testing.T, seed uint64, loss, duplicate, reorder float64, delay, rate uint32, script []byte) {
		i := Impairment{Loss: loss, Duplicate: duplicate, Reorder: reorder, Delay: time.Duration(delay), Jitter: time.Duration(delay / 2),
			Rate: int64(rate), MTU: 68 + int(seed%64), Seed: seed}
		if i.Check() != nil {
			return
		}
		q := NewQueue(i, AToB)
		now, put := start, map[*byte][]byte{}
		entered := map[*byte]time.Time{}
		for k, b := range script {
			now = now.Add(time.Duration(b) * time.Microsecond)
			frame := numbered(k, 4+int(b))
			if q.Push(now, frame) == "" {
				put[&frame[0]], entered[&frame[0]] = slices.Clone(frame), now
			}
		}
		for {
			at, ok := q.Next()
			if !ok {
				break
			}
			now = at
			data, last, ok := q.Pop(now)
			if !ok || !bytes.Equal(data, put[&data[0]]) || now.Before(entered[&data[0]].Add(i.Delay)) {
				t.Fatalf("at %v came %v", at, data)
			}
			if last {
				delete(put, &data[0])
			}
		}
		if len(put) != 0 || q.bytes != 0 || !reflect.DeepEqual(q.frames, schedule{}) {
			t.Fatalf("%d frames stay in, %d bytes", len(put), q.bytes)
		}
	})
}
