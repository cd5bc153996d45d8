package report_test

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/pxeproof/pxeproof/captures"
	"github.com/pxeproof/pxeproof/captures/verdict"
	"github.com/pxeproof/pxeproof/scenarios"
	"github.com/pxeproof/pxeproof/scenarios/report"
)

// judged is a capture of a boot by other servers than pxeproof's, judged.
func judged(t *testing.T, name string) (verdict.Verdict, []report.Transfer, string) {
	t.Helper()
	f, err := os.Open("../../captures/testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	v, tl, err := scenarios.JudgeCapture(f)
	if err != nil {
		t.Fatal(err)
	}
	list := report.Transfers(tl, v)
	var b strings.Builder
	if err := report.WriteVerdict(&b, v, report.Options{Title: name, Transfers: list}); err != nil {
		t.Fatal(err)
	}
	return v, list, b.String()
}

// What the loader merely tries is told in one line, apart from what came.
func TestTransfersOfAGoodBoot(t *testing.T) {
	v, list, text := judged(t, "ipxe-pxelinux.pcapng.gz")
	var came []string
	tried := 0
	for _, x := range list {
		if x.Tolerated {
			tried++
			continue
		}
		came = append(came, x.Name)
		if x.Status != "complete" || x.Bytes == 0 || x.BlockSize == 0 || x.WindowSize != 1 || x.Rate == 0 || x.Start.Number >= x.End.Number {
			t.Errorf("%+v", x)
		}
	}
	if got, want := strings.Join(came, " "), "pxelinux.0 ldlinux.c32 pxelinux.cfg/default vmlinuz initrd.img"; got != want {
		t.Errorf("transfers %s, want %s", got, want)
	}
	if tried != 9 {
		t.Errorf("%d names were tried, want 9", tried)
	}
	for _, want := range []string{"  pxelinux.0            tftp   42 KB     1432           1   13 MB/s       0  #25–87\n",
		"tried  9 names, pxelinux.cfg/01-52-54-00-12-34-56 to pxelinux.cfg/C: not there"} {
		if strings.Count(text, want) != 1 {
			t.Errorf("the report lacks %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "ERROR 1") {
		t.Errorf("a look-up that the loader tolerates is shown as an error:\n%s", text)
	}
	// Programs find the transfers beside the verdict's own fields.
	b, err := json.Marshal(report.Judgement{Verdict: v, Transfers: list})
	if err != nil {
		t.Fatal(err)
	}
	var again report.Judgement
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&again); err != nil || again.Schema != verdict.Schema || len(again.Transfers) != len(list) {
		t.Errorf("%v: %s", err, b)
	}
}

// What stopped the boot is no look-up that was tolerated.
func TestTransfersOfAFailedBoot(t *testing.T) {
	_, list, text := judged(t, "ipxe-file-not-found.pcapng")
	if len(list) != 1 || list[0].Tolerated || list[0].Status != "failed" || list[0].Code != 1 {
		t.Errorf("%+v", list)
	}
	if !strings.Contains(text, "#25–26  ERROR 1\n") {
		t.Errorf("%s", text)
	}
}

func TestTransfersOfProbes(t *testing.T) {
	_, list, text := judged(t, "ovmf-probe.pcapng")
	if len(list) != 2 || list[0].Status != "probed" || list[1].Status != "complete" {
		t.Errorf("%+v", list)
	}
	if strings.Count(text, "its size alone was asked for") != 1 {
		t.Errorf("%s", text)
	}
}

// A capture may hold transfers of machines of which nothing else is known.
func TestTransfersWithoutABoot(t *testing.T) {
	_, list, _ := judged(t, "libnfs-ganesha.pcapng.gz")
	if len(list) != 2 || list[0].Protocol != "nfs" || list[0].BlockSize != 0 {
		t.Errorf("%+v", list)
	}
	if got := report.Transfers(nil, verdict.Verdict{}); got == nil || len(got) != 0 {
		t.Errorf("of no timeline: %v", got)
	}
	var none captures.Timeline
	if got := report.Transfers(&none, verdict.Verdict{}); got == nil || len(got) != 0 {
		t.Errorf("of an empty one: %v", got)
	}
}
