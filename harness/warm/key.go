package warm

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/pxeproof/pxeproof/harness/qemu"
)

// A Key stands for all that a machine stopped at its first DISCOVER is made of:
// two machines with the same Key are the same machine up to there.
type Key [sha256.Size]byte

// String is the key in hex.
func (k Key) String() string { return hex.EncodeToString(k[:]) }

// format is part of every Key: a change of what a snapshot means begins anew.
const format = "pxeproof warm 1"

// Surroundings are what reaches a machine up to its DISCOVER besides itself.
type Surroundings struct {
	Program  qemu.Program  // what runs it
	Stream   bool          // its cable is a stream socket, not a tap
	Answers  []qemu.Answer // what is typed on its console
	Received [][]byte      // the frames that it is given; none where its cable is loose
	// Sums are SHA-256 sums, in hex, of files that have been read already, by
	// path. Others are read.
	Sums map[string]string
}

// KeyOf makes the key of a machine: the QEMU binary, its command line with
// machine type, memory, processors, cards, MACs and UUID, the firmware and ROM
// files, what it is given meanwhile, and the host's processor, whose clock the
// guest has measured. The error says why the machine cannot be resumed for
// certain.
func KeyOf(m qemu.Machine, in Surroundings) (Key, error) {
	var k Key
	if err := Doubtful(m); err != nil {
		return k, err
	}
	h := sha256.New()
	put := func(name string, value []byte) {
		fmt.Fprintf(h, "%s %d\n", name, len(value))
		h.Write(value)
	}
	put("format", []byte(format))
	put("qemu", []byte(in.Program.Version+"\n"+in.Program.Stamp))
	args, err := nameless(m).Args(qemu.Wiring{Ports: []qemu.PortFD{{Stream: in.Stream}}})
	if err != nil {
		return k, err
	}
	put("args", []byte(strings.Join(args, "\x00")))
	files := map[string]string{"code": m.Firmware.Code, "vars": m.Firmware.Vars}
	if rom := m.NICs[0].ROM; rom != "none" {
		files["rom"] = rom
	}
	for _, dir := range in.Program.Data {
		for _, path := range firmware(dir) {
			files[path] = path
		}
	}
	maps.DeleteFunc(files, func(_, path string) bool { return path == "" })
	names := slices.Sorted(maps.Keys(files))
	sums := make([][]byte, len(names))
	var hashing errgroup.Group // it is some megabytes, and a run waits for it
	hashing.SetLimit(runtime.GOMAXPROCS(0))
	for i, what := range names {
		hashing.Go(func() (err error) {
			if known := in.Sums[files[what]]; known != "" {
				sums[i], err = hex.DecodeString(known)
				return err
			}
			sums[i], err = hashFile(files[what])
			return err
		})
	}
	if err := hashing.Wait(); err != nil {
		return k, err
	}
	for i, what := range names {
		put("file "+what, sums[i])
	}
	cpu, err := processor()
	if err != nil {
		return k, err
	}
	put("processor", cpu)
	for _, a := range in.Answers {
		put("prompt", []byte(a.Prompt))
		put("keys", []byte(a.Keys))
	}
	for _, f := range in.Received {
		put("received", f)
	}
	h.Sum(k[:0])
	return k, nil
}

// Doubtful says why a machine had better boot cold; nil if it need not.
func Doubtful(m qemu.Machine) error {
	switch {
	case len(m.NICs) != 1:
		return errors.New("it has several network cards")
	case m.NICs[0].ROM == "none" && m.Firmware.Kind != "uefi":
		return errors.New("without a boot ROM it sends no DISCOVER")
	case m.Accel != "" && m.Accel != "tcg":
		// Firmware under KVM takes a second; and what a guest has measured of
		// a real clock and a real processor is not ours to resume.
		return fmt.Errorf("it is run by %s, not tcg", m.Accel)
	case len(m.Extra) != 0 && (len(m.Extra) != 2 || m.Extra[0] != "-uuid"):
		return errors.New("its QEMU has arguments whose effect is not known")
	}
	return nil
}

// nameless is a machine without what does not reach it: its name in the lab, and
// where its files are.
func nameless(m qemu.Machine) qemu.Machine {
	m.Name = "machine"
	if m.Firmware.Code != "" {
		m.Firmware.Code = "code"
	}
	if m.Firmware.Vars != "" {
		m.Firmware.Vars = "vars"
	}
	m.NICs = slices.Clone(m.NICs)
	for i := range m.NICs {
		if n := &m.NICs[i]; n.ROM != "" && n.ROM != "none" {
			n.ROM = "rom"
		}
	}
	return m
}

// firmware are a folder's files that QEMU may give a machine of itself.
func firmware(dir string) []string {
	var all []string
	for _, pattern := range []string{"*.bin", "*.rom"} {
		found, _ := filepath.Glob(filepath.Join(dir, pattern)) // the pattern is well-formed
		for _, path := range found {
			if fi, err := os.Stat(path); err == nil && fi.Mode().IsRegular() {
				all = append(all, path)
			}
		}
	}
	return all
}

func hashFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return nil, err
	}
	return h.Sum(nil), nil
}

// passing are the lines of /proc/cpuinfo that differ between the processors of
// a machine, or from moment to moment.
var passing = []string{"processor", "cpu MHz", "bogomips", "BogoMIPS", "physical id", "siblings", "core id", "cpu cores", "apicid", "initial apicid"}

// processor describes the host's.
func processor() ([]byte, error) {
	b, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return nil, err
	}
	first, _, _ := bytes.Cut(b, []byte("\n\n"))
	var kept []byte
	for line := range bytes.Lines(first) {
		name, _, _ := bytes.Cut(line, []byte(":"))
		if !slices.Contains(passing, string(bytes.TrimSpace(name))) {
			kept = append(kept, line...)
		}
	}
	return kept, nil
}

// Describe says for people what machine a snapshot is of.
func Describe(m qemu.Machine) string {
	kind, model := cmp.Or(m.Firmware.Kind, "bios"), cmp.Or(m.NICs[0].Model, qemu.DefaultNIC)
	text := fmt.Sprintf("%s, %s %s, %d MiB", kind, model, m.NICs[0].MAC, cmp.Or(m.Memory, qemu.DefaultMemory))
	if m.CPUs > 1 {
		text += fmt.Sprintf(", %d processors", m.CPUs)
	}
	return text
}
