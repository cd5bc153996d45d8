package scaffold_test

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/pxeproof/pxeproof/captures/verdict"
	"github.com/pxeproof/pxeproof/harness/assets"
	"github.com/pxeproof/pxeproof/harness/guest"
	"github.com/pxeproof/pxeproof/harness/qemu"
	"github.com/pxeproof/pxeproof/scenarios"
	"github.com/pxeproof/pxeproof/scenarios/scaffold"
)

// needVM skips a test where there is no QEMU, except where a skip would hide
// that nothing was tested.
func needVM(t *testing.T) {
	t.Helper()
	if _, err := qemu.LookProgram(""); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skipf("%v; `make setup` installs it", err)
	}
}

// TestBootServerMadeAScenarioPasses takes a boot server as it stands, its
// distribution's files in its own folders, and boots what is made of it, unedited.
func TestBootServerMadeAScenarioPasses(t *testing.T) {
	needVM(t)
	root := t.TempDir()
	if err := os.CopyFS(root, os.DirFS("../library/kickstart-nfs/root")); err != nil {
		t.Fatal(err)
	}
	store := new(assets.Store)
	for name, to := range map[string]string{"pxelinux.0": "pxelinux.0", "ldlinux.c32": "ldlinux.c32", "kernel": "vmlinuz"} {
		a, err := store.Find(t.Context(), name)
		if err != nil {
			t.Fatalf("%v; `make setup` fetches it", err)
		}
		place(t, a.Path, filepath.Join(root, "tftpboot", to))
	}
	initrd, err := guest.Build(t.Context(), store, guest.Spec{NIC: "virtio-net-pci"})
	if err != nil {
		t.Fatal(err)
	}
	place(t, initrd, filepath.Join(root, "tftpboot/initrd.img"))

	dir, s, sum := makeFrom(t, scaffold.Sources{From: root})
	if len(s.Assets) > 0 || len(sum.Notes) > 0 {
		t.Errorf("assets %v, notes %q; want none, as all is there", s.Assets, sum.Notes)
	}
	boot(t, dir, s, verdict.Files)
}

// TestSmallestPasses boots what a person gets who has nothing yet.
func TestSmallestPasses(t *testing.T) {
	needVM(t)
	dir, s, sum := makeFrom(t, scaffold.Sources{From: t.TempDir()})
	if !sum.Smallest {
		t.Errorf("of an empty machine was made %+v", sum)
	}
	boot(t, dir, s, verdict.OS)
}

func place(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
}

// boot wants a pass in which the stage was not left out.
func boot(t *testing.T, dir string, s *scenarios.Scenario, reached verdict.Stage) {
	t.Helper()
	res, err := scenarios.Run(t.Context(), s, scenarios.Options{Out: filepath.Join(t.TempDir(), "run"), Accel: "tcg"})
	if err != nil {
		t.Fatal(err)
	}
	proven := res.Verdict.Status == verdict.Pass
	for _, st := range res.Verdict.Clients[0].Stages {
		proven = proven && (st.Stage != reached || st.Status == verdict.Pass)
	}
	if !proven {
		b, _ := json.MarshalIndent(res.Verdict, "", "  ")
		t.Errorf("%s: verdict\n%s", dir, b)
	}
}
