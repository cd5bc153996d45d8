package scenarios_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/pxeproof/pxeproof/captures/verdict"
	"github.com/pxeproof/pxeproof/harness"
	"github.com/pxeproof/pxeproof/scenarios"
)

// FuzzJudgeRun judges the folder of a run whose files are not to be trusted. The
// capture is a whole one; FuzzJudgeCapture damages those.
func FuzzJudgeRun(f *testing.F) {
	const expect = `{"schema":"pxeproof.expectations/1","machines":[{"mac":"52:54:00:12:34:56","expect":[
		{"id":"ack","stage":"dhcp","kinds":["dhcp.ack"]},{"id":"os","stage":"os","console":{"contains":"Linux version"}}]}]}`
	f.Add([]byte(expect), []byte(`{"schema":"pxeproof.run/1","hosts":[{"name":"s","mac":"02:00:c0:a8:01:03","addr":"192.168.1.3/24"}],"end":{"reason":"timeout"}}`),
		[]byte(`{"at":"2026-01-02T15:04:05Z","source":"console","host":"52:54:00:12:34:56","kind":"console.line","fields":{"text":"Linux version 6"}}`))
	f.Add([]byte(`{"machines":[{"mac":"52-54"}]}`), []byte(`{"hosts":[{"mac":"x"}]}`), []byte("{}\n{"))
	f.Add([]byte("null"), []byte("[]"), []byte(nil))
	capture := readFile(f, filepath.Join(foreign, "ipxe-file-not-found.pcapng"))
	f.Fuzz(func(t *testing.T, expectations, run, events []byte) {
		dir := t.TempDir()
		for name, b := range map[string][]byte{
			scenarios.ExpectationsFile: expectations, scenarios.RunFile: run, harness.EventsFile: events, harness.CaptureFile: capture,
		} {
			if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		v, err := scenarios.Judge(dir)
		if err != nil {
			if _, ok := errors.AsType[*scenarios.InputError](err); !ok {
				t.Fatalf("%v is not about the input", err)
			}
			return
		}
		if v.Schema != verdict.Schema || v.Status == verdict.Pending {
			t.Fatalf("%+v", v)
		}
		again, err := scenarios.Judge(dir)
		if err != nil || explain(again) != explain(v) {
			t.Fatalf("%v: %s\nthen %s", err, explain(v), explain(again))
		}
	})
}
