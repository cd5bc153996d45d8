package assets

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// repository is a Debian archive in a folder, which apt is told to use instead
// of the machine's own for the length of the test.
type repository struct {
	dir   string
	index strings.Builder
}

func newRepository(t *testing.T) *repository {
	t.Helper()
	for _, tool := range []string{"apt-get", "dpkg-deb"} {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatal(err)
			}
			t.Skipf("%v: packages are fetched on Debian and its kin only", err)
		}
	}
	return &repository{dir: t.TempDir()}
}

// add builds a package that holds files, a map of path to contents; contents
// that begin with "->" make a symbolic link.
func (r *repository) add(t *testing.T, name, version, depends string, files map[string]string) {
	t.Helper()
	tree := t.TempDir()
	control := fmt.Sprintf("Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: nobody <nobody@invalid>\nDescription: test\n", name, version)
	if depends != "" {
		control += "Depends: " + depends + "\n"
	}
	put(t, tree, "DEBIAN/control", []byte(control))
	for path, data := range files {
		if target, ok := strings.CutPrefix(data, "->"); ok {
			if err := os.MkdirAll(filepath.Join(tree, filepath.Dir(path)), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(target, filepath.Join(tree, path)); err != nil {
				t.Fatal(err)
			}
			continue
		}
		put(t, tree, path, []byte(data))
	}
	if err := os.Chmod(tree, 0o755); err != nil {
		t.Fatal(err)
	}
	deb := filepath.Join(r.dir, name+".deb")
	if out, err := exec.Command("dpkg-deb", "--build", "--root-owner-group", tree, deb).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	b, err := os.ReadFile(deb)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&r.index, "%sFilename: ./%s.deb\nSize: %d\nSHA256: %x\n\n", control, name, len(b), sha256.Sum256(b))
}

// use points apt to the repository.
func (r *repository) use(t *testing.T) {
	t.Helper()
	put(t, r.dir, "Packages", []byte(r.index.String()))
	apt := t.TempDir()
	for _, dir := range []string{"state/lists/partial", "cache/archives/partial", "etc/apt.conf.d", "etc/preferences.d"} {
		if err := os.MkdirAll(filepath.Join(apt, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	put(t, apt, "etc/sources.list", []byte("deb [trusted=yes] file:"+r.dir+" ./\n"))
	put(t, apt, "status", nil)
	t.Setenv("APT_CONFIG", put(t, apt, "apt.conf", fmt.Appendf(nil, `
Dir::State "%[1]s/state";
Dir::State::status "%[1]s/status";
Dir::Cache "%[1]s/cache";
Dir::Etc "%[1]s/etc";
Dir::Etc::sourceparts "-";
APT::Sandbox::User "";
`, apt)))
	if out, err := exec.Command("apt-get", "update").CombinedOutput(); err != nil {
		t.Fatalf("apt-get update: %v\n%s", err, out)
	}
}

// emptyDebian is the root of a Debian with nothing installed.
func emptyDebian(t *testing.T) string {
	root := t.TempDir()
	put(t, root, "etc/os-release", []byte("ID=debian\n"))
	put(t, root, "var/lib/dpkg/status", nil)
	return root
}

func TestFetch(t *testing.T) {
	r := newRepository(t)
	r.add(t, "ipxe", "1:1.21-3", "", map[string]string{
		// As Debian's package has it: an absolute link, which must not lead to
		// the host's file.
		"usr/lib/ipxe/ipxe.efi": "->/boot/ipxe.efi",
		"boot/ipxe.efi":         "of the package",
	})
	r.use(t)
	var log []string
	s := &Store{Root: emptyDebian(t), Cache: t.TempDir(), Log: func(m string) { log = append(log, m) }}

	if _, err := s.Find(t.Context(), "ipxe.efi"); err == nil || !strings.Contains(err.Error(), "pxeproof assets --fetch ipxe.efi") {
		t.Errorf("Find before Fetch: %v", err)
	}
	if len(log) > 0 {
		t.Errorf("Find downloaded: %v", log)
	}
	a, err := s.Fetch(t.Context(), "ipxe.efi")
	if err != nil {
		t.Fatal(err)
	}
	if a.Source != Cached || a.Package != "ipxe" || a.Version != "1:1.21-3" || a.SHA256 != fmt.Sprintf("%x", sha256.Sum256([]byte("of the package"))) {
		t.Errorf("fetched %+v", a)
	}
	if again, err := s.Fetch(t.Context(), "ipxe.efi"); err != nil || again != a || len(log) != 1 {
		t.Errorf("the second time: %+v, %v, %d downloads", again, err, len(log))
	}
	if left, _ := os.ReadDir(filepath.Join(s.Cache, "work")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}

	// A package that has not got the file after all, and one that apt does not
	// know.
	if _, err := s.Fetch(t.Context(), "ipxe.lkrn"); err == nil {
		t.Error("a file that its package has not got was found")
	}
	if _, err := s.Fetch(t.Context(), "memdisk"); err == nil || !strings.Contains(err.Error(), "apt-get update") {
		t.Errorf("an unknown package gave %v", err)
	}
}

// The kernel's package is found through the empty one that depends on it, and
// modules in a package of their own come along.
func TestFetchKernel(t *testing.T) {
	r := newRepository(t)
	const release = "6.12.9-amd64"
	r.add(t, "linux-image-amd64", "6.12.9-1", "linux-image-"+release+" (= 6.12.9-1)", nil)
	r.add(t, "linux-image-"+release, "6.12.9-1", "linux-base, linux-modules-"+release, map[string]string{"boot/vmlinuz-" + release: string(bzImage(release))})
	r.add(t, "linux-modules-"+release, "6.12.9-1", "", map[string]string{"usr/lib/modules/" + release + "/kernel/fs/nfs/nfs.ko": "module"})
	r.use(t)
	s := &Store{Root: emptyDebian(t), Cache: t.TempDir()}

	// Two runs at once, as of two programs: a Store each.
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			s := &Store{Root: s.Root, Cache: s.Cache}
			if _, err := s.Fetch(t.Context(), "kernel"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	k, err := s.Kernel(t.Context(), "kernel")
	if err != nil {
		t.Fatal(err)
	}
	want := filepath.Join(treeDir(s.Cache, "linux-image-"+release, "6.12.9-1"), "usr/lib/modules", release)
	if k.Release != release || k.Package != "linux-image-"+release || k.Modules != want {
		t.Errorf("kernel %+v", k)
	}
	if _, err := s.Find(t.Context(), "kernel-cloud"); err == nil {
		t.Error("the generic kernel was taken for the cloud's")
	}
}

// A program's libraries come with it, if this machine has not got them.
func TestFetchTool(t *testing.T) {
	program, err := exec.LookPath("true")
	if err != nil {
		t.Fatal(err)
	}
	r := newRepository(t)
	b, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	// A program that needs a library of a name that exists nowhere.
	needy := strings.Replace(string(b), "libc.so.6\x00", "libq.so.6\x00", 1)
	r.add(t, "isc-dhcp-server", "4.4", "libq6", map[string]string{"usr/sbin/dhcpd": needy})
	libc, err := filepath.Glob("/lib/*/libc.so.6")
	if err != nil || len(libc) == 0 {
		t.Skip("no libc.so.6 where Debian has it")
	}
	lib, err := os.ReadFile(libc[0])
	if err != nil {
		t.Fatal(err)
	}
	r.add(t, "libq6", "1", "", map[string]string{"usr/lib/x86_64-linux-gnu/libq.so.6": string(lib)})
	r.add(t, "xinetd", "2.3", "", map[string]string{"usr/sbin/xinetd": needy})
	r.use(t)
	s := &Store{Root: emptyDebian(t), Cache: t.TempDir()}

	if _, err := s.Fetch(t.Context(), "dhcpd"); err != nil {
		t.Fatal(err)
	}
	tool, err := s.Tool(t.Context(), "dhcpd")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(tool.Tree, "usr/lib/x86_64-linux-gnu")
	if len(tool.Env) != 1 || tool.Env[0] != "LD_LIBRARY_PATH="+dir || tool.Tree != treeDir(s.Cache, "isc-dhcp-server", "4.4") {
		t.Errorf("tool %+v", tool)
	}
	if _, err := s.Fetch(t.Context(), "xinetd"); err == nil || !strings.Contains(err.Error(), "libq.so.6") {
		t.Errorf("a program without its library gave %v", err)
	}
}

func TestFetchWithoutApt(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	s := &Store{Root: emptyDebian(t), Cache: t.TempDir()}
	_, err := s.Fetch(t.Context(), "pxelinux.0")
	if missing, ok := errors.AsType[*NotFoundError](err); !ok || !strings.Contains(missing.Cure(), "apt-get install") {
		t.Errorf("got %v", err)
	}
}
