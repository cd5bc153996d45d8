package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/pxeproof/pxeproof/"

// bans are the directions that no import may take, each with its reason.
var bans = []struct{ from, to, why string }{
	{"captures", "servers", "the witness must not share a parser with the accused"},
	{"captures", "harness", "a verdict is a pure function of a capture: it needs no lab"},
	{"captures", "scenarios", "data moves from left to right: what is judged does not know who asked"},
	{"servers", "captures", "the accused must not share a parser with the witness"},
	{"servers", "harness", "a server is given its Host; it does not make one"},
	{"servers", "scenarios", "data moves from left to right"},
	{"servers/conf", "servers/dhcp", "a reader of files needs no server"},
	{"servers/conf", "servers/tftp", "a reader of files needs no server"},
	{"servers/conf", "servers/nfs", "a reader of files needs no server"},
	{"harness", "scenarios", "a lab does not know why it was built"},
	{"harness", "captures/verdict", "a lab records; it does not judge"},
	{"harness", "servers/conf", "only scenarios knows both the configurations and the wire"},
	{"scenarios", "cmd", "the command line is the outermost layer"},
}

// TestImportDirections asks go list for what every package imports. Tests may
// look where they like.
func TestImportDirections(t *testing.T) {
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	dec := json.NewDecoder(strings.NewReader(string(out)))
	seen := 0
	for {
		var p struct {
			ImportPath string
			Imports    []string
		}
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		seen++
		for _, i := range p.Imports {
			for _, b := range bans {
				if beneath(p.ImportPath, b.from) && beneath(i, b.to) && !beneath(p.ImportPath, b.to) {
					t.Errorf("%s imports %s: %s", p.ImportPath, i, b.why)
				}
			}
		}
	}
	if seen < 10 {
		t.Errorf("go list knows %d packages; is this the module?", seen)
	}
}

// beneath says whether a package is a folder of the module or lies in it.
func beneath(pkg, folder string) bool {
	rest, ok := strings.CutPrefix(pkg, module+folder)
	return ok && (rest == "" || rest[0] == '/')
}
