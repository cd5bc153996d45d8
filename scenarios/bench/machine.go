package bench

import (
	"fmt"
	"os"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// A Machine is where something was measured.
type Machine struct {
	Cores     int    `json:"cores"`
	Processor string `json:"processor,omitempty"`
	System    string `json:"system,omitempty"`
	Kernel    string `json:"kernel,omitempty"`
}

// String is the machine in one line.
func (m Machine) String() string {
	parts := []string{fmt.Sprintf("%d cores", m.Cores)}
	for _, p := range []string{m.Processor, m.System} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	if m.Kernel != "" {
		parts = append(parts, "Linux "+m.Kernel)
	}
	return strings.Join(parts, ", ")
}

func thisMachine() Machine {
	m := Machine{Cores: runtime.NumCPU()}
	m.Processor = valueOf("/proc/cpuinfo", "model name", ":")
	m.System = strings.Trim(valueOf("/etc/os-release", "PRETTY_NAME", "="), `"`)
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		m.Kernel = unix.ByteSliceToString(u.Release[:])
	}
	return m
}

// valueOf is what a line of a file says of key; empty if none does.
func valueOf(file, key, separator string) string {
	b, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(b)) {
		if k, v, ok := strings.Cut(line, separator); ok && strings.TrimSpace(k) == key {
			return strings.TrimSpace(v)
		}
	}
	return ""
}
