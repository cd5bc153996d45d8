package assets

import (
	"os"
	"strings"
	"testing"
)

func TestCheckKernel(t *testing.T) {
	dir := t.TempDir()
	arm := make([]byte, 64)
	copy(arm[arm64Magic:], "ARM\x64")
	for name, tt := range map[string]struct {
		data []byte
		want string // in the error; empty for a kernel
	}{
		"bzImage":  {bzImage("6.1.0"), ""},
		"Image":    {arm, ""},
		"vmlinux":  {append([]byte("\x7fELF"), make([]byte, 2000)...), "bzImage"},
		"initrd":   {append([]byte("\x1f\x8b\x08"), make([]byte, 2000)...), "initrd"},
		"text":     {[]byte(strings.Repeat("kernel\n", 200)), "HdrS"},
		"short":    {[]byte("kernel\n"), "only 7 bytes"},
		"nothing":  {nil, "only 0 bytes"},
		"one less": {bzImage("x")[:headerMagic+3], "only 517 bytes"},
	} {
		err := CheckKernel(put(t, dir, name, tt.data))
		if tt.want == "" && err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), name)) {
			t.Errorf("%s: got %v; want %q and the file's name in it", name, err, tt.want)
		}
	}
	if err := CheckKernel(dir + "/none"); !os.IsNotExist(err) {
		t.Errorf("a file that is not there gave %v", err)
	}
}

func TestKernelRelease(t *testing.T) {
	dir := t.TempDir()
	got, err := KernelRelease(put(t, dir, "good", bzImage("6.1.0-56-amd64")))
	if err != nil || got != "6.1.0-56-amd64" {
		t.Errorf("got %q, %v", got, err)
	}
	for _, hostile := range []string{"../../etc", "a/b", "", ".", "..", strings.Repeat("x", 300)} {
		if got, err := KernelRelease(put(t, dir, "bad", bzImage(hostile))); err == nil {
			t.Errorf("release %q was taken as %q", hostile, got)
		}
	}
}

func FuzzReleaseIn(f *testing.F) {
	f.Add(bzImage("6.1.0-56-amd64"))
	f.Add(bzImage("../../etc"))
	f.Add(bzImage("x")[:0x400])
	f.Fuzz(func(t *testing.T, head []byte) {
		release, err := releaseIn(head)
		if err == nil && (release == "" || strings.ContainsAny(release, "/\\\x00 ") || release == "..") {
			t.Errorf("release %q", release)
		}
	})
}
