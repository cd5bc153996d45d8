package report

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pxeproof/pxeproof/captures/verdict"
)

var update = flag.Bool("update", false, "write the goldens anew")

// verdicts are the goldens of captures/verdict.
const verdicts = "../../captures/verdict/testdata"

// Each verdict has its report in testdata/NAME.txt (plain) and NAME.ansi
// (colour, 80 columns).
func TestGoldens(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(verdicts, "*.json"))
	if err != nil || len(files) < 4 {
		t.Fatalf("%d verdicts, %v", len(files), err)
	}
	for _, f := range files {
		v := readVerdict(t, f)
		base := filepath.Join("testdata", strings.TrimSuffix(filepath.Base(f), ".json"))
		golden(t, base+".txt", v, Options{Title: "kickstart-nfs", Folder: "runs/kickstart-nfs-1"})
		golden(t, base+".ansi", v, Options{Title: "kickstart-nfs", Color: true, Width: 80})
	}
}

func readVerdict(t *testing.T, file string) verdict.Verdict {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var v verdict.Verdict
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return v
}

func golden(t *testing.T, file string, v verdict.Verdict, o Options) {
	t.Helper()
	var b bytes.Buffer
	if err := WriteVerdict(&b, v, o); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, b.Bytes()) {
		t.Errorf("%s (go test -update writes it anew): got\n%s\nwant\n%s", file, b.Bytes(), want)
	}
	if bytes.Contains(b.Bytes(), []byte(" \n")) {
		t.Errorf("%s: a line ends in a blank", file)
	}
}
