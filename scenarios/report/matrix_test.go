package report

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestMatrix has the goldens of captures/verdict side by side, and a lab that
// broke.
func TestMatrix(t *testing.T) {
	var columns []Column
	for _, name := range []string{"pass", "no-next-server", "silent"} {
		columns = append(columns, Column{Name: name, Verdict: readVerdict(t, filepath.Join(verdicts, name+".json"))})
	}
	columns = append(columns, Column{Name: "broken", Err: errors.New("no bridge")})
	var b bytes.Buffer
	if err := WriteMatrix(&b, columns, Options{}); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", "matrix.txt")
	if *update {
		if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), want) {
		t.Errorf("got:\n%s\nwant:\n%s", b.Bytes(), want)
	}
}
