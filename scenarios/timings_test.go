package scenarios

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pxeproof/pxeproof/captures"
	"github.com/pxeproof/pxeproof/captures/verdict"
)

func TestTimings(t *testing.T) {
	const mac = "52:54:00:12:34:56"
	begun := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	at := func(ms int) time.Time { return begun.Add(time.Duration(ms) * time.Millisecond) }
	file := func(ms int, k captures.Kind, i int64, name string) captures.Event {
		return captures.Event{At: at(ms), Host: mac, Kind: k, Fields: []captures.Field{{Name: "tftp.transfer", Value: i}, {Name: "tftp.source_file", Value: name}}}
	}
	line := func(ms int, text string) captures.Event {
		return captures.Event{At: at(ms), Host: mac, Source: captures.Console, Kind: captures.ConsoleLine, Fields: []captures.Field{{Name: "text", Value: text}}}
	}
	w := stopwatch{mac: mac, open: map[int64]time.Time{}}
	for _, e := range []captures.Event{
		{At: at(120), Host: "02:00:00:00:00:01", Kind: captures.MachineStarted}, // another
		{At: at(150), Host: mac, Kind: captures.MachineStarted},
		{At: at(400), Host: mac, Kind: captures.DHCPDiscover},
		{At: at(900), Host: mac, Kind: captures.DHCPDiscover}, // again
		{At: at(910), Host: mac, Kind: captures.DHCPAck},
		file(920, captures.TFTPRequest, 0, "/pxelinux.0"),
		file(970, captures.TFTPDone, 0, "/pxelinux.0"),
		file(990, captures.TFTPRequest, 1, "/pxelinux.cfg/01"),
		file(991, captures.TFTPError, 1, "/pxelinux.cfg/01"),
		file(1000, captures.TFTPRequest, 2, "/vmlinuz"),
		file(2000, captures.TFTPDone, 2, "/vmlinuz"),
		line(2500, "[    0.0] Linux version 6.1"),
		line(4000, "pxeproof: init"),
		{At: at(4100), Host: mac, Kind: captures.DHCPDiscover}, // the system's own
	} {
		w.see(&e)
	}
	l := labTimes{Begun: at(60), On: at(150), Off: at(4200), Judged: at(4230), Boot: w.decided(at(4200))}
	got := l.timings(begun, at(40), at(4250))
	ms := func(n int) verdict.Seconds { return verdict.Seconds(time.Duration(n) * time.Millisecond) }
	want := &Timings{Own: ms(200), Total: ms(4250), Steps: []Step{
		{"prepare", ms(40), true}, {"sandbox", ms(20), true}, {"lab", ms(90), true},
		{"firmware", ms(250), false}, {"dhcp", ms(510), false}, {"loader", ms(10), false}, {"/pxelinux.0", ms(50), false},
		{"loader", ms(30), false}, {"/vmlinuz", ms(1000), false}, {"kernel", ms(2000), false}, {"system", ms(200), false},
		{"judging", ms(30), true}, {"end", ms(20), true},
	}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	var all verdict.Seconds
	for _, s := range got.Steps {
		all += s.Took
	}
	if all != got.Total {
		t.Errorf("the steps add up to %v, and all of it was %v", all, got.Total)
	}
	var b strings.Builder
	if err := got.Write(&b); err != nil || !strings.Contains(b.String(), "  /vmlinuz      1.000 s\n") || !strings.Contains(b.String(), "0.200 s") {
		t.Errorf("%v, %q", err, b.String())
	}
}
