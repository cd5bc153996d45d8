package link

import (
	"container/heap"
	"math/rand/v2"
	"slices"
	"time"
)

// A Direction tells the two ways over a link apart.
type Direction int

const (
	AToB Direction = iota
	BToA
)

// A Queue is one direction of an impaired link: frames go in, and come out
// again when, as often and in the order that the impairment wants. It has no
// clock and no goroutine. Times given to it must not go back.
type Queue struct {
	impairment Impairment
	draws      *rand.Rand
	frames     schedule
	bytes      int // of frames, by weight
	counts     Counts
	number     int64 // of the last frame, since restart

	taken int64     // frames put in that were not lost
	line  time.Time // until when the line is busy, for Rate
	last  time.Time // when the last frame that was put in is due
	held  *frame    // waits to be overtaken
	order int64     // of the last frame that was put in
}

// NewQueue makes an empty one. What becomes of the frames of two queues of the
// same impairment and direction is the same.
func NewQueue(i Impairment, d Direction) *Queue {
	q := &Queue{impairment: i}
	q.restart(i.Seed, d)
	return q
}

// restart draws the fates of the frames that follow from another seed.
func (q *Queue) restart(seed uint64, d Direction) {
	q.draws, q.number = rand.New(rand.NewPCG(seed, uint64(d))), 0
}

// A frame is under way.
type frame struct {
	data   []byte
	due    time.Time
	order  int64 // among frames due at the same time
	taken  int64 // its number among those that were not lost
	copies int
	index  int // in the schedule
}

// Push puts a frame in. The Queue keeps data until Pop gives it back for the
// last time; a frame that is lost is not kept, and says why.
func (q *Queue) Push(now time.Time, data []byte) Loss {
	i := q.impairment
	q.counts.Frames++
	q.number++
	// Always the same number of draws a frame, so that a frame's fate depends on
	// its own number and not on what became of those before it.
	lost := q.draws.Float64() < i.Loss
	twice := q.draws.Float64() < i.Duplicate
	late := q.draws.Float64() < i.Reorder
	jitter := time.Duration(q.draws.Float64() * float64(i.Jitter))

	switch {
	case i.MTU > 0 && packetLength(data) > i.MTU:
		q.counts.TooLong++
		return TooLong
	case lost:
		q.counts.Lost++
		return Random
	case q.bytes+weight(data) > QueueBytes:
		q.counts.Overflow++
		return Overflow
	}
	f := &frame{data: data, copies: 1, due: later(q.enter(now, len(data)).Add(i.Delay+jitter), q.last)}
	q.last = f.due
	q.order++
	f.order = q.order
	q.taken++
	f.taken = q.taken
	if twice {
		q.counts.Duplicated++
		f.copies = 2
	}
	switch {
	case q.held != nil:
		// This is the one that overtakes.
		q.held.due, q.held.order = f.due, q.order+1
		q.order++
		heap.Fix(&q.frames, q.held.index)
		q.held = nil
	case late:
		q.counts.Reordered++
		f.due = f.due.Add(ReorderHold)
		q.held = f
	}
	q.bytes += weight(data)
	heap.Push(&q.frames, f)
	return ""
}

// enter is when a frame has entered the line whole.
func (q *Queue) enter(now time.Time, size int) time.Time {
	if q.impairment.Rate == 0 {
		return now
	}
	q.line = later(now, q.line).Add(time.Duration(int64(size) * 8 * int64(time.Second) / q.impairment.Rate))
	return q.line
}

// Pop takes out a frame that is due. last is false if it will come once more.
func (q *Queue) Pop(now time.Time) (data []byte, last, ok bool) {
	if len(q.frames) == 0 || q.frames[0].due.After(now) {
		return nil, false, false
	}
	f := q.frames[0]
	if f.copies--; f.copies > 0 {
		return f.data, false, true
	}
	heap.Pop(&q.frames)
	q.bytes -= weight(f.data)
	if q.held == f {
		q.held = nil
	}
	return f.data, true, true
}

// Next is when the next frame is due; false if none is under way.
func (q *Queue) Next() (time.Time, bool) {
	if len(q.frames) == 0 {
		return time.Time{}, false
	}
	return q.frames[0].due, true
}

// under says whether one of the first n frames that were taken is under way.
func (q *Queue) under(n int64) bool {
	return slices.ContainsFunc(q.frames, func(f *frame) bool { return f.taken <= n })
}

// Counts is what became of the frames until now.
func (q *Queue) Counts() Counts { return q.counts }

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// smallBuffer is the memory that any ordinary frame is held in.
const smallBuffer = 2 << 10

// weight is what a frame counts for in QueueBytes: its memory.
func weight(data []byte) int { return max(len(data), smallBuffer) }

// packetLength is the length of what an Ethernet frame carries, in bytes.
func packetLength(data []byte) int {
	const header, tag = 14, 4
	n := len(data) - header
	// IEEE 802.1Q: the tag is not part of the packet.
	if n >= tag && data[12] == 0x81 && data[13] == 0x00 {
		n -= tag
	}
	return n
}

// A schedule is a heap of frames, the next one first.
type schedule []*frame

func (s schedule) Len() int { return len(s) }
func (s schedule) Less(i, j int) bool {
	if s[i].due.Equal(s[j].due) {
		return s[i].order < s[j].order
	}
	return s[i].due.Before(s[j].due)
}
func (s schedule) Swap(i, j int) {
	s[i], s[j] = s[j], s[i]
	s[i].index, s[j].index = i, j
}
func (s *schedule) Push(x any) {
	f := x.(*frame)
	f.index = len(*s)
	*s = append(*s, f)
}
func (s *schedule) Pop() any {
	old := *s
	f := old[len(old)-1]
	old[len(old)-1] = nil
	*s = old[:len(old)-1]
	return f
}
