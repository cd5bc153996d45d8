package qemu

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// probeTime is how long the firmware has to show that it runs under KVM. Where
// KVM works the ROM's banner is there in about a second.
const probeTime = 6 * time.Second

// An Accel is the outcome of ProbeKVM.
type Accel struct {
	// Name is "kvm" or "tcg".
	Name string `json:"name"`
	// Why says what the choice rests on, for people.
	Why string `json:"why"`
}

// ProbeKVM finds out whether KVM runs firmware here. That /dev/kvm can be opened
// proves nothing: nested and paravirtual KVM die, or hang, in real mode code. So
// it boots a network ROM under KVM and waits for the ROM's banner. The answer is
// remembered in cache until the host boots anew or QEMU changes. An empty cache
// remembers nothing.
func ProbeKVM(ctx context.Context, program, cache string) Accel {
	f, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
	if err != nil {
		return Accel{"tcg", "/dev/kvm cannot be opened"}
	}
	f.Close()
	path, err := LookProgram(program)
	if err != nil {
		return Accel{"tcg", "QEMU is not there"}
	}
	remembered := probeFile(cache, path)
	var a Accel
	if b, err := os.ReadFile(remembered); err == nil && json.Unmarshal(b, &a) == nil && (a.Name == "kvm" || a.Name == "tcg") {
		return a
	}
	a = probe(ctx, path)
	if remembered != "" && ctx.Err() == nil {
		remember(remembered, a)
	}
	return a
}

// probe boots a virtio ROM under KVM.
func probe(ctx context.Context, program string) Accel {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, program,
		"-machine", "pc,graphics=off,accel=kvm", "-nodefaults", "-display", "none", "-cpu", "host",
		"-netdev", "hubport,id=n,hubid=0", "-device", "virtio-net-pci,netdev=n,bootindex=1",
		"-chardev", "stdio,id=c,signal=off", "-serial", "chardev:c", "-no-reboot")
	stdin, err := cmd.StdinPipe() // held open: QEMU's end of input is not an answer
	if err != nil {
		return Accel{"tcg", err.Error()}
	}
	defer stdin.Close()
	out, err := cmd.StdoutPipe()
	if err != nil {
		return Accel{"tcg", err.Error()}
	}
	var said tail
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		return Accel{"tcg", err.Error()}
	}
	alive := false
	_ = ReadConsole(out, nil, func(_ time.Time, line string) {
		if strings.Contains(line, "Open Source Network Boot Firmware") {
			alive = true
			cancel()
		}
	})
	_ = cmd.Wait()
	switch {
	case alive:
		return Accel{"kvm", "firmware runs under KVM"}
	case strings.Contains(said.String(), "KVM internal error"):
		return Accel{"tcg", "/dev/kvm is there, but firmware dies under it (KVM internal error)"}
	}
	return Accel{"tcg", "/dev/kvm is there, but firmware hangs under it"}
}

// probeFile is where the answer for this boot of the host and this QEMU is kept.
func probeFile(cache, program string) string {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	fi, serr := os.Stat(program)
	if cache == "" || err != nil || serr != nil {
		return ""
	}
	sum := sha256.Sum256(fmt.Appendf(boot, "%s %d %d", program, fi.Size(), fi.ModTime().UnixNano()))
	return filepath.Join(cache, "kvm-"+hex.EncodeToString(sum[:8])+".json")
}

// remember writes the answer whole or not at all. That it could not be kept is
// no reason to fail: it is asked again.
func remember(path string, a any) {
	b, err := json.Marshal(a)
	if err != nil || os.MkdirAll(filepath.Dir(path), 0o755) != nil {
		return
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".remembered-*")
	if err != nil {
		return
	}
	_, err = tmp.Write(b)
	if cerr := tmp.Close(); err != nil || cerr != nil || os.Rename(tmp.Name(), path) != nil {
		os.Remove(tmp.Name())
	}
}
