package harness

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"github.com/pxeproof/pxeproof/captures"
)

// An eventLog is events.jsonl being written: an event a line. It belongs to the
// goroutine that calls the recorder's sink; close comes after that has ended.
type eventLog struct {
	f   *os.File
	w   *bufio.Writer
	enc *json.Encoder
	err error // the first
}

func newEventLog(path string) (*eventLog, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	w := bufio.NewWriter(f)
	return &eventLog{f: f, w: w, enc: json.NewEncoder(w)}, nil
}

func (l *eventLog) write(e captures.Event) {
	if l.err == nil {
		l.err = l.enc.Encode(e)
	}
}

func (l *eventLog) close() error {
	if err := l.w.Flush(); l.err == nil {
		l.err = err
	}
	if err := l.f.Close(); l.err == nil {
		l.err = err
	}
	if l.err != nil {
		return fmt.Errorf("writing %s: %w", EventsFile, l.err)
	}
	return nil
}
