package qemu

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// A Program is a QEMU binary, and what tells it from any other.
type Program struct {
	Path    string `json:"path"`
	Version string `json:"version"` // as QEMU gives it: "7.2.22 (Debian 1:7.2+dfsg-7)"
	// Stamp changes with the file: size, inode, times.
	Stamp string `json:"stamp"`
	// Data are the folders that QEMU takes its firmware and ROMs from.
	Data []string `json:"data"`
}

// Inspect asks a QEMU binary (empty for DefaultProgram) what it is. The answer
// is remembered in cache until the file changes; an empty cache remembers
// nothing.
func Inspect(ctx context.Context, program, cache string) (Program, error) {
	path, err := LookProgram(program)
	if err != nil {
		return Program{}, err
	}
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return Program{}, fmt.Errorf("%s: %w", path, err)
	}
	stamp := fmt.Sprintf("size %d inode %d:%d modified %d changed %d", st.Size, st.Dev, st.Ino, st.Mtim.Nano(), st.Ctim.Nano())
	remembered := ""
	if cache != "" {
		sum := sha256.Sum256([]byte(path + " " + stamp))
		remembered = filepath.Join(cache, "qemu-"+hex.EncodeToString(sum[:8])+".json")
		var p Program
		if b, err := os.ReadFile(remembered); err == nil && json.Unmarshal(b, &p) == nil && p.Path == path && p.Stamp == stamp {
			return p, nil
		}
	}
	p := Program{Path: path, Stamp: stamp}
	said, err := exec.CommandContext(ctx, path, "--version").Output()
	if err != nil {
		return p, fmt.Errorf("%s --version: %w", path, err)
	}
	line, _, _ := strings.Cut(string(said), "\n")
	p.Version = strings.TrimPrefix(line, "QEMU emulator version ")
	if said, err = exec.CommandContext(ctx, path, "-L", "help").Output(); err != nil {
		return p, fmt.Errorf("%s -L help: %w", path, err)
	}
	for dir := range bytes.Lines(said) {
		p.Data = append(p.Data, filepath.Clean(strings.TrimSpace(string(dir))))
	}
	if remembered != "" {
		remember(remembered, p)
	}
	return p, nil
}
