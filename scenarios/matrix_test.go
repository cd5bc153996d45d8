package scenarios_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pxeproof/pxeproof/scenarios"
)

// TestVariants takes the article's scenario apart.
func TestVariants(t *testing.T) {
	s, err := scenarios.Load("missing-next-server")
	if err != nil {
		t.Fatal(err)
	}
	list, err := scenarios.Expand([]*scenarios.Scenario{s})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, v := range list {
		got = append(got, v.Name+" "+v.Machines[0].Firmware.Kind+" "+v.Machines[0].NICs[0].MAC.String())
	}
	const want = `missing-next-server:bios bios 52:54:00:12:34:56
missing-next-server:uefi uefi 52:54:00:12:34:56
missing-next-server:shim uefi 52:54:00:12:34:5a`
	if text := strings.Join(got, "\n"); text != want {
		t.Errorf("variants:\n%s\nwant:\n%s", text, want)
	}
	// One that is asked for stays alone.
	one, err := scenarios.Load("missing-next-server:shim")
	if err != nil {
		t.Fatal(err)
	}
	if list, err = scenarios.Expand([]*scenarios.Scenario{one}); err != nil || len(list) != 1 || list[0] != one {
		t.Errorf("expanding a variant gives %v, %v", list, err)
	}
	for arg, want := range map[string]string{
		"missing-next-server:mips": "there is no variant \"mips\"; there are bios, uefi, shim",
		"first-process:uefi":       "there is no matrix",
		"no-such:uefi":             "there is no scenario \"no-such\"",
	} {
		if _, err := scenarios.Load(arg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Load(%q): %v, want %s", arg, err, want)
		}
	}
}

// TestColonInFolder has a folder whose name looks like a variant.
func TestColonInFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mine:old")
	if err := os.CopyFS(dir, folder(t, smallest)); err != nil {
		t.Fatal(err)
	}
	s, err := scenarios.Load(dir)
	if err != nil || s.Name != "mine:old" {
		t.Errorf("Load: %v, %v", s, err)
	}
}
