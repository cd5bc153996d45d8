package dhcp_test

import (
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// A subject is a configuration under test.
type subject struct {
	name   string
	text   string
	server netip.Prefix
}

var (
	serverComment  = regexp.MustCompile(`(?m)^# server: (\S+)$`)
	scenarioServer = regexp.MustCompile(`(?s)address: (\S+)\s+servers:\s+dhcp:`)
)

// corpus is the files that were written for the comparison with dhcpd.
func corpus(t *testing.T) []subject { return subjects(t, "testdata/corpus", 15) }

// subjects are the files of a folder, each with a comment that says where its
// server lives.
func subjects(t *testing.T, folder string, least int) (all []subject) {
	t.Helper()
	files, err := filepath.Glob(folder + "/*.conf")
	if err != nil || len(files) < least {
		t.Fatalf("%d files in the corpus, %v", len(files), err)
	}
	here, err := filepath.Abs(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		at := serverComment.FindSubmatch(b)
		if at == nil {
			t.Fatalf("%s has no comment \"# server: ADDRESS/LENGTH\"", file)
		}
		all = append(all, subject{strings.TrimSuffix(filepath.Base(file), ".conf"),
			strings.ReplaceAll(string(b), "@CORPUS@", here), netip.MustParsePrefix(string(at[1]))})
	}
	return all
}

// library is the files of the scenarios.
func library(t *testing.T) (all []subject) {
	t.Helper()
	const dir = "../../scenarios/library"
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		var fsys fs.FS
		if e.IsDir() {
			fsys = os.DirFS(filepath.Join(dir, e.Name()))
		} else {
			a, err := txtar.ParseFile(filepath.Join(dir, e.Name()))
			if err == nil {
				fsys, err = txtar.FS(a)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		config, err := fs.ReadFile(fsys, "root/etc/dhcpd.conf")
		if errors.Is(err, fs.ErrNotExist) {
			continue // it has another DHCP server, or none
		}
		scenario, serr := fs.ReadFile(fsys, "scenario.yaml")
		if err != nil || serr != nil {
			t.Fatal(err, serr)
		}
		if at := scenarioServer.FindSubmatch(scenario); at != nil {
			all = append(all, subject{"library/" + e.Name(), string(config), netip.MustParsePrefix(string(at[1]))})
		}
	}
	return all
}
