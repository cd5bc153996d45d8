package guest

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cavaliergopher/cpio"
	"github.com/klauspost/compress/zstd"

	"github.com/pxeproof/pxeproof/harness/assets"
)

// parts finds what an initramfs is made of.
func parts(t *testing.T) (*assets.Store, assets.Kernel) {
	t.Helper()
	store := new(assets.Store)
	_, err := store.Find(t.Context(), "busybox")
	kernel, kerr := store.Kernel(t.Context(), "kernel")
	if err := errors.Join(err, kerr); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%v; make setup provides it", err)
		}
		t.Skipf("%v; make setup provides it", err)
	}
	return store, kernel
}

func TestSamePartsGiveSameBytes(t *testing.T) {
	store, kernel := parts(t)
	busybox, err := store.Find(t.Context(), "busybox")
	if err != nil {
		t.Fatal(err)
	}
	var images [2][]byte
	for i := range images {
		s := &assets.Store{Cache: t.TempDir(), Override: map[string]string{"busybox": busybox.Path}}
		path, err := Build(t.Context(), s, Spec{NIC: "e1000e", Kernel: kernel})
		if err != nil {
			t.Fatal(err)
		}
		if images[i], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
		before, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Build(t.Context(), s, Spec{NIC: "e1000e", Kernel: kernel})
		if err != nil || again != path {
			t.Fatalf("the second time: %s, %v", again, err)
		}
		if after, err := os.Stat(path); err != nil || !os.SameFile(before, after) {
			t.Errorf("it was built again: %v", err)
		}
		if left, _ := os.ReadDir(filepath.Join(s.Cache, "work")); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	}
	if !bytes.Equal(images[0], images[1]) {
		t.Error("two caches, two images")
	}
}

func TestArchive(t *testing.T) {
	store, kernel := parts(t)
	path, err := Build(t.Context(), store, Spec{NIC: "e1000e", Kernel: kernel})
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	members := map[string]*cpio.Header{}
	contents := map[string]string{}
	var modules []module
	for r := cpio.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		members[h.Name], contents[h.Name] = h, string(data)
		if name, ok := strings.CutPrefix(h.Name, "modules/"); ok {
			modules = append(modules, module{name, data})
		}
	}
	if h := members["init"]; h == nil || h.Mode.Perm() != 0o755 || !h.Mode.IsRegular() {
		t.Errorf("/init is %+v", h)
	}
	// Every command of the scripts is there: the shell's own, or a link to
	// BusyBox.
	if h := members["bin/udhcpc"]; h == nil || h.Linkname != "busybox" {
		t.Errorf("bin/udhcpc is %+v", h)
	}
	for _, dir := range []string{"proc", "sys", "mnt", "tmp", "modules"} {
		if h := members[dir]; h == nil || !h.Mode.IsDir() {
			t.Errorf("%s is %+v", dir, h)
		}
	}
	// Each module comes after those that it depends on, in the order of names,
	// in which the script inserts them.
	loaded := map[string]bool{}
	if !slices.IsSortedFunc(modules, func(a, b module) int { return strings.Compare(a.name, b.name) }) {
		t.Error("the modules' names are not in order")
	}
	for _, m := range modules {
		depends, err := dependsOf(m.data)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range depends {
			if !loaded[canonical(d)] {
				t.Errorf("%s is inserted before %s", m.name, d)
			}
		}
		_, name, _ := strings.Cut(m.name, "-")
		loaded[canonical(strings.TrimSuffix(name, ".ko"))] = true
	}
	if !loaded["e1000e"] || !loaded["nfsv3"] || loaded["virtio_net"] {
		t.Errorf("modules for an e1000e: %v", loaded)
	}
}

func TestSpecErrors(t *testing.T) {
	store, kernel := parts(t)
	for _, tt := range []struct {
		spec Spec
		want string
	}{
		{Spec{Payload: "windows"}, "first-process"},
		{Spec{NIC: "ne1", Kernel: kernel}, "virtio-net-pci"},
		{Spec{Kernel: assets.Kernel{Asset: assets.Asset{Path: "/x/vmlinuz"}, Release: "9.9"}}, "lib/modules/9.9"},
	} {
		if _, err := Build(t.Context(), store, tt.spec); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v gave %v; want %q in it", tt.spec, err, tt.want)
		}
	}
}

// modulesDir makes a modules' folder that has two real modules, of which one
// depends on the other, stored as given.
func modulesDir(t *testing.T, store func(name string, data []byte) (string, []byte)) string {
	t.Helper()
	_, kernel := parts(t)
	found, err := loadModules(kernel.Modules, []string{"net_failover"})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var order strings.Builder
	for _, m := range found {
		name, data := store(m.name, m.data)
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
		order.WriteString(m.name + "\n")
	}
	if err := os.WriteFile(filepath.Join(dir, "modules.order"), []byte(order.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestLoadModules(t *testing.T) {
	for name, store := range map[string]func(string, []byte) (string, []byte){
		"plain": func(n string, b []byte) (string, []byte) { return n, b },
		"gzip": func(n string, b []byte) (string, []byte) {
			var out bytes.Buffer
			w := gzip.NewWriter(&out)
			w.Write(b)
			w.Close()
			return n + ".gz", out.Bytes()
		},
		"zstd": func(n string, b []byte) (string, []byte) {
			w, err := zstd.NewWriter(nil)
			if err != nil {
				t.Fatal(err)
			}
			return n + ".zst", w.EncodeAll(b, nil)
		},
	} {
		got, err := loadModules(modulesDir(t, store), []string{"net-failover", "failover"})
		if err != nil || len(got) != 2 || got[0].name != "failover.ko" || got[1].name != "net_failover.ko" {
			t.Errorf("%s: %d modules, %v", name, len(got), err)
		}
	}

	dir := modulesDir(t, func(n string, b []byte) (string, []byte) { return n, b })
	if _, err := loadModules(dir, []string{"e1000"}); err == nil || !strings.Contains(err.Error(), "no e1000") {
		t.Errorf("a module that is not there gave %v", err)
	}
	// What is built in is not loaded, nor is its absence an error.
	if err := os.WriteFile(filepath.Join(dir, "modules.builtin"), []byte("kernel/net/core/failover.ko\nkernel/x/e1000.ko\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := loadModules(dir, []string{"e1000", "net_failover"}); err != nil || len(got) != 1 {
		t.Errorf("with failover built in: %d modules, %v", len(got), err)
	}
	if err := os.WriteFile(filepath.Join(dir, "failover.ko"), []byte("\x7fELF no"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := loadModules(dir, []string{"failover"}); err != nil {
		t.Errorf("a module that is built in was read: %v", err)
	}
	if err := os.Remove(filepath.Join(dir, "modules.builtin")); err != nil {
		t.Fatal(err)
	}
	if _, err := loadModules(dir, []string{"failover"}); err == nil || !strings.Contains(err.Error(), "failover.ko") {
		t.Errorf("a broken module gave %v", err)
	}
}

// xzModule is "module\n" as xz(1) compresses it.
const xzModule = "\xfd\x37\x7a\x58\x5a\x00\x00\x01\x69\x22\xde\x36\x02\x00\x21\x01\x0c\x00\x00\x00\x8f\x98\x41\x9c\x01\x00\x06\x6d\x6f\x64" +
	"\x75\x6c\x65\x0a\x00\x00\x4f\x8a\x6e\x07\x00\x01\x1b\x07\x12\xeb\xd4\x17\x90\x42\x99\x0d\x01\x00\x00\x00\x00\x01\x59\x5a"

func TestReadModuleXZ(t *testing.T) {
	file := filepath.Join(t.TempDir(), "m.ko")
	if err := os.WriteFile(file+".xz", []byte(xzModule), 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := readModule(file); err != nil || string(got) != "module\n" {
		t.Errorf("got %q, %v", got, err)
	}
}

// moduleIndex reads a file of a package that a user may have named: what it
// lists must not lead out of the folder.
func TestModuleIndexStaysInside(t *testing.T) {
	dir := t.TempDir()
	list := "kernel/good.ko\n../evil.ko\n/etc/absolute.ko\nkernel/../../up.ko\nno-module\n\n"
	if err := os.WriteFile(filepath.Join(dir, "modules.order"), []byte(list), 0o644); err != nil {
		t.Fatal(err)
	}
	index, err := moduleIndex(dir, "modules.order")
	if err != nil || len(index) != 1 || index["good"] != "kernel/good.ko" {
		t.Errorf("index %v, %v", index, err)
	}
}

func FuzzDependsOf(f *testing.F) {
	store := new(assets.Store)
	if kernel, err := store.Kernel(f.Context(), "kernel"); err == nil {
		if found, err := loadModules(kernel.Modules, []string{"failover"}); err == nil {
			f.Add(found[0].data)
		}
	}
	f.Add([]byte("\x7fELF\x02\x01\x01"))
	f.Fuzz(func(t *testing.T, data []byte) {
		names, err := dependsOf(data)
		if err != nil && names != nil {
			t.Errorf("names %q with %v", names, err)
		}
	})
}
