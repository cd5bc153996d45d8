package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pxeproof/pxeproof/captures/verdict"
)

// news is what a conductor sends while the boot of a verdict goes on.
func news(v verdict.Verdict) []verdict.Update {
	var list []verdict.Update
	for i := range v.Clients {
		c := &v.Clients[i]
		list = append(list, verdict.Update{Host: c.Host, Name: c.Name, Activity: "machine started", Climbing: verdict.Power})
		for j := range c.Stages {
			s := &c.Stages[j]
			list = append(list, verdict.Update{Host: c.Host, Name: c.Name, After: s.After, Activity: "on the way to " + s.Stage.String(), Climbing: s.Stage},
				verdict.Update{Host: c.Host, Name: c.Name, After: s.After, Stage: s})
		}
	}
	return list
}

// screen is what a terminal shows of a stream: a line is what was written to
// it since it was last wiped.
func screen(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		if k := strings.LastIndex(l, "\x1b[2K"); k >= 0 {
			lines[i] = l[k+len("\x1b[2K"):]
		}
	}
	return strings.Join(lines, "\n")
}

func machines(v verdict.Verdict) []verdict.Machine {
	var list []verdict.Machine
	for _, c := range v.Clients {
		list = append(list, verdict.Machine{Name: c.Name, MAC: c.Host, Firmware: c.Firmware, ROM: c.ROM, Loader: c.Loader})
	}
	return list
}

// The ladder that grew line by line and the one written at the end are equal.
func TestLiveLadderEndsAsTheReport(t *testing.T) {
	for _, name := range []string{"pass", "no-next-server", "silent", "dropped"} {
		v := readVerdict(t, filepath.Join(verdicts, name+".json"))
		o := Options{Title: "kickstart-nfs", Folder: "runs/1", Machines: machines(v)}
		var want bytes.Buffer
		if err := WriteVerdict(&want, v, o); err != nil {
			t.Fatal(err)
		}
		for _, live := range []bool{false, true} {
			var got bytes.Buffer
			o.Live = live
			l := NewLadder(&got, o)
			for _, u := range news(v) {
				l.Update(u)
				if live { // as the ticker would
					l.mu.Lock()
					l.drawLive(time.Now())
					l.mu.Unlock()
				}
			}
			if err := l.Finish(v); err != nil {
				t.Fatal(err)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			if s := screen(got.String()); s != want.String() {
				t.Errorf("%s, live %v: the screen shows\n%s\nwant\n%s", name, live, s, want.String())
			}
			if live && !strings.Contains(got.String(), "on the way to") || !live && strings.Contains(got.String(), "\x1b") {
				t.Errorf("live %v: %q", live, got.String())
			}
		}
	}
}

func TestSeveralMachines(t *testing.T) {
	v := readVerdict(t, filepath.Join(verdicts, "pass.json"))
	w := readVerdict(t, filepath.Join(verdicts, "no-next-server.json"))
	w.Clients[0].Name, w.Clients[0].Host = "a-second-client", "52:54:00:12:34:57"
	v.Clients, v.Status = append(v.Clients, w.Clients...), verdict.Fail
	golden(t, "testdata/two.txt", v, Options{Title: "two", Folder: "runs/2"})
}

func TestLadderFromManyGoroutines(t *testing.T) {
	v := readVerdict(t, filepath.Join(verdicts, "pass.json"))
	l := NewLadder(io.Discard, Options{Live: true, Color: true, Machines: machines(v)})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for _, u := range news(v) {
				l.Update(u)
				l.Note("a note")
			}
		})
	}
	wg.Wait()
	if err := l.Finish(v); err != nil {
		t.Error(err)
	}
}

func TestNote(t *testing.T) {
	var b bytes.Buffer
	l := NewLadder(&b, Options{Width: 40})
	l.Note("the machine is emulated (TCG): KVM did not run the firmware")
	if got, want := b.String(), "the machine is emulated (TCG): KVM did\nnot run the firmware\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestWriteErrorsAreTold(t *testing.T) {
	v := readVerdict(t, filepath.Join(verdicts, "pass.json"))
	if err := WriteVerdict(broken{}, v, Options{}); err == nil {
		t.Error("an error of writing was lost")
	}
}

// What came off the wire cannot move the cursor.
func TestNothingMovesTheCursor(t *testing.T) {
	evil := "\x1b[2J\r\nPASS\x07\u009b1m"
	v := verdict.Verdict{Status: verdict.Fail, Reasons: []verdict.Doubt{{Text: evil, Where: verdict.Origin{File: evil, Text: evil}}}, Clients: []verdict.ClientVerdict{{
		Host: evil, Name: evil, Status: verdict.Fail,
		Stages:   []verdict.StageOutcome{{Stage: verdict.NBP, Status: verdict.Fail, Evidence: evil}},
		Findings: []verdict.Finding{{ID: evil, Summary: evil, Hint: evil, Where: []verdict.Origin{{File: evil, Text: evil}}}},
		Last:     &verdict.Sight{Text: evil}, Next: &verdict.Hope{Text: evil, Origin: verdict.Origin{File: evil}},
	}}}
	var b bytes.Buffer
	l := NewLadder(&b, Options{Title: evil, Folder: evil})
	l.Update(verdict.Update{Host: evil, Name: evil, Activity: evil})
	l.Note(evil)
	if err := l.Finish(v); err != nil {
		t.Fatal(err)
	}
	if i := strings.IndexFunc(b.String(), func(r rune) bool { return r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 }); i >= 0 {
		t.Errorf("a control character at %d: %q", i, b.String())
	}
}

func TestASCII(t *testing.T) {
	v := readVerdict(t, filepath.Join(verdicts, "pending.json"))
	var b bytes.Buffer
	l := NewLadder(&b, Options{Live: true, ASCII: true})
	for _, u := range news(v) {
		l.Update(u)
	}
	if err := l.Finish(v); err != nil {
		t.Fatal(err)
	}
	if i := strings.IndexFunc(b.String(), func(r rune) bool { return r > 0x7e }); i >= 0 {
		t.Errorf("no ASCII at %d: %q", i, b.String())
	}
	for env, want := range map[string]bool{"LC_ALL=C LANG=en_US.UTF-8": false, "LANG=en_US.UTF-8": true, "LC_CTYPE=C.utf8": true, "": false} {
		got := utf8Locale(func(name string) string {
			for word := range strings.FieldsSeq(env) {
				if v, ok := strings.CutPrefix(word, name+"="); ok {
					return v
				}
			}
			return ""
		})
		if got != want {
			t.Errorf("%q: UTF-8 %v", env, got)
		}
	}
}

// FuzzWriteVerdict shows verdict.json as somebody else may have written it.
func FuzzWriteVerdict(f *testing.F) {
	files, err := filepath.Glob(filepath.Join(verdicts, "*.json"))
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, 80)
	}
	f.Add([]byte(`{"status":"fail","clients":[{"status":"inconclusive","stages":[{"stage":"","status":"pending"}],"findings":[{"id":"x","frames":[{"number":-1},{"file":"a","number":2}]}]}]}`), 0)
	f.Fuzz(func(t *testing.T, b []byte, width int) {
		var v verdict.Verdict
		if json.Unmarshal(b, &v) != nil {
			return
		}
		var out bytes.Buffer
		if err := WriteVerdict(&out, v, Options{Width: width % 500}); err != nil {
			t.Fatal(err)
		}
		if bytes.ContainsRune(out.Bytes(), 0x1b) {
			t.Fatalf("an escape sequence: %q", out.Bytes())
		}
	})
}
