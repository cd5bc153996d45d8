package qemu

import (
	"context"
	"sync"
	"time"
)

// A lineQueue keeps lines of the console until it is certain that the network
// has seen what the machine sent before it printed them.
//
// A processor writes to the console itself, but leaves frames to QEMU's main
// loop, which on a busy host may come to them later than the line's reader does:
// the machine would seem to complain of a transfer that it had not yet ended.
type lineQueue struct {
	mu    sync.Mutex
	lines []string
	more  chan struct{}
	ended chan struct{} // closed when the console has
}

func newLineQueue() *lineQueue {
	return &lineQueue{more: make(chan struct{}, 1), ended: make(chan struct{})}
}

// add is for ReadConsole.
func (q *lineQueue) add(_ time.Time, text string) {
	q.mu.Lock()
	q.lines = append(q.lines, text)
	q.mu.Unlock()
	select {
	case q.more <- struct{}{}:
	default:
	}
}

func (q *lineQueue) take() []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	lines := q.lines
	q.lines = nil
	return lines
}

// handOn gives the lines to line, each after a level, which returns when the
// network has seen what was sent before it was called. It does so until the
// console has ended.
func (q *lineQueue) handOn(level func(), line func(time.Time, string)) {
	for ended := false; !ended; {
		select {
		case <-q.more:
		case <-q.ended:
			ended = true
		}
		lines := q.take()
		if len(lines) > 0 {
			level()
		}
		at := time.Now()
		for _, text := range lines {
			line(at, text)
		}
	}
}

// flush returns when QEMU's main loop has done what there was to do before. It
// answers commands between other things, the latest first: its answer to the
// second comes after all that there was at the first. A QEMU that does not
// answer does nothing else either.
func (m *Monitor) flush() {
	for range 2 {
		if m.Run(context.Background(), "query-status", nil, nil) != nil {
			return
		}
	}
}
